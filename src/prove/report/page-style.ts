/** The look of the page: readable in dark and light, on paper, and without colours. */
export const pageStyle = `
:root { color-scheme: light dark;
  --paper: #fdfdfb; --ink: #1c2024; --quiet: #5b636b; --line: #dcdfe2; --soft: #f2f3f1; --link: #0b5394;
  --p-paper: #ddf0e2; --p-ink: #14532d; --l-paper: #b3261e; --l-ink: #ffffff; --u-paper: #fbe3a4; --u-ink: #5c3c00; --n-ink: #878e95 }
@media screen and (prefers-color-scheme: dark) { :root {
  --paper: #14171a; --ink: #e7e9eb; --quiet: #a3abb2; --line: #353b41; --soft: #1e2327; --link: #8ec2ff;
  --p-paper: #17402a; --p-ink: #a9e6bf; --l-paper: #ff8a80; --l-ink: #2b0300; --u-paper: #5a4408; --u-ink: #ffe29a; --n-ink: #767f87 } }
* { box-sizing: border-box }
html { scroll-padding-top: 1rem }
body { margin: 0 auto; max-width: 100rem; padding: 1.5rem clamp(1rem, 3vw, 3rem) 4rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif }
h1, h2, h3, h4, h5 { line-height: 1.25; margin: 0 }
h1 { font-size: 1.7rem; max-width: 48rem }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .6rem }
h4 { margin: 1.1rem 0 .4rem; font-size: 1rem }
h5 { margin: .7rem 0 .2rem; font-size: .8rem; color: var(--quiet) }
p, dl, ul { margin: .4rem 0; max-width: 48rem }
a { color: var(--link) }
code, pre { font: 12.5px/1.45 ui-monospace, "SF Mono", Menlo, Consolas, monospace }
pre { margin: 0; padding: .6rem .8rem; overflow: auto; max-height: 30rem; background: var(--soft); border: 1px solid var(--line); border-radius: 4px; white-space: pre-wrap; overflow-wrap: anywhere }
.quiet { color: var(--quiet) }
.aside { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
dt { font-weight: 600; margin-top: .5rem } dd { margin: 0 }
.brand { margin: 0 0 .3rem; color: var(--quiet); font-size: .85rem }
.top { border-bottom: 1px solid var(--line); padding-bottom: 1.2rem }
.numbers { display: flex; flex-wrap: wrap; gap: .4rem 2rem; margin: 1rem 0; padding: 0; list-style: none; max-width: none }
.numbers b { display: block; font-size: 1.5rem; line-height: 1.2; font-variant-numeric: tabular-nums }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1.2rem; max-width: 60rem }
.facts dt { margin: 0; font-weight: 400; color: var(--quiet) } .facts dd { overflow-wrap: anywhere }
.badge, i { font-style: normal; font-weight: 600 }
.badge { display: inline-block; padding: 0 .55em; border-radius: 3px; border: 1px solid transparent; white-space: nowrap }
i { display: inline-block; width: 1.25em; text-align: center; border-radius: 2px }
.p, .badge.proven { background: var(--p-paper); color: var(--p-ink) }
.l, .badge.leaks { background: var(--l-paper); color: var(--l-ink) }
.u, .badge.unproven { background: var(--u-paper); color: var(--u-ink); outline: 1px dashed; outline-offset: -1px }
.n { color: var(--n-ink) } .badge.listed { border-color: var(--line); color: var(--quiet) }
table { border-collapse: collapse }
th, td { text-align: left; padding: .2rem .7rem .2rem 0; vertical-align: top; border-bottom: 1px solid var(--line) }
thead th { color: var(--quiet); font-weight: 600 }
.scroll { overflow: auto; max-height: 85vh; border: 1px solid var(--line); border-radius: 4px }
.scroll:focus-visible, summary:focus-visible, a:focus-visible, input:focus-visible, pre:focus-visible { outline: 2px solid var(--link); outline-offset: 1px }
.map { border-collapse: separate; border-spacing: 0; font-size: 12.5px; min-width: 100% }
.map th, .map td { padding: .16rem .3rem; background: var(--paper); vertical-align: middle; white-space: nowrap }
.map thead th { position: sticky; top: 0; z-index: 2; vertical-align: bottom; font-weight: 400 } .map thead .sql { font-style: italic }
.map thead span { writing-mode: vertical-rl; transform: rotate(180deg) }
.map th.name { font-weight: 400; position: sticky; left: 0; z-index: 1; padding-left: .6rem; border-right: 1px solid var(--line); max-width: 20rem; overflow: hidden; text-overflow: ellipsis }
.map thead .name { z-index: 3 }
.map .scope { color: var(--quiet) }
.map tbody tr:hover > * { background: var(--soft) }
.map td.none { background: repeating-linear-gradient(-45deg, transparent 0 4px, var(--soft) 4px 5px) }
.map .listed { color: var(--quiet); font-style: italic }
.marks { display: inline-flex; gap: 1px }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.3rem; padding: 0; list-style: none; max-width: none }
.filter { display: flex; flex-wrap: wrap; gap: .5rem 1.2rem; align-items: center; margin: .6rem 0 }
.filter input[type=search] { font: inherit; padding: .25rem .5rem; border: 1px solid var(--line); border-radius: 4px; background: var(--soft); color: inherit; min-width: 16rem }
.model { border-bottom: 1px solid var(--line) }
summary { cursor: pointer; padding: .35rem 0 }
.part { padding: .2rem 0 1.2rem 1.1rem } .part:target { border-left: 3px solid var(--link) }
.cells td, .cells th { font-size: 13px; padding-right: 1.4rem } .cells th[scope=row] { font-family: ui-monospace, Menlo, Consolas, monospace; font-weight: 400 }
.finding { margin: .2rem 0 .2rem .2rem } .finding > :not(summary) { margin-left: 1.1rem }
[hidden] { display: none !important }
@media print {
  @page { size: A4 landscape; margin: 12mm }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact }
  :root { --paper: #ffffff }
  body { padding: 0; max-width: none; font-size: 9.5pt }
  .filter, .contents { display: none }
  .scroll { overflow: visible; max-height: none; border: 0 }
  .map { font-size: 6.6pt; min-width: 0 } .map th, .map td { padding: .5pt 1.5pt; white-space: normal } .map thead th, .map th.name { font-weight: 400; position: static; max-width: 42mm; overflow-wrap: anywhere }
  thead { display: table-header-group } tr, .finding > summary { break-inside: avoid } h2, h4, h5, summary { break-after: avoid }
  #models, #method { break-before: page }
  details::details-content { content-visibility: visible; block-size: auto; display: block }
  #models { columns: 2 } #models h2 { column-span: all; margin-top: 0 } .part { padding-left: 0 }
  .cells td, .cells th { font-size: 7pt; padding: 0 .8em 0 0; line-height: 1.3 }
  pre { max-height: none; font-size: 7.5pt } a { color: inherit; text-decoration: none }
}
`
