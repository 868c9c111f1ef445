import { type Hull, hulls } from '../attack.ts'
import type { CellProof, ModelProof, ProofReport } from '../proof-report.ts'
import { htmlText } from './html-text.ts'
import { cellsOf, hullNames, operationsOf } from './proof-order.ts'

/** A mark is told apart by its symbol, whatever its colour. */
export const marks = {
  proven: { symbol: '✓', name: 'proven', className: 'p' },
  leak: { symbol: '✕', name: 'leak', className: 'l' },
  unproven: { symbol: '?', name: 'unproven', className: 'u' },
  none: { symbol: '·', name: 'no attack', className: 'n' },
} as const satisfies Record<CellProof['verdict'] | 'none', object>

/** The models and their operations as one table, with a mark for each choice of hulls in each cell. */
export function heatMap(report: ProofReport, idOf: (model: ModelProof) => string): string {
  const operations = operationsOf(report.models)
  const head = operations.map(
    (operation) =>
      `<th scope="col"${operation.startsWith('sql.') ? ' class="sql"' : ''}><span>${htmlText(operation)}</span></th>`,
  )
  return `<div class="scroll" tabindex="0" role="region" aria-labelledby="map-title">
<table class="map">
<caption class="aside">Models and operations; each cell has three marks: ${hulls.map((hull) => hullNames[hull]).join(', ')}</caption>
<thead><tr><th scope="col" class="name">Model</th><th scope="col">Scope</th>${head.join('')}</tr></thead>
<tbody>
${report.models.map((model) => rowOf(model, operations, idOf(model))).join('\n')}
</tbody>
</table>
</div>`
}

function rowOf(model: ModelProof, operations: readonly string[], id: string): string {
  const cells =
    model.verdict === 'listed'
      ? `<td class="listed" colspan="${Math.max(operations.length, 1)}">listed, not proven</td>`
      : operations.map((operation) => cellOf(model, operation)).join('')
  return `<tr data-model="${htmlText(model.name)}" data-verdict="${model.verdict}"><th scope="row" class="name"><a href="#${id}">${htmlText(model.name)}</a></th><td class="scope">${htmlText(model.scope)}</td>${cells}</tr>`
}

function cellOf(model: ModelProof, operation: string): string {
  const cells = cellsOf(model, operation)
  if (cells.size === 0) return '<td class="none"><span class="aside">no attack</span></td>'
  const three = hulls.map((hull) => {
    const { symbol, className } = marks[cells.get(hull)?.verdict ?? 'none']
    return `<i class="${className}">${symbol}</i>`
  })
  const label = labelOf(cells)
  return `<td title="${htmlText(`${operation}: ${label}`)}"><span class="marks" aria-hidden="true">${three.join('')}</span><span class="aside">${label}</span></td>`
}

function labelOf(cells: ReadonlyMap<Hull, CellProof>): string {
  const verdicts = hulls.map((hull) => marks[cells.get(hull)?.verdict ?? 'none'].name)
  // the usual case, in few words: it is read aloud thousands of times
  if (new Set(verdicts).size === 1) return `${verdicts[0]} behind each`
  return hulls.map((hull, index) => `${hullNames[hull]} ${verdicts[index]}`).join(', ')
}
