// What protomux writes, frame for frame. Each side is a script of what its user did; `frames` is what went over the line.
import { createRequire } from 'node:module'
import { hex, save } from './lib.mjs'

const require = createRequire(import.meta.url)
const Protomux = require('protomux')
const c = require('compact-encoding')
const { Duplex } = require('streamx')

const tick = () => new Promise((resolve) => setTimeout(resolve, 5))

function session() {
  const log = []
  const make = (name) => new Duplex({
    write(data, cb) {
      log.push({ from: name, bytes: hex(data) })
      this.other.push(Buffer.from(data))
      cb(null)
    }
  })
  const a = make('a')
  const b = make('b')
  a.other = b
  b.other = a
  a.userData = b.userData = null
  return { a: new Protomux(a), b: new Protomux(b), log }
}

// Steps are [who, what, ...]; a channel has a name of its own in the script, so that both sides' halves can be told apart.
async function run(steps) {
  const { a, b, log } = session()
  const muxes = { a, b }
  const channels = {}
  const heard = []
  const out = []
  for (const [who, what, ...rest] of steps) {
    const mux = muxes[who]
    const before = log.length
    const seen = heard.length
    if (what === 'open') {
      const [name, protocol, id, handshake, options] = rest
      const ch = mux.createChannel({
        protocol,
        id: id ? Buffer.from(id, 'hex') : null,
        handshake: c.raw,
        unique: options?.unique ?? true,
        aliases: options?.aliases ?? [],
        messages: [0, 1, 2].map((type) => ({
          encoding: c.raw,
          onmessage: (m) => { heard.push({ who, what: 'message', channel: name, type, payload: hex(m) }) }
        })),
        onopen: (h) => { heard.push({ who, what: 'opened', channel: name, handshake: hex(h) }) },
        onclose: (isRemote) => { if (isRemote) heard.push({ who, what: 'closed', channel: name }) }
      })
      channels[`${who}/${name}`] = ch
      ch.open(Buffer.from(handshake ?? '', 'hex'))
    } else if (what === 'send') {
      const [name, type, payload] = rest
      channels[`${who}/${name}`].messages[type].send(Buffer.from(payload, 'hex'))
    } else if (what === 'batch') {
      const [name, messages] = rest
      mux.cork()
      for (const [type, payload] of messages) channels[`${who}/${name}`].messages[type].send(Buffer.from(payload, 'hex'))
      mux.uncork()
    } else if (what === 'close') {
      channels[`${who}/${rest[0]}`].close()
    } else if (what === 'pair') {
      // The handler waits, so that requests stay open until the script answers them.
      mux.pair({ protocol: rest[0], id: null }, () => new Promise((resolve) => { mux.decide = resolve }))
    } else if (what === 'reject') {
      mux.decide()
    }
    if (rest.at(-1)?.together) {
      out.push({ who, step: what, args: rest, frames: [], heard: [] })
      continue
    }
    await tick()
    const [step, ...args] = [what, ...rest]
    out.push({ who, step, args, frames: log.slice(before), heard: heard.slice(seen) })
  }
  return out
}

const text = (s) => Buffer.from(s).toString('hex')
const id = '07'.repeat(32)

save(import.meta.url, {
  scripts: {
    'both sides open, talk and close': await run([
      ['b', 'pair', 'foo'],
      ['a', 'pair', 'bar'],
      ['a', 'open', 'x', 'foo', id, '01aa'],
      ['a', 'send', 'x', 0, text('early')],
      ['b', 'open', 'x', 'foo', id, '01bb'],
      ['b', 'send', 'x', 1, text('hello')],
      ['a', 'batch', 'x', [[0, text('one')], [1, ''], [2, '00'.repeat(300)]]],
      ['a', 'close', 'x'],
      ['b', 'open', 'y', 'bar', null, ''],
      ['a', 'open', 'y', 'bar', null, ''],
      ['b', 'close', 'y']
    ]),
    'nobody wants it': await run([
      ['a', 'open', 'x', 'foo', null, ''],
      ['a', 'open', 'y', 'bar', id, ''],
      ['a', 'open', 'z', 'baz', null, '']
    ]),
    'a request is answered late': await run([
      ['b', 'pair', 'foo'],
      ['a', 'open', 'x', 'foo', null, '05'],
      ['a', 'send', 'x', 0, text('one')],
      ['a', 'batch', 'x', [[1, text('two')], [0, text('three')]]],
      ['b', 'open', 'x', 'foo', null, '06']
    ]),
    'a request is rejected late': await run([
      ['b', 'pair', 'foo'],
      ['a', 'open', 'x', 'foo', null, '05'],
      ['a', 'send', 'x', 0, text('one')],
      ['b', 'reject'],
      ['a', 'open', 'y', 'foo', null, '05']
    ]),
    'ids are used again, the last freed first': await run([
      ['a', 'open', '1', 'p1', null, '', { together: true }],
      ['b', 'open', '1', 'p1', null, ''],
      ['a', 'open', '2', 'p2', null, '', { together: true }],
      ['b', 'open', '2', 'p2', null, ''],
      ['a', 'open', '3', 'p3', null, '', { together: true }],
      ['b', 'open', '3', 'p3', null, ''],
      ['a', 'close', '2'],
      ['a', 'close', '1'],
      ['a', 'open', '4', 'p4', null, '', { together: true }],
      ['b', 'open', '4', 'p4', null, ''],
      ['a', 'open', '5', 'p5', null, '', { together: true }],
      ['b', 'open', '5', 'p5', null, ''],
      ['a', 'open', '6', 'p6', null, '']
    ]),
    'closed before the other half came': await run([
      ['a', 'open', 'x', 'foo', null, '', { together: true }],
      ['a', 'close', 'x', { together: true }],
      ['b', 'open', 'x', 'foo', null, '', { together: true }],
      ['a', 'open', 'y', 'bar', null, ''],
      ['a', 'open', 'z', 'baz', null, '']
    ]),
    'two channels of one key pair in order': await run([
      ['b', 'pair', 'foo'],
      ['a', 'open', '1', 'foo', null, '01', { unique: false }],
      ['a', 'open', '2', 'foo', null, '02', { unique: false }],
      ['b', 'open', '1', 'foo', null, '03', { unique: false }],
      ['b', 'open', '2', 'foo', null, '04', { unique: false }],
      ['a', 'send', '2', 0, text('second')],
      ['b', 'send', '1', 0, text('first')]
    ]),
    'an alias counts as the name': await run([
      ['b', 'open', 'x', 'new/name', id, '', { aliases: ['name'], together: true }],
      ['a', 'open', 'x', 'name', id, '', { aliases: ['new/name'] }],
      ['a', 'send', 'x', 0, text('hi')],
      ['b', 'send', 'x', 0, text('ho')]
    ])
  }
})
process.exit(0)
