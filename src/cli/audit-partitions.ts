import { ensureAuditPartitions } from '../migrations/audit-partitions.ts'
import { type FlagTable, flagHelp, parseFlags } from './arguments.ts'
import type { Command, CommandOutput } from './command.ts'
import { databaseUrl, loadEnvironment } from './environment.ts'
import { printFailure, refuseCall } from './failure.ts'

const flags = {
  'database-url': {
    type: 'string',
    value: 'URL',
    help: 'direct connection, as an administrator or the migrator; default DIRECT_URL, then DATABASE_URL',
  },
  months: { type: 'string', value: 'N', help: 'how many months ahead, 0 to 120; default 3' },
  json: {
    type: 'boolean',
    help: 'print one JSON object: { partitions }, or { "error": { code, message, details } }',
  },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies FlagTable

/**
 * `doublehull audit partitions`: what {@link ensureAuditPartitions} does.
 *
 * @example
 * ```ts
 * process.exitCode = await auditPartitionsCommand.run(['--months', '6'], output)
 * ```
 */
export const auditPartitionsCommand: Command = {
  summary: 'make the partitions of the coming months',
  help: [
    'doublehull audit partitions: makes the partitions of this month and the coming ones, and moves into them what the',
    'default partition has come to hold. A second run changes nothing; doublehull migrate does the same.',
    '',
    'Usage: doublehull audit partitions [flags]',
    '',
    ...flagHelp(flags),
    '',
    'Exit code: 0 done, 1 refused or failed, 2 not understood.',
  ].join('\n'),
  run,
}

async function run(args: readonly string[], output: CommandOutput): Promise<number> {
  const parsed = parseFlags(flags, args)
  if (typeof parsed === 'string') return refuseCall('audit partitions', parsed, output)
  if (parsed.help) {
    output.stdout(auditPartitionsCommand.help)
    return 0
  }
  const months = parsed.months ?? '3'
  if (!/^\d{1,3}$/.test(months) || Number(months) > 120) {
    return refuseCall('audit partitions', '--months takes a number from 0 to 120', output)
  }
  try {
    loadEnvironment()
    const connectionString = databaseUrl(parsed['database-url'])
    const partitions = await ensureAuditPartitions({ connectionString }, Number(months))
    if (parsed.json) output.stdout(JSON.stringify({ partitions }))
    else if (partitions.length === 0) output.stdout('every partition is there')
    else
      for (const { partition, moved } of partitions) {
        output.stdout(
          `partition  ${partition}  created${moved === 0 ? '' : `, ${moved} events moved into it`}`,
        )
      }
    return 0
  } catch (error) {
    printFailure(error, output, { json: parsed.json ?? false })
    return 1
  }
}
