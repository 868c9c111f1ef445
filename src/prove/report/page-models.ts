import { hulls } from '../attack.ts'
import type { KeyOracle, ModelProof, ProofFinding, ProofReport } from '../proof-report.ts'
import { htmlText } from './html-text.ts'
import { marks } from './page-heat-map.ts'
import { cellsOf, counted, hullNames, operationsOf } from './proof-order.ts'

/** What one model may show, so that a page of 150 models stays one that a browser opens. */
const mostFindings = { page: 800, least: 3, most: 40 }
/** The same of one call or statement, in characters. */
const longestText = 3_000

/** A part to unfold for each model: its cells in words, then each finding with its call and its SQL. */
export function modelParts(report: ProofReport, idOf: (model: ModelProof) => string): string {
  const troubled = report.models.filter(({ findings }) => findings.length > 0).length
  const share = Math.floor(mostFindings.page / Math.max(troubled, 1))
  const most = Math.min(mostFindings.most, Math.max(mostFindings.least, share))
  return report.models.map((model) => modelPart(model, idOf(model), most)).join('\n')
}

function modelPart(model: ModelProof, id: string, most: number): string {
  const { name, scope, verdict, findings } = model
  const shown = [...findings].sort((a, b) => rank(a) - rank(b)).slice(0, most)
  const rest = findings.length - shown.length
  return `<details class="model" data-model="${htmlText(name)}" data-verdict="${verdict}">
<summary><span class="badge ${verdict}">${verdictText(model)}</span> <b>${htmlText(name)}</b> <span class="quiet">${htmlText(scope)}${verdict === 'listed' ? '' : `, ${counted(model.cells, 'cell')}`}</span></summary>
<div id="${id}" class="part">
${verdict === 'listed' ? '<p>Every tenant reads all its rows, as its scope says. That is listed here, and not called proven.</p>' : cellTable(model)}
${model.unproven.length > 0 ? `<h4>Unproven</h4>\n<ul>${model.unproven.map((reason) => `<li>${htmlText(reason)}</li>`).join('')}</ul>` : ''}
${model.oracles.length > 0 ? `<h4>Keys that tell</h4>\n${oracleTable(model.oracles)}` : ''}
${shown.length > 0 ? `<h4>Attacks that got through, or prove nothing</h4>\n${shown.map(findingPart).join('\n')}` : ''}
${rest > 0 ? `<p class="quiet">And ${rest.toLocaleString('en')} more, which the JSON report has.</p>` : ''}
</div>
</details>`
}

function rank({ kind }: ProofFinding): number {
  return kind === 'leak' ? 0 : 1
}

function verdictText({ verdict, leaks, unproven }: ModelProof): string {
  switch (verdict) {
    case 'proven':
      return `${marks.proven.symbol} proven`
    case 'leaks':
      return `${marks.leak.symbol} ${counted(leaks, 'leak')}`
    case 'unproven':
      return `${marks.unproven.symbol} ${unproven.length > 0 ? `${unproven.length} ` : ''}unproven`
    case 'listed':
      return 'listed'
  }
}

function cellTable(model: ModelProof): string {
  const operations = operationsOf([model])
  if (operations.length === 0) return '<p>No attack was made on it.</p>'
  const rows = operations.map((operation) => {
    const cells = cellsOf(model, operation)
    const columns = hulls.map((hull) => {
      const cell = cells.get(hull)
      const { symbol, name, className } = marks[cell?.verdict ?? 'none']
      return `<td><i class="${className}" aria-hidden="true">${symbol}</i> ${name}${cell ? `, ${counted(cell.attacks, 'attack')}` : ''}</td>`
    })
    return `<tr><th scope="row">${htmlText(operation)}</th>${columns.join('')}</tr>`
  })
  return `<table class="cells"><thead><tr><th scope="col">Operation</th>${hulls.map((hull) => `<th scope="col">${hullNames[hull]}</th>`).join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>`
}

function findingPart({ kind, operation, hull, form, reason, call, sql }: ProofFinding): string {
  const { symbol, className, name } = marks[kind]
  return `<details class="finding ${kind}"><summary><i class="${className}" aria-hidden="true">${symbol}</i> ${name}: <code>${htmlText(operation)}</code> behind ${hullNames[hull]}: ${htmlText(form)}</summary>
<p>${htmlText(reason)}</p>
${listing('Prisma call', [call])}${sql.length > 0 ? listing('SQL', sql) : ''}
</details>`
}

function listing(title: string, texts: readonly string[]): string {
  const text = texts.join(';\n')
  const cut = text.length > longestText
  return `<h5>${title}</h5><pre tabindex="0"><code>${htmlText(cut ? text.slice(0, longestText) : text)}</code></pre>${cut ? '<p class="quiet">Cut here; the JSON report has all of it.</p>' : ''}`
}

/** The keys by which a tenant learns that another tenant's row exists. */
export function oracleTable(oracles: readonly KeyOracle[]): string {
  const rows = oracles.map(({ model, kind, columns, tells }) => {
    const key = kind === 'uniqueKey' ? 'unique key' : 'foreign key'
    const hulls = tells.map((hull) => hullNames[hull]).join(', ')
    return `<tr><th scope="row">${htmlText(model)}</th><td>${key}</td><td><code>${htmlText(columns.join(', '))}</code></td><td>${hulls || 'none'}</td></tr>`
  })
  return `<table><thead><tr><th scope="col">Model</th><th scope="col">Key</th><th scope="col">Columns</th><th scope="col">Tells behind</th></tr></thead><tbody>${rows.join('')}</tbody></table>`
}
