import { TenancyError } from '../errors.ts'
import { createLogin, dropLogin, type LoginPurpose } from '../migrations/login.ts'
import { type FlagTable, flagHelp, parseFlags } from './arguments.ts'
import type { Command, CommandOutput } from './command.ts'
import { databaseUrl, loadEnvironment } from './environment.ts'
import { printFailure, refuseCall } from './failure.ts'

const passwordVariable = 'DOUBLEHULL_LOGIN_PASSWORD'
const purposes: readonly LoginPurpose[] = ['app', 'reader', 'system']

const flags = {
  'database-url': {
    type: 'string',
    value: 'URL',
    help: 'direct connection as an administrator; default DIRECT_URL, then DATABASE_URL',
  },
  name: { type: 'string', value: 'NAME', help: 'the login, such as doublehull_app_2' },
  as: { type: 'string', value: 'ROLE', help: 'whose rights it has: app, reader or system; default app' },
  drop: { type: 'boolean', help: 'drop it, once nobody is connected as it' },
  json: {
    type: 'boolean',
    help: 'print one JSON object: what was done, or { "error": { code, message, details } }',
  },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies FlagTable

/**
 * `doublehull login`: what {@link createLogin} and {@link dropLogin} do.
 *
 * @example
 * ```ts
 * process.exitCode = await loginCommand.run(['--name', 'doublehull_app_2'], output)
 * ```
 */
export const loginCommand: Command = {
  summary: 'create or drop a second login of a role, to change its password without downtime',
  help: helpText(),
  run,
}

async function run(args: readonly string[], output: CommandOutput): Promise<number> {
  const parsed = parseFlags(flags, args)
  if (typeof parsed === 'string') return refuseCall('login', parsed, output)
  if (parsed.help) {
    output.stdout(loginCommand.help)
    return 0
  }
  const { name } = parsed
  const purpose = purposes.find((one) => one === (parsed.as ?? 'app'))
  if (name === undefined) return refuseCall('login', 'needs --name', output)
  if (purpose === undefined) return refuseCall('login', '--as takes app, reader or system', output)
  try {
    loadEnvironment()
    const target = {
      connectionString: databaseUrl(parsed['database-url']),
      name,
      purpose,
    }
    const done = parsed.drop
      ? await dropLogin(target)
      : await createLogin({ ...target, password: password() })
    const what =
      'dropped' in done
        ? done.dropped
          ? 'dropped'
          : 'not there'
        : done.created
          ? 'created'
          : 'has the new password'
    output.stdout(parsed.json ? JSON.stringify(done) : `login  ${name}  ${what}`)
    return 0
  } catch (error) {
    printFailure(error, output, { json: parsed.json ?? false })
    return 1
  }
}

function password(): string {
  const given = process.env[passwordVariable]
  if (given) return given
  throw new TenancyError('DH408', `${passwordVariable} is not set; it holds the password of the login`)
}

function helpText(): string {
  return [
    'doublehull login: creates a login beside a role’s own, with its rights and nothing else, or gives it a new',
    'password. PostgreSQL keeps one password a role, so this is how one is changed while an application runs.',
    '',
    'Usage: doublehull login --name NAME [flags]',
    '',
    ...flagHelp(flags),
    '',
    `The password comes from ${passwordVariable}, or from .env in the current folder.`,
    '',
    'Exit code: 0 done, 1 refused or failed, 2 not understood.',
  ].join('\n')
}
