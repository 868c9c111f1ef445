import { accessSync, constants, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TenancyError } from '../errors.ts'
import { manifest as bundled } from '../generated/tenancy.ts'
import { checksum, type MigrationFile, readMigrations } from '../migrations/migration-files.ts'
import { runMigrations } from '../migrations/runner.ts'
import { packageVersion } from '../package-version.ts'
import type { LoadedClient } from '../prove/load-client.ts'
import { loadSeed } from '../prove/load-seed.ts'
import type { ProofReport } from '../prove/proof-report.ts'
import { proveDatabase } from '../prove/prove-database.ts'
import { jsonOf } from '../prove/report/json.ts'
import { junitOf } from '../prove/report/junit.ts'
import { pageOf } from '../prove/report/page.ts'
import type { ProofFacts } from '../prove/report/proof-facts.ts'
import { summaryOf, verdictLine } from '../prove/report/summary.ts'
import type { SeedHook } from '../prove/seed-hook.ts'
import { createThrowAwayDatabase, type ThrowAwayDatabase } from '../prove/throw-away-database.ts'
import { type FlagTable, type FlagValues, flagHelp, parseFlags } from './arguments.ts'
import type { Command, CommandOutput } from './command.ts'
import { printFailure, refuseCall } from './failure.ts'
import { findMigrations, ownMigrations } from './find-migrations.ts'
import { type FoundManifest, findManifest } from './manifest-file.ts'
import { projectClient } from './project-client.ts'
import { ProveProgress } from './prove-progress.ts'
import { ProofState } from './prove-state.ts'
import { writeWholeFile } from './whole-file.ts'

const flags = {
  manifest: {
    type: 'string',
    value: 'FILE',
    help: 'the tenancy.json of the schema; default src/generated/tenancy.json and the like, and in a project without a Prisma schema the one of the package',
  },
  migrations: {
    type: 'string',
    value: 'DIR',
    help: 'folder of <name>/migration.sql that makes the database; default where Prisma has it',
  },
  client: {
    type: 'string',
    value: 'PATH',
    help: 'the generated Prisma client; default the one that tenancy.json names',
  },
  'database-url': {
    type: 'string',
    value: 'URL',
    help: 'a superuser on a server to make the database on; default the embedded PostgreSQL. The database that it names is left alone',
  },
  'throw-away': {
    type: 'string',
    value: 'NAME',
    help: 'the name of that database again, where its server is another host or sounds like production',
  },
  seed: {
    type: 'string',
    value: 'FILE',
    help: 'module that exports seed(model, row, owner), for rows that need values of your own',
  },
  only: {
    type: 'string',
    value: 'NAMES',
    help: 'models to attack, with commas between; rows are planted in all of them',
  },
  quick: { type: 'boolean', help: 'of attacks that resemble each other make some' },
  full: { type: 'boolean', help: 'make every attack; by the number of models unless told' },
  'accept-unproven': {
    type: 'boolean',
    help: 'exit with 0 where nothing leaked, though of some cells nothing is known; the report still says unproven',
  },
  json: {
    type: 'boolean',
    help: 'print one JSON object: the report, or { "error": { code, message, details } }',
  },
  junit: { type: 'string', value: 'FILE', help: 'write the report there as JUnit XML, too' },
  html: { type: 'string', value: 'FILE', help: 'write the report there as a page, too' },
  resume: { type: 'boolean', help: 'go on where a run with the same inputs was stopped' },
  quiet: { type: 'boolean', help: 'print no notes and no progress, and one line where all is proven' },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies FlagTable

type Flags = FlagValues<typeof flags>

const stateFile = join('.doublehull', 'prove-state.json')
const exitCodes = { proven: 0, leaks: 1, unproven: 3 } as const satisfies Record<
  ProofReport['verdict'],
  number
>
const interrupted = 130

/**
 * `doublehull prove`: what {@link proveDatabase} does, in a database of its own, with its report printed and told by the
 * exit code.
 *
 * @example
 * ```ts
 * process.exitCode = await proveCommand.run(['--html', 'proof.html'], output)
 * ```
 */
export const proveCommand: Command = {
  summary: 'attack every model with every operation, behind each hull alone and both',
  help: [
    'doublehull prove: plants two tenants in a database that is made from your migrations and thrown away, and attacks',
    'every model with every operation: behind hull one alone, hull two alone, both, and without any, where an attack must',
    'succeed. Nothing is sent to your own databases.',
    '',
    'Usage: doublehull prove [flags]',
    '',
    ...flagHelp(flags),
    '',
    `Ctrl-C stops between two attacks, and keeps the models that are done in ${stateFile} for --resume.`,
    '',
    'Exit code: 0 proven; 1 leaks; 2 not understood, or no proof could be made; 3 unproven: nothing leaked, but some',
    'attacks could not be judged, 0 with --accept-unproven; 130 stopped.',
  ].join('\n'),
  run,
}

async function run(args: readonly string[], output: CommandOutput): Promise<number> {
  const parsed = parseFlags(flags, args)
  if (typeof parsed === 'string') return refuseCall('prove', parsed, output)
  if (parsed.help) {
    output.stdout(proveCommand.help)
    return 0
  }
  const problem = problemOf(parsed)
  if (problem !== undefined) return refuseCall('prove', problem, output)
  const progress = new ProveProgress(output, { isQuiet: parsed.quiet ?? false })
  const stop = new AbortController()
  const listening = listenForStop(stop, progress)
  try {
    return await proveProject(await projectOf(parsed), { flags: parsed, output, progress, stop })
  } catch (error) {
    progress.clear()
    // whatever was broken off by it
    if (stop.signal.aborted) return interrupted
    printFailure(error, output, { json: parsed.json ?? false })
    return 2
  } finally {
    listening.end()
  }
}

/** What is wrong with the flags, as the rest of a sentence that begins with the command. */
function problemOf(parsed: Flags): string | undefined {
  if (parsed.quick && parsed.full) return 'was given both --quick and --full'
  if (parsed['throw-away'] !== undefined && parsed['database-url'] === undefined) {
    return 'takes --throw-away only with --database-url'
  }
  return undefined
}

/** Everything that a proof is made of, found and loaded before anything is started. */
interface Project {
  readonly found: FoundManifest
  readonly client: LoadedClient
  readonly directory: string
  readonly migrations: readonly MigrationFile[]
  readonly seed: { readonly hook: SeedHook; readonly file: string; readonly checksum: string } | undefined
  readonly only: readonly string[] | undefined
}

async function projectOf(parsed: Flags): Promise<Project> {
  const found = findManifest(parsed.manifest)
  const only = onlyOf(parsed.only, found)
  for (const file of [parsed.junit, parsed.html]) if (file !== undefined) requireFolder(file)
  const directory = migrationsOf(parsed.migrations, found)
  const migrations = await readMigrations(directory)
  const client = await projectClient(found, parsed.client)
  const seed = parsed.seed === undefined ? undefined : await seedOf(parsed.seed)
  return { found, client, directory, migrations, seed, only }
}

function onlyOf(names: string | undefined, { manifest }: FoundManifest): readonly string[] | undefined {
  if (names === undefined) return undefined
  const only = names.split(',').map((name) => name.trim())
  const unknown = only.find((name) => !Object.hasOwn(manifest.models, name))
  if (unknown === undefined) return [...new Set(only)]
  throw new TenancyError(
    'DH304',
    `--only names ${unknown === '' ? 'nothing' : unknown}, which is no model of the schema; its models are ${Object.keys(manifest.models).join(', ')}`,
  )
}

/** A proof may take long: that its report can't be written is said before. */
function requireFolder(file: string): void {
  try {
    accessSync(dirname(file), constants.W_OK)
  } catch (cause) {
    throw new TenancyError(
      'DH409',
      `${file} could not be written; does its folder exist, and may you write there?`,
      { cause },
    )
  }
}

function migrationsOf(given: string | undefined, { manifest }: FoundManifest): string {
  const directory = given ?? ownMigrations()
  if (directory !== undefined) return directory
  // the same place seen from `src/cli` and from `dist/cli`
  if (manifest === bundled) return fileURLToPath(new URL('../../prisma/migrations', import.meta.url))
  throw new TenancyError(
    'DH401',
    `there is no folder ${findMigrations()}, and the database is made of migrations; write the first one with npx prisma migrate dev, then the policies with npx doublehull policies; another folder is named with --migrations`,
  )
}

async function seedOf(file: string): Promise<Project['seed']> {
  return { hook: await loadSeed(file), file, checksum: checksum(readFileSync(file, 'utf8')) }
}

interface Run {
  readonly flags: Flags
  readonly output: CommandOutput
  readonly progress: ProveProgress
  readonly stop: AbortController
}

/** @returns the exit code */
async function proveProject(project: Project, { flags, output, progress, stop }: Run): Promise<number> {
  const { found, client, directory, migrations, seed, only } = project
  const { manifest } = found
  const depth = depthOf(flags, Object.keys(manifest.models).length)
  const at = new Date().toISOString()
  progress.note(`manifest ${found.name}, ${Object.keys(manifest.models).length} models, ${depth}`)
  const database = await createThrowAwayDatabase({
    databaseUrl: flags['database-url'],
    throwAway: flags['throw-away'],
  })
  let state: ProofState | undefined
  try {
    stop.signal.throwIfAborted()
    const versions = {
      doublehull: packageVersion(),
      prisma: client.prismaVersion ?? 'unknown',
      postgresql: database.serverVersion,
    }
    state = new ProofState(stateFile, [
      manifest,
      migrations.map(({ name, sql }) => [name, checksum(sql)]),
      versions,
      [depth, only, seed?.checksum],
    ])
    if (flags.resume && !resume(state, progress)) {
      return refuseCall(
        'prove',
        `cannot go on with ${stateFile}, which is of another schema, version or call; leave --resume out`,
        output,
      )
    }
    await migrate(directory, database, progress)
    stop.signal.throwIfAborted()
    const kept = state
    const report = await proveDatabase({
      manifest,
      PrismaClient: client.PrismaClient,
      adminUrl: database.adminUrl,
      depth,
      ...(seed !== undefined && { seed: seed.hook }),
      ...(only !== undefined && { only }),
      done: [...kept.models],
      signal: stop.signal,
      onEvent: (event) => {
        if (event.kind === 'planted') {
          progress.note(`planted ${event.rows.toLocaleString('en')} rows in ${event.models} models`)
        } else if (event.kind === 'progress') progress.show(event.done, event.total)
        else kept.add(event.proof)
      },
    })
    progress.clear()
    kept.remove()
    const facts: ProofFacts = {
      manifest: found.name,
      tenantModel: manifest.tenantModel,
      migrations: { directory, count: migrations.length, last: migrations.at(-1)?.name ?? '' },
      ...(seed !== undefined && { seed: seed.file }),
      ...(only !== undefined && { only }),
      depth,
      at,
      versions,
    }
    print(report, facts, flags, output)
    return flags['accept-unproven'] && report.verdict === 'unproven' ? 0 : exitCodes[report.verdict]
  } catch (error) {
    progress.clear()
    tellWhatIsKept(state, output)
    throw error
  } finally {
    await drop(database, output)
  }
}

/** How many models are attacked with everything, unless told. */
const mostModelsInFull = 25

function depthOf({ quick, full }: Flags, models: number): ProofFacts['depth'] {
  if (quick) return 'quick'
  return full || models <= mostModelsInFull ? 'full' : 'quick'
}

function resume(state: ProofState, progress: ProveProgress): boolean {
  const loaded = state.load()
  if (loaded === 'nothing') progress.note(`${stateFile} is not there; beginning anew`)
  if (loaded === 'loaded') progress.note(`going on: ${countOf(state)} done`)
  return loaded !== 'other'
}

function countOf({ models }: ProofState): string {
  return `${models.length} ${models.length === 1 ? 'model is' : 'models are'}`
}

/** What a person or a job that stopped it must know, `--quiet` or not. */
function tellWhatIsKept(state: ProofState | undefined, output: CommandOutput): void {
  if (state === undefined || state.models.length === 0) return
  output.stderr(`${countOf(state)} done and kept in ${stateFile}; go on with the same call and --resume`)
}

async function migrate(
  directory: string,
  { adminUrl }: ThrowAwayDatabase,
  progress: ProveProgress,
): Promise<void> {
  const { applied } = await runMigrations({
    connectionString: adminUrl,
    directory,
    // the proof needs none of the application's passwords and keys, and must not set them on a server
    environment: {},
  })
  progress.note(`migrated with ${applied.length} migrations of ${directory}`)
}

async function drop(database: ThrowAwayDatabase, output: CommandOutput): Promise<void> {
  try {
    await database.drop()
  } catch {
    // the report is what counts
    output.stderr(`the database ${database.name} could not be dropped; drop it by hand`)
  }
}

function print(report: ProofReport, facts: ProofFacts, flags: Flags, output: CommandOutput): void {
  if (flags.junit !== undefined) writeWholeFile(flags.junit, junitOf(report, facts))
  if (flags.html !== undefined) writeWholeFile(flags.html, pageOf(report, facts))
  if (flags.json) output.stdout(jsonOf(report, facts))
  else if (flags.quiet && report.verdict === 'proven') output.stdout(verdictLine(report, facts))
  else output.stdout(summaryOf(report, facts, { colours: output.colours }))
}

/** The first signal stops it in order; who sends another does not want to wait. */
function listenForStop(stop: AbortController, progress: ProveProgress): { readonly end: () => void } {
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(interrupted)
    progress.note('stopping after this attack; once more to stop at once, which leaves the database behind')
    stop.abort()
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal)
  return {
    end: () => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal)
    },
  }
}
