// UDX streams of a peer with a secret stream on each, over which the store of the caller is replicated. There is no DHT:
// both sides are told addresses and ids. `store()` gives the store.
const UDX = require('udx-native')
const SecretStream = require('@hyperswarm/secret-stream')
const lines = require('./lines')

const hex = (buffer) => (buffer ? buffer.toString('hex') : null)
const udx = new UDX()
const streams = new Map()
let socket = null

module.exports = (store) => ({
  udxBind({ port = 0 }) {
    socket = udx.createSocket()
    socket.bind(port, '127.0.0.1')
    return { port: socket.address().port }
  },

  udxReplicate({ stream: id, remoteId, port, isInitiator, silent = false }) {
    const raw = udx.createStream(id)
    const noise = new SecretStream(isInitiator, raw)
    streams.set(id, noise)
    raw.connect(socket, remoteId, port, '127.0.0.1')
    noise.on('connect', () => lines.event('connected', { stream: id, remotePublicKey: hex(noise.remotePublicKey) }))
    noise.on('message', (message) => lines.event('unordered', { stream: id, hex: hex(message) }))
    noise.on('error', (error) => lines.event('stream-error', { stream: id, error: error.message }))
    noise.on('close', () => lines.event('stream-close', { stream: id }))
    if (silent) {
      noise.on('end', () => noise.end())
      noise.resume()
    } else {
      store().replicate(noise)
    }
  },

  async udxSend({ stream, hex: message }) {
    await streams.get(stream).send(Buffer.from(message, 'hex'))
  },

  udxKeepAlive({ stream, milliseconds }) {
    streams.get(stream).setKeepAlive(milliseconds)
  },

  udxReceived: ({ stream }) => ({ packets: streams.get(stream).rawStream.packetsReceived }),

  udxEnd({ stream }) {
    streams.get(stream).end()
  },

  udxDestroy({ stream }) {
    streams.get(stream).destroy()
  }
})
