// The daemon's local API, as this page uses it.

const storageKey = 'hyperactors-token'

// The token comes once in the fragment of the address, which browsers keep to themselves, and leaves it at once.
if (location.hash.startsWith('#token=')) {
  sessionStorage.setItem(storageKey, decodeURIComponent(location.hash.slice('#token='.length)))
  history.replaceState(null, '', location.pathname)
}

export class Unauthorized extends Error {}

export function setToken (token) {
  sessionStorage.setItem(storageKey, token)
}

async function ask (path, options = {}) {
  const token = sessionStorage.getItem(storageKey)
  const headers = { ...options.headers, ...(token && { authorization: `Bearer ${token}` }) }
  const response = await fetch(path, { ...options, headers })
  if (response.status === 401) throw new Unauthorized('the daemon asks for its token')
  if (!response.ok) throw new Error(await problemOf(response))
  return response
}

async function problemOf (response) {
  try {
    const problem = await response.json()
    return problem.detail ?? problem.title ?? `the daemon answered ${response.status}`
  } catch {
    return `the daemon answered ${response.status}`
  }
}

export async function get (path) {
  return (await ask(path)).json()
}

export async function send (method, path, body) {
  await ask(path, body === undefined
    ? { method }
    : { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
}

// Server-sent events over fetch, which can carry a token where EventSource can't.
export async function stream (path, signal, handle) {
  const response = await ask(path, { signal, headers: { accept: 'text/event-stream' } })
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  while (true) {
    const { value, done } = await reader.read()
    if (done) return
    rest += value
    let end
    while ((end = rest.indexOf('\n\n')) >= 0) {
      const lines = rest.slice(0, end).split('\n')
      rest = rest.slice(end + 2)
      const kind = lines.find(l => l.startsWith('event:'))?.slice(6).trim() ?? 'message'
      const data = lines.filter(l => l.startsWith('data:')).map(l => l.slice(5).trimStart()).join('\n')
      if (data) handle(kind, JSON.parse(data))
    }
  }
}
