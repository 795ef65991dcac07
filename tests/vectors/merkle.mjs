// Writes merkle.json: flat-tree numbers, tree hashes, and which nodes a proof holds, as hypercore computes them.
// Block i of a tree is (i * 7) % 5 bytes of value i. Node lists are indices: hash and size follow from the tree.
import { createRequire } from 'node:module'
import { writeFileSync } from 'node:fs'
const require = createRequire(import.meta.url)
const { MerkleTree, MerkleTreeBatch } = require('hypercore/lib/merkle-tree')
const flat = require('flat-tree')

// A request that fails leaves promises of nodes behind.
process.on('unhandledRejection', () => {})

let seed = 12345
const random = (n) => {
  seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
  return Math.floor((seed / 0x100000000) * n)
}

const numbers = []
for (const index of [0, 1, 2, 3, 5, 7, 8, 11, 13, 23, 31, 127, 1000, 4095, 2 ** 31 - 1, 2 ** 40 + 3, 2 ** 50 - 1]) {
  numbers.push({
    index, depth: flat.depth(index), offset: flat.offset(index), parent: flat.parent(index), sibling: flat.sibling(index),
    spans: flat.spans(index), children: flat.children(index)
  })
}
const fullRoots = [0, 1, 2, 3, 5, 8, 13, 21, 1000, 65535, 2 ** 33 + 1].map((length) => ({ length, roots: flat.fullRoots(2 * length) }))

const block = (i) => Buffer.alloc((i * 7) % 5, i)
const trees = []
const ids = (nodes) => nodes.map((n) => n.index)

for (const length of [1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 21, 33, 100]) {
  const tree = new MerkleTreeBatch({ fork: 0, roots: [], length: 0, byteLength: 0, signature: null, prologue: null, storage: null })
  for (let i = 0; i < length; i++) tree.append(block(i))
  const stored = new Map(tree.nodes.map((n) => [n.index, n]))
  const rx = { getTreeNode: (index) => Promise.resolve(stored.get(index) || null), tryFlush () {} }
  const session = { fork: 0, roots: tree.roots, length, byteLength: tree.byteLength, signature: Buffer.alloc(64), prologue: null, storage: { read: () => rx } }
  const proofs = []
  for (let n = 0; n < 60; n++) {
    const request = {}
    const kind = random(8)
    if (kind === 0 || kind === 3 || kind === 6) request.block = { index: random(length), nodes: random(4) }
    if (kind === 1 || kind === 4) request.hash = { index: random(2 * length - 1), nodes: random(3) }
    if (kind === 2 || kind === 6 || kind === 4) {
      request.seek = { bytes: random(tree.byteLength + 2), padding: 0 }
    }
    if (kind === 3 || kind === 5 || kind === 7 || random(3) === 0) {
      const start = random(2) === 0 ? 0 : random(length)
      request.upgrade = { start, length: random(length - start + 1) + (random(20) === 0 ? 1 : 0) }
    }
    // hypercore 11.37.1 loses the byte offset of every root but the first when a node is proven together with a seek.
    const node = request.block ? 2 * request.block.index : request.hash ? request.hash.index : 0
    if (request.seek && node > flat.rightSpan(flat.fullRoots(2 * length)[0])) delete request.seek

    const entry = { request: structuredClone(request) }
    try {
      const p = await (await MerkleTree.proof(session, rx, { block: null, hash: null, seek: null, upgrade: null, ...request })).settle()
      entry.proof = {}
      if (p.block) entry.proof.block = ids(p.block.nodes)
      if (p.hash) entry.proof.hash = ids(p.hash.nodes)
      if (p.seek) entry.proof.seek = ids(p.seek.nodes)
      if (p.upgrade) {
        entry.proof.upgrade = ids(p.upgrade.nodes)
        entry.proof.additional = ids(p.upgrade.additionalNodes)
      }
    } catch (err) {
      entry.error = err.code || err.message
    }
    proofs.push(entry)
  }
  trees.push({ length, byteLength: tree.byteLength, hash: tree.hash().toString('hex'), proofs })
}

writeFileSync(new URL('merkle.json', import.meta.url), JSON.stringify({ numbers, fullRoots, trees }) + '\n')
