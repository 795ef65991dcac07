// What dht-rpc puts on the wire and how its parts decide: seen through sockets of our own, without a network.
import { createRequire } from 'node:module'
import { bytes, hex, number, save } from './lib.mjs'

const require = createRequire(import.meta.url)
const IO = require('dht-rpc/lib/io.js')
const peer = require('dht-rpc/lib/peer.js')
const Health = require('dht-rpc/lib/health.js')
const Table = require('kademlia-routing-table')
const NatSampler = require('nat-sampler')

const k = 20
const host = (name) => [...bytes(name, 4)].map((octet) => (octet % 223) + 1).join('.')
const port = (name) => (number(name, 16) % 65535) + 1
const nodeOf = (name) => {
  const node = { host: host(`${name}/host`), port: port(`${name}/port`) }
  return { ...node, id: peer.id(node.host, node.port) }
}
const address = ({ host, port }) => `${host}:${port}`

// An IO whose sockets note what is sent.
function ioOf({ ephemeral, tableSize = 0, name = 'io' }) {
  const table = new Table(peer.id('127.0.0.1', 49738))
  for (let i = 0; i < tableSize; i++) table.add(nodeOf(`${name}/table/${i}`))
  const sent = []
  const socket = (kind) => ({ kind, trySend: (buffer, port, host, ttl) => sent.push({ hex: hex(buffer), to: `${host}:${port}`, ttl }) })
  const udx = { watchNetworkInterfaces: () => ({ on() {} }) }
  const requests = []
  const io = new IO(table, udx, { firewalled: false, onrequest: (req) => requests.push(req) })
  io.serverSocket = socket('server')
  io.clientSocket = socket('client')
  io.ephemeral = ephemeral
  io._secrets = [bytes('secret/0', 32), bytes('secret/1', 32)]
  return { io, table, sent, requests }
}

const ids = Array.from({ length: 8 }, (_, i) => nodeOf(`id/${i}`)).map((node) => ({ address: address(node), id: hex(node.id) }))

const tokens = (() => {
  const { io } = ioOf({ ephemeral: true })
  const rounds = []
  for (let rotation = 0; rotation < 4; rotation++) {
    rounds.push({
      rotation,
      tokens: [0, 1, 2].map((i) => ({
        host: host(`token/${i}`),
        old: hex(io.token({ host: host(`token/${i}`) }, 0)),
        new: hex(io.token({ host: host(`token/${i}`) }, 1))
      }))
    })
    for (let i = 0; i < 10; i++) io._drain()
  }
  return { secrets: hex(Buffer.concat([bytes('secret/0', 32), bytes('secret/1', 32)])), rounds }
})()

const requests = []
for (const ephemeral of [true, false]) {
  for (const [name, fields] of Object.entries({
    ping: { internal: true, command: 0 },
    'ping nat': { internal: true, command: 1, value: Buffer.from([0x21, 0x91]) },
    'find node': { internal: true, command: 2, target: bytes('target', 32) },
    'down hint': { internal: true, command: 3, value: bytes('down', 6) },
    'delayed ping': { internal: true, command: 4, value: Buffer.from([0xe8, 3, 0, 0]) },
    application: { internal: false, command: 3, target: bytes('target', 32), value: bytes('value', 300) },
    'with token': { internal: false, command: 1000, token: bytes('token', 32), target: bytes('target', 32), value: Buffer.alloc(0) }
  })) {
    const { io, sent } = ioOf({ ephemeral })
    io._tid = number(`tid/${name}`, 16)
    const to = nodeOf(`to/${name}`)
    const tid = io._tid
    const req = io.createRequest(to, fields.token || null, fields.internal, fields.command, fields.target || null, fields.value || null, null, 0)
    req.send()
    clearTimeout(req._timeout)
    requests.push({
      name,
      tid,
      to: address(to),
      id: ephemeral ? null : hex(io.table.id),
      token: fields.token ? hex(fields.token) : null,
      internal: fields.internal,
      command: fields.command,
      target: fields.target ? hex(fields.target) : null,
      value: fields.value ? hex(fields.value) : null,
      hex: sent[0].hex
    })
  }
}

// Answers to a request that is played in, by all the ways that there are to answer.
const replies = []
for (const ephemeral of [true, false]) {
  for (const [name, answer] of Object.entries({
    reply: (req) => req.reply(bytes('reply', 40)),
    'empty value': (req) => req.reply(Buffer.alloc(0)),
    'no value': (req) => req.reply(null),
    bare: (req) => req.reply(null, { token: false, closerNodes: false }),
    error: (req) => req.error(16),
    'error with token': (req) => req.error(2, { token: true }),
    elsewhere: (req) => req.reply(bytes('reply', 10), { to: nodeOf('elsewhere'), token: false, closerNodes: false }),
    relay: (req) => req.relay(bytes('relayed', 50), nodeOf('relay')),
    internal: (req) => req.sendReply(0, null, false, true)
  })) {
    const { io, sent, requests, table } = ioOf({ ephemeral, tableSize: 60, name: `reply/${name}` })
    const asker = ioOf({ ephemeral: true })
    asker.io._tid = number(`reply/tid/${name}`, 16)
    const question = asker.io.createRequest({ host: '127.0.0.1', port: 49738 }, null, false, 7, bytes('target', 32), bytes('question', 20), null, 0)
    question.send()
    clearTimeout(question._timeout)
    const from = nodeOf(`asker/${name}`)
    io.onmessage(io.serverSocket, Buffer.from(asker.sent[0].hex, 'hex'), { host: from.host, port: from.port })
    answer(requests[0])
    replies.push({
      name,
      ephemeral,
      from: address(from),
      question: asker.sent[0].hex,
      table: table.toArray().map(address),
      to: sent[0].to,
      hex: sent[0].hex
    })
  }
}

// The table: what it takes and refuses, what it calls near, and in which order.
const routing = ['a', 'b'].map((name) => {
  const table = new Table(peer.id('127.0.0.1', 49738))
  const nodes = Array.from({ length: 400 }, (_, i) => nodeOf(`routing/${name}/${i}`))
  const taken = nodes.map((node) => table.add(node))
  const removed = nodes.filter((_, i) => i % 17 === 0 && taken[i])
  for (const node of removed) table.remove(node.id)
  return {
    id: hex(table.id),
    nodes: nodes.map(address),
    taken,
    removed: removed.map(address),
    size: table.size,
    closest: Array.from({ length: 12 }, (_, i) => {
      const target = i === 0 ? table.id : bytes(`routing/${name}/target/${i}`, 32)
      const count = i % 3 === 1 ? 7 : k
      return { target: hex(target), count, nodes: table.closest(target, count).map(address) }
    })
  }
})

const nat = Array.from({ length: 12 }, (_, run) => {
  const sampler = new NatSampler()
  const steps = []
  for (let i = 0; i < 40; i++) {
    const roll = number(`nat/${run}/${i}`, 8)
    const host = roll % 16 < run ? `10.0.0.${1 + (roll % 3)}` : '10.0.0.1'
    const port = (roll >> 4) % 16 < run ? 1000 + (roll % 5) : 1000
    sampler.add(host, port)
    steps.push({ add: `${host}:${port}`, host: sampler.host, port: sampler.port, size: sampler.size })
  }
  return steps
})

// Ticks of answers and timeouts, and what is thought of the network after each. At least one answer a tick: see docs/dht-rpc.md.
const health = Array.from({ length: 10 }, (_, run) => {
  const dht = { stats: { requests: { responses: 0, timeouts: 0 } }, _online() {}, _degraded() {}, _offline() {} }
  const judge = new Health(dht)
  const steps = []
  for (let i = 0; i < 40; i++) {
    const bad = number(`health/${run}/phase/${i >> 3}`, 8) % 10 < run
    const total = 2 + (number(`health/${run}/total/${i}`, 8) % 12)
    const timeouts = bad ? Math.max(0, total - 1 - (number(`health/${run}/bad/${i}`, 8) % 3)) : number(`health/${run}/good/${i}`, 8) % 2
    dht.stats.requests.responses += total - timeouts
    dht.stats.requests.timeouts += timeouts
    judge.update()
    steps.push({ responses: dht.stats.requests.responses, timeouts: dht.stats.requests.timeouts, online: judge.online, degraded: judge.degraded })
  }
  return steps
})

save(import.meta.url, { ids, tokens, requests, replies, routing, nat, health })
