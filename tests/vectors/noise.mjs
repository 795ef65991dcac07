// Noise handshakes over Ed25519 keys, with seeds in place of chance.
import curve from 'noise-curve-ed'
import Noise from 'noise-handshake'
import { hex, save } from './lib.mjs'

const seedOf = (n) => Buffer.alloc(32, n)
const keysOf = (n) => curve.generateKeyPair(seedOf(n))

function handshake(pattern, prologue, payloads) {
  const [is, rs, ie, re] = [0x11, 0x12, 0x21, 0x22].map(keysOf)
  const initiator = new Noise(pattern, true, is, { curve })
  const responder = new Noise(pattern, false, rs, { curve })
  initiator.initialise(prologue, rs.publicKey)
  responder.initialise(prologue)
  initiator.e = ie
  responder.e = re
  const messages = []
  for (let [from, to] = [initiator, responder]; !(initiator.complete && responder.complete); [from, to] = [to, from]) {
    const payload = payloads[messages.length] ?? Buffer.alloc(0)
    const message = from.send(payload)
    // Before it is read: the reader wipes the ephemeral key inside it.
    messages.push({ payload: hex(payload), bytes: hex(message) })
    if (!to.recv(message).equals(payload)) throw new Error('payload changed on its way')
  }
  return {
    pattern,
    prologue: hex(prologue),
    initiator: { static: hex(seedOf(0x11)), ephemeral: hex(seedOf(0x21)) },
    responder: { static: hex(seedOf(0x12)), ephemeral: hex(seedOf(0x22)) },
    messages,
    hash: hex(initiator.hash),
    initiatorKey: hex(initiator.tx),
    responderKey: hex(responder.tx)
  }
}

const none = Buffer.alloc(0)
const payloads = [Buffer.from('first'), Buffer.from('second'), Buffer.from('third')]

save(import.meta.url, {
  handshakes: [
    handshake('XX', none, []),
    handshake('XX', Buffer.from('a prologue'), payloads),
    handshake('IK', none, []),
    handshake('IK', Buffer.from('a prologue'), payloads)
  ]
})
