import { dropAuditEvents } from '../migrations/audit-partitions.ts'
import { type FlagTable, flagHelp, parseFlags } from './arguments.ts'
import type { Command, CommandOutput } from './command.ts'
import { databaseUrl, loadEnvironment } from './environment.ts'
import { printFailure, refuseCall } from './failure.ts'

const flags = {
  before: { type: 'string', value: 'YYYY-MM', help: 'the first month that stays' },
  'dry-run': { type: 'boolean', help: 'only say what would be dropped, and which tenants lack a checkpoint' },
  'database-url': {
    type: 'string',
    value: 'URL',
    help: 'direct connection, as an administrator or the migrator; default DIRECT_URL, then DATABASE_URL',
  },
  json: {
    type: 'boolean',
    help: 'print one JSON object: { partitions }, or { "error": { code, message, details } }',
  },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies FlagTable

/**
 * `doublehull audit retain`: what {@link dropAuditEvents} does.
 *
 * @example
 * ```ts
 * process.exitCode = await auditRetainCommand.run(['--before', '2026-01', '--dry-run'], output)
 * ```
 */
export const auditRetainCommand: Command = {
  summary: 'drop months of events that are behind checkpoints',
  help: [
    'doublehull audit retain: drops the audit events of whole months, for all tenants, and says so in each chain. Each',
    'tenant with events there needs a checkpoint at or after its last one: from there on the rest is verified.',
    '',
    'Usage: doublehull audit retain --before YYYY-MM [flags]',
    '',
    ...flagHelp(flags),
    '',
    'Exit code: 0 done, 1 refused or failed, 2 not understood.',
  ].join('\n'),
  run,
}

async function run(args: readonly string[], output: CommandOutput): Promise<number> {
  const parsed = parseFlags(flags, args)
  if (typeof parsed === 'string') return refuseCall('audit retain', parsed, output)
  if (parsed.help) {
    output.stdout(auditRetainCommand.help)
    return 0
  }
  const { before, 'dry-run': dryRun = false } = parsed
  if (before === undefined || !/^\d{4}-(0[1-9]|1[0-2])$/.test(before)) {
    return refuseCall('audit retain', 'needs --before with a month, as in 2026-01', output)
  }
  try {
    loadEnvironment()
    const connectionString = databaseUrl(parsed['database-url'])
    const partitions = await dropAuditEvents({ connectionString }, before, { dryRun })
    if (parsed.json) output.stdout(JSON.stringify({ partitions }))
    else if (partitions.length === 0) output.stdout('there is no partition that old')
    else
      for (const { partition, events, tenants, tenantsWithoutCheckpoint } of partitions) {
        const lacking =
          tenantsWithoutCheckpoint === 0 ? '' : `; ${tenantsWithoutCheckpoint} of them lack a checkpoint`
        const done = dryRun ? 'would be dropped' : 'dropped'
        output.stdout(`partition  ${partition}  ${done}, ${events} events of ${tenants} tenants${lacking}`)
      }
    return 0
  } catch (error) {
    printFailure(error, output, { json: parsed.json ?? false })
    return 1
  }
}
