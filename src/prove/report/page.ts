import { createHash } from 'node:crypto'
import type { ModelProof, ProofReport } from '../proof-report.ts'
import { htmlText } from './html-text.ts'
import { heatMap, marks } from './page-heat-map.ts'
import { methodText } from './page-method.ts'
import { modelParts, oracleTable } from './page-models.ts'
import { pageScript } from './page-script.ts'
import { pageStyle } from './page-style.ts'
import type { ProofFacts } from './proof-facts.ts'
import { listedModels, unprovenReasons, verdictSentence } from './proof-order.ts'

/**
 * A proof as one HTML file for an auditor: nothing is loaded from anywhere, and it reads without its script. Invariant:
 * no text of a schema or of a call becomes markup, and the page's own policy lets nothing run but its one script.
 *
 * @example
 * ```ts
 * writeFileSync('proof.html', pageOf(report, facts))
 * ```
 */
export function pageOf(report: ProofReport, facts: ProofFacts): string {
  const ids = new Map(report.models.map((model, index) => [model, `m${index + 1}`]))
  const idOf = (model: ModelProof) => ids.get(model) ?? ''
  const sentence = verdictSentence(report)
  const oracles = report.models.flatMap((model) => model.oracles)
  const reasons = unprovenReasons(report)
  const listed = listedModels(report)
  const policy = `default-src 'none'; base-uri 'none'; form-action 'none'; style-src '${hashOf(pageStyle)}'; script-src '${hashOf(pageScript)}'`
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${htmlText(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="doublehull ${htmlText(facts.versions.doublehull)}">
<title>Proof of tenant isolation: ${report.verdict}, ${htmlText(facts.at.slice(0, 10))}</title>
<style>${pageStyle}</style>
</head>
<body>
<header class="top">
<p class="brand">Doublehull: proof of tenant isolation</p>
<h1><span class="badge ${report.verdict}">${verdictSymbol(report)} ${report.verdict}</span> ${htmlText(sentence.slice(report.verdict.length + 2))}</h1>
${numbers(report)}
${factList(report, facts)}
</header>
<main>
<nav class="contents" aria-label="Contents"><p><a href="#map">Map</a> · <a href="#models">Models</a>${reasons.length > 0 ? ' · <a href="#unproven">Unproven</a>' : ''}${oracles.length > 0 ? ' · <a href="#oracles">Keys that tell</a>' : ''}${listed.length > 0 ? ' · <a href="#listed">Listed</a>' : ''}${report.hidden.length > 0 ? ' · <a href="#hidden">Hidden</a>' : ''} · <a href="#method">Method</a></p></nav>
<section id="map">
<h2 id="map-title">Models and operations</h2>
${legend()}
<form class="filter" hidden><label>Model <input type="search" autocomplete="off" spellcheck="false"></label> <label><input type="checkbox"> only what is not proven</label> <output></output></form>
${heatMap(report, idOf)}
</section>
<section id="models">
<h2>Models</h2>
${modelParts(report, idOf)}
</section>
${reasons.length > 0 ? section('unproven', 'Unproven, by reason', reasonTable(reasons)) : ''}
${oracles.length > 0 ? section('oracles', 'Keys that tell', `<p>By these keys a tenant can learn that another tenant’s row exists, because the database refuses a second one, or a reference. It learns nothing else of it.</p>${oracleTable(oracles)}`) : ''}
${listed.length > 0 ? section('listed', 'Listed, not proven', `<p>Every tenant reads all rows of these models, as their scope says.</p><ul>${listed.map(({ name, scope }) => `<li>${htmlText(name)} <span class="quiet">${htmlText(scope)}</span></li>`).join('')}</ul>`) : ''}
${report.hidden.length > 0 ? section('hidden', 'Hidden from Prisma’s client', `<p>The client does not have these tables and columns, so no attack reaches them through it.</p><ul>${report.hidden.map((element) => `<li>${htmlText(element)}</li>`).join('')}</ul>`) : ''}
${section('method', 'Method', methodText)}
</main>
<script>${pageScript}</script>
</body>
</html>
`
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

function verdictSymbol({ verdict }: ProofReport): string {
  return marks[verdict === 'leaks' ? 'leak' : verdict].symbol
}

function numbers({ models, leaks, unproven }: ProofReport): string {
  const sum = (of: (model: ModelProof) => number) => models.reduce((total, model) => total + of(model), 0)
  const attacks = sum(({ details }) => details.reduce((total, cell) => total + cell.attacks, 0))
  const figures: readonly (readonly [number, string])[] = [
    [models.length, 'models'],
    [sum(({ cells }) => cells), 'cells'],
    [attacks, 'attacks behind hulls'],
    [leaks, 'leaks'],
    [unproven, 'unproven'],
  ]
  return `<ul class="numbers">${figures.map(([figure, what]) => `<li><b>${figure.toLocaleString('en')}</b> ${what}</li>`).join('')}</ul>`
}

function factList(report: ProofReport, facts: ProofFacts): string {
  const { versions, migrations, seed, only } = facts
  const rows: readonly (readonly [string, string])[] = [
    ['Made', `${facts.at.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')}, in ${Math.round(report.seconds)} s`],
    [
      'With',
      `Doublehull ${versions.doublehull}, Prisma ${versions.prisma}, PostgreSQL ${versions.postgresql}`,
    ],
    ['Manifest', `${facts.manifest}; the tenant is ${facts.tenantModel}`],
    ['Migrations', `${migrations.directory}: ${migrations.count}, the last one ${migrations.last}`],
    [
      'Depth',
      facts.depth === 'full'
        ? 'full: every attack was made'
        : 'quick: of attacks that resemble each other some were made, and in each cell at least one that succeeds without hulls',
    ],
    ...(seed === undefined ? [] : [['Rows', `with values of ${seed}`] as const]),
    ...(only === undefined ? [] : [['Part', `${only.join(', ')} alone`] as const]),
  ]
  return `<dl class="facts">${rows.map(([name, text]) => `<dt>${name}</dt><dd>${htmlText(text)}</dd>`).join('')}</dl>`
}

function legend(): string {
  const entries = Object.values(marks).map(
    ({ symbol, name, className }) =>
      `<li><i class="${className}" aria-hidden="true">${symbol}</i> ${name}</li>`,
  )
  return `<ul class="legend"><li>Three marks in each cell: hull one alone, hull two alone, both hulls.</li>${entries.join('')}</ul>`
}

function section(id: string, title: string, content: string): string {
  return `<section id="${id}">\n<h2>${title}</h2>\n${content}\n</section>`
}

function reasonTable(reasons: ReturnType<typeof unprovenReasons>): string {
  const rows = reasons.map(
    ({ reason, models }) => `<tr><td>${htmlText(reason)}</td><td>${htmlText(models.join(', '))}</td></tr>`,
  )
  return `<table><thead><tr><th scope="col">Reason</th><th scope="col">Models</th></tr></thead><tbody>${rows.join('')}</tbody></table>`
}
