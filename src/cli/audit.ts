import type { Command, CommandOutput } from './command.ts'

// each is loaded when it is called: verifying an export needs no database and no client
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  verify: async () => (await import('./audit-verify.ts')).auditVerifyCommand,
  export: async () => (await import('./audit-export.ts')).auditExportCommand,
  partitions: async () => (await import('./audit-partitions.ts')).auditPartitionsCommand,
  retain: async () => (await import('./audit-retain.ts')).auditRetainCommand,
  keygen: async () => (await import('./audit-keygen.ts')).auditKeygenCommand,
}

/**
 * `doublehull audit`: the commands about the audit trail.
 *
 * @example
 * ```ts
 * process.exitCode = await auditCommand.run(['verify', 'audit.ndjson'], output)
 * ```
 */
export const auditCommand: Command = {
  summary: 'verify, export, partition and retain the audit trail',
  help: [
    'doublehull audit: verifies, exports, partitions and retains the audit trail.',
    '',
    'Usage: doublehull audit <command> [flags]',
    '',
    '  verify      verify an export, without a database',
    '  export      print the audit trail of a tenant',
    '  partitions  make the partitions of the coming months',
    '  retain      drop months of events that are behind checkpoints',
    '  keygen      make the keys that checkpoints are signed with',
    '',
    'doublehull audit <command> --help tells the flags of a command.',
  ].join('\n'),
  run,
}

async function run([name, ...rest]: readonly string[], output: CommandOutput): Promise<number> {
  if (name === '--help' || name === '-h') {
    output.stdout(auditCommand.help)
    return 0
  }
  const load = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
  if (load) return (await load()).run(rest, output)
  output.stderr(
    `doublehull audit: the call names no command; commands are: ${Object.keys(commands).join(', ')}; see doublehull audit --help`,
  )
  return 2
}
