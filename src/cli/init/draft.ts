import type { Classification, ModelClassification } from '../../manifest/classification.ts'
import { classifyModels } from '../../manifest/classify-models.ts'
import { parseSchema, type SchemaSource } from '../../manifest/read-schema.ts'
import { addDirectives } from './schema-edits.ts'
import type { ChosenDirectives } from './scope-flags.ts'

/** How the tenant is named. */
export interface TenantSettings {
  readonly tenantModel: string
  readonly tenantFields: readonly string[]
  readonly strict: boolean | undefined
}

/** A schema with what was chosen for it so far. */
export interface Draft {
  /** With the directives that were chosen above their models, unless they go into `doublehull.json`. */
  readonly source: SchemaSource
  readonly settings: TenantSettings
  /** The directives of `doublehull.json`; `undefined` where the schema itself is edited. */
  readonly models: Readonly<Record<string, readonly string[]>> | undefined
}

/** What the draft says of its models. */
export function classifyDraft({ source, settings, models }: Draft): Classification {
  return classifyModels(source.datamodel, { ...settings, models, files: source.files })
}

/** The models that somebody must settle, in the order of the schema. */
export function unsettled({ models }: Classification): readonly ModelClassification[] {
  return models.filter(({ severity }) => severity === 'problem')
}

/** The draft with directives that were chosen. Those that are there already are not written again. */
export function withDirectives(draft: Draft, chosen: ChosenDirectives): Draft {
  const { source, models } = draft
  if (models) return { ...draft, models: { ...models, ...Object.fromEntries(chosen) } }
  const missing = new Map<string, readonly string[]>()
  for (const { name, documentation } of source.datamodel.models) {
    const there = directivesIn(documentation ?? '')
    const added = (chosen.get(name) ?? []).filter((directive) => !there.includes(directive))
    if (added.length > 0)
      missing.set(
        name,
        added.map((directive) => `@tenancy.${directive}`),
      )
  }
  if (missing.size === 0) return draft
  const files = source.files.map(([path, text]) => [path, addDirectives(text, missing)] as const)
  return { ...draft, source: parseSchema(source.path, files) }
}

/** The directives that a draft has and another has not, by model. */
export function addedDirectives(before: Draft, after: Draft): ChosenDirectives {
  const added = after.source.datamodel.models.map(({ name }) => {
    const there = directivesOfModel(before, name)
    return [name, directivesOfModel(after, name).filter((one) => !there.includes(one))] as const
  })
  return new Map(added.filter(([, directives]) => directives.length > 0))
}

function directivesOfModel({ source, models }: Draft, name: string): readonly string[] {
  if (models) return models[name] ?? []
  const model = source.datamodel.models.find((one) => one.name === name)
  return directivesIn(model?.documentation ?? '')
}

/** The directives among lines such as `/// @tenancy.system`, without what they begin with. */
export function directivesIn(lines: string): readonly string[] {
  return lines
    .split('\n')
    .flatMap((line) => /^(?:\/\/\/)?\s*@tenancy\.(.*)$/.exec(line.trim())?.[1]?.trim() ?? [])
}
