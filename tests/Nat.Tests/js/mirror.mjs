// Tells whoever asks how it is seen: from the socket asked, from another port, and from another host.
import dgram from 'node:dgram'

const [first, second] = process.argv.slice(2)
const places = [[first, 7000], [first, 7001], [second, 7000]]
const sockets = []
for (const [host, port] of places) {
  const socket = dgram.createSocket('udp4')
  socket.on('message', (_, from) => {
    // The one asked answers last: when its answer is there, the others' have had their chance.
    const others = sockets.filter(s => s !== socket)
    for (const s of [...others, socket]) {
      s.send(`${s.name} ${from.address}:${from.port}`, from.port, from.address)
    }
  })
  socket.name = `${host}:${port}`
  await new Promise(resolve => socket.bind(port, host, resolve))
  sockets.push(socket)
}
console.log('ready')
