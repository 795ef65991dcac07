// Whole connections of @hyperswarm/secret-stream, byte for byte, with seeds in place of chance.
import { createRequire } from 'node:module'
import { bytes, hex, save } from './lib.mjs'

const require = createRequire(import.meta.url)
const sodium = require('sodium-universal')
const curve = require('noise-curve-ed')
const { Duplex } = require('streamx')

// The two doors to chance: ephemeral key pairs and stream headers, each given out in the order of use.
const ephemerals = []
const headers = []
curve.generateKeyPair = ((generate) => (seed) => generate(seed ?? ephemerals.shift()))(curve.generateKeyPair)
sodium.crypto_secretstream_xchacha20poly1305_init_push = (state, header, key) => {
  headers.shift().copy(header)
  sodium.crypto_secretstream_xchacha20poly1305_init_pull(state, header, key)
}

const SecretStream = require('@hyperswarm/secret-stream')
const seedOf = (n) => Buffer.alloc(32, n)

// Two ends of a pipe that remember what was written to them.
function pipe() {
  const make = (name, log) => {
    const end = new Duplex({
      write(data, cb) {
        log.push({ from: name, bytes: hex(data) })
        this.other.push(Buffer.from(data))
        cb(null)
      },
      final(cb) {
        this.other.push(null)
        cb(null)
      }
    })
    return end
  }
  const log = []
  const a = make('initiator', log)
  const b = make('responder', log)
  a.other = b
  b.other = a
  return { a, b, log }
}

const tick = () => new Promise((resolve) => setTimeout(resolve, 20))

async function connection(messages) {
  ephemerals.push(seedOf(0x21), seedOf(0x22))
  const header = { initiator: bytes('initiator header', 24), responder: bytes('responder header', 24) }
  const { a, b, log } = pipe()
  headers.push(header.initiator, header.responder)
  const initiator = new SecretStream(true, a, { keyPair: SecretStream.keyPair(seedOf(0x11)) })
  const responder = new SecretStream(false, b, { keyPair: SecretStream.keyPair(seedOf(0x12)) })
  const got = { initiator: [], responder: [] }
  initiator.on('data', (d) => got.initiator.push(hex(d)))
  responder.on('data', (d) => got.responder.push(hex(d)))
  await Promise.all([initiator.opened, responder.opened])
  await tick()
  for (const { from, message } of messages) {
    ;(from === 'initiator' ? initiator : responder).write(message)
    await tick()
  }
  const sent = (who) => messages.filter((m) => m.from === who).map((m) => hex(m.message))
  if (JSON.stringify(got.responder) !== JSON.stringify(sent('initiator'))) throw new Error('lost on the way')
  if (JSON.stringify(got.initiator) !== JSON.stringify(sent('responder'))) throw new Error('lost on the way')
  return {
    initiator: { static: hex(seedOf(0x11)), ephemeral: hex(seedOf(0x21)), header: hex(header.initiator) },
    responder: { static: hex(seedOf(0x12)), ephemeral: hex(seedOf(0x22)), header: hex(header.responder) },
    hash: hex(initiator.handshakeHash),
    messages: messages.map(({ from, message }) => ({ from, message: hex(message) })),
    wire: log
  }
}

const message = (from, size) => ({ from, message: bytes(`${from}/${size}`, size) })

save(import.meta.url, {
  connection: await connection([
    message('initiator', 5),
    message('initiator', 0),
    message('responder', 1),
    message('initiator', 15),
    message('responder', 16),
    message('initiator', 17),
    message('responder', 63),
    message('initiator', 64),
    message('initiator', 1000),
    message('responder', 3000)
  ])
})
