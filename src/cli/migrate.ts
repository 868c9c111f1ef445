import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { contextKeyVariable } from '../context/context-key.ts'
import { isTenancyError, TenancyError } from '../errors.ts'
import { previousKeyVariable } from '../migrations/context-settings.ts'
import { passwordVariables } from '../migrations/role-settings.ts'
import {
  type ContextReport,
  type MigrationEvent,
  type RoleReport,
  runMigrations,
} from '../migrations/runner.ts'
import type { Command, CommandOutput } from './command.ts'

/** The one table of flags: the parser and the help are both made of it. */
const flags = {
  'database-url': {
    type: 'string',
    value: 'URL',
    help: 'direct connection, as an administrator or the migrator; default DIRECT_URL, then DATABASE_URL',
  },
  directory: {
    type: 'string',
    value: 'DIR',
    help: 'folder of <name>/migration.sql; default ./prisma/migrations, and where that is missing the ones of the package',
  },
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
} as const

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
  const parsed = parse(args)
  if (typeof parsed === 'string') {
    output.stderr(`doublehull migrate: ${parsed}; see doublehull migrate --help`)
    return 2
  }
  if (parsed.help) {
    output.stdout(migrateCommand.help)
    return 0
  }
  const print = parsed.json || parsed.quiet ? undefined : printer(output)
  try {
    loadEnvironment()
    const directory = parsed.directory ?? ownMigrations()
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
    const described = describe(error)
    if (parsed.json) output.stdout(JSON.stringify({ error: described }))
    else output.stderr([described.message, described.details.hint].filter(Boolean).join('\n'))
    return 1
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: flags, strict: true, allowPositionals: false }).values
  } catch (error) {
    // a stray argument may be a connection string with its password: it isn't repeated
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL') return 'takes flags only, but an argument was given'
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return `does not know ${unknownFlag(args)}`
    return 'a flag lacks its value, or has one that it does not take'
  }
}

function unknownFlag(args: readonly string[]): string {
  const names = args.filter((arg) => arg.startsWith('-')).map((arg) => arg.replace(/=.*/s, ''))
  return names.find((name) => !Object.hasOwn(flags, name.slice(2)) && name !== '-h') ?? 'a flag'
}

/** An application's own migrations, where Prisma keeps them; `undefined` where it has none. */
function ownMigrations(): string | undefined {
  const directory = join('prisma', 'migrations')
  return existsSync(directory) ? directory : undefined
}

/** Variables that are set win over `.env`, as everywhere. */
function loadEnvironment(): void {
  try {
    process.loadEnvFile()
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (!isMissing)
      throw new TenancyError('DH409', 'the file .env cannot be read; check its permissions', { cause: error })
  }
}

function databaseUrl(flag: string | undefined): string {
  // `||`, because a variable that is set to nothing is not set
  const url = flag ?? (process.env['DIRECT_URL'] || process.env['DATABASE_URL'])
  if (url) return url
  throw new TenancyError(
    'DH409',
    'no database is named; set DIRECT_URL or DATABASE_URL, or give --database-url',
  )
}

function describe(error: unknown) {
  if (isTenancyError(error)) {
    return { code: error.code, message: error.message, details: error.details }
  }
  const message = `unexpected ${error instanceof Error ? `${error.name}: ${error.message}` : 'error'}`
  return { code: 'UNEXPECTED', message, details: { hint: undefined } }
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
  const rows = Object.entries(flags).map(([name, flag]) => {
    const left = `--${name}${'value' in flag ? ` ${flag.value}` : ''}${'short' in flag ? `, -${flag.short}` : ''}`
    return `  ${left.padEnd(22)}  ${flag.help}`
  })
  return [
    'doublehull migrate: sets up the roles, then applies the migrations that are missing.',
    'A second run changes nothing. The history is that of prisma migrate deploy.',
    '',
    'Usage: doublehull migrate [flags]',
    '',
    ...rows,
    '',
    'Passwords of the roles come from the environment, or from .env in the current folder:',
    ...Object.entries(passwordVariables).map(([role, variable]) => `  ${variable.padEnd(28)}  ${role}`),
    '',
    'Contexts must be signed once there is a key, in the environment or in .env:',
    `  ${contextKeyVariable.padEnd(28)}  what the application signs with`,
    `  ${previousKeyVariable.padEnd(28)}  still believed, while keys are exchanged`,
    '',
    'Exit code: 0 done, 1 refused or failed, 2 not understood.',
  ].join('\n')
}
