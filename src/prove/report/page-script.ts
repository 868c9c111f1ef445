/** What the page can do more with a script: filter its models, open what a link leads to, open everything on paper. */
export const pageScript = `
(() => {
  const form = document.querySelector('.filter')
  const text = form.querySelector('[type=search]'), only = form.querySelector('[type=checkbox]'), told = form.querySelector('output')
  const parts = [...document.querySelectorAll('[data-model]')]
  const rows = parts.filter((part) => part.matches('tr'))
  const apply = () => {
    const wanted = text.value.trim().toLowerCase()
    for (const part of parts)
      part.hidden = !part.dataset.model.toLowerCase().includes(wanted) || (only.checked && part.dataset.verdict === 'proven')
    const left = rows.filter((row) => !row.hidden).length
    told.textContent = left === rows.length ? '' : left + ' of ' + rows.length + ' models'
  }
  form.hidden = false
  form.addEventListener('submit', (event) => event.preventDefault())
  form.addEventListener('input', apply)
  const show = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1))
    const part = target && target.closest('details')
    if (part) { part.hidden = false; part.open = true; part.scrollIntoView() }
  }
  addEventListener('hashchange', show)
  show()
  let shut = []
  addEventListener('beforeprint', () => { shut = [...document.querySelectorAll('details:not([open])')]; for (const part of shut) part.open = true })
  addEventListener('afterprint', () => { for (const part of shut) part.open = false; shut = [] })
})()
`
