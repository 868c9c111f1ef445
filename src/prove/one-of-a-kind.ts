import type { Attack } from './attack.ts'
import type { Scene } from './scene.ts'

/**
 * Thins the attacks on models that resemble each other. Attacks are of a kind if they have the same operation and
 * form, begin with models of the same scope, and differ in names alone; of each kind one in `share` is kept, and the
 * first in any case. Which of them it is differs from kind to kind, so that every model keeps some.
 *
 * @param share 1 keeps all of them
 */
export function thinned(scene: Scene, attacks: readonly Attack[], share: number): readonly Attack[] {
  const names = new Set(
    Object.values(scene.manifest.models).flatMap(({ relations, compoundUniques, uniqueFields }) => [
      ...Object.keys(relations),
      ...Object.keys(compoundUniques),
      ...uniqueFields,
    ]),
  )
  const seen = new Map<string, number>()
  return attacks.filter((attack) => {
    const { scope, readOnly } = scene.world.model(attack.model)
    const form = attack.form.replaceAll(/\w+/g, (word) => (names.has(word) ? '…' : word))
    const kind = [scope.kind, readOnly, attack.operation, form, attack.heldBySchema ?? ''].join()
    const count = seen.get(kind) ?? 0
    seen.set(kind, count + 1)
    return count === 0 || (count + kind.length) % share === 0
  })
}
