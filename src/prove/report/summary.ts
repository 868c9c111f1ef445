import { printable } from '../../catalog/printable.ts'
import type { KeyOracle, ModelProof, ProofFinding, ProofReport } from '../proof-report.ts'
import type { ProofFacts } from './proof-facts.ts'
import { counted, hullNames, listedModels, unprovenReasons, verdictSentence } from './proof-order.ts'

/** More than a person reads; the other reports have all. */
const mostLeaks = 50

const colours = { proven: 32, leaks: 31, unproven: 33, listed: 2 } as const satisfies Record<
  ModelProof['verdict'],
  number
>

/**
 * A report for people: a line for each model, each leak with the call that makes it again, what is unproven and why,
 * what was not attacked, and one line that sums it up.
 *
 * @param options `colours`, whether the reader is a terminal that wants them
 *
 * @example
 * ```ts
 * process.stdout.write(summaryOf(report, facts, { colours: process.stdout.isTTY }))
 * ```
 */
export function summaryOf(
  report: ProofReport,
  facts: ProofFacts,
  { colours: isColoured }: { readonly colours: boolean },
): string {
  const paint = (text: string, code: number) => (isColoured ? `\u001b[${code}m${text}\u001b[0m` : text)
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : ['', paint(title, 1), ...lines]
  const leaks = report.models.flatMap(({ findings }) => findings.filter(({ kind }) => kind === 'leak'))
  return [
    ...tableOf(report.models, paint),
    ...section(
      'leaks',
      leaks.slice(0, mostLeaks).flatMap((leak) => leakLines(leak, paint)),
    ),
    ...(leaks.length > mostLeaks
      ? [`  and ${leaks.length - mostLeaks} more, which --json, --junit and --html have`]
      : []),
    ...section(
      'unproven',
      unprovenReasons(report).flatMap(({ reason, models }) => [
        `  ${printable(models.join(', '))}`,
        ...indented(reason, 4),
      ]),
    ),
    ...section('keys by which a tenant learns that another’s row exists', oracleLines(report.models)),
    ...section(
      'listed, not proven: every tenant reads all rows, as the scope says',
      listedModels(report).map(({ name, scope }) => `  ${printable(name)} (${scope})`),
    ),
    ...section(
      'hidden from Prisma’s client: no attack reaches them through it',
      report.hidden.map((element) => `  ${printable(element)}`),
    ),
    '',
    paint(verdictLine(report, facts), colours[report.verdict]),
  ].join('\n')
}

/** `prove: proven: no attack on 12 models reached another tenant’s rows; 1,204 cells in 31 s, PostgreSQL 18.4`. */
export function verdictLine(report: ProofReport, { only, depth, versions }: ProofFacts): string {
  const cells = report.models.reduce((sum, model) => sum + model.cells, 0)
  const part = only === undefined ? '' : `; of ${only.map(printable).join(', ')} alone`
  return `prove: ${verdictSentence(report)}${part}; ${counted(cells, 'cell')}, ${depth}, in ${Math.round(report.seconds)} s, PostgreSQL ${printable(versions.postgresql)}`
}

type Paint = (text: string, code: number) => string

function tableOf(models: readonly ModelProof[], paint: Paint): readonly string[] {
  const head = ['model', 'scope', 'cells', 'leaks', 'unproven']
  const rows = models.map((model) => ({
    model,
    texts: [
      printable(model.name),
      model.scope,
      ...(model.verdict === 'listed'
        ? ['', '', '']
        : [String(model.cells), String(model.leaks), String(model.unproven.length)]),
    ],
  }))
  const widths = head.map((title, index) =>
    Math.max(title.length, ...rows.map(({ texts }) => texts[index]?.length ?? 0)),
  )
  const line = (texts: readonly string[]) =>
    texts
      .map((text, index) => (index < 2 ? text.padEnd(widths[index] ?? 0) : text.padStart(widths[index] ?? 0)))
      .join('  ')
  return [
    paint(line(head), 2),
    ...rows.map(({ model, texts }) => `${line(texts)}  ${paint(model.verdict, colours[model.verdict])}`),
  ]
}

function leakLines(
  { model, operation, hull, form, reason, call }: ProofFinding,
  paint: Paint,
): readonly string[] {
  return [
    `  ${paint(printable(`${model}.${operation}`), 31)} behind ${hullNames[hull]}: ${printable(form)}`,
    ...indented(reason, 4),
    ...indented(call, 6),
  ]
}

function oracleLines(models: readonly ModelProof[]): readonly string[] {
  return models.flatMap(({ oracles }) => oracles.map(oracleLine))
}

/** `Invoice (number), a unique key: tells behind hull one alone, both hulls`. */
function oracleLine({ model, kind, columns, tells }: KeyOracle): string {
  const key = kind === 'uniqueKey' ? 'a unique key' : 'a foreign key'
  const hulls = tells.map((hull) => hullNames[hull]).join(', ')
  return `  ${printable(`${model} (${columns.join(', ')})`)}, ${key}: tells behind ${hulls || 'no hull'}`
}

function indented(text: string, width: number): readonly string[] {
  return text.split('\n').map((line) => `${' '.repeat(width)}${printable(line)}`)
}
