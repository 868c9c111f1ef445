import type { Attack } from './attack.ts'
import type { Scene } from './scene.ts'

/** Which of the attacks on a model are made, and which stand by for a cell in which none of those reaches anything. */
export interface Selection {
  readonly chosen: readonly Attack[]
  readonly spare: readonly Attack[]
}

/**
 * Thins the attacks on models that resemble each other. Attacks are of a kind if they have the same operation and
 * form, begin with models of the same scope, and differ in names alone; of each kind one in `share` is kept, and the
 * first in any case. Which of them it is differs from kind to kind, so that every model keeps some. Those in SQL are all
 * kept.
 */
export class Thinning {
  readonly #scene: Scene
  readonly #share: number
  readonly #oncePerModel: boolean
  readonly #names: ReadonlySet<string>
  readonly #seen = new Map<string, number>()

  /**
   * @param share 1 keeps all of them
   * @param oncePerModel of each kind a model keeps no more than one, and of each operation at least one
   */
  constructor(scene: Scene, share: number, oncePerModel: boolean) {
    this.#scene = scene
    this.#share = share
    this.#oncePerModel = oncePerModel
    this.#names = new Set(
      Object.entries(scene.manifest.models).flatMap(([, model]) => [
        ...Object.keys(model.relations),
        ...Object.keys(model.compoundUniques),
        ...model.uniqueFields,
      ]),
    )
  }

  /** Takes the models one after the other: what was kept of the earlier ones counts. */
  select(attacks: readonly Attack[]): Selection {
    const ofModel = new Set<string>()
    const chosen = new Set<Attack>()
    for (const attack of attacks) {
      const kind = this.#kindOf(attack)
      if (this.#oncePerModel && ofModel.has(kind)) continue
      ofModel.add(kind)
      const count = this.#seen.get(kind) ?? 0
      this.#seen.set(kind, count + 1)
      // hull one is the same for all models; policies are each table's own, and damaged one by one
      if (count === 0 || attack.sql !== undefined || (count + kind.length) % this.#share === 0)
        chosen.add(attack)
    }
    if (!this.#oncePerModel) return { chosen: [...chosen], spare: [] }
    for (const attack of attacks) {
      const isAlone = ![...chosen].some((other) => other.operation === attack.operation && isPlain(other))
      if (isAlone && isPlain(attack)) chosen.add(attack)
    }
    return { chosen: [...chosen], spare: attacks.filter((attack) => !chosen.has(attack) && isPlain(attack)) }
  }

  #kindOf({ model, operation, form, heldBySchema, sql }: Attack): string {
    const known = this.#scene.manifest.models[model]
    const anonymous = form
      .replaceAll(/\w+/g, (word) => (this.#names.has(word) ? '…' : word))
      // how long the way is matters, and not where it leads
      .replaceAll(/…(\.…)+/g, (path) => `…${path.length}`)
    return [
      known?.scope.kind ?? 'join',
      known?.readOnly,
      operation,
      anonymous,
      heldBySchema ?? '',
      sql !== undefined,
    ].join()
  }
}

/** Whether it counts behind every hull that it concerns. */
function isPlain({ heldBySchema, limit }: Attack): boolean {
  return heldBySchema === undefined && limit === undefined
}
