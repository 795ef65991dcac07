// The local API with JavaScript, nothing but Node: node example.mjs SOCKET.
import http from 'node:http'

const socketPath = process.argv[2]

function request (method, path, body) {
  return new Promise((resolve, reject) => {
    const sent = http.request({ socketPath, method, path, headers: body ? { 'content-type': 'application/json' } : {} }, resolve)
    sent.on('error', reject)
    sent.end(body && JSON.stringify(body))
  })
}

async function call (method, path, body) {
  const answer = await request(method, path, body)
  let text = ''
  for await (const chunk of answer.setEncoding('utf8')) text += chunk
  const content = JSON.parse(text)
  if (answer.statusCode >= 400) throw new Error(`${content.code}: ${content.detail}`)
  return content
}

// Server-sent events, one after the other.
async function * events (path) {
  let rest = ''
  for await (const chunk of (await request('GET', path)).setEncoding('utf8')) {
    rest += chunk
    for (let end; (end = rest.indexOf('\n\n')) >= 0; rest = rest.slice(end + 2)) {
      const lines = rest.slice(0, end).split('\n')
      const field = name => lines.find(line => line.startsWith(`${name}: `))?.slice(name.length + 2)
      yield { name: field('event'), data: JSON.parse(field('data')) }
    }
  }
}

const text = block => Buffer.from(block.base64, 'base64').toString()

const feed = await call('POST', '/v1/feeds', { name: 'javascript' })
console.log('key', feed.key)

const appended = await call('POST', '/v1/feeds/javascript/blocks', { blocks: [{ text: 'hello' }, { json: { answer: 42 } }] })
console.log('length', appended.feed.length)

for (const block of await call('GET', '/v1/feeds/javascript/blocks')) console.log(block.index, text(block))

// Live: what is appended later comes as it is written.
await call('POST', '/v1/feeds/javascript/blocks', { blocks: [{ text: 'later' }] })
for await (const { data } of events('/v1/feeds/javascript/live?from=2')) {
  console.log('live', data.index, text(data))
  break
}
