import { TenancyError } from '../errors.ts'
import { PrismaClient } from '../generated/prisma/client.ts'
import { manifest } from '../generated/tenancy.ts'
import { exportLines } from '../governance/audit/export-lines.ts'
import type { BundledTransaction } from '../tenancy/bundled.ts'
import { createTenancy } from '../tenancy/create-tenancy.ts'
import { type FlagTable, flagHelp, parseFlags } from './arguments.ts'
import type { Command, CommandOutput } from './command.ts'
import { loadEnvironment } from './environment.ts'
import { printFailure, refuseCall } from './failure.ts'

const flags = {
  tenant: { type: 'string', value: 'ID', help: 'whose audit trail' },
  'database-url': {
    type: 'string',
    value: 'URL',
    help: "the application's or the reader's login, which row-level security holds; default DATABASE_URL",
  },
  format: { type: 'string', value: 'NAME', help: 'ndjson, which can be verified, or csv; default ndjson' },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies FlagTable

/**
 * `doublehull audit export`: prints the audit trail of a tenant.
 *
 * @example
 * ```ts
 * process.exitCode = await auditExportCommand.run(['--tenant', tenantId], output)
 * ```
 */
export const auditExportCommand: Command = {
  summary: 'print the audit trail of a tenant',
  help: [
    'doublehull audit export: prints the audit trail of a tenant, with its checkpoints.',
    '',
    'Usage: doublehull audit export --tenant ID [flags] > audit.ndjson',
    '',
    ...flagHelp(flags),
    '',
    'Exit code: 0 done, 1 refused or failed, 2 not understood.',
  ].join('\n'),
  run,
}

async function run(args: readonly string[], output: CommandOutput): Promise<number> {
  const parsed = parseFlags(flags, args)
  if (typeof parsed === 'string') return refuseCall('audit export', parsed, output)
  if (parsed.help) {
    output.stdout(auditExportCommand.help)
    return 0
  }
  const { tenant, format = 'ndjson' } = parsed
  if (tenant === undefined) return refuseCall('audit export', 'needs --tenant', output)
  if (format !== 'ndjson' && format !== 'csv') {
    return refuseCall('audit export', 'knows the formats ndjson and csv, and no other', output)
  }
  try {
    loadEnvironment()
    const connectionString = parsed['database-url'] ?? process.env['DATABASE_URL']
    if (!connectionString) {
      throw new TenancyError('DH409', 'no database is named; set DATABASE_URL, or give --database-url')
    }
    const tenancy = createTenancy({ PrismaClient, manifest, connectionString, maxConnections: 1 })
    try {
      const reader = tenancy.client({ tenantId: tenant }) as unknown as BundledTransaction
      // standard output puts the end of a line behind each
      for await (const line of exportLines(reader, tenant.toLowerCase(), format))
        output.stdout(line.replace(/\r?\n$/, ''))
    } finally {
      await tenancy.disconnect()
    }
    return 0
  } catch (error) {
    printFailure(error, output, { json: false })
    return 1
  }
}
