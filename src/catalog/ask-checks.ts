import type { Check } from './check.ts'
import { type Finding, levels } from './finding.ts'
import { readSqlFiles } from './sql-files.ts'

/** Sends one statement with its values. */
export type Ask = (text: string, values: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>

/** What a row of a check says. */
interface FindingRow extends Pick<Finding, 'object' | 'detail' | 'remedy'> {
  /** What the check's judge decides by. */
  readonly evidence?: unknown
}

/** As many checks go into one statement: what the prelude makes of the manifest is then made once for all of them. */
const together = 16

/**
 * Asks the given checks.
 *
 * @param input what `catalogInput` makes
 * @param onCheck called behind each check with the number of its findings
 * @returns the worst findings first
 */
export async function askChecks(
  ask: Ask,
  checks: readonly Check[],
  input: string,
  onCheck: (check: Check, found: number) => void = () => {},
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (let start = 0; start < checks.length; start += together) {
    const group = checks.slice(start, start + together)
    const rows = (await ask(groupSql(group), [input])) as unknown as readonly (FindingRow & {
      readonly code: string
    })[]
    for (const check of group) {
      const found = rows.flatMap((row) => (row.code === check.code ? findingsOf(check, row) : []))
      findings.push(...found)
      onCheck(check, found.length)
    }
  }
  // sort is stable: within a level, the order of the checks and of their rows
  return findings.sort((a, b) => levels.indexOf(a.level) - levels.indexOf(b.level))
}

/** The finding of a check's row, where the check's judge has nothing against it. */
export function findingsOf(
  check: Check,
  { object, detail, remedy, evidence }: FindingRow,
): readonly Finding[] {
  const { code, level, title } = check
  const judged = check.judge ? check.judge(evidence) : detail
  if (judged === undefined) return []
  return [{ code, level, title, object, detail: judged, remedy, page: `docs/checks/${code}.md` }]
}

/** A query that may ask of all that `prelude.sql` names; its `$1` is what `catalogInput` makes. */
export function withPrelude(query: string): string {
  return `with ${readSqlFiles().prelude}\n${query}`
}

function groupSql(checks: readonly Check[]): string {
  const asked = checks.map(
    ({ code, sql, judge }) => `select '${code}', object, detail, remedy, ${judge ? 'evidence' : 'null::jsonb'}
  from (
${sql}
  ) as finding (object, detail, remedy)`,
  )
  return withPrelude(`select code, object, detail, remedy, evidence
  from (
${asked.join('\nunion all\n')}
  ) as found (code, object, detail, remedy, evidence)
 order by object collate "C", detail collate "C"`)
}
