/**
 * The Prisma CLI, offline and with a database: `npm run prisma -- <arguments of prisma>`.
 *
 * It runs with the schema engine of `schema-engine.mjs` instead of a download. A command that needs a
 * database gets the embedded one where neither DIRECT_URL nor DATABASE_URL is set, here or in `.env`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { config } from 'dotenv'
import { type EmbeddedServer, startEmbeddedPostgres } from '../src/embedded/embedded-postgres.ts'

const args = process.argv.slice(2)

/** Whether Prisma connects to a database for these arguments. */
function needsDatabase(): boolean {
  const flags = args.filter((arg) => arg.startsWith('-'))
  const [command, subcommand] = args.filter((arg) => !arg.startsWith('-'))
  if (flags.some((flag) => ['-h', '--help', '-v', '--version'].includes(flag))) return false
  if (flags.some((flag) => /^--url(=|$)/.test(flag))) return false
  if (command === 'generate') return flags.includes('--sql')
  if (command === 'studio') return true
  if ((command !== 'migrate' && command !== 'db') || subcommand === undefined) return false
  // Migrations are replayed in a shadow database; schema files are compared on their own.
  if (command === 'migrate' && subcommand === 'diff') {
    return flags.some((flag) => /^--(from|to)-(config-datasource|migrations)(=|$)/.test(flag))
  }
  return true
}

function runPrisma(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  const require = createRequire(import.meta.url)
  const manifest = require.resolve('prisma/package.json')
  const { bin } = require(manifest) as { bin: { prisma: string } }
  // Prisma runs generators by their command, which npm's scripts find and a bare `tsx` or `node` does not.
  const PATH = [join(dirname(dirname(manifest)), '.bin'), process.env['PATH']].join(delimiter)
  child = spawn(process.execPath, [join(dirname(manifest), bin.prisma), ...args], {
    stdio: 'inherit',
    env: { ...process.env, PATH },
  })
  return new Promise((resolve, reject) => {
    child?.once('error', reject)
    child?.once('exit', (code, signal) => resolve({ code, signal }))
  })
}

let child: ChildProcess | undefined
let server: EmbeddedServer | undefined

// Prisma ends first, then its database. A terminal sends Ctrl-C to Prisma as well, so it is passed on only
// where there is none; the other signals reach this process alone.
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const onSignal = (signal: NodeJS.Signals) => {
  if (child === undefined) process.exit(128 + constants.signals[signal])
  if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
}
for (const signal of signals) process.on(signal, onSignal)

config({ quiet: true })
process.env['PRISMA_SCHEMA_ENGINE_BINARY'] ??= join(import.meta.dirname, 'schema-engine.mjs')
// No update check and no telemetry: the CLI reaches for no network.
process.env['CHECKPOINT_DISABLE'] = '1'
process.env['PRISMA_HIDE_UPDATE_MESSAGE'] = '1'

if (needsDatabase() && !process.env['DIRECT_URL'] && !process.env['DATABASE_URL']) {
  server = await startEmbeddedPostgres()
  await server.ensureDatabase('doublehull')
  process.env['DATABASE_URL'] = server.url('doublehull')
  console.error(
    `Neither DIRECT_URL nor DATABASE_URL is set: using the embedded PostgreSQL ${server.version}.`,
  )
}

const { code, signal } = await runPrisma()
// Interrupted, Prisma leaves its schema engine behind, which now drops its shadow database.
if (server !== undefined && (signal !== null || (code ?? 0) > 128)) await sleep(1000)
await server?.stop()
for (const name of signals) process.off(name, onSignal)
if (signal === null) process.exitCode = code ?? 1
else process.kill(process.pid, signal)
