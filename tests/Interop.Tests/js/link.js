// A live end of a secret stream with a mux on it, that does as it is told: see lib/lines.js for how.
const net = require('net')
const crypto = require('crypto')
const c = require('compact-encoding')
const Protomux = require('protomux')
const SecretStream = require('@hyperswarm/secret-stream')
const lines = require('./lib/lines')
const pattern = require('./lib/pattern')

const channels = new Map()
let stream = null
let mux = null
let server = null

const hex = (buffer) => (buffer ? buffer.toString('hex') : '')
const digest = (buffer) => crypto.createHash('sha256').update(buffer).digest('hex')

function adopt(socket, { isInitiator, keepAlive, timeout, seed }) {
  stream = new SecretStream(isInitiator, socket, {
    keepAlive,
    keyPair: SecretStream.keyPair(Buffer.alloc(32, seed))
  })
  if (timeout) stream.setTimeout(timeout)
  mux = new Protomux(stream)
  stream.on('open', () => lines.event('open', {
    remotePublicKey: hex(stream.remotePublicKey),
    handshakeHash: hex(stream.handshakeHash)
  }))
  stream.on('error', (error) => lines.event('error', { message: error.message }))
  stream.on('close', () => lines.event('close', {}))
}

// Message 0 is reported, 1 is sent back as it is, 2 is sent back as a batch of itself three times.
function open(name, { protocol, channelId, handshake, unique = true }) {
  const channel = mux.createChannel({
    protocol,
    id: channelId ? Buffer.from(channelId, 'hex') : null,
    unique,
    handshake: c.raw,
    messages: [
      { encoding: c.raw, onmessage: (m) => lines.event('message', { name, size: m.byteLength, digest: digest(m) }) },
      { encoding: c.raw, onmessage: (m) => channel.messages[1].send(m) },
      {
        encoding: c.raw,
        onmessage: (m) => {
          mux.cork()
          for (let i = 0; i < 3; i++) channel.messages[2].send(m)
          mux.uncork()
        }
      }
    ],
    onopen: (h) => lines.event('opened', { name, handshake: hex(h) }),
    onclose: (isRemote) => lines.event('closed', { name, isRemote })
  })
  if (channel === null) throw new Error('the channel is open already')
  channels.set(name, channel)
  channel.open(Buffer.from(handshake || '', 'hex'))
}

lines.serve({
  async listen(options) {
    server = net.createServer((socket) => adopt(socket, options))
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    return { port: server.address().port }
  },
  async dial(options) {
    adopt(net.connect(options.port, '127.0.0.1'), options)
  },
  async open(options) {
    open(options.name, options)
  },
  // Whatever is opened under this protocol is opened here too, under a name of protocol and id.
  async welcome({ protocol, handshake }) {
    mux.pair({ protocol }, (id) => open(`${protocol}/${hex(id)}`, { protocol, channelId: hex(id), handshake }))
  },
  async send({ name, type, seed, sizes, batch }) {
    if (batch) mux.cork()
    sizes.forEach((size, i) => channels.get(name).messages[type].send(pattern(seed, i, size)))
    if (batch) mux.uncork()
  },
  async close({ name }) {
    channels.get(name).close()
  },
  async end() {
    stream.end()
  },
  async state() {
    return { open: [...mux].length, idle: mux.isIdle(), destroyed: stream.destroyed }
  }
})
