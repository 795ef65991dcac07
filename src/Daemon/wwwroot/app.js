// What the node does now, drawn as it changes.

import { get, send, stream, setToken, Unauthorized } from './api.js'
import { bitfield, rates, bars, History } from './draw.js'
import { bytes, rate, count, percent, span, shortKey, cells } from './format.js'
import { List, text } from './list.js'

const $ = id => document.getElementById(id)

const state = {
  feeds: new Map(),
  peers: new Map(),
  topics: new Map(),
  histories: new Map(),
  traffic: new History(600),
  closed: new Set(),
  totals: null,
  dht: null,
  actors: null,
  isPaused: false
}

// ---- lists ----

const twoLines = cell => {
  cell.classList.add('two')
  cell.append(document.createElement('span'), document.createElement('small'))
}

const fillTwo = (cell, first, second) => {
  text(cell.firstChild, first)
  text(cell.lastChild, second)
}

const picture = label => cell => {
  const canvas = document.createElement('canvas')
  canvas.setAttribute('role', 'img')
  canvas.setAttribute('aria-label', label)
  cell.append(canvas)
}

const feedList = new List($('feed-list'), {
  label: 'Feeds',
  none: 'No feeds yet. "Add a feed" opens one by its name or its key.',
  key: feed => feed.key,
  choose: openFeed,
  columns: [
    { make: twoLines, fill: (cell, f) => fillTwo(cell, f.name ?? shortKey(f.key), f.name ? shortKey(f.key) : f.writable ? 'ours' : '') },
    { make: twoLines, fill: (cell, f) => fillTwo(cell, count(f.length), bytes(f.byteLength)) },
    {
      make: picture('Blocks that are here'),
      fill: (cell, f) => {
        if (cell.shown !== f.map) {
          cell.shown = f.map
          bitfield(cell.firstChild, cells(f.map))
        }
      }
    },
    { className: 'number', make: twoLines, fill: (cell, f) => fillTwo(cell, percent(f.share), f.peers === 1 ? '1 peer' : `${f.peers} peers`) }
  ]
})

const peerList = new List($('peer-list'), {
  label: 'Peers',
  none: 'Nobody is connected.',
  key: peer => peer.id,
  choose: openPeer,
  columns: [
    { make: twoLines, fill: (cell, p) => fillTwo(cell, shortKey(p.publicKey), `${p.transport} ${p.address ?? ''}`) },
    { className: 'number', fill: (cell, p) => text(cell, p.roundTripMs == null ? '–' : `${p.roundTripMs.toFixed(p.roundTripMs < 10 ? 1 : 0)} ms`) },
    { make: picture('Rates of the last minute'), fill: (cell, p) => rates(cell.firstChild, historyOf(p.id)) },
    { className: 'number', make: twoLines, fill: (cell, p) => fillTwo(cell, `↓ ${rate(p.rateIn)}`, `↑ ${rate(p.rateOut)}`) }
  ]
})

const topicList = new List($('topic-list'), {
  label: 'Topics',
  none: 'In no topic.',
  key: topic => topic.topic,
  choose: openTopic,
  columns: [
    { className: 'mono', fill: (cell, t) => text(cell, shortKey(t.topic)) },
    { fill: (cell, t) => text(cell, [t.server && 'announces', t.client && 'looks'].filter(Boolean).join(', ')) },
    { className: 'number', fill: (cell, t) => text(cell, `${t.peersFound} found`) }
  ]
})

const actorHeads = document.createElement('p')
actorHeads.className = 'heads'
actorHeads.setAttribute('aria-hidden', 'true')
for (const head of ['', 'waiting', 'handled', 'restarts']) actorHeads.append(Object.assign(document.createElement('span'), { textContent: head }))

const actorList = new List($('actor-list'), {
  label: 'Actors: name, messages waiting, messages handled, restarts. Enter folds a row.',
  none: 'Nothing is known of actors.',
  key: row => row.actor.path,
  choose: row => {
    const { path } = row.actor
    if (!state.closed.delete(path)) state.closed.add(path)
    drawActors()
  },
  columns: [
    { fill: (cell, r) => text(cell, `${'\u2003'.repeat(r.depth)}${r.actor.children.length === 0 ? '·' : state.closed.has(r.actor.path) ? '▸' : '▾'} ${nameOf(r.actor)}`) },
    { className: 'number', fill: (cell, r) => text(cell, count(r.actor.mailbox)) },
    { className: 'number', fill: (cell, r) => text(cell, short(r.actor.processed)) },
    { className: 'number', fill: (cell, r) => text(cell, count(r.actor.restarts)) }
  ]
})
$('actor-list').before(actorHeads)

const short = n => n < 10000 ? count(n) : bytes(n).replace(' B', '').replace(' kB', ' k').replace('B', '')

const nameOf = actor => {
  const name = actor.path.slice(actor.path.lastIndexOf('/') + 1) || '/'
  return actor.count > 1 ? `${actor.type} × ${count(actor.count)}` : name
}

function historyOf (id) {
  let history = state.histories.get(id)
  if (!history) state.histories.set(id, history = new History(300))
  return history
}

// ---- what arrives ----

function take (kind, document) {
  if (kind === 'status') {
    state.feeds.clear()
    state.peers.clear()
    state.topics.clear()
    $('event-list').replaceChildren()
  } else if (kind !== 'change') {
    return
  }
  const { node, totals, feeds, peers, topics, dht, actors, events, gone } = document
  if (node) takeNode(node)
  if (totals) state.totals = totals
  for (const feed of feeds ?? []) state.feeds.set(feed.key, feed)
  for (const peer of peers ?? []) state.peers.set(peer.id, peer)
  for (const topic of topics ?? []) state.topics.set(topic.topic, topic)
  for (const key of gone?.feeds ?? []) state.feeds.delete(key)
  for (const topic of gone?.topics ?? []) state.topics.delete(topic)
  for (const id of gone?.peers ?? []) {
    state.peers.delete(id)
    state.histories.delete(id)
  }
  if (dht) state.dht = dht
  if (actors) state.actors = actors
  // A peer that is not in a change has the rates it had.
  for (const peer of state.peers.values()) historyOf(peer.id).add(peer.rateIn, peer.rateOut)
  if (state.totals) state.traffic.add(state.totals.bytesPerSecondIn, state.totals.bytesPerSecondOut)
  for (const event of events ?? []) addEvent(event)
  state.time = document.time
  schedule()
}

function takeNode (node) {
  text($('node-name'), node.name)
  text($('node-key'), node.publicKey)
  document.title = `${node.name} – HyperActors`
}

function addEvent (event) {
  const list = $('event-list')
  const item = document.createElement('li')
  item.className = event.level
  const time = document.createElement('time')
  time.dateTime = event.at
  time.textContent = new Date(event.at).toLocaleTimeString('en-GB')
  const what = document.createElement('span')
  what.textContent = event.level === 'information' ? event.text : `${event.level}: ${event.text}`
  item.append(time, what)
  list.prepend(item)
  while (list.children.length > 100) list.lastChild.remove()
}

// ---- drawing: once a frame at most ----

let isScheduled = false

function schedule () {
  if (!isScheduled) {
    isScheduled = true
    requestAnimationFrame(() => {
      isScheduled = false
      draw()
    })
  }
}

const matches = (words, ...texts) => words === '' || texts.some(t => t?.toLowerCase().includes(words))

function draw () {
  const words = $('find-feed').value.trim().toLowerCase()
  const feeds = [...state.feeds.values()].filter(f => matches(words, f.name, f.key))
  feeds.sort((a, b) => a.name == null ? (b.name == null ? order(a.key, b.key) : 1) : b.name == null ? -1 : order(a.name, b.name))
  feedList.set(feeds)
  const peerWords = $('find-peer').value.trim().toLowerCase()
  peerList.set([...state.peers.values()].filter(p => matches(peerWords, p.publicKey, p.address)).sort((a, b) => a.id - b.id))
  topicList.set([...state.topics.values()].sort((a, b) => order(a.topic, b.topic)))
  drawTotals()
  drawDht()
  drawActors()
}

const order = (a, b) => a < b ? -1 : a > b ? 1 : 0

function drawTotals () {
  const { totals } = state
  if (!totals) return
  text($('total-feeds'), count(totals.feeds))
  text($('total-blocks'), count(totals.blocks))
  text($('total-bytes'), bytes(totals.bytes))
  text($('total-peers'), count(totals.peers))
  text($('total-in'), rate(totals.bytesPerSecondIn))
  text($('total-out'), rate(totals.bytesPerSecondOut))
  text($('total-actors'), count(totals.actors))
  text($('uptime'), span(state.time))
  rates($('traffic'), state.traffic, rate)
}

function drawDht () {
  const { dht } = state
  facts($('dht-facts'), dht
    ? [
        ['State', !dht.ready ? 'looking for the network' : !dht.online ? 'offline' : dht.degraded ? 'online, many answers are lost' : 'online'],
        ['Address', dht.publicAddress ?? 'not known yet'],
        ['Own socket', dht.localAddress ?? 'none'],
        ['Translator', dht.nat.toLowerCase()],
        ['Keeps records', dht.ephemeral ? 'no (ephemeral)' : Object.entries(dht.records).map(([kind, n]) => `${kind} ${count(n)}`).join(', ') || 'none yet']
      ]
    : [['State', 'this node runs without a network']])
  $('buckets').hidden = !dht
  if (!dht) return
  const last = dht.buckets.reduce((top, b) => Math.max(top, b.sharedBits), 0)
  const values = new Array(Math.max(16, last + 1)).fill(0)
  for (const bucket of dht.buckets) values[bucket.sharedBits] = bucket.contacts
  bars($('buckets'), values, 20)
  const contacts = values.reduce((sum, n) => sum + n, 0)
  text($('buckets-text'), `${count(contacts)} ${contacts === 1 ? 'contact' : 'contacts'}, by the bits they share with this node (0 to ${values.length - 1}); a full bucket has 20`)
}

function drawActors () {
  if (!state.actors) return
  const rows = []
  const walk = (actor, depth) => {
    rows.push({ actor, depth })
    if (!state.closed.has(actor.path)) for (const child of actor.children) walk(child, depth + 1)
  }
  walk(state.actors, 0)
  actorList.set(rows)
}

function facts (list, entries) {
  while (list.children.length > entries.length * 2) list.lastChild.remove()
  while (list.children.length < entries.length * 2) list.append(document.createElement('dt'), document.createElement('dd'))
  entries.forEach(([name, value], i) => {
    text(list.children[2 * i], name)
    text(list.children[2 * i + 1], value)
  })
}

$('find-feed').addEventListener('input', schedule)
$('find-peer').addEventListener('input', schedule)
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const row of feedList.rows) row.cells[2].shown = undefined
  schedule()
})

// ---- dialogs ----

const problem = (form, message) => { form.querySelector('.problem').textContent = message }

function dialog (name, submit) {
  const box = $(`${name}-dialog`)
  const form = $(`${name}-form`)
  form.querySelector('.close')?.addEventListener('click', () => box.close())
  form.addEventListener('submit', async e => {
    e.preventDefault()
    const button = form.querySelector('.main')
    button.disabled = true
    problem(form, '')
    try {
      await submit(form.elements, box)
      box.close()
    } catch (error) {
      problem(form, error.message)
    } finally {
      button.disabled = false
    }
  })
  return () => {
    problem(form, '')
    box.showModal()
    return [box, form]
  }
}

const isKey = value => /^[0-9a-f]{64}$/i.test(value) || /^[ybndrfg8ejkmcpqxot1uwisza345h769]{52}$/.test(value)

const openAdd = dialog('add', async fields => {
  const feed = fields.feed.value.trim()
  await send('POST', '/v1/feeds', isKey(feed) ? { key: feed } : { name: feed })
  await send('PUT', `/v1/feeds/${encodeURIComponent(feed)}/keep`, { seed: fields.seed.checked, download: fields.download.checked })
  $('add-form').reset()
})
$('open-add').addEventListener('click', () => openAdd())

const openJoin = dialog('join', async fields => {
  const limit = fields.limit.value === '' ? null : Number(fields.limit.value)
  await send('POST', '/v1/swarm/topics', { topic: fields.topic.value.trim(), server: fields.server.checked, client: fields.client.checked, limit })
  $('join-form').reset()
})
$('open-join').addEventListener('click', () => openJoin())

let shownFeed
const showFeed = dialog('feed', async fields => {
  await send('PUT', `/v1/feeds/${encodeURIComponent(shownFeed.key)}/keep`, { seed: fields.seed.checked, download: fields.download.checked })
})

function openFeed (feed) {
  shownFeed = feed
  const [box, form] = showFeed()
  text($('feed-title'), feed.name ?? 'Feed')
  facts(box.querySelector('.facts'), [
    ['Key', feed.key],
    ['Length', `${count(feed.length)} blocks, ${bytes(feed.byteLength)}`],
    ['Here', `${percent(feed.share)}; without a gap up to block ${count(feed.here)}`],
    ['Fork', count(feed.fork)],
    ['Writable', feed.writable ? 'yes, here' : 'no'],
    ['Peers', count(feed.peers)]
  ])
  form.elements.seed.checked = feed.seed
  form.elements.download.checked = feed.download
  bitfield($('feed-map'), cells(feed.map))
}

let shownPeer
const showPeer = dialog('peer', () => send('POST', '/v1/swarm/peers', { publicKey: shownPeer.publicKey, action: 'ban' }))

function openPeer (peer) {
  shownPeer = peer
  const [box] = showPeer()
  facts(box.querySelector('.facts'), [
    ['Public key', peer.publicKey],
    ['Address', `${peer.address ?? 'not known'} (${peer.transport})`],
    ['Dialled by', peer.initiator ? 'this node' : 'the peer'],
    ['Received', bytes(peer.bytesReceived)],
    ['Sent', bytes(peer.bytesSent)]
  ])
}

let shownTopic
const showTopic = dialog('topic', () => send('DELETE', `/v1/swarm/topics/${encodeURIComponent(shownTopic.topic)}`))

function openTopic (topic) {
  shownTopic = topic
  const [box] = showTopic()
  facts(box.querySelector('.facts'), [
    ['Topic', topic.topic],
    ['Announced', topic.server ? 'yes' : 'no'],
    ['Looked up', topic.client ? 'yes' : 'no'],
    ['Peers found', count(topic.peersFound)]
  ])
}

const showSettings = dialog('settings', async fields => {
  const changed = [...fields].filter(f => f.name && f.value !== f.defaultValue)
  if (changed.length > 0) await send('PATCH', '/v1/node/config', Object.fromEntries(changed.map(f => [f.name, f.value])))
})
$('open-settings').addEventListener('click', async () => {
  const [box, form] = showSettings()
  try {
    const settings = (await get('/v1/node/config')).filter(s => s.reloadable)
    $('settings').replaceChildren(...settings.map(setting => {
      const label = document.createElement('label')
      const input = Object.assign(document.createElement('input'), { name: setting.key, defaultValue: setting.value, autocomplete: 'off' })
      const hint = Object.assign(document.createElement('span'), { className: 'quiet', textContent: `${setting.allowed}; from ${setting.origin}` })
      label.append(setting.key, input, hint)
      return label
    }))
    box.querySelector('input')?.focus()
  } catch (error) {
    problem(form, error.message)
  }
})

$('pause').addEventListener('click', async () => {
  try {
    await send('PUT', '/v1/swarm/suspend', { suspended: !state.isPaused })
    showPause(!state.isPaused)
  } catch (error) {
    addEvent({ at: new Date().toISOString(), level: 'error', text: error.message })
  }
})

function showPause (isPaused) {
  state.isPaused = isPaused
  $('pause').setAttribute('aria-pressed', isPaused)
  text($('pause'), isPaused ? 'Go on' : 'Pause')
}

// ---- the link to the daemon ----

let tokenGiven
const askToken = dialog('token', fields => {
  setToken(fields.token.value.trim())
  tokenGiven?.()
})

function showLink (words, className) {
  text($('link'), words)
  $('link').className = `state ${className}`
}

async function follow () {
  let pause = 250
  while (true) {
    const silent = new AbortController()
    // The daemon sends several times a second: five seconds of silence are a lost link.
    let timer
    const heard = () => {
      clearTimeout(timer)
      timer = setTimeout(() => silent.abort(), 5000)
    }
    try {
      heard()
      await stream('/events/status', silent.signal, (kind, document) => {
        heard()
        pause = 250
        showLink('live', 'live')
        take(kind, document)
      })
    } catch (error) {
      if (error instanceof Unauthorized) {
        showLink('waiting for the token', '')
        await new Promise(resolve => {
          tokenGiven = resolve
          if (!$('token-dialog').open) askToken()
        })
        continue
      }
    } finally {
      clearTimeout(timer)
    }
    showLink('lost the daemon, trying again', 'lost')
    await new Promise(resolve => setTimeout(resolve, pause))
    pause = Math.min(5000, pause * 2)
  }
}

follow()
get('/v1/swarm').then(swarm => showPause(swarm.suspended), () => {})
