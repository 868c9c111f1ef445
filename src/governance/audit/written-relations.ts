import { type Args, isArgs } from '../../extension/scoping.ts'
import type { Manifest } from '../../manifest/manifest.ts'

/** A relation that a nested write goes along, and those that it goes along from there. */
export interface WrittenRelation {
  readonly model: string
  readonly list: boolean
  readonly relations: WrittenRelations
}

/** By the names of their fields. */
export type WrittenRelations = ReadonlyMap<string, WrittenRelation>

/** The relations that the data of a write goes along, to any depth. */
export function writtenRelations(manifest: Manifest, model: string, args: unknown): WrittenRelations {
  if (!isArgs(args)) return new Map()
  return relationsOf(
    manifest,
    model,
    ['data', 'create', 'update'].flatMap((key) => listOf(args[key])),
  )
}

/** Whether a nested write may write rows of a model. */
export function reaches(relations: WrittenRelations, isMeant: (model: string) => boolean): boolean {
  for (const { model, relations: further } of relations.values()) {
    if (isMeant(model) || reaches(further, isMeant)) return true
  }
  return false
}

function relationsOf(manifest: Manifest, name: string, data: readonly Args[]): WrittenRelations {
  const relations = manifest.models[name]?.relations ?? {}
  const nested = new Map<string, Args[]>()
  for (const entry of data) {
    for (const [field, value] of Object.entries(entry)) {
      if (!Object.hasOwn(relations, field) || !isArgs(value)) continue
      const further = nested.get(field) ?? []
      nested.set(field, further)
      for (const [operation, given] of Object.entries(value)) further.push(...dataOf(operation, given))
    }
  }
  return new Map(
    [...nested].flatMap(([field, further]) => {
      const relation = relations[field]
      if (!relation) return []
      const { model, list } = relation
      return [[field, { model, list, relations: relationsOf(manifest, model, further) }] as const]
    }),
  )
}

/** The data in the argument of one nested operation. */
function dataOf(operation: string, given: unknown): readonly Args[] {
  return listOf(given).flatMap((one) => {
    if (operation === 'create') return [one]
    if (operation === 'connectOrCreate') return listOf(one['create'])
    // of a relation to one row it may also be the data itself
    if (operation === 'update') return [one, ...listOf(one['data'])]
    if (operation === 'upsert') return [...listOf(one['create']), ...listOf(one['update'])]
    return []
  })
}

function listOf(value: unknown): readonly Args[] {
  return (Array.isArray(value) ? (value as unknown[]) : [value]).filter(isArgs)
}
