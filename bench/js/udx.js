// The JavaScript side of the rows of UDX: `udx-serve <bytes>` takes a stream, `udx-send <bytes> <port>` writes one; with
// `-secret` behind the verb a secret stream is on it.
// One JSON object a line on stdout: `{ ready }` when packets may come, `{ measurement }` when the work is done.
const crypto = require('crypto')
const UDX = require('udx-native')
const SecretStream = require('@hyperswarm/secret-stream')

const CLIENT = 1
const SERVER = 2
const BLOCK = 64 * 1024

const udx = new UDX()
const socket = udx.createSocket()
const say = (message) => process.stdout.write(JSON.stringify(message) + '\n')

const verbs = {
  async 'udx-serve'(bytes) {
    socket.bind(0, '127.0.0.1')
    let received = 0
    const stream = udx.createStream(SERVER, {
      firewall: (from, port, host) => {
        if (!stream.connected) stream.connect(from, CLIENT, port, host)
        return false
      }
    })
    stream.on('data', (data) => {
      received += data.length
    })
    stream.on('end', () => {
      if (received !== bytes) throw new Error(`received ${received} bytes of ${bytes}`)
      stream.end()
    })
    say({ ready: { port: socket.address().port } })
    await new Promise((resolve) => process.stdin.on('end', resolve).resume())
  },

  async 'udx-send'(bytes, port) {
    socket.bind(0, '127.0.0.1')
    const block = crypto.randomBytes(BLOCK)
    const stream = udx.createStream(CLIENT)
    const closed = new Promise((resolve, reject) => stream.on('close', resolve).on('error', reject))
    const cpuBefore = process.cpuUsage()
    const begun = process.hrtime.bigint()
    stream.resume()
    stream.connect(socket, SERVER, Number(port), '127.0.0.1')
    for (let sent = 0; sent < bytes; sent += BLOCK) {
      if (!stream.write(block)) await new Promise((resolve) => stream.once('drain', resolve))
    }

    stream.end()
    await closed
    const seconds = Number(process.hrtime.bigint() - begun) / 1e9
    const { user, system } = process.cpuUsage(cpuBefore)
    say({ measurement: { blocks: bytes / BLOCK, bytes, seconds, cpuSeconds: (user + system) / 1e6 } })
  },

  async 'udx-serve-secret'(bytes) {
    socket.bind(0, '127.0.0.1')
    let received = 0
    const raw = udx.createStream(SERVER, {
      firewall: (from, port, host) => {
        if (!raw.connected) raw.connect(from, CLIENT, port, host)
        return false
      }
    })
    const stream = new SecretStream(false, raw)
    stream.on('data', (data) => {
      received += data.length
    })
    stream.on('end', () => {
      if (received !== bytes) throw new Error(`received ${received} bytes of ${bytes}`)
      stream.end()
    })
    say({ ready: { port: socket.address().port } })
    await new Promise((resolve) => process.stdin.on('end', resolve).resume())
  },

  async 'udx-send-secret'(bytes, port) {
    socket.bind(0, '127.0.0.1')
    const block = crypto.randomBytes(BLOCK)
    const raw = udx.createStream(CLIENT)
    const begun = process.hrtime.bigint()
    raw.connect(socket, SERVER, Number(port), '127.0.0.1')
    const stream = new SecretStream(true, raw)
    const closed = new Promise((resolve, reject) => stream.on('close', resolve).on('error', reject))
    stream.resume()
    await stream.opened
    for (let sent = 0; sent < bytes; sent += BLOCK) {
      if (!stream.write(block)) await new Promise((resolve) => stream.once('drain', resolve))
    }

    stream.end()
    await closed
    const seconds = Number(process.hrtime.bigint() - begun) / 1e9
    say({ measurement: { blocks: bytes / BLOCK, bytes, seconds } })
  }
}

const [verb, bytes, ...rest] = process.argv.slice(2)
verbs[verb](Number(bytes), ...rest).then(() => process.exit(0), (error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(1)
})
