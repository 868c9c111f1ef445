import { delegateName, type Manifest } from '../manifest/manifest.ts'
import { type Args, isArgs } from './scoping.ts'
import type { GlobalOmit } from './unique-batch.ts'
import type { UserExtension } from './user-extension.ts'

type Needs = ReadonlyMap<string, readonly string[]>

/**
 * The fields that the application's extensions compute, and the columns that each needs. Prisma selects these
 * itself, when it sends the query; but what is done to a selection, and to an answer, before that and after it must
 * know of them.
 */
export class ComputedFields {
  readonly #manifest: Manifest
  readonly #globalOmit: GlobalOmit
  readonly #byModel: ReadonlyMap<string, Needs>

  constructor(manifest: Manifest, extensions: readonly UserExtension[], globalOmit: GlobalOmit = {}) {
    this.#manifest = manifest
    this.#globalOmit = globalOmit
    this.#byModel = new Map(
      Object.keys(manifest.models).flatMap((model) => {
        const needs = needsOf(delegateName(model), extensions)
        return needs.size === 0 ? [] : [[model, needs] as const]
      }),
    )
  }

  /**
   * Arguments that also name the columns behind the computed fields that they ask for, to any depth. What of them the
   * caller did not ask for Prisma hides, when it has computed the fields.
   */
  withNeeds(model: string, args: unknown): unknown {
    if (this.#byModel.size === 0 || !isArgs(args)) return args
    const { select, include, omit } = args
    const needs = this.#byModel.get(model)
    return {
      ...args,
      ...(isArgs(select) ? { select: this.#select(model, select, needs) } : {}),
      ...(isArgs(include) ? { include: this.#relations(model, include) } : {}),
      ...(needs && !isArgs(select) ? this.#omit(model, isArgs(omit) ? omit : {}, needs) : {}),
    }
  }

  #select(model: string, select: Args, needs: Needs | undefined): Args {
    const wanted = [...(needs ?? [])].flatMap(([field, columns]) => (select[field] ? columns : []))
    return {
      ...this.#relations(model, select),
      ...Object.fromEntries(wanted.map((column) => [column, true])),
    }
  }

  #relations(model: string, fields: Args): Args {
    const relations = this.#manifest.models[model]?.relations ?? {}
    return Object.fromEntries(
      Object.entries(fields).map(([field, value]) => {
        const relation = Object.hasOwn(relations, field) ? relations[field] : undefined
        return [field, relation ? this.withNeeds(relation.model, value) : value]
      }),
    )
  }

  #omit(model: string, omit: Args, needs: Needs): { readonly omit?: Args } {
    const everywhere = this.#globalOmit[delegateName(model)] ?? {}
    const wanted = [...needs]
      .flatMap(([field, columns]) => (omit[field] ? [] : columns))
      .filter((column) => omit[column] ?? everywhere[column])
    return wanted.length === 0
      ? {}
      : { omit: { ...omit, ...Object.fromEntries(wanted.map((column) => [column, false])) } }
  }
}

/** As Prisma resolves them: a later extension wins, and within one the model over all models. */
function needsOf(delegate: string, extensions: readonly UserExtension[]): Needs {
  const direct = new Map<string, readonly string[]>()
  for (const { definition } of extensions) {
    for (const key of ['$allModels', delegate]) {
      for (const [field, { needs }] of Object.entries(definition.result?.[key] ?? {})) {
        direct.set(field, Object.keys(needs))
      }
    }
  }
  const columnsOf = (field: string, visited: ReadonlySet<string>): readonly string[] => {
    const needs = visited.has(field) ? undefined : direct.get(field)
    return needs ? needs.flatMap((need) => columnsOf(need, new Set([...visited, field]))) : [field]
  }
  return new Map([...direct.keys()].map((field) => [field, columnsOf(field, new Set())]))
}
