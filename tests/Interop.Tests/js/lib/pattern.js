// Blocks that a seed and an index decide (xorshift32), computed alike by NodePeer.Pattern in C#.
module.exports = function (seed, index, size) {
  const words = new Uint32Array(Math.ceil(size / 4))
  let x = (Math.imul(seed, 0x9e3779b1) + Math.imul(index + 1, 0x85ebca77)) >>> 0 || 1
  for (let i = 0; i < words.length; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    words[i] = x
  }

  return Buffer.from(words.buffer, 0, size)
}
