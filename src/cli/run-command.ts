import { packageVersion } from '../package-version.ts'
import type { Command, CommandOutput } from './command.ts'
import { generateCommand } from './generate.ts'
import { initCommand } from './init.ts'
import { loginCommand } from './login.ts'
import { migrateCommand } from './migrate.ts'
import { policiesCommand } from './policies.ts'
import { protectCommand } from './protect.ts'
import { proveCommand } from './prove.ts'
import { verifyCommand } from './verify.ts'

const commands: Readonly<Record<string, Command>> = {
  init: initCommand,
  generate: generateCommand,
  migrate: migrateCommand,
  policies: policiesCommand,
  protect: protectCommand,
  login: loginCommand,
  verify: verifyCommand,
  prove: proveCommand,
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
    output.stdout(helpText())
    return 0
  }
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command !== undefined) return command.run(rest, output)
  const problem = name === undefined ? 'names no command' : 'names no command that exists'
  output.stderr(
    `doublehull: the call ${problem}; commands are: ${Object.keys(commands).join(', ')}; see doublehull --help`,
  )
  return 2
}

function helpText(): string {
  return [
    'doublehull: multi-tenant PostgreSQL for Prisma, with two hulls.',
    '',
    'Usage: doublehull <command> [flags]',
    '',
    ...Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(10)}  ${summary}`),
    '',
    'doublehull <command> --help tells the flags of a command; doublehull --version the version.',
  ].join('\n')
}
