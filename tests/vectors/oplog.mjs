// Writes oplog.json: what hypercore 10 has on disk after some steps. Keys from seed 32 x 01.
import { createRequire } from 'node:module'
import { writeFileSync } from 'node:fs'
const require = createRequire(import.meta.url)
const Hypercore = require('hypercore10')
const RAM = require('random-access-memory')
const crypto = require('hypercore-crypto')
const Verifier = require('hypercore10/lib/verifier')

const keyPair = crypto.keyPair(Buffer.alloc(32, 1))
const manifest = Verifier.createManifest({ version: 1, signers: [{ publicKey: keyPair.publicKey }] })

async function feed (name, options, steps) {
  const files = {}
  const storage = (file) => files[file] || (files[file] = new RAM())
  const read = (ram) => new Promise((resolve) => ram.stat((err, st) => {
    if (err || st.size === 0) return resolve('')
    ram.read(0, st.size, (err, buf) => resolve(err ? '' : buf.toString('hex').replace(/(00)+$/, '')))
  }))
  const size = (ram) => new Promise((resolve) => ram.stat((err, st) => resolve(err ? 0 : st.size)))
  const states = []
  const core = new Hypercore(storage, { keyPair, ...options })
  await core.ready()
  for (const [step, argument] of [['open'], ...steps]) {
    if (step === 'append') await core.append(argument.map((b) => Buffer.from(b)))
    if (step === 'truncate') await core.truncate(argument)
    if (step === 'userData') await core.setUserData(argument[0], Buffer.from(argument[1]))
    if (step === 'flush') await core.core.flush()
    const state = { step, argument, length: core.length, byteLength: core.byteLength, fork: core.fork, treeHash: core.core.tree.hash().toString('hex'), files: {} }
    for (const file of ['oplog', 'header', 'tree', 'bitfield', 'data']) {
      if (files[file]) state.files[file] = { size: await size(files[file]), hex: await read(files[file]) }
    }
    states.push(state)
  }
  return { name, key: core.key.toString('hex'), states }
}

const blocks = (n) => Array.from({ length: n }, (_, i) => 'block ' + i)
const feeds = [
  await feed('compat', {}, [['append', ['hello']], ['append', ['world']], ['userData', ['foo', 'bar']], ['append', ['a', '', 'b']], ['truncate', 3], ['append', ['c', 'd']], ['flush']]),
  await feed('manifest', { manifest, compat: false }, [['append', blocks(5)], ['flush'], ['append', blocks(20)], ['append', ['x']], ['truncate', 7], ['append', blocks(3)], ['truncate', 0]]),
  await feed('large header', { manifest, compat: false }, [['append', blocks(3)], ['userData', ['large', 'x'.repeat(5000)]], ['flush'], ['append', ['y']], ['flush'], ['userData', ['large', 'z']], ['flush']])
]
writeFileSync(new URL('oplog.json', import.meta.url), JSON.stringify(feeds, null, 1) + '\n')
