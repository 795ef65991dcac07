// The JavaScript side of the rows of the DHT: a testnet in this process and one more node that asks, as often as told.
// Arguments: nodes, rounds. One JSON object on stdout, `{ result }`: milliseconds of every round by row, and bytes of memory.
const crypto = require('crypto')
const DHT = require('hyperdht')
const createTestnet = require('@hyperswarm/testnet')

async function timed(rounds, prepare, work) {
  const times = []
  for (let i = 0; i < rounds + WARM; i++) {
    const what = await prepare(i)
    const begun = process.hrtime.bigint()
    const after = await work(what)
    const took = Number(process.hrtime.bigint() - begun) / 1e6
    if (i >= WARM) times.push(took)
    if (typeof after === 'function') await after()
  }

  return times
}

const WARM = 20
const host = '127.0.0.1'

async function main(nodes, rounds) {
  const before = process.memoryUsage().rss
  const testnet = await createTestnet(nodes)
  const memory = process.memoryUsage().rss - before
  const client = testnet.createNode({ host })
  const other = testnet.createNode({ host })
  await client.fullyBootstrapped()
  await other.fullyBootstrapped()

  const topics = Array.from({ length: rounds + WARM }, () => crypto.randomBytes(32))
  const keys = DHT.keyPair()
  const announce = await timed(rounds, (i) => topics[i], async (topic) => {
    await client.announce(topic, keys).finished()
  })
  const lookup = await timed(rounds, (i) => topics[i], async (topic) => {
    let peers = 0
    for await (const reply of other.lookup(topic)) peers += reply.peers.length
    if (peers === 0) throw new Error('nobody was found')
  })
  const put = await timed(rounds, () => crypto.randomBytes(100), async (value) => {
    await client.immutablePut(value)
  })

  const server = other.createServer((socket) => {
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
  })
  await server.listen()
  const connect = await timed(rounds, () => null, async () => {
    const socket = client.connect(server.publicKey)
    socket.on('error', () => {})
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    return () => new Promise((resolve) => {
      socket.once('close', resolve)
      socket.destroy()
    })
  })

  process.stdout.write(JSON.stringify({ result: { lookup, announce, put, connect, memory } }) + '\n')
}

main(Number(process.argv[2]), Number(process.argv[3])).then(() => process.exit(0), (error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(1)
})
