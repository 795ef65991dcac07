// A live UDX peer that does as it is told: see lib/lines.js for how, and `verbs` below for what.
const crypto = require('crypto')
const UDX = require('udx-native')
const lines = require('./lib/lines')
const pattern = require('./lib/pattern')

const BLOCK = 64 * 1024

const udx = new UDX()
const streams = new Map()
let socket = null

function find(id) {
  const entry = streams.get(id)
  if (!entry) throw new Error(`no stream ${id} is open`)
  return entry
}

function watch(id, stream, echo) {
  const entry = { stream, received: 0, hash: crypto.createHash('sha256'), messages: [] }
  streams.set(id, entry)
  stream.on('data', (data) => {
    entry.received += data.length
    entry.hash.update(data)
    if (echo) stream.write(data)
  })
  stream.on('end', () => {
    lines.event('end', { stream: id, received: entry.received, sha256: entry.hash.copy().digest('hex') })
    if (echo) stream.end()
  })
  stream.on('message', (message) => lines.event('message', { stream: id, hex: message.toString('hex') }))
  stream.on('error', (error) => lines.event('error', { stream: id, code: error.code }))
  stream.on('close', () => lines.event('close', { stream: id }))
}

async function write(stream, seed, bytes) {
  const hash = crypto.createHash('sha256')
  for (let index = 0, sent = 0; sent < bytes; index++) {
    const block = pattern(seed, index, Math.min(BLOCK, bytes - sent))
    sent += block.length
    hash.update(block)
    if (!stream.write(block)) await new Promise((resolve) => stream.once('drain', resolve))
    if (stream.destroyed) throw new Error('the stream was destroyed while it was written')
  }

  return { sha256: hash.digest('hex') }
}

lines.serve({
  bind({ host = '127.0.0.1' }) {
    socket = udx.createSocket()
    socket.bind(0, host)
    return { port: socket.address().port }
  },

  // A stream that waits for its peer (`waits`) learns the address from the first packet.
  open({ stream: id, remoteId, port, host = '127.0.0.1', echo = false, waits = false }) {
    const stream = udx.createStream(id, {
      firewall: (from, remotePort, remoteHost) => {
        if (waits && !stream.connected) stream.connect(from, remoteId, remotePort, remoteHost)
        return !waits
      }
    })
    watch(id, stream, echo)
    if (!waits) stream.connect(socket, remoteId, port, host)
  },

  openMany({ count, port, echo }) {
    for (let id = 1; id <= count; id++) {
      const stream = udx.createStream(id)
      watch(id, stream, echo)
      stream.connect(socket, id, port, '127.0.0.1')
    }
  },

  write: ({ stream: id, seed, bytes }) => write(find(id).stream, seed, bytes),
  end({ stream }) {
    find(stream).stream.end()
  },
  destroy({ stream }) {
    find(stream).stream.destroy()
  },
  keepalive({ stream, milliseconds }) {
    find(stream).stream.setKeepalive(milliseconds)
  },
  async message({ stream, hex }) {
    return { sent: await find(stream).stream.send(Buffer.from(hex, 'hex')) }
  },
  state({ stream: id }) {
    const { stream, received } = find(id)
    return {
      received,
      mtu: stream.mtu,
      rtt: stream.rtt,
      retransmits: stream.retransmits,
      packetsReceived: stream.packetsReceived,
      packetsTransmitted: stream.packetsTransmitted
    }
  }
})
