// A list of any length with as many elements as fit on the screen: rows are filled anew when they scroll.

let lists = 0

export class List {
  // columns: [{ className, make(cell), fill(cell, item) }]
  constructor (place, { label, heads, columns, key, choose, none }) {
    this.id = `list-${++lists}`
    this.columns = columns
    this.key = key
    this.choose = choose
    this.items = []
    this.active = 0
    this.rows = []
    this.grid = document.createElement('div')
    this.grid.setAttribute('role', 'grid')
    this.grid.setAttribute('aria-label', label)
    this.grid.setAttribute('aria-colcount', columns.length)
    this.grid.tabIndex = 0
    this.body = document.createElement('div')
    this.body.setAttribute('role', 'rowgroup')
    this.none = document.createElement('p')
    this.none.className = 'none'
    this.none.textContent = none
    this.grid.append(this.body)
    // For the eye alone: the grid's label and its cells say the same.
    this.heads = document.createElement('p')
    this.heads.className = 'heads'
    this.heads.setAttribute('aria-hidden', 'true')
    heads.forEach((head, i) => {
      const cell = Object.assign(document.createElement('span'), { textContent: head, className: columns[i].className ?? '' })
      this.heads.append(cell)
    })
    place.replaceChildren(this.heads, this.grid, this.none)
    this.grid.addEventListener('scroll', () => this.draw())
    this.grid.addEventListener('keydown', e => this.onKey(e))
    this.body.addEventListener('click', e => this.onClick(e))
    new ResizeObserver(() => this.measure()).observe(this.grid)
    this.measure()
  }

  measure () {
    const row = getComputedStyle(this.grid).getPropertyValue('--row').trim()
    this.rowHeight = parseFloat(row) * parseFloat(getComputedStyle(document.documentElement).fontSize)
    this.height = this.grid.clientHeight
    this.draw()
  }

  set (items) {
    // The chosen row stays with its item, wherever that is now.
    const chosen = this.items[this.active]
    this.items = items
    if (chosen) {
      const key = this.key(chosen)
      const place = this.key(items[this.active] ?? chosen) === key && items[this.active] ? this.active : items.findIndex(i => this.key(i) === key)
      this.active = place >= 0 ? place : Math.min(this.active, Math.max(0, items.length - 1))
    }
    this.draw()
  }

  draw () {
    const { items, rowHeight } = this
    this.none.hidden = items.length > 0
    this.grid.hidden = this.heads.hidden = items.length === 0
    if (items.length === 0 || !rowHeight) return
    if (this.height === 0) this.height = this.grid.clientHeight
    this.body.style.height = `${items.length * rowHeight}px`
    this.grid.setAttribute('aria-rowcount', items.length)
    const first = Math.max(0, Math.floor(this.grid.scrollTop / rowHeight))
    const count = Math.min(items.length - first, Math.ceil(this.height / rowHeight) + 1)
    while (this.rows.length < count) this.rows.push(this.makeRow())
    while (this.rows.length > Math.max(count, 1)) this.rows.pop().element.remove()
    for (let i = 0; i < count; i++) {
      // A row keeps its place in the list while it is on screen, so that what is painted in it need not be painted again.
      const place = first + i
      this.fill(this.rows[place % this.rows.length], place)
    }
    const active = this.rows.find(r => r.place === this.active && r.element.isConnected)
    if (active) this.grid.setAttribute('aria-activedescendant', active.element.id)
    else this.grid.removeAttribute('aria-activedescendant')
  }

  makeRow () {
    const element = document.createElement('div')
    element.id = `${this.id}-row-${this.rows.length}`
    element.setAttribute('role', 'row')
    const cells = this.columns.map(column => {
      const cell = document.createElement('div')
      cell.setAttribute('role', 'gridcell')
      if (column.className) cell.className = column.className
      column.make?.(cell)
      element.append(cell)
      return cell
    })
    this.body.append(element)
    return { element, cells, place: -1 }
  }

  fill (row, place) {
    const item = this.items[place]
    if (row.place !== place) {
      row.place = place
      row.element.style.transform = `translateY(${place * this.rowHeight}px)`
      row.element.setAttribute('aria-rowindex', place + 1)
    }
    row.element.classList.toggle('active', place === this.active)
    row.element.setAttribute('aria-selected', place === this.active)
    this.columns.forEach((column, i) => column.fill(row.cells[i], item))
  }

  onKey (e) {
    const page = Math.max(1, Math.floor(this.height / this.rowHeight) - 1)
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.items.length, End: this.items.length }
    if (e.key in steps) {
      this.active = Math.min(this.items.length - 1, Math.max(0, this.active + steps[e.key]))
      this.show(this.active)
      e.preventDefault()
    } else if ((e.key === 'Enter' || e.key === ' ') && this.items[this.active]) {
      this.choose?.(this.items[this.active])
      e.preventDefault()
    }
  }

  onClick (e) {
    const row = this.rows.find(r => r.element.contains(e.target))
    if (row) {
      this.active = row.place
      this.draw()
      this.choose?.(this.items[row.place])
    }
  }

  show (place) {
    const top = place * this.rowHeight
    if (top < this.grid.scrollTop) this.grid.scrollTop = top
    else if (top + this.rowHeight > this.grid.scrollTop + this.height) this.grid.scrollTop = top + this.rowHeight - this.height
    this.draw()
  }
}

// Sets a text only where it is another one: an unchanged text costs no layout.
export function text (element, value) {
  if (element.textContent !== value) element.textContent = value
}
