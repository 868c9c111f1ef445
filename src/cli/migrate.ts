import { contextKeyVariable } from '../context/context-key.ts'
import { previousKeyVariable } from '../migrations/context-settings.ts'
import { passwordVariables } from '../migrations/role-settings.ts'
import {
  type ContextReport,
  type MigrationEvent,
  type RoleReport,
  runMigrations,
} from '../migrations/runner.ts'
import { type FlagTable, flagHelp, parseFlags } from './arguments.ts'
import type { Command, CommandOutput } from './command.ts'
import { databaseUrl, loadEnvironment } from './environment.ts'
import { printFailure, refuseCall } from './failure.ts'
import { ownMigrations } from './find-migrations.ts'

const flags = {
  'database-url': {
    type: 'string',
    value: 'URL',
    help: 'direct connection, as an administrator or the migrator; default DIRECT_URL, then DATABASE_URL',
  },
  migrations: {
    type: 'string',
    value: 'DIR',
    help: 'folder of <name>/migration.sql; default where Prisma has it, and in a project without a Prisma schema the ones of the package',
  },
  directory: { type: 'string', value: 'DIR', help: 'the same as --migrations' },
  'no-roles': { type: 'boolean', help: 'leave roles and grants alone; the owner role must exist' },
  'unsigned-context': {
    type: 'boolean',
    help: 'switch signed contexts off, and forget their keys; without it and without a key signing stays as it is',
  },
  json: {
    type: 'boolean',
    help: 'print one JSON object: the report, or { "error": { code, message, details } }',
  },
  quiet: { type: 'boolean', help: 'print nothing but errors' },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies FlagTable

/**
 * `doublehull migrate`: what {@link runMigrations} does, with its options as flags and its report printed.
 *
 * @example
 * ```ts
 * process.exitCode = await migrateCommand.run(['--json'], output)
 * ```
 */
export const migrateCommand: Command = {
  summary: 'set up the roles, then apply the migrations that are missing',
  help: helpText(),
  run,
}

async function run(args: readonly string[], output: CommandOutput): Promise<number> {
  const parsed = parseFlags(flags, args)
  if (typeof parsed === 'string') return refuseCall('migrate', parsed, output)
  if (parsed.help) {
    output.stdout(migrateCommand.help)
    return 0
  }
  const print = parsed.json || parsed.quiet ? undefined : printer(output)
  try {
    loadEnvironment()
    const directory = parsed.migrations ?? parsed.directory ?? ownMigrations()
    if (print) output.stdout(`migrations of ${directory ?? 'the package'}`)
    const report = await runMigrations({
      connectionString: databaseUrl(parsed['database-url']),
      ...(directory !== undefined && { directory }),
      roles: { manage: !parsed['no-roles'] },
      ...(parsed['unsigned-context'] && { context: { unsigned: true } }),
      ...(print && { log: print }),
    })
    if (parsed.json) output.stdout(JSON.stringify(report))
    return 0
  } catch (error) {
    printFailure(error, output, { json: parsed.json ?? false })
    return 1
  }
}

function printer({ stdout, colours }: CommandOutput): (event: MigrationEvent) => void {
  const good = (text: string) => (colours ? `\u001b[32m${text}\u001b[39m` : text)
  const dim = (text: string) => (colours ? `\u001b[2m${text}\u001b[22m` : text)
  return (event) => {
    switch (event.type) {
      case 'waitingForLock':
        stdout(`waiting up to ${event.timeoutMs / 1000} s for another migration run`)
        break
      case 'role':
        stdout(
          `role       ${event.role.name}  ${event.role.created ? good('created') : dim('exists')}, ${passwordText(event.role)}`,
        )
        break
      case 'alreadyApplied':
        for (const migration of event.migrations) stdout(`migration  ${migration}  ${dim('already applied')}`)
        break
      case 'applied':
        stdout(`migration  ${event.migration}  ${good('applied')} in ${Math.round(event.milliseconds)} ms`)
        break
      case 'partitions':
        for (const partition of event.partitions) stdout(`partition  ${partition}  ${good('created')}`)
        break
      case 'context':
        if (event.context.mode === 'none') break
        stdout(
          `context    ${contextText(event.context)}  ${event.context.changed ? good('changed') : dim('unchanged')}`,
        )
        break
      case 'applying':
        // its own line follows when it is done, or an error that names it
        break
    }
  }
}

function contextText({ mode, keys }: ContextReport): string {
  return mode === 'signed' ? `signed, ${keys} ${keys === 1 ? 'key' : 'keys'}` : 'not signed'
}

function passwordText({ password }: RoleReport): string {
  switch (password) {
    case 'set':
      return 'password set'
    case 'kept':
      return 'password unchanged'
    case 'none':
      return 'no password'
    case 'unknown':
      return 'password not given'
  }
}

function helpText(): string {
  const passwords = Object.entries(passwordVariables)
  const variables = [...passwords.map(([, variable]) => variable), contextKeyVariable, previousKeyVariable]
  const variableWidth = Math.max(...variables.map(({ length }) => length))
  return [
    'doublehull migrate: sets up the roles, then applies the migrations that are missing.',
    'A second run changes nothing. The history is that of prisma migrate deploy.',
    '',
    'Usage: doublehull migrate [flags]',
    '',
    ...flagHelp(flags),
    '',
    'Passwords of the roles come from the environment, or from .env in the current folder:',
    ...passwords.map(([role, variable]) => `  ${variable.padEnd(variableWidth)}  ${role}`),
    '',
    'Contexts must be signed once there is a key, in the environment or in .env:',
    `  ${contextKeyVariable.padEnd(variableWidth)}  what the application signs with`,
    `  ${previousKeyVariable.padEnd(variableWidth)}  still believed, while keys are exchanged`,
    '',
    'Exit code: 0 done, 1 refused or failed, 2 not understood.',
  ].join('\n')
}
