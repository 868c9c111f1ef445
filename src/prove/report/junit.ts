import { xmlText } from '../../catalog/xml-text.ts'
import type { CellProof, ModelProof, ProofFinding, ProofReport } from '../proof-report.ts'
import type { ProofFacts } from './proof-facts.ts'
import { hullNames } from './proof-order.ts'

/** A test may fail for hundreds of attacks that are much alike. */
const mostFindings = 5

/**
 * A proof as JUnit XML, which CI servers show as tests: a suite for each model, and in it a test for each operation
 * behind each choice of hulls. A leak is a failure, what is unproven an error, and a model that is listed is skipped.
 *
 * @example
 * ```ts
 * writeFileSync('doublehull.xml', junitOf(report, facts))
 * ```
 */
export function junitOf(report: ProofReport, facts: ProofFacts): string {
  const suites = report.models.map(suiteOf)
  if (report.hidden.length > 0) suites.push(hiddenSuite(report.hidden))
  const total = (count: keyof Counts) => suites.reduce((sum, { counts }) => sum + counts[count], 0)
  const counts = {
    tests: total('tests'),
    failures: total('failures'),
    errors: total('errors'),
    skipped: total('skipped'),
  }
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="doublehull prove" ${attributesOf(counts)} time="${report.seconds.toFixed(3)}" timestamp="${xmlText(facts.at)}">`,
    ...suites.flatMap(({ name, counts, cases }) => [
      `  <testsuite name="${xmlText(name)}" ${attributesOf(counts)}>`,
      ...cases.map((line) => `    ${line}`),
      '  </testsuite>',
    ]),
    '</testsuites>',
    '',
  ].join('\n')
}

interface Counts {
  tests: number
  failures: number
  errors: number
  skipped: number
}

interface Suite {
  readonly name: string
  readonly counts: Readonly<Counts>
  readonly cases: readonly string[]
}

function attributesOf({ tests, failures, errors, skipped }: Counts): string {
  return `tests="${tests}" failures="${failures}" errors="${errors}" skipped="${skipped}"`
}

function suiteOf(model: ModelProof): Suite {
  const name = `doublehull.prove.${model.name}`
  if (model.verdict === 'listed') {
    const text = `${model.scope}: every tenant reads all its rows, as its scope says; listed, not proven`
    return skippedSuite(name, [{ test: 'is listed', text }])
  }
  const counts: Counts = { tests: 0, failures: 0, errors: 0, skipped: 0 }
  const cases = model.details.flatMap((cell) => {
    counts.tests++
    if (cell.verdict === 'leak') counts.failures++
    if (cell.verdict === 'unproven') counts.errors++
    return caseOf(name, cell, model)
  })
  if (model.unproven.length > 0 && counts.errors === 0) {
    // what no single cell stands for, such as rows that could not be planted
    counts.tests++
    counts.errors++
    cases.push(
      `<testcase classname="${xmlText(name)}" name="is proven">`,
      `  <error type="unproven" message="${xmlText(model.unproven.join('\n'))}"/>`,
      '</testcase>',
    )
  }
  return { name, counts, cases }
}

function caseOf(
  suite: string,
  { operation, hull, verdict, attacks }: CellProof,
  model: ModelProof,
): readonly string[] {
  const open = `<testcase classname="${xmlText(suite)}" name="${xmlText(`${operation} behind ${hullNames[hull]}`)}" assertions="${attacks}"`
  if (verdict === 'proven') return [`${open}/>`]
  const kind = verdict === 'leak' ? 'leak' : 'unproven'
  const found = model.findings.filter(
    (finding) => finding.operation === operation && finding.hull === hull && finding.kind === kind,
  )
  const [first] = found
  const message = first ? `${first.form}: ${first.reason}` : (model.unproven[0] ?? kind)
  const more = found.length > 1 ? ` (and ${found.length - 1} more)` : ''
  const element = verdict === 'leak' ? 'failure' : 'error'
  return [
    `${open}>`,
    `  <${element} type="${kind}" message="${xmlText(message + more)}">${xmlText(found.slice(0, mostFindings).map(textOf).join('\n\n'))}</${element}>`,
    '</testcase>',
  ]
}

function textOf({ form, reason, call, sql }: ProofFinding): string {
  return [`${form}: ${reason}`, call, ...sql].join('\n')
}

function hiddenSuite(hidden: readonly string[]): Suite {
  return skippedSuite(
    'doublehull.prove (hidden)',
    hidden.map((element) => ({
      test: element,
      text: 'hidden from Prisma’s client: no attack reaches it through it',
    })),
  )
}

function skippedSuite(
  name: string,
  tests: readonly { readonly test: string; readonly text: string }[],
): Suite {
  return {
    name,
    counts: { tests: tests.length, failures: 0, errors: 0, skipped: tests.length },
    cases: tests.flatMap(({ test, text }) => [
      `<testcase classname="${xmlText(name)}" name="${xmlText(test)}">`,
      `  <skipped message="${xmlText(text)}"/>`,
      '</testcase>',
    ]),
  }
}
