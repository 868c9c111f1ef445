import { existsSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { TenancyError } from '../../errors.ts'
import { classify } from '../../manifest/classify.ts'
import type { Manifest } from '../../manifest/manifest.ts'
import { clientOf, manifestFiles } from '../../manifest/manifest-files.ts'
import { parseSchema, type SchemaSource } from '../../manifest/read-schema.ts'
import { findMigrations } from '../find-migrations.ts'
import { githubWorkflow, type PipelineHost, packageManager } from './ci-workflow.ts'
import type { Draft } from './draft.ts'
import { withEnvironment } from './environment-example.ts'
import { slashed } from './output-folder.ts'
import { withScript } from './package-script.ts'
import type { PlannedFile } from './planned-file.ts'
import { prismaConfig } from './prisma-config.ts'
import {
  addGenerator,
  type DatasourceAddresses,
  datasourceAddresses,
  withoutAddresses,
} from './schema-edits.ts'
import { textOf } from './write-files.ts'

/** What is to be written, beside what the draft says. */
export interface FilesToPlan {
  /** The schema as it is on the disk. */
  readonly original: SchemaSource
  readonly draft: Draft
  /** A generator block is to be added. */
  readonly addsGenerator: boolean
  /** The folder of `tenancy.ts`, from the current folder. */
  readonly output: string
  /** The path of the schema, from the current folder. */
  readonly schema: string
  /** The addresses in the datasource are to go into `prisma.config.ts`. */
  readonly movesAddresses: boolean
  readonly ci: PipelineHost
}

/** The text of `doublehull.json`, with what was in it before that is none of ours. */
function configText(before: string | undefined, draft: Draft, schema: string, output: string): string {
  const { tenantModel, tenantFields, strict } = draft.settings
  const kept = before === undefined ? {} : (JSON.parse(before) as Record<string, unknown>)
  const config = {
    schema,
    output,
    tenantModel,
    tenantField: tenantFields,
    ...(strict === undefined ? {} : { strict }),
    ...kept,
    models: draft.models ?? {},
  }
  const text = `${JSON.stringify(config, null, 2)}\n`
  return before !== undefined && JSON.stringify(JSON.parse(before)) === JSON.stringify(config) ? before : text
}

/** The files that are written, those included that are already as they should be; the migrations not. */
export function planFiles(wanted: FilesToPlan): {
  readonly files: readonly PlannedFile[]
  readonly manifest: Manifest
} {
  const { original, draft, output, schema, ci } = wanted
  const edited = editedSchema(wanted)
  // read anew as it will be, so that what is written is what was shown
  const final = parseSchema(original.path, edited)
  const manifest = classify(final.datamodel, {
    ...draft.settings,
    models: draft.models,
    files: final.files,
  })
  const files: PlannedFile[] = []
  const plan = (path: string, change: (before: string | undefined) => string, isGenerated = false) => {
    const before = textOf(path)
    files.push({ path, before, after: change(before), isGenerated })
  }
  for (const [path, after] of edited) {
    const before = original.files.find(([one]) => one === path)?.[1]
    files.push({ path: slashed(relative('', path)), before, after, isGenerated: false })
  }
  if (draft.models) plan('doublehull.json', (before) => configText(before, draft, schema, output))
  const addresses = original.files.map(([, text]) => datasourceAddresses(text)).find((found) => found)
  if (wanted.movesAddresses && addresses) {
    plan('prisma.config.ts', (before) => before ?? configFor(schema, addresses))
  }
  const origin = { schema: original.path, client: clientOf(original.generators) }
  for (const [path, text] of manifestFiles(manifest, resolve(output), origin)) {
    plan(slashed(relative('', path)), () => text, true)
  }
  if (existsSync('package.json'))
    plan('package.json', (before = '') => withScript(before, 'tenancy', 'doublehull policies'))
  plan('.env.example', withEnvironment)
  if (ci === 'github') {
    // one that was changed since is the project's own
    plan('.github/workflows/tenancy.yml', (before) => before ?? githubWorkflow(packageManager(existsSync)))
  }
  return { files, manifest }
}

function configFor(schema: string, addresses: DatasourceAddresses): string {
  const text = prismaConfig({ schema, migrations: findMigrations() }, addresses)
  if (text !== undefined) return text
  throw new TenancyError(
    'DH304',
    '--prisma-7 moves addresses that are variables, such as env("DATABASE_URL"), and the datasource has another; write prisma.config.ts, and take them out yourself',
  )
}

function editedSchema({
  original,
  draft,
  addsGenerator,
  output,
  movesAddresses,
}: FilesToPlan): SchemaSource['files'] {
  const { generators, datasource } = original
  const home = generators.at(-1)?.file ?? datasource.file
  const { tenantModel, tenantFields } = draft.settings
  return draft.source.files.map(([path, text]) => {
    const moved = movesAddresses ? withoutAddresses(text) : text
    if (!addsGenerator || path !== home) return [path, moved]
    const fromHere = slashed(relative(dirname(path), resolve(output)))
    return [
      path,
      addGenerator(moved, {
        output: fromHere.startsWith('.') ? fromHere : `./${fromHere}`,
        tenantModel,
        tenantFields,
      }),
    ]
  })
}
