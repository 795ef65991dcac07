// The demo's JavaScript peer: downloads one feed over TCP into a Hypercore 11 and says what it got.
// Arguments: the folder whose node_modules hold corestore, a folder for the store, host, port, key (hex), length.
const { createRequire } = require('node:module')
const { createHash } = require('node:crypto')
const net = require('node:net')
const path = require('node:path')

async function main([packages, folder, host, port, key, length]) {
  const Corestore = createRequire(path.join(packages, 'index.js'))('corestore')
  const begun = process.hrtime.bigint()
  const store = new Corestore(folder)
  const core = store.get({ key: Buffer.from(key, 'hex') })
  await core.ready()

  const socket = net.connect(Number(port), host)
  const stream = store.replicate(true)
  stream.on('error', () => {})
  socket.pipe(stream).pipe(socket)
  socket.on('close', () => process.exitCode === undefined && fail(new Error('the connection ended early')))

  await core.download({ start: 0, end: Number(length) }).done()
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9

  const digest = createHash('sha256')
  let bytes = 0
  for (let index = 0; index < Number(length); index++) {
    const block = await core.get(index)
    digest.update(block)
    bytes += block.length
  }

  process.exitCode = 0
  console.log(JSON.stringify({ blocks: core.length, bytes, sha256: digest.digest('hex'), seconds }))
  socket.destroy()
  await store.close()
}

function fail(error) {
  console.error(error.message)
  process.exit(1)
}

main(process.argv.slice(2)).catch(fail)
