// What the node does now, drawn as it changes.

import { get, send, stream, setToken, Unauthorized } from './api.js'
import { bitfield, plot, bars, History } from './draw.js'
import { bytes, rate, count, many, percent, span, milliseconds, shortKey, cells } from './format.js'
import { List, text } from './list.js'

const $ = id => document.getElementById(id)

const state = {
  feeds: new Map(),
  peers: new Map(),
  topics: new Map(),
  histories: new Map(),
  traffic: new History(600, ['in', 'out']),
  closed: new Set(),
  totals: null,
  keys: null,
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
  heads: ['Name', 'Length', 'Blocks', 'Here'],
  none: 'No feeds yet. "Add a feed" opens one by its name or its key.',
  key: feed => feed.key,
  choose: openFeed,
  columns: [
    { make: twoLines, fill: (cell, f) => fillTwo(cell, f.name ?? shortKey(f.key), [f.name && shortKey(f.key), ...doings(f)].filter(Boolean).join(' · ')) },
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
    {
      className: 'number',
      make: twoLines,
      fill: (cell, f) => {
        cell.firstChild.classList.toggle('bad', f.damage != null)
        fillTwo(cell, f.damage != null ? 'damaged' : hereOf(f), many(f.peers, 'peer'))
      }
    }
  ]
})

// Of a feed that nobody has told the length of, there is no share.
const hereOf = feed => feed.length === 0 ? '–' : percent(feed.share)

// What the node does with a feed, in a word each.
function doings (feed) {
  return [feed.writable && 'ours', feed.seed && 'announced', feed.download && 'kept whole']
}

const peerList = new List($('peer-list'), {
  label: 'Peers',
  heads: ['Peer', 'Round trip', 'Rates', 'Now'],
  none: 'Nobody is connected. Peers come with feeds that are added and topics that are joined.',
  key: peer => peer.id,
  choose: openPeer,
  columns: [
    { make: twoLines, fill: (cell, p) => fillTwo(cell, shortKey(p.publicKey), `${p.transport} ${p.address ?? ''}`) },
    {
      className: 'trip',
      make: cell => {
        cell.append(document.createElement('span'))
        picture('Round trip of the last minute')(cell)
      },
      fill: (cell, p) => {
        text(cell.firstChild, milliseconds(p.roundTripMs))
        cell.lastChild.hidden = p.roundTripMs == null
        if (p.roundTripMs != null) plot(cell.lastChild, historyOf(p.id), ['trip'])
      }
    },
    { make: picture('Rates of the last minute'), fill: (cell, p) => plot(cell.firstChild, historyOf(p.id), ['in', 'out']) },
    { className: 'number', make: twoLines, fill: (cell, p) => fillTwo(cell, `↓ ${rate(p.rateIn)}`, `↑ ${rate(p.rateOut)}`) }
  ]
})

const topicList = new List($('topic-list'), {
  label: 'Topics',
  heads: ['Topic', 'Does', 'Peers'],
  none: 'In no topic. "Join a topic" meets others there.',
  key: topic => topic.topic,
  choose: openTopic,
  columns: [
    { make: twoLines, fill: (cell, t) => t.feed == null ? fillTwo(cell, shortKey(t.topic), '') : fillTwo(cell, t.feed.length > 50 ? shortKey(t.feed) : t.feed, `a feed · ${shortKey(t.topic)}`) },
    { make: twoLines, fill: (cell, t) => fillTwo(cell, t.server ? 'announces' : 'looks', t.server && t.client ? 'and looks' : 'only') },
    { className: 'number', fill: (cell, t) => text(cell, count(t.peersFound)) }
  ]
})

const actorList = new List($('actor-list'), {
  label: 'Actors: name, messages waiting, messages handled, restarts. Enter folds a row.',
  heads: ['', 'waiting', 'handled', 'restarts'],
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
    {
      className: 'number',
      fill: (cell, r) => {
        cell.classList.toggle('warn', r.actor.restarts > 0)
        text(cell, count(r.actor.restarts))
      }
    }
  ]
})

const short = n => n < 10000 ? count(n) : bytes(n).replace(' B', '').replace(' kB', ' k').replace('B', '')

const nameOf = actor => {
  const name = actor.path.slice(actor.path.lastIndexOf('/') + 1) || '/'
  return actor.count > 1 ? `${actor.type} × ${count(actor.count)}` : name
}

function historyOf (id) {
  let history = state.histories.get(id)
  if (!history) state.histories.set(id, history = new History(300, ['in', 'out', 'trip']))
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
  const { node, totals, suspended, feeds, peers, topics, dht, actors, events, gone } = document
  if (node) takeNode(node)
  if (totals) state.totals = totals
  if (suspended != null) showPause(suspended)
  for (const feed of feeds ?? []) {
    if (state.feeds.get(feed.key)?.name !== feed.name) state.keys = null
    state.feeds.set(feed.key, feed)
  }
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
  for (const peer of state.peers.values()) historyOf(peer.id).add({ in: peer.rateIn, out: peer.rateOut, trip: peer.roundTripMs ?? 0 })
  if (state.totals) state.traffic.add({ in: state.totals.bytesPerSecondIn, out: state.totals.bytesPerSecondOut })
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
  feedList.set(inOrder().filter(f => matches(words, f.name, f.key)))
  const peerWords = $('find-peer').value.trim().toLowerCase()
  peerList.set([...state.peers.values()].filter(p => matches(peerWords, p.publicKey, p.address)).sort((a, b) => a.id - b.id))
  topicList.set([...state.topics.values()].sort((a, b) => order(a.topic, b.topic)))
  drawTotals()
  drawNow()
  drawDht()
  drawActors()
  for (const fill of shown.values()) fill()
}

// Names as a reader counts, feed-2 before feed-10; what has no name, by its key. Sorted when one is new, not when one has grown.
const names = new Intl.Collator(undefined, { numeric: true })

function inOrder () {
  if (state.keys?.length !== state.feeds.size || !state.keys.every(key => state.feeds.has(key))) {
    const feeds = [...state.feeds.values()]
    feeds.sort((a, b) => a.name == null ? (b.name == null ? order(a.key, b.key) : 1) : b.name == null ? -1 : names.compare(a.name, b.name))
    state.keys = feeds.map(f => f.key)
  }
  return state.keys.map(key => state.feeds.get(key))
}

// What the node does, in a sentence.
function drawNow () {
  let announced = 0
  let kept = 0
  let complete = 0
  let damaged = 0
  for (const feed of state.feeds.values()) {
    if (feed.seed) announced++
    if (feed.download) kept++
    if (feed.download && feed.length > 0 && feed.share === 1) complete++
    if (feed.damage != null) damaged++
  }
  const parts = [
    announced > 0 && `announces ${many(announced, 'feed')}`,
    kept > 0 && `keeps ${many(kept, 'feed')} whole (${complete === kept ? 'all of them' : count(complete)} complete)`,
    state.topics.size > 0 && `is in ${many(state.topics.size, 'topic')}`,
    state.totals && `talks with ${state.totals.peers === 0 ? 'nobody' : many(state.totals.peers, 'peer')}`
  ].filter(Boolean)
  const now = parts.length === 0 ? '' : `${parts.length > 1 ? `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}` : parts[0]}.`
  text($('now'), (state.isPaused ? 'Paused: it announces nothing, looks for nobody and has no connections of the swarm. ' : '') + (now && `This node ${now}`) + (damaged > 0 ? ` ${many(damaged, 'feed')} cannot be opened.` : ''))
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
  plot($('traffic'), state.traffic, ['in', 'out'], rate)
}

function drawDht () {
  const { dht } = state
  facts($('dht-facts'), dht
    ? [
        ['State', !dht.ready ? 'looking for the network' : !dht.online ? 'offline' : dht.degraded ? 'online, many answers are lost' : 'online'],
        ['Address', dht.publicAddress ?? 'not known yet'],
        ['Own socket', dht.localAddress ?? 'none'],
        ['Translator', dht.nat.toLowerCase()],
        ...(dht.nearest?.length > 0 ? [['Nearest', dht.nearest.slice(0, 3).map(c => c.address).join(', ')]] : []),
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

// What fills a dialog while it is open: it shows its thing as that changes.
const shown = new Map()

const problem = (form, message) => { form.querySelector('.problem').textContent = message }

function dialog (name, submit) {
  const box = $(`${name}-dialog`)
  const form = $(`${name}-form`)
  form.querySelector('.close')?.addEventListener('click', () => box.close())
  box.addEventListener('close', () => shown.delete(name))
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
  form.elements.seed.checked = feed.seed
  form.elements.download.checked = feed.download
  text($('copy-key'), 'Copy the key')
  shown.set('feed', () => {
    feed = state.feeds.get(feed.key) ?? feed
    facts(box.querySelector('.facts'), [
      ['Key', feed.key],
      ...(feed.damage == null ? [] : [['Damaged', feed.damage]]),
      ['Length', `${count(feed.length)} blocks, ${bytes(feed.byteLength)}`],
      ['Here', `${hereOf(feed)}; without a gap up to block ${count(feed.here)}`],
      ['Fork', count(feed.fork)],
      ['Writable', feed.writable ? 'yes, here' : 'no'],
      ['Peers', count(feed.peers)]
    ])
    bitfield($('feed-map'), cells(feed.map))
  })
  shown.get('feed')()
}

$('copy-key').addEventListener('click', async () => {
  try {
    await navigator.clipboard.writeText(shownFeed.key)
    text($('copy-key'), 'Copied')
  } catch (error) {
    problem($('feed-form'), `the browser does not let it be copied: ${error.message}`)
  }
})

let shownPeer
const showPeer = dialog('peer', () => send('POST', '/v1/swarm/peers', { publicKey: shownPeer.publicKey, action: 'ban' }))

function openPeer (peer) {
  shownPeer = peer
  const [box] = showPeer()
  shown.set('peer', () => {
    const isHere = state.peers.has(peer.id)
    peer = state.peers.get(peer.id) ?? peer
    facts(box.querySelector('.facts'), [
      ['Public key', peer.publicKey],
      ['Address', `${peer.address ?? 'not known'} (${peer.transport})`],
      ['Dialled by', peer.initiator ? 'this node' : 'the peer'],
      ['Round trip', peer.roundTripMs == null ? 'not measured' : milliseconds(peer.roundTripMs)],
      ['Received', isHere ? `${bytes(peer.bytesReceived)}, now ${rate(peer.rateIn)}` : bytes(peer.bytesReceived)],
      ['Sent', isHere ? `${bytes(peer.bytesSent)}, now ${rate(peer.rateOut)}` : bytes(peer.bytesSent)],
      ...(isHere ? [] : [['State', 'gone']])
    ])
    if (!isHere) return
    plot($('peer-rates'), historyOf(peer.id), ['in', 'out'], rate)
    $('peer-trips').hidden = peer.roundTripMs == null
    if (peer.roundTripMs != null) plot($('peer-trips'), historyOf(peer.id), ['trip'], milliseconds)
  })
  shown.get('peer')()
}

let shownTopic
const showTopic = dialog('topic', () => send('DELETE', `/v1/swarm/topics/${encodeURIComponent(shownTopic.topic)}`))

function openTopic (topic) {
  shownTopic = topic
  const [box] = showTopic()
  facts(box.querySelector('.facts'), [
    ['Topic', topic.topic],
    ...(topic.feed == null ? [] : [['Feed', topic.feed]]),
    ['Announced', topic.server ? 'yes' : 'no'],
    ['Looked up', topic.client ? 'yes' : 'no'],
    ['Peers found', count(topic.peersFound)]
  ])
}

// What can be limited while the node runs, in the words of a person; what is not named here shows its key alone.
const settingNames = {
  'node.connections.maxUploadRate': 'Bytes a second to peers, at most (0 for no bound)',
  'node.connections.maxDownloadRate': 'Bytes a second from peers, at most (0 for no bound)',
  'node.connections.maxConnections': 'Connections to peers, at most',
  'node.connections.maxHalfOpenPerAddress': 'Handshakes under way from one address, at most',
  'node.connections.connectTimeout': 'Time for a dial',
  'node.connections.endTimeout': 'Time for an orderly end',
  'node.connections.maxUnconsumedBytes': 'Bytes received and not yet dealt with, each connection',
  'node.connections.maxUnwrittenBytes': 'Bytes waiting to be sent, each connection',
  'node.connections.maxWriteSize': 'Bytes of one write, at most',
  'api.maxStreams': 'Streams of the API, at most',
  'api.maxAppendBytes': 'Bytes of one append, at most',
  'api.maxBufferedBytes': 'Bytes of all appends under way, at most',
  'api.statusInterval': 'Time between two pictures of this page',
  'log.level': 'What is logged',
  'log.categories': 'What is logged of single parts'
}

function fieldOf (setting) {
  const label = document.createElement('label')
  const choices = /^[a-z]+(, [a-z]+)+$/i.test(setting.allowed) ? setting.allowed.split(', ') : null
  const field = Object.assign(document.createElement(choices ? 'select' : 'input'), { name: setting.key })
  if (choices) field.append(...choices.map(choice => new Option(choice, choice)))
  else field.autocomplete = 'off'
  if (/^-?\d+ to \d+$/.test(setting.allowed)) {
    field.inputMode = 'numeric'
  }
  field.value = setting.value
  field.dataset.now = setting.value
  const hint = document.createElement('small')
  hint.textContent = [settingNames[setting.key] && setting.key, setting.allowed, setting.value !== setting.default && `without configuration ${setting.default}`, `from ${setting.origin}`].filter(Boolean).join(' · ')
  const name = document.createElement('span')
  name.textContent = settingNames[setting.key] ?? setting.key
  label.append(name, field, hint)
  return label
}

const named = Object.keys(settingNames)
const placeOf = setting => named.includes(setting.key) ? named.indexOf(setting.key) : named.length

const showSettings = dialog('settings', async fields => {
  const changed = [...fields].filter(f => f.name && f.value !== f.dataset.now)
  if (changed.length > 0) await send('PATCH', '/v1/node/config', Object.fromEntries(changed.map(f => [f.name, f.value])))
})
$('open-settings').addEventListener('click', async () => {
  const [box, form] = showSettings()
  try {
    const settings = (await get('/v1/node/config')).filter(s => s.reloadable).sort((a, b) => placeOf(a) - placeOf(b))
    $('settings').replaceChildren(...settings.map(fieldOf))
    box.querySelector('#settings input, #settings select')?.focus()
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
