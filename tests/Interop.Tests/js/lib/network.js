// The network plane of a peer: DHT nodes, a testnet of them, servers and connections by key, and a swarm over which
// the store of the caller is replicated. Keys and topics are hex, addresses `{ host, port }`.
const DHT = require('hyperdht')
const Hyperswarm = require('hyperswarm')
const BlindRelay = require('blind-relay')
const Protomux = require('protomux')
const c = require('compact-encoding')
const createTestnet = require('@hyperswarm/testnet')
const lines = require('./lines')

const bytes = (hex) => (hex === undefined || hex === null ? undefined : Buffer.from(hex, 'hex'))
const hex = (buffer) => (buffer ? buffer.toString('hex') : null)
const keyPair = (seed) => DHT.keyPair(seed ? bytes(seed) : undefined)
const host = '127.0.0.1'

const nodes = new Map()
const servers = new Map()
const sockets = new Map()
const topics = new Map()
let testnet = null
let swarm = null
let nextSocket = 1

function find(name) {
  const node = nodes.get(name)
  if (!node) throw new Error(`no DHT node '${name}'`)
  return node
}

// A channel on which text is said; a server says it back.
function talk(socket, id, server) {
  const channel = Protomux.from(socket).createChannel({ protocol: 'echo' })
  const message = channel.addMessage({
    encoding: c.string,
    onmessage(text) {
      lines.event('said', { socket: id, text })
      if (server) message.send(`echo ${text}`)
    }
  })
  channel.open()
  return message
}

// Echoes what comes, so that both directions are seen to work; with `mux` what comes is a channel's.
function adopt(socket, { server = null, echo = true, mux = false } = {}) {
  const id = nextSocket++
  const entry = { socket, received: [], channel: null }
  sockets.set(id, entry)
  if (mux) entry.channel = talk(socket, id, server)
  socket.on('open', () => lines.event('open', {
    socket: id, server, remotePublicKey: hex(socket.remotePublicKey), host: socket.rawStream.remoteHost, port: socket.rawStream.remotePort
  }))
  if (!mux) socket.on('data', (data) => {
    entry.received.push(data)
    lines.event('data', { socket: id, data: hex(data) })
    if (server && echo) socket.write(data)
  })
  socket.on('error', (error) => lines.event('socket-error', { socket: id, code: error.code || null, error: error.message }))
  socket.on('end', () => socket.end())
  socket.on('close', () => {
    sockets.delete(id)
    lines.event('closed', { socket: id })
  })
  return id
}

async function replies(query) {
  const found = []
  for await (const reply of query) found.push(reply)
  return found
}

module.exports = (storeOf) => ({
  // A network of this process' own; or, with `bootstrap`, more nodes for one that is there.
  async testnet({ size = 4, bootstrap }) {
    testnet = await createTestnet(size, { bootstrap })
    return { bootstrap: testnet.bootstrap, addresses: testnet.nodes.map((node) => node.address()), ephemeral: testnet.nodes.map((node) => node.ephemeral) }
  },

  async node({ as = 'node', bootstrap = [], seed, ephemeral = true, firewalled, options = {} }) {
    const node = new DHT({ bootstrap, host, ephemeral, ...(firewalled === undefined ? {} : { firewalled }), keyPair: keyPair(seed), ...options })
    nodes.set(as, node)
    await node.fullyBootstrapped()
    return { address: node.address(), publicKey: hex(node.defaultKeyPair.publicKey), ephemeral: node.ephemeral, firewalled: node.firewalled, id: hex(node.id) }
  },

  async closeNode({ as = 'node' }) {
    await find(as).destroy()
    nodes.delete(as)
  },

  async ping({ as = 'node', ...address }) {
    const reply = await find(as).ping(address)
    return { to: reply.to, id: hex(reply.from.id) }
  },

  async findPeer({ as = 'node', key }) {
    const found = await replies(find(as).findPeer(bytes(key)))
    return { peers: found.map(({ from, peer }) => ({ from, publicKey: hex(peer.publicKey), relays: peer.relayAddresses })) }
  },

  async lookup({ as = 'node', topic }) {
    const found = await replies(find(as).lookup(bytes(topic)))
    return { peers: found.flatMap(({ from, peers }) => peers.map((peer) => ({ from, publicKey: hex(peer.publicKey), relays: peer.relayAddresses }))) }
  },

  async announce({ as = 'node', topic, seed }) {
    const keys = keyPair(seed)
    await find(as).announce(bytes(topic), keys).finished()
    return { publicKey: hex(keys.publicKey) }
  },

  async unannounce({ as = 'node', topic, seed }) {
    await find(as).unannounce(bytes(topic), keyPair(seed))
  },

  // One request of HyperDHT, as it goes over the wire.
  async request({ as = 'node', to, command, target, token, value }) {
    const reply = await find(as).request({ command, target: bytes(target) || null, token: bytes(token) || null, value: bytes(value) || null }, to, { retry: false })
      .catch((error) => ({ failed: error.code }))
    return { failed: reply.failed || null, error: reply.error ?? null, token: hex(reply.token), value: hex(reply.value), closerNodes: (reply.closerNodes || []).length, id: reply.from ? hex(reply.from.id) : null }
  },

  async putImmutable({ as = 'node', value }) {
    const { hash } = await find(as).immutablePut(bytes(value))
    return { hash: hex(hash) }
  },

  async getImmutable({ as = 'node', hash }) {
    const found = await find(as).immutableGet(bytes(hash))
    return { value: found ? hex(found.value) : null }
  },

  async putMutable({ as = 'node', seed, value, seq }) {
    const keys = keyPair(seed)
    await find(as).mutablePut(keys, bytes(value), { seq })
    return { publicKey: hex(keys.publicKey) }
  },

  async getMutable({ as = 'node', key, seq = 0 }) {
    const found = await find(as).mutableGet(bytes(key), { seq })
    return found ? { seq: found.seq, value: hex(found.value) } : { seq: null, value: null }
  },

  // A server by key; `reject` names keys that its firewall turns away. With `replicate` the store goes over its connections.
  async serve({ as = 'node', seed, reject = [], replicate = false, echo = true, mux = false }) {
    const keys = keyPair(seed)
    const server = find(as).createServer({
      firewall: (remote) => reject.includes(hex(remote))
    })
    server.on('connection', (socket) => {
      if (replicate) storeOf().replicate(socket)
      adopt(socket, replicate ? {} : { server: hex(keys.publicKey), echo, mux })
    })
    await server.listen(keys)
    servers.set(hex(keys.publicKey), server)
    return { publicKey: hex(keys.publicKey), address: server.address() }
  },

  // A blind relay under a key.
  async serveRelay({ as = 'node', seed }) {
    const keys = keyPair(seed)
    const node = find(as)
    const relay = new BlindRelay.Server({ createStream: (options) => node.createRawStream({ ...options, framed: true }) })
    const server = node.createServer((socket) => {
      socket.on('error', () => {})
      relay.accept(socket, { id: socket.remotePublicKey }).on('pair', () => lines.event('paired', {})).on('error', () => {})
    })
    await server.listen(keys)
    servers.set(hex(keys.publicKey), server)
    return { publicKey: hex(keys.publicKey) }
  },

  async closeServer({ key }) {
    await servers.get(key).close()
    servers.delete(key)
  },

  // Waits for the connection to open.
  async dial({ as = 'node', key, seed, replicate = false, mux = false, relayThrough, options = {} }) {
    const socket = find(as).connect(bytes(key), {
      ...(seed ? { keyPair: keyPair(seed) } : {}),
      ...(relayThrough ? { relayThrough: bytes(relayThrough), holepunch: () => false, fastOpen: false, localConnection: false } : {}),
      ...options
    })
    if (replicate) storeOf().replicate(socket)
    const id = adopt(socket, { mux })
    await socket.opened.then((opened) => {
      if (!opened) throw new Error('the connection did not open')
    })
    return { socket: id, remotePublicKey: hex(socket.remotePublicKey), host: socket.rawStream.remoteHost, port: socket.rawStream.remotePort }
  },

  write({ socket, data }) {
    sockets.get(socket).socket.write(bytes(data))
  },

  // Says something on the channel of a socket that was made with `mux`.
  say({ socket, text }) {
    sockets.get(socket).channel.send(text)
  },

  async end({ socket }) {
    const entry = sockets.get(socket)
    if (!entry) return
    const closed = new Promise((resolve) => entry.socket.once('close', resolve))
    entry.socket.end()
    await closed
  },

  // A swarm; the store, if one is open, is replicated over each of its connections.
  async swarm({ bootstrap, seed, options = {} }) {
    swarm = new Hyperswarm({ bootstrap, seed: bytes(seed), dht: new DHT({ bootstrap, host }), ...options })
    swarm.on('connection', (socket, info) => {
      lines.event('swarm-connection', { remotePublicKey: hex(socket.remotePublicKey), client: info.client, topics: info.topics.map(hex) })
      socket.on('error', (error) => lines.event('swarm-error', { error: error.message }))
      socket.on('close', () => lines.event('swarm-closed', { remotePublicKey: hex(socket.remotePublicKey) }))
      if (storeOf()) storeOf().replicate(socket)
    })
    swarm.on('ban', (info, error) => lines.event('swarm-ban', { publicKey: hex(info.publicKey), error: error && error.message }))
    await swarm.dht.fullyBootstrapped()
    return { publicKey: hex(swarm.keyPair.publicKey), address: swarm.dht.address() }
  },

  // Answers once the topic is announced and looked up.
  async join({ topic, server = true, client = true, limit }) {
    const session = swarm.join(bytes(topic), { server, client, ...(limit ? { limit } : {}) })
    topics.set(topic, session)
    await session.flushed()
  },

  async leave({ topic }) {
    topics.delete(topic)
    await swarm.leave(bytes(topic))
  },

  flushSwarm: () => swarm.flush(),

  joinPeer({ key }) {
    swarm.joinPeer(bytes(key))
  },

  swarmPeers: () => ({
    connections: [...swarm.connections].map((socket) => hex(socket.remotePublicKey)),
    peers: [...swarm.peers.values()].map((info) => ({ publicKey: hex(info.publicKey), banned: info.banned, tries: info.attempts }))
  }),

  suspendSwarm: () => swarm.suspend(),

  resumeSwarm: () => swarm.resume(),

  async closeSwarm() {
    await swarm.destroy()
    swarm = null
  },

  async closeNetwork() {
    if (swarm) await swarm.destroy()
    for (const server of servers.values()) await server.close()
    for (const node of nodes.values()) await node.destroy()
    if (testnet) await testnet.destroy()
    nodes.clear()
    servers.clear()
    swarm = testnet = null
  }
})
