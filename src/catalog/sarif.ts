import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { packageVersion } from '../package-version.ts'
import type { AcceptedFinding } from './baseline.ts'
import { type Check, loadChecks } from './check.ts'
import type { Finding, Level } from './finding.ts'
import type { VerifyReport } from './verify.ts'

const sarifLevels = { error: 'error', warning: 'warning', info: 'note' } as const satisfies Record<
  Level,
  string
>

/** How GitHub ranks a rule of security: from 9 on critical, from 7 high, from 4 medium. */
const severities = { error: '9.0', warning: '5.0', info: '1.0' } as const satisfies Record<Level, string>

/**
 * A report in SARIF 2.1.0, which code scanning reads. Each check is a rule, with its page as the help; each finding a
 * result, at its object as the logical place. An accepted finding is a result that is suppressed.
 *
 * @param report of `verifyDatabase`; `accepted` where a baseline was applied
 * @param options `artifact`, the file that the results are shown at, as a path from the repository's root: code scanning
 *   takes no result without one, and a database has none
 * @returns a text of JSON
 *
 * @example
 * ```ts
 * writeFileSync('doublehull.sarif', sarifOf(report, { artifact: 'prisma/schema.prisma' }))
 * ```
 */
export function sarifOf(
  report: VerifyReport & { readonly accepted?: readonly AcceptedFinding[] },
  { artifact }: { readonly artifact: string },
): string {
  const checks = loadChecks()
  const fingerprint = fingerprints()
  const resultOf = (finding: Finding | AcceptedFinding) => ({
    ruleId: finding.code,
    ruleIndex: checks.findIndex(({ code }) => code === finding.code),
    level: sarifLevels[finding.level],
    message: { text: `${finding.object}: ${finding.detail}\n\n${finding.remedy}` },
    locations: [
      {
        physicalLocation: { artifactLocation: { uri: encodeURI(artifact) }, region: { startLine: 1 } },
        logicalLocations: [logicalLocationOf(finding.object)],
      },
    ],
    partialFingerprints: fingerprint(finding),
    suppressions:
      'accepted' in finding
        ? [{ kind: 'external', status: 'accepted', justification: finding.accepted.reason }]
        : [],
  })
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: { name: 'doublehull verify', semanticVersion: packageVersion(), rules: checks.map(ruleOf) },
        },
        columnKind: 'utf16CodeUnits',
        properties: { postgresqlVersion: report.server.version, checks: report.checks },
        results: [...report.findings, ...(report.accepted ?? [])].map(resultOf),
      },
    ],
  }
  return `${JSON.stringify(log, null, 2)}\n`
}

function ruleOf({ code, title, level, attacks }: Check) {
  const page = readFileSync(new URL(`../../docs/checks/${code}.md`, import.meta.url), 'utf8')
  return {
    id: code,
    shortDescription: { text: title },
    help: { text: page, markdown: page },
    defaultConfiguration: { level: sarifLevels[level] },
    properties: {
      tags: ['security', 'row-level-security', ...attacks.map((attack) => `attack-${attack}`)],
      'security-severity': severities[level],
      precision: 'very-high',
    },
  }
}

/** `table governance.branding` and the like: a kind, and a name. */
function logicalLocationOf(object: string) {
  const [, kind = 'object', name = object] = /^(\w+) (.+)$/s.exec(object) ?? []
  return { name, fullyQualifiedName: object, kind }
}

/**
 * What tells a result from the others, in each run the same: the check and the object. Not the detail, whose words may
 * become better ones; a check's second finding of an object is told by its place.
 */
function fingerprints(): (finding: Finding) => Readonly<Record<string, string>> {
  const seen = new Map<string, number>()
  return ({ code, object }) => {
    const hash = createHash('sha256')
      .update(JSON.stringify([code, object]))
      .digest('hex')
      .slice(0, 32)
    const place = (seen.get(hash) ?? 0) + 1
    seen.set(hash, place)
    // the name that code scanning asks for
    return { primaryLocationLineHash: `${hash}:${place}` }
  }
}
