// Packets of multicast DNS as dns-packet writes and reads them: those of docs/local-discovery.md, and those of hyperswarm 2.
import packet from 'dns-packet'
import { bytes, hex, save } from './lib.mjs'

const TYPE = '_hyperswarm._udp.local'
const INSTANCE = `0123456789abcdef.${TYPE}`
const HOST = '0123456789abcdef.local'
const SUBTYPE = `_t${'5a'.repeat(16)}._sub.${TYPE}`
const KEY = hex(bytes('mdns/key', 32))

const srv = { type: 'SRV', name: INSTANCE, ttl: 120, flush: true, data: { priority: 0, weight: 0, port: 49737, target: HOST } }
const txt = { type: 'TXT', name: INSTANCE, ttl: 4500, flush: true, data: ['txtvers=1', 'v=1', `pk=${KEY}`] }
const a = { type: 'A', name: HOST, ttl: 120, flush: true, data: '192.168.7.9' }
const ptr = { type: 'PTR', name: SUBTYPE, ttl: 4500, data: INSTANCE }
const aaaa = { type: 'AAAA', name: HOST, ttl: 120, flush: true, data: 'fe80::1' }

const topic = bytes('mdns/topic', 20).toString('hex') + '.hyperswarm.local'
const legacySrv = { type: 'SRV', name: topic, data: { priority: 0, weight: 0, port: 49737, target: '0.0.0.0' } }
const legacyTxt = { type: 'TXT', name: topic, data: [Buffer.concat([Buffer.from('id='), bytes('mdns/id', 32)])] }
const referrer = { type: 'A', name: 'referrer.hyperswarm.local', data: '192.168.7.9' }

const answer = (value) => ({ type: 'response', flags: packet.AUTHORITATIVE_ANSWER, ...value })
const packets = {
  query: { type: 'query', questions: [{ type: 'PTR', name: SUBTYPE }], answers: [ptr] },
  probe: { type: 'query', questions: [{ type: 'ANY', name: INSTANCE }, { type: 'ANY', name: HOST }], authorities: [srv, txt, a] },
  announcement: answer({ answers: [ptr, srv, txt, a], additionals: [aaaa] }),
  goodbye: answer({ answers: [{ ...ptr, ttl: 0 }] }),
  legacyQuery: { type: 'query', questions: [{ type: 'SRV', name: topic }] },
  legacyAnswer: answer({ answers: [legacySrv, legacyTxt, referrer] })
}

save(import.meta.url, {
  key: KEY,
  instance: INSTANCE,
  host: HOST,
  subtype: SUBTYPE,
  legacyTopic: topic.slice(0, 40),
  legacyId: hex(bytes('mdns/id', 32)),
  packets: Object.fromEntries(Object.entries(packets).map(([name, value]) => [name, hex(packet.encode(value))]))
})
