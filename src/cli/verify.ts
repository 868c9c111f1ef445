import { existsSync, readFileSync } from 'node:fs'
import {
  type AcceptedFinding,
  applyBaseline,
  type Baseline,
  type BaselineOutcome,
  baselineOf,
  parseBaseline,
} from '../catalog/baseline.ts'
import { loadChecks } from '../catalog/check.ts'
import { isAtLeast, type Level, levels } from '../catalog/finding.ts'
import { junitOf } from '../catalog/junit.ts'
import { printable } from '../catalog/printable.ts'
import { sarifOf } from '../catalog/sarif.ts'
import { type VerifyReport, verifyDatabase } from '../catalog/verify.ts'
import { TenancyError } from '../errors.ts'
import { defaultRoleNames, type RoleNames } from '../policy/roles.ts'
import { type FlagTable, flagHelp, parseFlags } from './arguments.ts'
import type { Command, CommandOutput } from './command.ts'
import { databaseUrl, loadEnvironment } from './environment.ts'
import { printFailure, refuseCall } from './failure.ts'
import { findManifest } from './manifest-file.ts'
import { closingLine, tableOf } from './verify-table.ts'
import { writeWholeFile } from './whole-file.ts'

const flags = {
  'database-url': {
    type: 'string',
    value: 'URL',
    help: 'any login of the database, it needs no rights; default DIRECT_URL, then DATABASE_URL',
  },
  manifest: {
    type: 'string',
    value: 'FILE',
    help: 'the tenancy.json of the schema; default src/generated/tenancy.json and the like, and in a project without a Prisma schema the one of the package',
  },
  role: {
    type: 'string',
    multiple: true,
    value: 'KIND=NAME',
    help: 'a role with a name of its own, as in app=billing_app; may be repeated',
  },
  check: {
    type: 'string',
    multiple: true,
    value: 'CODE',
    help: 'make this check only, as in DH310; may be repeated',
  },
  format: { type: 'string', value: 'NAME', help: 'table, json, sarif or junit; default table' },
  json: { type: 'boolean', help: 'the same as --format json' },
  output: { type: 'string', value: 'FILE', help: 'write the report there, whole or not at all' },
  'fail-on': {
    type: 'string',
    value: 'LEVEL',
    help: 'error, warning, info or never: from which level on findings make the exit code 1; default warning',
  },
  baseline: {
    type: 'string',
    value: 'FILE',
    help: 'findings that are accepted, with a reason and for a time',
  },
  'write-baseline': {
    type: 'boolean',
    help: 'accept what is found now: write it into the file of --baseline, for you to fill in the reasons',
  },
  list: { type: 'boolean', help: 'print all checks, and ask nothing' },
  quiet: { type: 'boolean', help: 'print no notes, and no table where nothing fails' },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies FlagTable

const formats = ['table', 'json', 'sarif', 'junit'] as const
type Format = (typeof formats)[number]

/** What the flags mean, once they are understood. */
interface Settings {
  readonly format: Format
  readonly failOn: Level | 'never'
  readonly roles: Partial<RoleNames>
  readonly checks: readonly string[] | undefined
  readonly output: string | undefined
  readonly isQuiet: boolean
}

type Report = VerifyReport & { readonly accepted: readonly AcceptedFinding[] }

/**
 * `doublehull verify`: what `verifyDatabase` finds, printed, and told by the exit code.
 *
 * @example
 * ```ts
 * process.exitCode = await verifyCommand.run(['--json'], output)
 * ```
 */
export const verifyCommand: Command = {
  summary: 'look for ways around row-level security in a live database',
  help: [
    'doublehull verify: looks for every known way around row-level security in a live database.',
    'It only reads the catalog, in one transaction, and needs no privilege but to connect.',
    '',
    'Usage: doublehull verify [flags]',
    '',
    ...flagHelp(flags),
    '',
    'Exit code: 0 nothing at that level, 1 findings, 2 not understood, or the database could not be asked.',
  ].join('\n'),
  run,
}

async function run(args: readonly string[], output: CommandOutput): Promise<number> {
  const parsed = parseFlags(flags, args)
  if (typeof parsed === 'string') return refuseCall('verify', parsed, output)
  if (parsed.help) {
    output.stdout(verifyCommand.help)
    return 0
  }
  const settings = settingsOf(parsed)
  if (typeof settings === 'string') return refuseCall('verify', settings, output)
  if (parsed.list) {
    output.stdout(listOf(settings.format))
    return 0
  }
  try {
    loadEnvironment()
    const connectionString = databaseUrl(parsed['database-url'])
    const { manifest, name, artifact } = findManifest(parsed.manifest)
    const baseline = readBaseline(parsed.baseline, parsed['write-baseline'] ?? false)
    const { checks, roles, failOn, isQuiet } = settings
    const note = isQuiet ? () => {} : output.stderr
    note(`manifest ${name}`)
    const found = await verifyDatabase({
      connectionString,
      manifest,
      roles,
      ...(checks !== undefined && { checks }),
    })
    const outcome = applyBaseline(found.findings, baseline, { checks })
    if (parsed['write-baseline']) {
      return writeBaseline(parsed.baseline ?? '', baseline, outcome, failOn, note)
    }
    const report = { ...found, findings: outcome.findings, accepted: outcome.accepted }
    noteBaseline(outcome, note)
    const fails = report.findings.some(({ level }) => isAtLeast(level, failOn))
    print(report, fails, artifact, settings, output)
    return fails ? 1 : 0
  } catch (error) {
    printFailure(error, output, { json: settings.format === 'json' })
    return 2
  }
}

/** @returns what the flags mean, or what is wrong with them */
function settingsOf(parsed: Exclude<ReturnType<typeof parseFlags<typeof flags>>, string>): Settings | string {
  const format = formats.find((one) => one === (parsed.format ?? (parsed.json ? 'json' : 'table')))
  if (format === undefined) return `knows the formats ${formats.join(', ')}, and no other`
  if (parsed.json && format !== 'json') return 'was given --json and another --format'
  const failOn = [...levels, 'never' as const].find((one) => one === (parsed['fail-on'] ?? 'warning'))
  if (failOn === undefined) return 'takes error, warning, info or never for --fail-on'
  const roles: Partial<Record<keyof RoleNames, string>> = {}
  for (const given of parsed.role ?? []) {
    const [, kind, name] = /^(\w+)=(.+)$/s.exec(given) ?? []
    const purpose = purposes.find((one) => one === kind)
    if (purpose === undefined || name === undefined)
      return `takes KIND=NAME for --role, with a kind of ${purposes.join(', ')}`
    roles[purpose] = name
  }
  const known = loadChecks().map(({ code }) => code)
  if (parsed.check?.some((code) => !known.includes(code)))
    return 'was given a --check that does not exist; doublehull verify --list tells all of them'
  const isWriting = parsed['write-baseline'] ?? false
  if (isWriting && parsed.baseline === undefined) return 'takes --write-baseline only with --baseline FILE'
  if (isWriting && (parsed.json || parsed.format !== undefined || parsed.output !== undefined))
    return 'prints no report with --write-baseline; leave out --format, --json and --output'
  return {
    format,
    failOn,
    roles,
    checks: parsed.check,
    output: parsed.output,
    isQuiet: parsed.quiet ?? false,
  }
}

const purposes = Object.keys(defaultRoleNames) as (keyof RoleNames)[]

function listOf(format: Format): string {
  const checks = loadChecks()
  if (format === 'json')
    return JSON.stringify(checks.map(({ code, level, title, attacks }) => ({ code, level, title, attacks })))
  return checks.map(({ code, level, title }) => `${code}  ${level.padEnd(7)}  ${title}`).join('\n')
}

const emptyBaseline: Baseline = { version: 1, accepted: [] }

function readBaseline(file: string | undefined, mayBeMissing: boolean): Baseline {
  if (file === undefined || (mayBeMissing && !existsSync(file))) return emptyBaseline
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new TenancyError('DH308', `${file} cannot be read; write it with --write-baseline`, { cause })
  }
  return parseBaseline(text, { file })
}

/** What no longer accepts anything is left out; what was not asked for stays. */
function writeBaseline(
  file: string,
  { accepted }: Baseline,
  { findings, expired, unmatched }: BaselineOutcome,
  failOn: Level | 'never',
  note: (line: string) => void,
): number {
  const kept = accepted.filter((entry) => !expired.includes(entry) && !unmatched.includes(entry))
  const added = failOn === 'never' ? findings : findings.filter(({ level }) => isAtLeast(level, failOn))
  writeWholeFile(file, `${JSON.stringify(baselineOf(added, kept), null, 2)}\n`)
  note(
    `${file}: ${added.length} added, ${kept.length} kept, ${accepted.length - kept.length} left out${added.length > 0 ? '; fill in the reasons, it is refused without them' : ''}`,
  )
  return 0
}

function noteBaseline({ expired, unmatched }: BaselineOutcome, note: (line: string) => void): void {
  for (const { code, object, expires } of expired) {
    note(printable(`baseline: ${code} ${object} was accepted until ${expires}, and is not any more`))
  }
  for (const { code, object } of unmatched) {
    note(printable(`baseline: ${code} ${object} is accepted, and was not found; take it out`))
  }
}

function print(
  report: Report,
  fails: boolean,
  artifact: string,
  settings: Settings,
  output: CommandOutput,
): void {
  const { format, failOn, checks, isQuiet } = settings
  const text = {
    table: () => tableOf(report, { colours: output.colours && settings.output === undefined }),
    json: () => JSON.stringify(report, null, 2),
    sarif: () => sarifOf(report, { artifact }).trimEnd(),
    junit: () => junitOf(report, { failOn, checks }).trimEnd(),
  }[format]()
  if (settings.output !== undefined) {
    writeWholeFile(settings.output, `${text}\n`)
    if (!isQuiet || fails) output.stderr(closingLine(report))
    return
  }
  if (format === 'table' && isQuiet && !fails) return
  output.stdout(text)
}
