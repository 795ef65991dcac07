// HyperDHT's messages, signatures and handshake, with seeds in place of chance.
import { createRequire } from 'node:module'
import c from 'compact-encoding'
import HyperDHT from 'hyperdht'
import address from 'hyperdht-address'
import curve from 'noise-curve-ed'
import sodium from 'sodium-universal'
import z32 from 'z32'
import { bytes, hex, save } from './lib.mjs'

const require = createRequire(import.meta.url)
const messages = require('hyperdht/lib/messages.js')
const { NS, COMMANDS, ERROR, FIREWALL } = require('hyperdht/lib/constants.js')
const NoiseWrap = require('hyperdht/lib/noise-wrap.js')
const Persistent = require('hyperdht/lib/persistent.js')
const SecurePayload = require('hyperdht/lib/secure-payload.js')

const at = (host, port) => ({ host, port })
const keyPair = (name) => HyperDHT.keyPair(bytes(name, 32))
const hash = (name) => bytes(name, 32)

// A message with its fields as JSON, bytes in hex.
const plain = (value) =>
  Buffer.isBuffer(value) || value instanceof Uint8Array ? hex(value)
    : Array.isArray(value) ? value.map(plain)
      : value && typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]))
        : value

const encoded = (name, message) => {
  const codec = name === 'lookupReply' ? messages.lookupRawReply : messages[name]
  const input = name === 'lookupReply'
    ? { ...message, peers: message.peers.map((peer) => c.encode(messages.peer, peer)) }
    : message
  return { type: name, message: plain(message), bytes: hex(c.encode(codec, input)) }
}

const alice = keyPair('alice')
const bob = keyPair('bob')
const peers = [0, 1, 3].map((n) => ({
  publicKey: keyPair(`peer ${n}`).publicKey,
  relayAddresses: Array.from({ length: n }, (_, i) => at(`10.${n}.0.${i}`, 49737 + i))
}))
const target = hash('topic')
const nodeId = hash('node')
const token = hash('token')
const refresh = hash('refresh')
const value = Buffer.from('a value')

const announce = { peer: peers[2], refresh: null, signature: null, bump: 0 }
const refreshed = { peer: peers[1], refresh, signature: null, bump: 1700000000000 }
const unannounce = { peer: { publicKey: alice.publicKey, relayAddresses: [] }, signature: null }
const sign = (message, signer, kp) => ({ ...message, signature: signer(target, token, nodeId, message, kp) })
const withKey = (message, kp) => ({ ...message, peer: { ...message.peer, publicKey: kp.publicKey } })

const signedAnnounce = sign(withKey(announce, alice), Persistent.signAnnounce, alice)
const signedRefresh = sign(withKey(refreshed, bob), Persistent.signAnnounce, bob)
const signedUnannounce = sign(unannounce, Persistent.signUnannounce, alice)
const mutable = (seq, v) => ({ seq, value: v, signature: Persistent.signMutable(seq, v, alice) })

const noisePayloads = [
  { error: 0, firewall: 0, holepunch: null, addresses4: [], addresses6: [], udx: { reusableSocket: true, id: 0x89abcdef, seq: 0 }, secretStream: {}, relayThrough: null, relayAddresses: null },
  { error: 0, firewall: 0, holepunch: null, addresses4: [at('192.168.1.7', 51000)], addresses6: [], udx: { reusableSocket: false, id: 7, seq: 0 }, secretStream: {}, relayThrough: null, relayAddresses: null },
  {
    error: 2,
    firewall: 3,
    holepunch: { id: 300, relays: [{ relayAddress: at('1.2.3.4', 5), peerAddress: at('6.7.8.9', 65535) }, { relayAddress: at('9.8.7.6', 1), peerAddress: at('5.4.3.2', 2) }] },
    addresses4: [at('10.0.0.1', 1), at('10.0.0.2', 2)],
    addresses6: [at('fe80:0:0:0:0:0:0:1', 4000)],
    udx: { reusableSocket: true, id: 4294967295, seq: 70000 },
    secretStream: {},
    relayThrough: { publicKey: bob.publicKey, token },
    relayAddresses: [at('11.12.13.14', 1516)]
  },
  { error: 1, firewall: 1, holepunch: null, addresses4: [], addresses6: [], udx: null, secretStream: null, relayThrough: null, relayAddresses: [] }
]

const holepunchPayloads = [
  { error: 0, firewall: 0, round: 0, connected: false, punching: false, addresses: null, remoteAddress: null, token: null, remoteToken: null },
  { error: 3, firewall: 2, round: 1, connected: true, punching: true, addresses: [at('1.1.1.1', 1), at('2.2.2.2', 2)], remoteAddress: at('3.3.3.3', 3), token, remoteToken: refresh },
  { error: 0, firewall: 3, round: 2, connected: false, punching: true, addresses: [], remoteAddress: null, token, remoteToken: null }
]

function handshake(clientPayload, serverPayload) {
  const client = new NoiseWrap(alice, bob.publicKey)
  const server = new NoiseWrap(bob)
  client.handshake.e = curve.generateKeyPair(hash('client ephemeral'))
  server.handshake.e = curve.generateKeyPair(hash('server ephemeral'))
  const first = Buffer.from(client.send(clientPayload))
  const firstHex = hex(first)
  server.recv(first)
  const second = Buffer.from(server.send(serverPayload))
  const secondHex = hex(second)
  client.recv(second)
  const [c1, s1] = [client.final(), server.final()]
  if (!c1.holepunchSecret.equals(s1.holepunchSecret) || !c1.tx.equals(s1.rx)) throw new Error('the two ends differ')
  return {
    clientSeed: hex(bytes('alice', 32)),
    serverSeed: hex(bytes('bob', 32)),
    clientEphemeralSeed: hex(hash('client ephemeral')),
    serverEphemeralSeed: hex(hash('server ephemeral')),
    clientPayload: hex(c.encode(messages.noisePayload, clientPayload)),
    serverPayload: hex(c.encode(messages.noisePayload, serverPayload)),
    first: firstHex,
    second: secondHex,
    hash: hex(c1.hash),
    clientKey: hex(c1.tx),
    serverKey: hex(c1.rx),
    holepunchSecret: hex(c1.holepunchSecret)
  }
}

function sealed(payload, i) {
  const secret = hash('holepunch secret')
  const nonce = bytes(`nonce ${i}`, 24)
  const plaintext = c.encode(messages.holepunchPayload, payload)
  const box = Buffer.alloc(plaintext.length + 16)
  sodium.crypto_secretbox_easy(box, plaintext, nonce, secret)
  const all = Buffer.concat([nonce, box])
  if (new SecurePayload(secret).decrypt(Buffer.from(all)) === null) throw new Error('not what upstream opens')
  return { secret: hex(secret), nonce: hex(nonce), plaintext: hex(plaintext), bytes: hex(all) }
}

save(import.meta.url, {
  commands: COMMANDS,
  errors: ERROR,
  firewalls: FIREWALL,
  namespaces: plain(NS),
  messages: [
    ...peers.map((peer) => encoded('peer', peer)),
    encoded('lookupReply', { peers: [], bump: 0 }),
    encoded('lookupReply', { peers, bump: 1700000000000 }),
    encoded('announce', signedAnnounce),
    encoded('announce', signedRefresh),
    encoded('announce', { peer: null, refresh, signature: null, bump: 0 }),
    encoded('announce', signedUnannounce),
    encoded('mutablePutRequest', { publicKey: alice.publicKey, ...mutable(1, value) }),
    encoded('mutableGetResponse', mutable(70000, bytes('long value', 300))),
    encoded('pluginRequest', { plugin: 'näme', version: 1, command: 300, value: null }),
    encoded('pluginRequest', { plugin: 'name', version: 0, command: 0, value }),
    encoded('handshake', { mode: 0, noise: value, peerAddress: null, relayAddress: null }),
    encoded('handshake', { mode: 0, noise: value, peerAddress: null, relayAddress: at('4.3.2.1', 99) }),
    encoded('handshake', { mode: 3, noise: bytes('noise', 300), peerAddress: at('1.2.3.4', 56), relayAddress: at('4.3.2.1', 99) }),
    encoded('handshake', { mode: 4, noise: value, peerAddress: at('1.2.3.4', 56), relayAddress: null }),
    encoded('holepunch', { mode: 0, id: 0, payload: value, peerAddress: null }),
    encoded('holepunch', { mode: 2, id: 253, payload: bytes('sealed', 260), peerAddress: at('1.2.3.4', 56) }),
    ...noisePayloads.map((payload) => encoded('noisePayload', payload)),
    ...holepunchPayloads.map((payload) => encoded('holepunchPayload', payload))
  ],
  signatures: {
    target: hex(target),
    nodeId: hex(nodeId),
    token: hex(token),
    announces: [['alice', signedAnnounce], ['bob', signedRefresh]].map(([name, message]) => ({
      seed: hex(bytes(name, 32)), bytes: hex(c.encode(messages.announce, message)), signature: hex(message.signature)
    })),
    unannounce: { seed: hex(bytes('alice', 32)), bytes: hex(c.encode(messages.announce, signedUnannounce)), signature: hex(signedUnannounce.signature) },
    mutables: [[0, value], [1, value], [70000, bytes('long value', 300)]].map(([seq, v]) => ({
      seed: hex(bytes('alice', 32)), seq, value: hex(v), signature: hex(Persistent.signMutable(seq, v, alice))
    }))
  },
  handshakes: [handshake(noisePayloads[0], noisePayloads[2]), handshake(noisePayloads[1], noisePayloads[3])],
  sealed: holepunchPayloads.map(sealed),
  locators: [
    { key: hex(bob.publicKey), nodes: null, bytes: hex(address.encode(bob.publicKey)) },
    { key: hex(bob.publicKey), nodes: [at('1.2.3.4', 5)], bytes: hex(address.encode(bob.publicKey, [at('1.2.3.4', 5)])) }
  ].map((locator) => ({ ...locator, text: z32.encode(Buffer.from(locator.bytes, 'hex')) }))
})
