// What two live hypercores say to each other on their channel: node replication-transcript.mjs > replication-transcript.json
import { createRequire } from 'node:module'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const require = createRequire(import.meta.url)
const Hypercore = require('hypercore')
const crypto = require('hypercore-crypto')
const c = require('compact-encoding')

const folder = await mkdtemp(join(tmpdir(), 'transcript-'))
const pause = () => new Promise((resolve) => setTimeout(resolve, 300))
const phases = []
let phase = null

// Mux frames to channel messages; control messages and channel ids are left out.
function record (from, frame) {
  const state = { buffer: frame, start: 0, end: frame.byteLength }
  let channel = c.uint.decode(state)
  if (channel !== 0) return add(from, frame.subarray(state.start))
  if (c.uint.decode(state) !== 0) return
  channel = c.uint.decode(state)
  while (state.start < state.end) {
    const length = c.uint.decode(state)
    if (length === 0) {
      channel = c.uint.decode(state)
      continue
    }
    if (channel !== 0) add(from, frame.subarray(state.start, state.start + length))
    state.start += length
  }
}

function add (from, message) {
  phase.messages.push(from + ' ' + Buffer.from(message).toString('hex'))
}

async function step (name, action) {
  phase = { name, messages: [] }
  phases.push(phase)
  await action()
  await pause()
}

function tap (stream, from) {
  const write = stream.write
  stream.write = function (data) {
    record(from, data)
    return write.call(this, data)
  }
}

const a = new Hypercore(join(folder, 'a'), { keyPair: crypto.keyPair(Buffer.alloc(32, 1)) })
await a.ready()
const b = new Hypercore(join(folder, 'b'), a.key)
await b.ready()
await a.append(['hello', 'world', '!'])

await step('open', () => {
  const one = a.replicate(true, { keepAlive: false })
  const two = b.replicate(false, { keepAlive: false })
  tap(one.noiseStream ?? one, 'A')
  tap(two.noiseStream ?? two, 'B')
  one.pipe(two).pipe(one)
})
await step('get 1', () => b.get(1))
await step('download', async () => { await b.download({ start: 0, end: 3, linear: true }).done() })
await step('append', () => a.append('four'))
await step('truncate', () => a.truncate(2))
await step('clear', () => a.clear(0))
await step('append again', () => a.append(['five', 'six', 'seven']))
await step('get 4', () => b.get(4))
await b.close()
await a.close()
await rm(folder, { recursive: true })

console.log(JSON.stringify({ key: a.key.toString('hex'), phases }, null, 2))
process.exit(0)
