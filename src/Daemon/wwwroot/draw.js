// Pictures on canvases: what changes often is painted, not built from elements.

let colours
const dark = matchMedia('(prefers-color-scheme: dark)')
dark.addEventListener('change', () => { colours = undefined })

function colour (name) {
  if (!colours) {
    const style = getComputedStyle(document.documentElement)
    colours = Object.fromEntries(['in', 'out', 'trip', 'accent', 'empty', 'quiet', 'line', 'good'].map(n => [n, style.getPropertyValue(`--${n}`).trim()]))
  }
  return colours[name]
}

// Sizes are read when they change, and not for every picture: reading one makes the browser lay out the page.
const boxes = new WeakMap()
const watcher = new ResizeObserver(entries => {
  for (const { target, contentRect } of entries) boxes.set(target, contentRect)
})

function begin (canvas) {
  let box = boxes.get(canvas)
  if (!box) {
    box = canvas.getBoundingClientRect()
    boxes.set(canvas, box)
    watcher.observe(canvas)
  }
  const ratio = devicePixelRatio || 1
  const width = Math.round(box.width * ratio)
  const height = Math.round(box.height * ratio)
  if (width === 0 || height === 0) return null
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width
    canvas.height = height
  }
  const context = canvas.getContext('2d')
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clearRect(0, 0, box.width, box.height)
  return { context, width: box.width, height: box.height }
}

// Which parts of a feed are here: the more of a part, the fuller its bar.
export function bitfield (canvas, parts) {
  const paper = begin(canvas)
  if (!paper) return
  const { context, width, height } = paper
  context.fillStyle = colour('empty')
  context.fillRect(0, 0, width, height)
  context.fillStyle = colour('accent')
  const step = width / Math.max(1, parts.length)
  for (let i = 0; i < parts.length; i++) {
    const high = height * parts[i] / 255
    // From pixel to pixel: between two full parts there is no seam.
    const left = Math.round(i * step)
    if (high > 0) context.fillRect(left, height - high, Math.round((i + 1) * step) - left, high)
  }
}

// Series over time, on one scale; with a frame, which says what is what and how high it goes.
export function plot (canvas, history, series, frame) {
  const paper = begin(canvas)
  if (!paper) return
  const { context, width, height } = paper
  const top = Math.max(1, history.top(series))
  if (frame) {
    context.strokeStyle = colour('line')
    context.lineWidth = 1
    for (let i = 1; i < 4; i++) {
      const y = Math.round(height * i / 4) + 0.5
      context.beginPath()
      context.moveTo(0, y)
      context.lineTo(width, y)
      context.stroke()
    }
  }
  // More points than pixels are drawn in steps: the highest of a step counts.
  const step = Math.max(1, Math.floor(history.capacity / width))
  for (const name of series) {
    const values = history.series[name]
    context.strokeStyle = colour(name)
    context.lineWidth = 1.5
    context.beginPath()
    for (let i = history.length - 1; i >= 0; i -= step) {
      let value = 0
      for (let k = i; k > i - step && k >= 0; k--) value = Math.max(value, values[(history.start + k) % history.capacity])
      const x = width * (1 - (history.length - 1 - i) / (history.capacity - 1))
      const y = height - 2 - (height - 4) * value / top
      if (i === history.length - 1) context.moveTo(x, y)
      else context.lineTo(x, y)
    }
    context.stroke()
  }
  if (frame) {
    context.font = '12px system-ui, sans-serif'
    context.textBaseline = 'top'
    let x = 8
    for (const [name, words] of [...series.map(name => [name, labels[name]]), ['quiet', `up to ${frame(top)}`]]) {
      context.fillStyle = colour(name)
      context.fillText(words, x, 6)
      x += context.measureText(words).width + 10
    }
  }
}

const labels = { in: 'in', out: 'out', trip: 'round trip' }

// A bar for each value, numbered below.
export function bars (canvas, values, top) {
  const paper = begin(canvas)
  if (!paper) return
  const { context, width, height } = paper
  const foot = 16
  const step = width / Math.max(1, values.length)
  const gap = step > 6 ? 2 : 0
  const every = Math.ceil(22 / step)
  context.font = '11px system-ui, sans-serif'
  context.textAlign = 'center'
  context.textBaseline = 'bottom'
  for (let i = 0; i < values.length; i++) {
    context.fillStyle = colour('empty')
    context.fillRect(i * step, 0, step - gap, height - foot)
    const high = (height - foot) * Math.min(1, values[i] / top)
    context.fillStyle = colour('accent')
    context.fillRect(i * step, height - foot - high, step - gap, high)
    if (i % every === 0) {
      context.fillStyle = colour('quiet')
      context.fillText(i, i * step + (step - gap) / 2, height)
    }
  }
}

// The last so many values of each series, overwritten in place.
export class History {
  constructor (capacity, names) {
    this.capacity = capacity
    this.series = Object.fromEntries(names.map(name => [name, new Float32Array(capacity)]))
    this.length = 0
    this.start = 0
  }

  add (values) {
    const place = (this.start + this.length) % this.capacity
    for (const name in this.series) this.series[name][place] = values[name]
    if (this.length < this.capacity) this.length++
    else this.start = (this.start + 1) % this.capacity
  }

  top (names) {
    let top = 0
    for (const name of names) {
      for (let i = 0; i < this.length; i++) top = Math.max(top, this.series[name][(this.start + i) % this.capacity])
    }
    return top
  }
}
