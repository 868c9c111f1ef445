import type { Manifest } from '../manifest/manifest.ts'
import type { RoleNames } from '../policy/roles.ts'
import { catalogInput } from './catalog-input.ts'
import type { Check } from './check.ts'
import { type Finding, levels } from './finding.ts'
import { type ServerFlaw, serverFlaws } from './server-flaws.ts'
import { readSqlFiles } from './sql-files.ts'

/** Sends one statement with its values. */
export type Ask = (text: string, values: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>

/** What a row of a check says. */
export type FindingRow = Pick<Finding, 'object' | 'detail' | 'remedy'>

interface JudgedRow extends FindingRow {
  readonly code: string
  /** What the check's judge decides by. */
  readonly evidence?: unknown
}

/** As many checks go into one statement: what the prelude makes of the manifest is then made once for all of them. */
const together = 16

/** Asks the given checks; the worst findings come first. */
export async function askChecks(
  ask: Ask,
  checks: readonly Check[],
  manifest: Manifest,
  roles: RoleNames,
  flaws: readonly ServerFlaw[] = serverFlaws,
  onCheck: (check: Check, found: number) => void = () => {},
): Promise<readonly Finding[]> {
  const input = catalogInput(manifest, roles, flaws)
  const findings: Finding[] = []
  for (let start = 0; start < checks.length; start += together) {
    const group = checks.slice(start, start + together)
    const rows = (await ask(groupSql(group), [input])) as unknown as readonly JudgedRow[]
    for (const check of group) {
      const found = rows.flatMap((row) => {
        if (row.code !== check.code) return []
        const detail = check.judge ? check.judge(row.evidence) : row.detail
        return detail === undefined ? [] : findingOf(check, { ...row, detail })
      })
      findings.push(...found)
      onCheck(check, found.length)
    }
  }
  // sort is stable: within a level, the order of the checks and of their rows
  return findings.sort((a, b) => levels.indexOf(a.level) - levels.indexOf(b.level))
}

/** A row of a check with what all its findings have in common. */
export function findingOf({ code, level, title }: Check, { object, detail, remedy }: FindingRow): Finding {
  return { code, level, title, object, detail, remedy, page: `docs/checks/${code}.md` }
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
