// The messages between peers and their blind relay.
import c from 'compact-encoding'
import { messages } from 'blind-relay'
import { bytes, hex, number, save } from './lib.mjs'

const pairs = Array.from({ length: 12 }, (_, i) => {
  const message = { isInitiator: i % 2 === 0, token: bytes(`relay/${i}/token`, 32), id: number(`relay/${i}/id`, [3, 8, 12, 16, 24, 32][i % 6]), seq: 0 }
  return { isInitiator: message.isInitiator, token: hex(message.token), id: message.id, encoded: hex(c.encode(messages.pair, message)) }
})

const unpairs = Array.from({ length: 3 }, (_, i) => {
  const token = bytes(`relay/unpair/${i}`, 32)
  return { token: hex(token), encoded: hex(c.encode(messages.unpair, { token })) }
})

save(import.meta.url, { pairs, unpairs })
