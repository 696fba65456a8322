const $ = id => document.getElementById(id)
const panel = $('block')
const canvases = [...document.querySelectorAll('.canvas')]
const shown = () => canvases.find(c => !c.hidden)

// A picture is seen through its view box: x, y, width, height.
const boxes = new Map()
for (const c of canvases) {
  const svg = c.querySelector('svg')
  const [, , width, height] = svg.getAttribute('viewBox').split(' ').map(Number)
  boxes.set(c, {svg, width, height, x: 0, y: 0, w: width, h: height})
}

function look(b) {
  b.svg.setAttribute('viewBox', `${b.x} ${b.y} ${b.w} ${b.h}`)
}

function fit(c) {
  const b = boxes.get(c)
  Object.assign(b, {x: 0, y: 0, w: b.width, h: b.height})
  look(b)
}

// begin shows all of a picture, or where that is too small to be read its top, a head's
// around the class logits, which are the first dark block.
function begin(c) {
  fit(c)
  const b = boxes.get(c)
  const s = scale(c)
  if (s < 3) return
  b.w = 1.5 * c.clientWidth
  b.h = 1.5 * c.clientHeight
  const logits = c.id === 'head' && b.svg.querySelector('.block.dark')
  const r = logits && logits.getBBox()
  const middle = r ? r.x + offset(logits)[0] + r.width / 2 : b.width / 2
  b.x = middle - b.w / 2
  look(b)
}

// scale is how many units of the picture a pixel of the screen is.
function scale(c) {
  const b = boxes.get(c)
  return Math.max(b.w / c.clientWidth, b.h / c.clientHeight)
}

// at is where a point of the screen lies in the picture.
function at(c, x, y) {
  const m = boxes.get(c).svg.getScreenCTM()
  return [(x - m.e) / m.a, (y - m.f) / m.d]
}

// zoom makes all larger by a factor around a point of the screen.
function zoom(c, factor, x, y) {
  const b = boxes.get(c)
  const w = Math.min(Math.max(b.w / factor, 60), 4 * b.width)
  const f = w / b.w
  const [px, py] = at(c, x, y)
  b.x = px - (px - b.x) * f
  b.y = py - (py - b.y) * f
  b.w = w
  b.h *= f
  look(b)
}

function zoomMiddle(factor) {
  const c = shown()
  const r = c.getBoundingClientRect()
  zoom(c, factor, r.left + r.width / 2, r.top + r.height / 2)
}

// centre moves the picture so that a block is in the middle, large enough to be read.
function centre(c, block) {
  const b = boxes.get(c)
  const r = block.getBBox()
  const [ox, oy] = offset(block)
  const middle = [r.x + ox + r.width / 2, r.y + oy + r.height / 2]
  const s = Math.min(scale(c), 1)
  b.w = s * c.clientWidth
  b.h = s * c.clientHeight
  b.x = middle[0] - b.w / 2
  b.y = middle[1] - b.h / 2
  look(b)
}

// offset is how far the group of a block is moved.
function offset(block) {
  const m = block.parentNode.transform.baseVal.consolidate().matrix
  return [m.e, m.f]
}

for (const c of canvases) {
  const pointers = new Map()
  c.addEventListener('wheel', e => {
    e.preventDefault()
    zoom(c, Math.exp(-e.deltaY * (e.deltaMode ? 0.05 : 0.002)), e.clientX, e.clientY)
  }, {passive: false})
  c.addEventListener('pointerdown', e => {
    pointers.set(e.pointerId, [e.clientX, e.clientY])
    c.setPointerCapture(e.pointerId)
    c.classList.add('moving')
  })
  c.addEventListener('pointermove', e => {
    const from = pointers.get(e.pointerId)
    if (!from) return
    const b = boxes.get(c)
    if (pointers.size === 1) {
      const s = scale(c)
      b.x -= (e.clientX - from[0]) * s
      b.y -= (e.clientY - from[1]) * s
      look(b)
    } else {
      const other = [...pointers].find(([id]) => id !== e.pointerId)[1]
      const before = Math.hypot(from[0] - other[0], from[1] - other[1])
      const after = Math.hypot(e.clientX - other[0], e.clientY - other[1])
      if (before > 0) zoom(c, after / before, other[0], other[1])
    }
    pointers.set(e.pointerId, [e.clientX, e.clientY])
  })
  for (const end of ['pointerup', 'pointercancel']) {
    c.addEventListener(end, e => {
      pointers.delete(e.pointerId)
      if (pointers.size === 0) c.classList.remove('moving')
    })
  }
  if (!c.hidden) begin(c)
}

$('fit').addEventListener('click', () => fit(shown()))
$('closer').addEventListener('click', () => zoomMiddle(1.4))
$('farther').addEventListener('click', () => zoomMiddle(1 / 1.4))
document.addEventListener('keydown', e => {
  if (e.target === $('find') || e.ctrlKey || e.metaKey || e.altKey) return
  if (e.key === '+' || e.key === '=') zoomMiddle(1.4)
  else if (e.key === '-') zoomMiddle(1 / 1.4)
  else if (e.key === '0') fit(shown())
  else if (e.key === '/') { e.preventDefault(); $('find').focus() }
})

for (const v of document.querySelectorAll('.view')) {
  v.addEventListener('click', () => {
    for (const w of document.querySelectorAll('.view')) w.setAttribute('aria-pressed', w === v)
    for (const c of canvases) c.hidden = c.id !== v.dataset.view
    begin(shown())
    search(false)
  })
}

// The search: blocks whose title has the words, one of which is in the middle.
let hits = [], current = -1
function search(go) {
  for (const h of document.querySelectorAll('.hit')) h.classList.remove('hit')
  const words = $('find').value.trim().toLowerCase()
  hits = words === '' ? [] : [...shown().querySelectorAll('.block')].filter(b => b.querySelector('title').textContent.toLowerCase().includes(words))
  for (const h of hits) h.classList.add('hit')
  current = -1
  $('found').textContent = words === '' ? '' : `${hits.length} found`
  if (go && hits.length) step(1)
}
function step(by) {
  if (!hits.length) return
  current = (current + by + hits.length) % hits.length
  $('found').textContent = `${current + 1} of ${hits.length}`
  centre(shown(), hits[current])
  show(hits[current])
}
$('find').addEventListener('input', () => search(true))
$('find').addEventListener('keydown', e => {
  if (e.key === 'Enter') step(e.shiftKey ? -1 : 1)
})

// Light or dark: as the system has it, until the button is pressed.
const dark = matchMedia('(prefers-color-scheme: dark)')
let theme = dark.matches ? 'dark' : 'light'
function paint() {
  document.documentElement.dataset.theme = theme
  $('theme').textContent = theme === 'dark' ? 'Light' : 'Dark'
}
dark.addEventListener('change', () => { theme = dark.matches ? 'dark' : 'light'; paint() })
$('theme').addEventListener('click', () => { theme = theme === 'dark' ? 'light' : 'dark'; paint() })
paint()

if ($('copy')) {
  $('copy').addEventListener('click', async () => {
    let done = true
    try {
      await navigator.clipboard.writeText($('next').textContent)
    } catch {
      getSelection().selectAllChildren($('next'))
      done = document.execCommand('copy')
    }
    $('copy').textContent = done ? 'Copied' : 'Press Ctrl+C'
    setTimeout(() => { $('copy').textContent = 'Copy' }, 2000)
  })
}

function show(block) {
  for (const x of document.querySelectorAll('.on')) x.classList.remove('on')
  for (const c of canvases) boxes.get(c).svg.classList.toggle('lit', block !== null && c.contains(block))
  panel.hidden = block === null
  if (block === null) return
  panel.querySelector('pre').textContent = block.querySelector('title').textContent
  block.classList.add('on')
  for (const e of block.ownerSVGElement.querySelectorAll(`.edge[data-from="${block.id}"], .edge[data-to="${block.id}"]`)) {
    e.classList.add('on')
    $(e.dataset.from).classList.add('on')
    $(e.dataset.to).classList.add('on')
  }
}

for (const b of document.querySelectorAll('.block')) {
  b.addEventListener('mouseenter', () => show(b))
  b.addEventListener('focus', () => show(b))
  b.addEventListener('mouseleave', () => show(null))
  b.addEventListener('blur', () => show(null))
}
