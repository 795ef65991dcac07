// Numbers, sizes and times in few characters.

const sizes = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

export function bytes (n) {
  let unit = 0
  while (n >= 1000 && unit < sizes.length - 1) {
    n /= 1000
    unit++
  }
  return `${unit === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${sizes[unit]}`
}

export const rate = n => `${bytes(n)}/s`

export const count = n => n.toLocaleString('en')

export const many = (n, thing) => `${count(n)} ${thing}${n === 1 ? '' : 's'}`

export const milliseconds = ms => ms == null ? '–' : `${ms.toFixed(ms < 10 ? 1 : 0)} ms`

export const percent = share => `${share >= 1 ? 100 : Math.min(99, Math.floor(share * 100))} %`

export function span (seconds) {
  const s = Math.floor(seconds)
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`
  return `${Math.floor(s / 86400)} d ${Math.floor(s / 3600) % 24} h`
}

export const shortKey = key => key.length > 16 ? `${key.slice(0, 8)}…${key.slice(-4)}` : key

export function cells (base64) {
  if (!base64) return new Uint8Array(0)
  const text = atob(base64)
  return Uint8Array.from(text, c => c.charCodeAt(0))
}
