import type { AcceptedFinding } from './baseline.ts'
import { loadChecks } from './check.ts'
import { type Finding, isAtLeast, type Level } from './finding.ts'
import type { VerifyReport } from './verify.ts'
import { xmlText } from './xml-text.ts'

/**
 * A report as JUnit XML, which CI servers show as tests: each check that was made is a test. It fails where a finding is
 * as bad as `failOn`; what is less bad is its output; where all that it found is accepted, it is skipped.
 *
 * @param report of `verifyDatabase`; `accepted` where a baseline was applied
 * @param options `failOn`, `warning` unless told; `checks`, the codes of those that were made, all unless told
 *
 * @example
 * ```ts
 * writeFileSync('doublehull.xml', junitOf(report))
 * ```
 */
export function junitOf(
  report: VerifyReport & { readonly accepted?: readonly AcceptedFinding[] },
  {
    failOn = 'warning',
    checks,
  }: { readonly failOn?: Level | 'never'; readonly checks?: readonly string[] | undefined } = {},
): string {
  const counts = { tests: 0, failures: 0, skipped: 0 }
  const cases = loadChecks()
    .filter(({ code }) => checks?.includes(code) ?? true)
    .map(({ code, title }) => {
      const found = report.findings.filter((finding) => finding.code === code)
      const failing = found.filter(({ level }) => isAtLeast(level, failOn))
      const others = found.filter((finding) => !failing.includes(finding))
      const accepted = (report.accepted ?? []).filter((finding) => finding.code === code)
      const isSkipped = found.length === 0 && accepted.length > 0
      counts.tests++
      counts.failures += failing.length > 0 ? 1 : 0
      counts.skipped += isSkipped ? 1 : 0
      const output = [...others.map(textOf), ...(isSkipped ? [] : accepted.map(acceptedTextOf))]
      const inner = [
        ...(failing.length > 0 ? [failureOf(failing)] : []),
        ...(isSkipped ? [`<skipped message="${xmlText(accepted.map(acceptedTextOf).join('\n'))}"/>`] : []),
        ...(output.length > 0 ? [`<system-out>${xmlText(output.join('\n\n'))}</system-out>`] : []),
      ]
      const open = `<testcase classname="doublehull.verify" name="${xmlText(`${code}: ${title}`)}"`
      return inner.length === 0
        ? [`${open}/>`]
        : [`${open}>`, ...inner.map((line) => `  ${line}`), '</testcase>']
    })
  const attributes = `name="doublehull verify" tests="${counts.tests}" failures="${counts.failures}" errors="0" skipped="${counts.skipped}"`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${attributes}>`,
    `  <testsuite ${attributes}>`,
    ...cases.flat().map((line) => `    ${line}`),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}

function failureOf(findings: readonly Finding[]): string {
  const [first] = findings
  const more = findings.length > 1 ? `, and ${findings.length - 1} more` : ''
  const message = first ? `${first.object}: ${first.detail}${more}` : ''
  return `<failure type="${first?.level}" message="${xmlText(message)}">${xmlText(findings.map(textOf).join('\n\n'))}</failure>`
}

function textOf({ level, object, detail, remedy, page }: Finding): string {
  return `${level}: ${object}: ${detail}\n${remedy}\n${page}`
}

function acceptedTextOf({ object, detail, accepted: { reason, expires } }: AcceptedFinding): string {
  return `accepted until ${expires}: ${object}: ${detail}: ${reason}`
}
