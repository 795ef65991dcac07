// The demo's JavaScript peer: meets whoever has a feed at its topic, over a DHT on loopback, downloads it into a Hypercore 11
// and says what it got and how long finding, connecting and copying took.
// Arguments: the folder whose node_modules hold the packages, a folder for the store, host and port of a DHT node, key (hex), length.
const { createRequire } = require('node:module')
const { createHash } = require('node:crypto')
const path = require('node:path')

async function main([packages, folder, host, port, key, length]) {
  const require = createRequire(path.join(packages, 'index.js'))
  const Corestore = require('corestore')
  const DHT = require('hyperdht')
  const Hyperswarm = require('hyperswarm')
  const store = new Corestore(folder)
  const core = store.get({ key: Buffer.from(key, 'hex') })
  await core.ready()

  const bootstrap = [{ host, port: Number(port) }]
  const swarm = new Hyperswarm({ bootstrap, dht: new DHT({ bootstrap, host }) })
  await swarm.dht.fullyBootstrapped()
  const begun = process.hrtime.bigint()
  const since = (from) => Number(process.hrtime.bigint() - from) / 1e9
  let findSeconds = null
  let connected = null
  const connecting = new Promise((resolve) => swarm.once('connection', resolve))
  swarm.on('update', () => {
    if (findSeconds === null && swarm.peers.size > 0) findSeconds = since(begun)
  })
  swarm.on('connection', (socket) => {
    connected ||= process.hrtime.bigint()
    socket.on('error', () => {})
    store.replicate(socket)
  })
  swarm.join(core.discoveryKey, { server: false, client: true })
  await connecting
  const connectSeconds = Number(connected - begun) / 1e9
  await core.download({ start: 0, end: Number(length) }).done()
  const seconds = since(connected)

  const digest = createHash('sha256')
  let bytes = 0
  for (let index = 0; index < Number(length); index++) {
    const block = await core.get(index)
    digest.update(block)
    bytes += block.length
  }

  findSeconds = Math.min(findSeconds ?? connectSeconds, connectSeconds)
  const result = { blocks: core.length, bytes, sha256: digest.digest('hex'), seconds, findSeconds, connectSeconds: connectSeconds - findSeconds }
  process.exitCode = 0
  console.log(JSON.stringify(result))
  await swarm.destroy()
  await store.close()
}

function fail(error) {
  console.error(error.message)
  process.exit(1)
}

main(process.argv.slice(2)).catch(fail)
