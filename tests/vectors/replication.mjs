// Every replication message as hypercore's own encoder writes it: node replication.mjs > replication.json
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const c = require('compact-encoding')
const { wire } = require('hypercore/lib/messages')
const caps = require('hypercore/lib/caps')

const fill = (byte, length) => Buffer.alloc(length, byte)
const hex = (buffer) => Buffer.from(buffer).toString('hex')
const node = (index, size, byte) => ({ index, size, hash: fill(byte, 32) })

const signer = { signature: 'ed25519', namespace: caps.DEFAULT_NAMESPACE, publicKey: fill(0x8a, 32) }
const manifest = {
  version: 1, hash: 'blake2b', allowPatch: false, quorum: 1, signers: [signer],
  prologue: null, linked: null, userData: null
}

const request = (fields) => ({
  id: 1, fork: 0, block: null, hash: null, seek: null, upgrade: null, manifest: false, priority: 0, ...fields
})
const data = (fields) => ({
  request: 1, fork: 0, block: null, hash: null, seek: null, upgrade: null, manifest: null, ...fields
})
const sync = (fields) => ({
  fork: 0, length: 0, remoteLength: 0, canUpgrade: false, uploading: true, downloading: false,
  hasManifest: false, allowPush: false, ...fields
})

const samples = {
  handshake: [{ seeks: true, capability: fill(7, 32) }, { seeks: false, capability: fill(9, 32) }],
  sync: [
    sync({ canUpgrade: true, downloading: true }),
    sync({ fork: 3, length: 300, remoteLength: 70000, hasManifest: true }),
    sync({ uploading: false, allowPush: true, length: 2 ** 40 })
  ],
  request: [
    request({ block: { index: 1, nodes: 1 }, priority: 1 }),
    request({ id: 300, fork: 2, hash: { index: 5, nodes: 2 }, seek: { bytes: 13, padding: 8 } }),
    request({ upgrade: { start: 0, length: 3 }, manifest: true }),
    request({ id: 2, block: { index: 2, nodes: 0 }, upgrade: { start: 2, length: 1 }, priority: 2 }),
    request({ id: 70000, fork: 2 ** 33, block: { index: 2 ** 45, nodes: 53 } }),
    request({ manifest: true })
  ],
  cancel: [{ request: 1 }, { request: 2 ** 32 }],
  data: [
    data({ block: { index: 1, value: Buffer.from('world'), nodes: [node(0, 5, 0xf2)] } }),
    data({ block: { index: 0, value: Buffer.alloc(0), nodes: [] } }),
    data({ request: 260, fork: 1, hash: { index: 1, nodes: [node(1, 10, 1), node(5, 1000, 2)] },
      seek: { bytes: 13, nodes: [node(12, 2, 3), node(14, 2, 4), node(9, 4, 5)] } }),
    data({ upgrade: { start: 0, length: 3, nodes: [node(1, 10, 0x56), node(4, 1, 0xb3)], additionalNodes: [],
      signature: fill(0x51, 68) }, manifest }),
    data({ upgrade: { start: 4, length: 2, nodes: [node(11, 4, 6)], additionalNodes: [node(16, 2, 7)], signature: null } }),
    data({ block: { index: 6, value: fill(0xab, 300), nodes: [node(14, 2, 8), node(9, 4, 9)] },
      upgrade: { start: 4, length: 5, nodes: [node(16, 2, 1)], additionalNodes: [], signature: fill(1, 64) } }),
    data({ manifest })
  ],
  noData: [{ request: 1, reason: 0 }, { request: 1, reason: 1 }, { request: 900, reason: 2 }],
  want: [{ start: 0, length: 2097152, any: false }, { start: 2097152, length: 64, any: true }],
  unwant: [{ start: 0, length: 2097152, any: false }, { start: 32, length: 32, any: true }],
  bitfield: [
    { start: 0, bitfield: new Uint32Array([0x000001f3]) },
    { start: 64, bitfield: new Uint32Array([0x80000000, 0, 0xffffffff]) },
    { start: 2 ** 35, bitfield: new Uint32Array(0) }
  ],
  range: [
    { drop: false, start: 0, length: 3 }, { drop: true, start: 0, length: 1 }, { drop: true, start: 2, length: 2 },
    { drop: false, start: 400, length: 0 }
  ],
  extension: [{ name: 'foo', message: Buffer.from('hi') }, { name: '', message: Buffer.from('again') }, { name: 'x', message: Buffer.alloc(0) }]
}

const plain = (value) => {
  if (value instanceof Uint32Array) return [...value]
  if (Buffer.isBuffer(value)) return hex(value)
  if (Array.isArray(value)) return value.map(plain)
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]))
  return value
}

const vectors = {}
for (const [name, messages] of Object.entries(samples)) {
  vectors[name] = messages.map((message) => ({ message: plain(message), bytes: hex(c.encode(wire[name], message)) }))
}

console.log(JSON.stringify(vectors, null, 2))
