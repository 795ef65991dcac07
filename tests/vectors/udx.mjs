// Packets that udx-native exchanges with itself, seen by a tap on loopback.
import dgram from 'node:dgram'
import { once } from 'node:events'
import UDX from 'udx-native'
import { hex, save } from './lib.mjs'

const CLIENT_ID = 0x11111111
const SERVER_ID = 0x22222222

const socketOf = async () => {
  const socket = dgram.createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

const closed = (stream) => new Promise((resolve) => stream.on('close', resolve))
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

// Runs one conversation; `drops` decides about each packet once it is recorded.
async function record(talk, { drops = () => false, clientSeq = 0 } = {}) {
  const packets = []
  const facingClient = await socketOf()
  const facingServer = await socketOf()
  const udx = new UDX()
  const clientSocket = udx.createSocket()
  const serverSocket = udx.createSocket()
  clientSocket.bind(0, '127.0.0.1')
  serverSocket.bind(0, '127.0.0.1')
  const pass = (from, via, port) => (packet) => {
    const dropped = drops(from, packet)
    packets.push({ from, dropped, hex: hex(packet) })
    if (!dropped) via.send(packet, port, '127.0.0.1')
  }
  facingClient.on('message', pass('client', facingServer, serverSocket.address().port))
  facingServer.on('message', pass('server', facingClient, clientSocket.address().port))
  const client = udx.createStream(CLIENT_ID, { seq: clientSeq })
  const server = udx.createStream(SERVER_ID)
  client.on('error', () => {})
  server.on('error', () => {})
  client.connect(clientSocket, SERVER_ID, facingClient.address().port, '127.0.0.1')
  server.connect(serverSocket, CLIENT_ID, facingServer.address().port, '127.0.0.1', { ack: clientSeq })
  await talk(client, server)
  await sleep(100)
  client.destroy()
  server.destroy()
  await sleep(50)
  facingClient.close()
  facingServer.close()
  await clientSocket.close()
  await serverSocket.close()
  return packets
}

const pattern = (length) => Buffer.from(Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff))
const sequence = (packet) => packet.readUInt32LE(12)
const isData = (packet) => (packet[2] & 1) !== 0

const echo = async (client, server) => {
  server.on('data', () => server.write('world'))
  server.on('end', () => server.end())
  client.on('data', () => client.end())
  client.write('hello')
  await closed(client)
}

function dropOnce(...numbers) {
  const left = new Set(numbers)
  return (from, packet) => from === 'client' && isData(packet) && left.delete(sequence(packet))
}

const bulk = (length) => async (client, server) => {
  let received = 0
  const done = new Promise((resolve) => {
    server.on('data', (data) => {
      received += data.length
      if (received === length) resolve()
    })
  })
  client.write(pattern(length))
  await done
}

const steps = async (client, server) => {
  server.on('data', () => {})
  for (let i = 0; i < 24; i++) {
    client.write(pattern(2000))
    await sleep(10)
  }
}

const message = async (client, server) => {
  const heard = once(server, 'message')
  client.trySend(Buffer.from('ping'))
  client.trySend(Buffer.alloc(0))
  await heard
}

const heartbeat = async (client) => {
  client.setKeepalive(60)
  await sleep(100)
  client.setKeepalive(100000)
}

const destroy = async (client, server) => {
  server.on('data', () => {})
  client.write('x')
  await sleep(50)
  client.destroy()
  await closed(server)
}

const conversations = {
  echo: await record(echo),
  wrap: await record(echo, { clientSeq: 0xffffffff }),
  gaps: await record(bulk(11 * 1152 - 20), { drops: dropOnce(3, 5, 6) }),
  probes: await record(steps),
  message: await record(message),
  heartbeat: await record(heartbeat),
  destroy: await record(destroy)
}

save(import.meta.url, {
  clientId: CLIENT_ID,
  serverId: SERVER_ID,
  conversations
})
process.exit(0)
