// Uses the page as a reader does, and leaves what does not work in the outer document.
(async () => {
  const problems = []
  const check = (right, what) => { if (!right) problems.push(what) }
  const pause = ms => new Promise(done => setTimeout(done, ms))
  try {
    const box = e => e.getBoundingClientRect()
    const blocks = () => [...shown().querySelectorAll('.block')]
    const inside = (a, b) => a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 1 && a.bottom <= b.bottom + 1
    const near = (a, b) => Math.abs(a - b) <= 0.02 * b

    check(document.documentElement.scrollWidth <= innerWidth, `the page is ${document.documentElement.scrollWidth} wide in ${innerWidth}`)
    for (const e of document.querySelectorAll('nav button, nav input')) check(box(e).left >= 0 && box(e).right <= innerWidth, `${e.id}: outside of the window`)

    for (const view of ['head', 'whole']) {
      document.querySelector(`[data-view=${view}]`).click()
      check(shown().id === view && document.querySelectorAll('.canvas:not([hidden])').length === 1, `${view}: not shown alone`)
      $('fit').click()
      const frame = box(shown())
      check(frame.width > 100 && frame.height > 100, `${view}: the canvas is ${frame.width} by ${frame.height}`)
      check(blocks().length > 1 && blocks().every(b => inside(box(b), frame)), `${view}: does not fit the window`)
      const width = box(blocks()[0]).width
      $('closer').click()
      check(near(box(blocks()[0]).width, 1.4 * width), `${view}: + does not zoom in`)
      $('farther').click()
      check(near(box(blocks()[0]).width, width), `${view}: − does not zoom out`)
      shown().dispatchEvent(new WheelEvent('wheel', {deltaY: -200, clientX: frame.left + 50, clientY: frame.top + 50, cancelable: true}))
      check(box(blocks()[0]).width > 1.2 * width, `${view}: the wheel does not zoom`)
      document.dispatchEvent(new KeyboardEvent('keydown', {key: '0'}))
      check(near(box(blocks()[0]).width, width), `${view}: 0 does not fit`)
    }

    $('find').value = 'conv'
    $('find').dispatchEvent(new Event('input'))
    const hits = [...shown().querySelectorAll('.hit')]
    check(hits.length > 1 && $('found').textContent === `1 of ${hits.length}`, `search: ${hits.length} hits, "${$('found').textContent}"`)
    const middle = (r, c) => near(r.left + r.width / 2, c.left + c.width / 2) && near(r.top + r.height / 2, c.top + c.height / 2)
    check(middle(box(hits[0]), box(shown())), 'search: the first hit is not in the middle')
    $('find').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter'}))
    check($('found').textContent.startsWith('2 of '), 'search: Enter does not go on')
    check(!$('block').hidden && $('block').textContent.includes('Conv'), 'search: the hit is not described')
    $('find').value = 'no such thing'
    $('find').dispatchEvent(new Event('input'))
    check($('found').textContent === '0 found' && !shown().querySelector('.hit'), 'search: finds what is not there')

    // The ink must stand out from the paper, in both themes.
    const grey = e => { const [r, g, b] = getComputedStyle(e)[e === document.body ? 'backgroundColor' : 'color'].match(/[\d.]+/g).map(Number); return (r + g + b) / 3 }
    const themes = []
    for (let i = 0; i < 2; i++) {
      const theme = document.documentElement.dataset.theme
      themes.push(theme)
      check(theme === 'dark' ? grey(document.body) < 60 && grey($('fit')) > 180 : grey(document.body) > 230 && grey($('fit')) < 80, `${theme}: ink and paper are alike`)
      $('theme').click()
    }
    check(themes.toSorted().join() === 'dark,light', `themes: ${themes}`)

    let copied = ''
    Object.defineProperty(navigator, 'clipboard', {value: {writeText: async text => { copied = text }}, configurable: true})
    $('copy').click()
    await pause(50)
    check(copied === $('next').textContent && copied.startsWith('onnxloss rewrite '), `copy: "${copied}"`)
    check($('copy').textContent === 'Copied', 'copy: the button does not say so')
    await pause(2500)
    check($('copy').textContent === 'Copy', 'copy: the button stays changed')

    const refused = []
    document.addEventListener('securitypolicyviolation', e => refused.push(e.effectiveDirective))
    const image = document.createElement('img')
    image.src = 'SERVER/image'
    document.body.append(image)
    await fetch('SERVER/fetch').then(() => problems.push('the page can fetch'), () => {})
    await pause(200)
    check(refused.includes('img-src') && refused.includes('connect-src'), `policy: refused only ${refused}`)
  } catch (e) {
    problems.push(String(e.stack))
  }
  top.document.body.dataset.problems = JSON.stringify(problems)
})()
