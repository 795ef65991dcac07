// A live Hypercore peer that does as it is told: see lib/lines.js for how, and `verbs` below, in lib/network.js and lib/streams.js for what.
const crypto = require('crypto')
const fs = require('fs')
const net = require('net')
const os = require('os')
const path = require('path')
const lines = require('./lib/lines')
const pattern = require('./lib/pattern')

const stores = { 7: require('corestore'), 6: require('corestore6') }
const hypercores = { 11: require('hypercore'), 10: require('hypercore10') }

const cores = new Map()
const connections = new Map()
let store = null
let server = null
let nextConnection = 1

const bytes = (hex) => (hex === undefined || hex === null ? undefined : Buffer.from(hex, 'hex'))
const hex = (buffer) => (buffer ? buffer.toString('hex') : null)

// Below TMPDIR, which whoever starts this process names and removes: a store still writes while the process ends.
const temporary = () => fs.mkdtempSync(path.join(os.tmpdir(), 'hyperactors-js-'))

function find(name) {
  const entry = cores.get(name)
  if (!entry) throw new Error(`no core '${name}' is open`)
  return entry
}

async function adopt(name, core) {
  await core.ready()
  const entry = { core, uploaded: [], downloaded: [], watched: false }
  core.on('upload', (index) => entry.uploaded.push(index))
  core.on('download', (index) => entry.downloaded.push(index))
  const report = (event, fields) => entry.watched && lines.event(event, { core: name, ...fields })
  core.on('append', () => report('append', { length: core.length, byteLength: core.byteLength }))
  core.on('truncate', (length, fork) => report('truncate', { length, fork }))
  core.on('peer-add', (peer) => report('peer-add', { remotePublicKey: hex(peer.remotePublicKey) }))
  core.on('peer-remove', (peer) => report('peer-remove', { remotePublicKey: hex(peer.remotePublicKey) }))
  core.on('conflict', (length, fork) => report('conflict', { length, fork }))
  core.on('verification-error', (error) => report('verification-error', { error: error.message }))
  core.on('invalid-request', (error) => report('invalid-request', { error: error.message }))
  cores.set(name, entry)
  return info(core)
}

async function info(core) {
  return {
    key: hex(core.key),
    discoveryKey: hex(core.discoveryKey),
    length: core.length,
    byteLength: core.byteLength,
    fork: core.fork,
    contiguousLength: core.contiguousLength,
    writable: core.writable,
    peers: core.peers.length,

    // Where blocks are missing the tree hash would fetch the last one.
    treeHash: core.contiguousLength === core.length ? hex(await core.treeHash()) : null
  }
}

// The whole of what a user writes: pipe the store's stream into a socket and back.
function replicate(socket, isInitiator, { cutAfterBytes = 0 } = {}) {
  const id = nextConnection++
  const stream = store.replicate(isInitiator)
  const noise = stream.noiseStream
  const connection = { id, socket, noise, isInitiator, received: 0, error: null }
  connections.set(id, connection)
  socket.setNoDelay(true)
  socket.on('data', (data) => {
    connection.received += data.byteLength
    if (cutAfterBytes && connection.received >= cutAfterBytes) socket.destroy()
  })
  socket.on('error', (error) => { connection.error ||= error.message })
  stream.on('error', (error) => { connection.error ||= error.message })
  noise.on('error', (error) => { connection.error ||= error.message })
  noise.on('connect', () => lines.event('connected', { connection: id, remotePublicKey: hex(noise.remotePublicKey) }))
  stream.on('close', () => socket.destroy())
  socket.on('close', () => {
    stream.destroy()
    connections.delete(id)
    lines.event('disconnected', { connection: id, received: connection.received, error: connection.error })
  })
  stream.pipe(socket).pipe(stream)
  return id
}

function blocksOf({ blocks, count, size, seed = 0, from = 0 }) {
  if (blocks) return blocks.map(bytes)
  return Array.from({ length: count }, (_, i) => pattern(seed, from + i, size))
}

async function until(core, holds, events) {
  if (holds()) return
  await new Promise((resolve) => {
    const look = () => {
      if (!holds()) return
      for (const event of events) core.off(event, look)
      resolve()
    }

    for (const event of events) core.on(event, look)
  })
}

const verbs = {
  // A Corestore: 7 (Hypercore 11) or 6 (Hypercore 10), in a folder of its own or in a given one.
  async store({ folder = temporary(), version = 7, primaryKey, replace = false }) {
    if (store && !replace) throw new Error('a store is open')
    if (store) await verbs.closeStore()
    store = new stores[version](folder, primaryKey ? { primaryKey: bytes(primaryKey), unsafe: true } : {})
    await store.ready()
    return { folder, primaryKey: hex(store.primaryKey) }
  },

  async closeStore() {
    await verbs.disconnect({})
    for (const [name, { core }] of cores) {
      await core.close()
      cores.delete(name)
    }

    await store.close()
    store = null
  },

  // A core of the store, by name (writable) or by key; `as` names it from here on.
  core: ({ as, name, key, options = {} }) =>
    adopt(as || name, store.get({ ...options, ...(key ? { key: bytes(key) } : { name }) })),

  // A core alone, straight in a folder: version 10 keeps it in files.
  folder: ({ as, path: folder = temporary(), version = 10, key, seed, options = {} }) => {
    const keyPair = seed ? require('hypercore-crypto').keyPair(bytes(seed)) : undefined
    return adopt(as, new hypercores[version](folder, bytes(key), { ...options, keyPair })).then((result) => ({ ...result, folder }))
  },

  info: ({ core }) => info(find(core).core),

  async closeCore({ core }) {
    await find(core).core.close()
    cores.delete(core)
  },

  // Explicit `blocks` in hex, or `count` blocks of the pattern; one batch, or one append a block.
  async append({ core, oneByOne = false, ...what }) {
    const target = find(core).core
    const blocks = blocksOf(what)
    if (oneByOne) for (const block of blocks) await target.append(block)
    else await target.append(blocks)
    return info(target)
  },

  async get({ core, index, wait = true, timeout = 0 }) {
    const block = await find(core).core.get(index, { wait, timeout })
    return { block: hex(block), size: block ? block.byteLength : null }
  },

  // SHA-256 over the blocks' bytes, read in order; what is not here is fetched unless `wait` is false.
  async sha256({ core, from = 0, to = find(core).core.length, wait = true }) {
    const hash = crypto.createHash('sha256')
    let size = 0
    for (let index = from; index < to; index++) {
      const block = await find(core).core.get(index, { wait })
      if (!block) throw new Error(`block ${index} is not here`)
      size += block.byteLength
      hash.update(block)
    }

    return { sha256: hash.digest('hex'), blocks: to - from, bytes: size }
  },

  async has({ core, from, to = from + 1 }) {
    const blocks = []
    for (let index = from; index < to; index++) if (await find(core).core.has(index)) blocks.push(index)
    return { blocks }
  },

  async truncate({ core, length, fork }) {
    await find(core).core.truncate(length, fork === undefined ? {} : { fork })
    return info(find(core).core)
  },

  // Every socket that comes in is piped into `store.replicate(false)`.
  async listen({ cutAfterBytes }) {
    server = net.createServer((socket) => replicate(socket, false, { cutAfterBytes }))
    await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
    return { port: server.address().port }
  },

  async connect({ host = '127.0.0.1', port, cutAfterBytes }) {
    const socket = net.connect(port, host)
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    return { connection: replicate(socket, true, { cutAfterBytes }) }
  },

  connections: () => ({
    connections: [...connections.values()].map((c) => ({
      connection: c.id,
      isInitiator: c.isInitiator,
      received: c.received,
      publicKey: hex(c.noise.publicKey),
      remotePublicKey: hex(c.noise.remotePublicKey),
      handshakeHash: hex(c.noise.handshakeHash)
    }))
  }),

  // Without a goodbye, as a cable is pulled; all connections when none is named.
  async disconnect({ connection }) {
    const cut = [...connections.values()].filter((c) => connection === undefined || c.id === connection)
    await Promise.all(cut.map((c) => new Promise((resolve) => c.socket.once('close', resolve).destroy())))
    return { cut: cut.length }
  },

  // Ends the range before it answers.
  async download({ core, from = 0, to = -1 }) {
    await find(core).core.download({ start: from, end: to, linear: false }).done()
    return info(find(core).core)
  },

  async update({ core, wait = false }) {
    return { updated: await find(core).core.update({ wait }), ...(await info(find(core).core)) }
  },

  async waitForLength({ core, length }) {
    const target = find(core).core
    await until(target, () => target.length >= length, ['append'])
    return info(target)
  },

  async waitForFork({ core, fork }) {
    const target = find(core).core
    await until(target, () => target.fork >= fork, ['append', 'truncate'])
    return info(target)
  },

  // Appends and truncations are events from here on, and every block that arrives is fetched when `live` is set.
  watch({ core, live = false }) {
    const entry = find(core)
    entry.watched = true
    if (live) entry.core.download({ start: 0, end: -1 })
  },

  // What was asked, answered and received so far; `reset` starts the lists anew.
  traffic({ core, reset = false }) {
    const entry = find(core)
    const stats = entry.core.replicator?.stats || entry.core.core?.replicator?.stats || {}
    const result = { uploaded: entry.uploaded, downloaded: entry.downloaded, stats }
    if (reset) {
      entry.uploaded = []
      entry.downloaded = []
    }

    return result
  },

  async close() {
    if (server) server.close()
    for (const { socket } of connections.values()) socket.destroy()
    for (const { core } of cores.values()) await core.close()
    if (store) await store.close()
    setImmediate(() => process.exit(0))
  }
}

lines.serve({ ...require('./lib/network')(() => store), ...require('./lib/streams')(() => store), ...verbs })
