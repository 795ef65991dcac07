// What hyperswarm decides: priorities, rests between dials, which of two connections stays, and whole conversations with a
// network that this script plays, on a clock of its own.
import { createRequire } from 'node:module'
import { EventEmitter } from 'node:events'
import { bytes, hex, number, save } from './lib.mjs'

let now = 1_000_000_000_000
let timers = []
Date.now = () => now
globalThis.setTimeout = (fn, ms) => start(fn, ms, 0)
globalThis.setInterval = (fn, ms) => start(fn, ms, ms)
globalThis.clearTimeout = globalThis.clearInterval = (timer) => {
  timers = timers.filter((t) => t !== timer)
}

function start(fn, ms, every) {
  const timer = { fn, at: now + ms, every }
  timers.push(timer)
  return timer
}

async function advance(ms) {
  const end = now + ms
  for (;;) {
    const due = timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0]
    if (!due) break
    now = Math.max(now, due.at)
    if (due.every) due.at += due.every
    else timers = timers.filter((t) => t !== due)
    due.fn()
    await settle()
  }
  now = end
}

const settle = () => new Promise((resolve) => setImmediate(resolve))

const require = createRequire(import.meta.url)
const Hyperswarm = require('hyperswarm')
const PeerInfo = require('hyperswarm/lib/peer-info')
const RetryTimer = require('hyperswarm/lib/retry-timer')
const BulkTimer = require('hyperswarm/lib/bulk-timer')

const keyOf = (name) => bytes(`hyperswarm/${name}`, 32)

class Connection extends EventEmitter {
  constructor(swarm, peer, isInitiator) {
    super()
    this.publicKey = swarm.keyPair.publicKey
    this.remotePublicKey = keyOf(peer)
    this.peer = peer
    this.isInitiator = isInitiator
    this.rawBytesRead = this.rawBytesWritten = 0
    this.isOpen = !isInitiator
    this.closed = false
  }

  establish() {
    this.rawBytesRead = this.rawBytesWritten = 24
  }

  sendKeepAlive() {}

  destroy(err) {
    if (this.closed) return
    this.closed = true
    queueMicrotask(() => {
      if (err && err.code) this.emit('error', err)
      this.emit('close')
    })
  }
}

// A network that answers when the script says so.
class Network extends EventEmitter {
  constructor() {
    super()
    this.online = true
    this.randomized = false
    this.dials = []
  }

  createServer(opts, onconnection) {
    this.onconnection = onconnection
    return { listen: async () => {}, relayAddresses: [], suspend: async () => {}, resume: async () => {} }
  }

  connect(publicKey) {
    const peer = this.names.find((name) => keyOf(name).equals(publicKey))
    const conn = new Connection(this.swarm, peer, true)
    this.dials.push(conn)
    return conn
  }

  lookup() {
    return { closestNodes: [], destroy() {}, [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }
  }
}

const NAMES = Array.from({ length: 6 }, (_, i) => `peer-${i}`)
const TOPIC = keyOf('topic')
const BACKOFFS = [1000, 5000, 15000, 600000]

function swarmOf(options = {}) {
  const dht = new Network()
  dht.names = NAMES
  const keyPair = { publicKey: keyOf('self'), secretKey: Buffer.alloc(64) }
  const swarm = new Hyperswarm({ dht, keyPair, maxParallel: 100, backoffs: BACKOFFS, jitter: 0, ...options })
  dht.swarm = swarm
  return { swarm, dht }
}

const nameOf = (publicKey) => NAMES.find((name) => keyOf(name).equals(publicKey))

function describe(info) {
  const flags = { proven: info.proven, explicit: info.explicit, waiting: info.waiting, queued: info.queued, client: info.client, relay: info.forceRelaying }
  return [nameOf(info.publicKey), info.attempts, ...Object.keys(flags).filter((flag) => flags[flag])].join(' ')
}

async function converse(seed, steps) {
  const { swarm, dht } = swarmOf()
  const live = []
  const log = []
  let draws = 0
  const draw = (n) => number(`hyperswarm/${seed}/${draws++}`, 31) % n
  swarm.relayThrough = () => null
  swarm.join(TOPIC, { server: false })
  await settle()
  for (let i = 0; i < steps; i++) {
    const dialling = live.filter((c) => !c.isOpen)
    const open = live.filter((c) => c.isOpen)
    const step = { op: '' }
    switch (draw(10)) {
      case 0:
      case 1: {
        step.op = 'found'
        step.peer = NAMES[draw(NAMES.length)]
        swarm._handlePeer({ publicKey: keyOf(step.peer), relayAddresses: [] }, TOPIC)
        break
      }
      case 2:
      case 3: {
        if (!dialling.length) continue
        const conn = dialling[draw(dialling.length)]
        step.op = 'opened'
        step.peer = conn.peer
        conn.isOpen = true
        conn.establish()
        conn.emit('open')
        break
      }
      case 4: {
        if (!dialling.length) continue
        const conn = dialling[draw(dialling.length)]
        step.op = draw(4) === 0 ? 'unpunched' : 'failed'
        step.peer = conn.peer
        conn.destroy({ code: step.op === 'unpunched' ? 'HOLEPUNCH_ABORTED' : 'PEER_NOT_FOUND' })
        break
      }
      case 5: {
        if (!open.length) continue
        const conn = open[draw(open.length)]
        step.op = 'closed'
        step.peer = conn.peer
        conn.destroy()
        break
      }
      case 6: {
        step.op = draw(3) === 0 ? 'leave' : 'join'
        step.peer = NAMES[draw(2)]
        if (step.op === 'join') swarm.joinPeer(keyOf(step.peer))
        else swarm.leavePeer(keyOf(step.peer))
        break
      }
      case 7: {
        step.op = 'incoming'
        step.peer = NAMES[draw(NAMES.length)]
        // Upstream would first dial the peer whose next connection waits already; we admit that one.
        const known = swarm.peers.get(hex(keyOf(step.peer)))
        if (known && known.explicit && open.some((c) => c.peer === step.peer && !c.isInitiator)) continue
        const conn = new Connection(swarm, step.peer, false)
        live.push(conn)
        dht.onconnection(conn)
        await settle()
        step.refused = conn.closed
        break
      }
      case 8: {
        const young = open.filter((c) => !c.isInitiator && c.rawBytesRead === 0)
        if (!young.length) continue
        step.op = 'established'
        step.peer = young[0].peer
        young[0].establish()
        break
      }
      default:
        step.op = 'wait'
        step.ms = [10, 500, 1000, 4000, 16000, 60000][draw(6)]
        await advance(step.ms)
    }
    await settle()
    step.dials = dht.dials.map((c) => c.peer).sort().join(' ')
    live.push(...dht.dials)
    dht.dials = []
    for (const conn of live.filter((c) => c.closed)) live.splice(live.indexOf(conn), 1)
    step.connecting = swarm.connecting
    step.connections = [...swarm.connections].map((c) => (c.isInitiator ? '>' : '<') + c.peer).sort().join(' ')
    step.peers = [...swarm.peers.values()].map(describe).sort().join('; ')
    const { client, server } = swarm.stats.connects
    step.stats = `${client.attempted} ${client.opened} ${client.closed} ${server.opened} ${server.closed}`
    log.push(step)
  }
  return log
}

const priorities = []
for (let attempts = 0; attempts <= 5; attempts++) {
  const info = new PeerInfo({ publicKey: keyOf('peer-0'), relayAddresses: [] })
  info.attempts = attempts
  priorities.push({ attempts, priority: info._getPriority() })
}

const rests = []
for (let attempts = 0; attempts <= 5; attempts++) {
  for (const flags of Array.from({ length: 8 }, (_, i) => i)) {
    const info = new PeerInfo({ publicKey: keyOf('peer-0'), relayAddresses: [] })
    info.attempts = attempts
    info.proven = (flags & 1) > 0
    info.explicit = (flags & 2) > 0
    info.banned = (flags & 4) > 0
    const timer = new RetryTimer(() => {})
    const chosen = timer._selectRetryTimer(info)
    const rest = [timer._sTimer, timer._mTimer, timer._lTimer, timer._xTimer].indexOf(chosen)
    rests.push({ attempts, proven: info.proven, explicit: info.explicit, banned: info.banned, rest })
  }
}

const bulk = []
for (const time of [1000, 1234, 5750]) {
  const fired = []
  const began = now
  const timer = new BulkTimer(time, (batch) => batch.forEach((at) => fired.push({ added: at, fired: now - began })))
  for (const at of [0, 1, 659, 661, 700, 2500, 2600, 9000, 40000]) {
    await advance(began + at - now)
    timer.add(at)
  }
  await advance(20000)
  timer.destroy()
  bulk.push({ time, fired })
}

const duplicates = []
for (const [self, peer] of [['01', '02'], ['02', '01'], ['ff', '00']]) {
  for (const established of [false, true]) {
    const { swarm, dht } = swarmOf()
    swarm.keyPair = { publicKey: Buffer.from(self.repeat(32), 'hex') }
    const make = () => {
      const conn = new Connection(swarm, 'x', false)
      conn.remotePublicKey = Buffer.from(peer.repeat(32), 'hex')
      return conn
    }
    const existing = make()
    dht.onconnection(existing)
    if (established) existing.establish()
    const newer = make()
    dht.onconnection(newer)
    await settle()
    duplicates.push({ self: self.repeat(32), peer: peer.repeat(32), established, keepNew: !newer.closed })
  }
}

const limits = []
for (const maxPeers of [1, 4, 64]) {
  for (let explicit = 0; explicit <= 5; explicit++) {
    const { swarm } = swarmOf({ maxPeers })
    for (let i = 0; i < explicit; i++) swarm.explicitPeers.add(i)
    let most = 0
    for (; swarm._withinMaxPeers(); most++) swarm._allConnections._byPublicKey.set(most, true)
    limits.push({ maxPeers, explicit, most })
  }
}

const conversations = []
for (let i = 0; i < 10; i++) conversations.push({ seed: i, steps: await converse(i, 120) })

save(import.meta.url, {
  self: hex(keyOf('self')),
  topic: hex(TOPIC),
  keys: Object.fromEntries(NAMES.map((name) => [name, hex(keyOf(name))])),
  backoffs: BACKOFFS,
  priorities,
  rests,
  bulk,
  duplicates,
  limits,
  conversations
})
process.exit(0)
