import type { AcceptedFinding } from '../catalog/baseline.ts'
import { type Finding, type Level, levels } from '../catalog/finding.ts'
import { printable } from '../catalog/printable.ts'
import type { VerifyReport } from '../catalog/verify.ts'

const colours = { error: 31, warning: 33, info: 36 } as const satisfies Record<Level, number>

/**
 * A report for people: the findings by level, then what is accepted, then one line that sums it up.
 *
 * @param options `colours`, whether the reader is a terminal that wants them
 */
export function tableOf(
  report: VerifyReport & { readonly accepted: readonly AcceptedFinding[] },
  { colours: isColoured }: { readonly colours: boolean },
): string {
  const paint = (text: string, code: number) => (isColoured ? `\u001b[${code}m${text}\u001b[0m` : text)
  const blockOf = ({ code, object, detail, remedy, page }: Finding, note: string[] = []) =>
    [
      `  ${code}  ${paint(printable(object), 1)}`,
      ...indented('', detail),
      ...indented('mend  ', remedy),
      ...note.flatMap((line) => indented('why   ', line)),
      ...indented('page  ', page).map((line) => paint(line, 2)),
      '',
    ].join('\n')
  const sections = levels.flatMap((level) => {
    const found = report.findings.filter((finding) => finding.level === level)
    if (found.length === 0) return []
    return [paint(level, colours[level]), ...found.map((finding) => blockOf(finding))]
  })
  const accepted = report.accepted.map((finding) =>
    blockOf(finding, [`${finding.accepted.reason} (until ${finding.accepted.expires})`]),
  )
  return [
    ...sections,
    ...(accepted.length > 0 ? [paint('accepted', 2), ...accepted] : []),
    closingLine(report),
  ].join('\n')
}

/** `verify: 0 errors, 1 warning, 2 infos, 44 checks, PostgreSQL 18.4`. */
export function closingLine({
  findings,
  accepted,
  checks,
  server,
}: VerifyReport & { readonly accepted: readonly AcceptedFinding[] }): string {
  const counts = levels.map((level) =>
    counted(findings.filter((finding) => finding.level === level).length, level),
  )
  const rest = accepted.length > 0 ? [`${accepted.length} accepted`] : []
  return `verify: ${[...counts, ...rest, counted(checks, 'check'), `PostgreSQL ${printable(server.version)}`].join(', ')}`
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

function indented(label: string, text: string): readonly string[] {
  return text
    .split('\n')
    .map((line, index) => `         ${index === 0 ? label : ' '.repeat(label.length)}${printable(line)}`)
}
