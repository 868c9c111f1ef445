import { packageVersion } from '../package-version.ts'
import type { Command, CommandOutput } from './command.ts'

// each is loaded when it is called: what one of them needs would keep the others waiting
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import('./init.ts')).initCommand,
  generate: async () => (await import('./generate.ts')).generateCommand,
  migrate: async () => (await import('./migrate.ts')).migrateCommand,
  policies: async () => (await import('./policies.ts')).policiesCommand,
  protect: async () => (await import('./protect.ts')).protectCommand,
  login: async () => (await import('./login.ts')).loginCommand,
  verify: async () => (await import('./verify.ts')).verifyCommand,
  prove: async () => (await import('./prove.ts')).proveCommand,
  audit: async () => (await import('./audit.ts')).auditCommand,
}

const output: CommandOutput = {
  stdout: (line) => void process.stdout.write(`${line}\n`),
  stderr: (line) => void process.stderr.write(`${line}\n`),
  ...(process.stderr.isTTY && {
    // to the line's beginning, and what stood there erased
    status: (line: string) => void process.stderr.write(`\r\u001b[2K${line}`),
  }),
  // https://no-color.org: any value but the empty one says no
  colours: process.stdout.isTTY && !process.env['NO_COLOR'],
}

/**
 * Runs the command that the arguments name.
 *
 * @returns the exit code: 2 where they name none
 */
export async function runCommand([name, ...rest]: readonly string[]): Promise<number> {
  if (name === '--version' || name === '-v') {
    output.stdout(packageVersion())
    return 0
  }
  if (name === '--help' || name === '-h') {
    output.stdout(await helpText())
    return 0
  }
  const load = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
  if (load !== undefined) return (await load()).run(rest, output)
  const problem = name === undefined ? 'names no command' : 'names no command that exists'
  output.stderr(
    `doublehull: the call ${problem}; commands are: ${Object.keys(commands).join(', ')}; see doublehull --help`,
  )
  return 2
}

async function helpText(): Promise<string> {
  const rows = Object.entries(commands).map(
    async ([name, load]) => `  ${name.padEnd(10)}  ${(await load()).summary}`,
  )
  return [
    'doublehull: multi-tenant PostgreSQL for Prisma, with two hulls.',
    '',
    'Usage: doublehull <command> [flags]',
    '',
    ...(await Promise.all(rows)),
    '',
    'doublehull <command> --help tells the flags of a command; doublehull --version the version.',
  ].join('\n')
}
