import {
  type OnlineFinding,
  type ProtectEvent,
  type ProtectReport,
  protectDatabase,
} from '../migrations/protect.ts'
import { type FlagTable, flagHelp, parseFlags } from './arguments.ts'
import type { Command, CommandOutput } from './command.ts'
import { databaseUrl, loadEnvironment } from './environment.ts'
import { printFailure, refuseCall } from './failure.ts'
import { findManifest } from './manifest-file.ts'

const flags = {
  'database-url': {
    type: 'string',
    value: 'URL',
    help: 'direct connection, as a superuser or the migrator; default DIRECT_URL, then DATABASE_URL',
  },
  manifest: {
    type: 'string',
    value: 'FILE',
    help: 'the tenancy.json of the schema; default src/generated/tenancy.json and the like, and in a project without a Prisma schema the one of the package',
  },
  'dry-run': { type: 'boolean', help: 'change nothing, and print the SQL of each step' },
  'lock-timeout': {
    type: 'string',
    value: 'MS',
    help: 'longest wait for a lock that others queue behind; default 1000',
  },
  attempts: {
    type: 'string',
    value: 'N',
    help: 'how often a step is tried whose lock is not free; default 30',
  },
  json: {
    type: 'boolean',
    help: 'print one JSON object: the report, or { "error": { code, message, details } }',
  },
  quiet: { type: 'boolean', help: 'print nothing but errors and problems' },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies FlagTable

/**
 * `doublehull protect`: what {@link protectDatabase} does, with its options as flags and its report printed.
 *
 * @example
 * ```ts
 * process.exitCode = await protectCommand.run(['--manifest', 'src/generated/tenancy.json', '--dry-run'], output)
 * ```
 */
export const protectCommand: Command = {
  summary: 'put row-level security on a database that has data and is in use',
  help: helpText(),
  run,
}

async function run(args: readonly string[], output: CommandOutput): Promise<number> {
  const parsed = parseFlags(flags, args)
  if (typeof parsed === 'string') return refuseCall('protect', parsed, output)
  const fault = numberFault(parsed)
  if (fault !== undefined) return refuseCall('protect', fault, output)
  if (parsed.help) {
    output.stdout(protectCommand.help)
    return 0
  }
  const print = parsed.json || parsed.quiet || parsed['dry-run'] ? undefined : printer(output)
  try {
    loadEnvironment()
    const report = await protectDatabase({
      connectionString: databaseUrl(parsed['database-url']),
      manifest: findManifest(parsed.manifest).manifest,
      dryRun: parsed['dry-run'] ?? false,
      ...(parsed['lock-timeout'] !== undefined && { lockTimeoutMillis: Number(parsed['lock-timeout']) }),
      ...(parsed.attempts !== undefined && { attempts: Number(parsed.attempts) }),
      ...(print && { log: print }),
    })
    if (parsed.json) output.stdout(JSON.stringify(report))
    else tell(report, output, parsed)
    return report.findings.some(isProblem) ? 1 : 0
  } catch (error) {
    printFailure(error, output, { json: parsed.json ?? false })
    return 1
  }
}

function numberFault(
  parsed: { readonly [Flag in 'lock-timeout' | 'attempts']?: string },
): string | undefined {
  const bad = (['lock-timeout', 'attempts'] as const).find(
    (flag) => parsed[flag] !== undefined && !/^[1-9]\d{0,8}$/.test(parsed[flag]),
  )
  return bad === undefined ? undefined : `--${bad} takes a whole number from 1`
}

function tell(
  report: ProtectReport,
  { stdout, stderr }: CommandOutput,
  { 'dry-run': dryRun, quiet }: { readonly 'dry-run'?: boolean; readonly quiet?: boolean },
): void {
  if (dryRun && !quiet) {
    for (const [index, { kind, schema, table, sql, lock }] of report.steps.entries()) {
      const where = table === '' ? '' : ` ${schema}.${table}`
      stdout(`-- ${index + 1}. ${kind}${where}: ${lock}\n${sql}\n`)
    }
  }
  for (const { severity, message } of report.findings) {
    if (severity === 'problem') stderr(`problem: ${message}`)
    else if (!quiet) stdout(`${dryRun ? '-- ' : ''}notice: ${message}`)
  }
  if (quiet || report.steps.length > 0) return
  stdout(
    `${dryRun ? '-- ' : ''}${report.complete ? 'nothing to do: every table has its keys, grants and policies' : 'nothing to do but what the problems say'}`,
  )
}

function isProblem({ severity }: OnlineFinding): boolean {
  return severity === 'problem'
}

function printer({ stdout, colours }: CommandOutput): (event: ProtectEvent) => void {
  const paint = (code: number, text: string) => (colours ? `\u001b[${code}m${text}\u001b[39m` : text)
  return (event) => {
    if (event.type === 'waitingForLock') {
      stdout(`waiting up to ${event.timeoutMs / 1000} s for another migration run`)
      return
    }
    const { kind, schema, table, object, outcome, milliseconds } = event.step
    const what = [kind.padEnd(18), table === '' ? '' : `${schema}.${table}`, object === table ? '' : object]
      .filter(Boolean)
      .join('  ')
    if (event.type === 'again') stdout(`${what}  its lock was not free, trying again`)
    else if (outcome === 'done') stdout(`${what}  ${paint(32, 'done')} in ${Math.round(milliseconds)} ms`)
    else stdout(`${what}  ${paint(33, outcome)}`)
  }
}

function helpText(): string {
  return [
    'doublehull protect: puts row-level security on a database that has data and is in use: tenant-leading',
    'indexes, composite foreign keys, grants and policies. No table is rewritten, or scanned under a lock that',
    'stops a reader or a writer. A second run does nothing; a run that broke off is gone on with by the next.',
    'The roles and the functions of the context must be there: see doublehull migrate.',
    '',
    'Usage: doublehull protect [flags]',
    '',
    ...flagHelp(flags),
    '',
    'Exit code: 0 done, 1 refused, failed or with problems left, 2 not understood.',
  ].join('\n')
}
