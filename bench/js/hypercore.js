// The JavaScript side of a row, as its user would write it. One verb a process; one JSON object a line on stdout:
// `{ ready }` when others may connect, `{ measurement }` when the work is done. A server ends with its stdin.
const crypto = require('crypto')
const fs = require('fs')
const net = require('net')
const os = require('os')
const path = require('path')
const Corestore = require('corestore')

// Whoever starts this process names a TMPDIR and removes it: the store still writes while this process ends.
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hyperactors-bench-js-'))

const say = (message) => process.stdout.write(JSON.stringify(message) + '\n')
const warmUpBlocks = 500

function blocksOf(count, size) {
  const bytes = crypto.randomBytes(count * size)
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
}

async function open(name) {
  const store = new Corestore(path.join(folder, name))
  const core = store.get({ name })
  await core.ready()
  return { store, core }
}

async function measure(blocks, bytes, work) {
  const begun = process.hrtime.bigint()
  await work()
  say({ measurement: { blocks, bytes, seconds: Number(process.hrtime.bigint() - begun) / 1e9 } })
}

function hold(core, length) {
  if (core.length !== length) throw new Error(`expected ${length} blocks, the feed has ${core.length}`)
}

const verbs = {
  async 'append-batch'(count, size) {
    const warm = await open('warm')
    await warm.core.append(blocksOf(warmUpBlocks, size))
    const { core } = await open('bench')
    const blocks = blocksOf(count, size)
    await measure(count, count * size, () => core.append(blocks))
    hold(core, count)
  },

  async 'append-single'(count, size) {
    const warm = await open('warm')
    for (const block of blocksOf(warmUpBlocks, size)) await warm.core.append(block)
    const { core } = await open('bench')
    const blocks = blocksOf(count, size)
    await measure(count, count * size, async () => {
      for (const block of blocks) await core.append(block)
    })
    hold(core, count)
  },

  async read(count, size) {
    const { core } = await open('bench')
    await core.append(blocksOf(count, size))
    for (let i = 0; i < warmUpBlocks; i++) await core.get(i)
    const order = Array.from({ length: count }, () => crypto.randomInt(count))
    let bytes = 0
    await measure(count, count * size, async () => {
      for (const index of order) bytes += (await core.get(index)).byteLength
    })
    if (bytes !== count * size) throw new Error(`read ${bytes} bytes of ${count * size}`)
  },

  async serve(count, size) {
    const { store, core } = await open('bench')
    for (let i = 0; i < count; i += 2000) await core.append(blocksOf(Math.min(2000, count - i), size))
    hold(core, count)
    const warm = store.get({ name: 'warm' })
    await warm.append(blocksOf(warmUpBlocks, size))
    const server = net.createServer((socket) => pipe(store, socket, false))
    const keys = { key: core.key.toString('hex'), warm: warm.key.toString('hex') }
    server.listen(0, '127.0.0.1', () => say({ ready: { port: server.address().port, ...keys } }))
    await new Promise((resolve) => process.stdin.on('end', resolve).resume())
  },

  async download(count, size, key, port, warmKey) {
    const store = new Corestore(path.join(folder, 'copy'))
    const warm = store.get({ key: Buffer.from(warmKey, 'hex') })
    await warm.ready()
    const socket = net.connect(Number(port), '127.0.0.1')
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    pipe(store, socket, true)
    await warm.download({ start: 0, end: warmUpBlocks }).done()
    let core
    await measure(count, count * size, async () => {
      core = store.get({ key: Buffer.from(key, 'hex') })
      await core.ready()
      await core.download({ start: 0, end: count }).done()
    })
    hold(core, count)
    if (core.byteLength !== count * size) throw new Error(`the copy has ${core.byteLength} bytes of ${count * size}`)
  }
}

function pipe(store, socket, isInitiator) {
  const stream = store.replicate(isInitiator)
  stream.noiseStream.on('error', () => {})
  stream.on('error', () => {})
  socket.on('error', () => {}).on('close', () => stream.destroy())
  socket.setNoDelay(true)
  stream.pipe(socket).pipe(stream)
}

const [verb, count, size, ...rest] = process.argv.slice(2)
verbs[verb](Number(count), Number(size), ...rest).then(() => process.exit(0), (error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(1)
})
