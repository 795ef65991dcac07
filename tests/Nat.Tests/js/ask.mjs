// Asks two hosts in turn from one socket, each twice, and prints every answer that comes through.
import dgram from 'node:dgram'

const socket = dgram.createSocket('udp4')
const waiting = new Map()
socket.on('message', message => {
  const [name, seen] = message.toString().split(' ')
  console.log(JSON.stringify({ asked, name, seen }))
  waiting.get(name)?.()
})
await new Promise(resolve => socket.bind(5000, '0.0.0.0', resolve))
let asked
for (const host of process.argv.slice(2)) {
  asked = `${host}:7000`
  for (let round = 0; round < 2; round++) {
    await new Promise(resolve => {
      waiting.set(asked, resolve)
      socket.send('how do I look', 7000, host)
    })
  }
}
socket.close()
