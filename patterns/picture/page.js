const svg = document.querySelector('svg')
const panel = document.getElementById('block')
const edges = [...svg.querySelectorAll('.edge')]

function show(block) {
  for (const x of svg.querySelectorAll('.on')) x.classList.remove('on')
  svg.classList.toggle('lit', block !== null)
  panel.hidden = block === null
  if (block === null) return
  panel.querySelector('pre').textContent = block.querySelector('title').textContent
  block.classList.add('on')
  for (const e of edges) {
    const ends = ['b' + e.dataset.from, 'b' + e.dataset.to]
    if (!ends.includes(block.id)) continue
    e.classList.add('on')
    for (const id of ends) document.getElementById(id).classList.add('on')
  }
}

for (const b of svg.querySelectorAll('.block')) {
  b.addEventListener('mouseenter', () => show(b))
  b.addEventListener('focus', () => show(b))
  b.addEventListener('mouseleave', () => show(null))
  b.addEventListener('blur', () => show(null))
}
