import type { Attack } from './attack.ts'
import { listsOf, outwardPaths } from './outward-path.ts'
import { keyOrder, visibleFilter } from './row-filter.ts'
import type { Scene } from './scene.ts'

/** Orders of A's own rows, or of those of all, that tell about values or numbers of B's. */
export function* orders(scene: Scene, model: string): Generator<Attack> {
  const visible = scene.world.rowsOf(model).filter((row) => scene.world.isVisible(row))
  if (visible.length < 2) return
  for (const length of [1, 2]) {
    for (const path of outwardPaths(scene, model, length)) {
      const lists = listsOf(scene, model, path.relations)
      // an order goes through to-one relations, and a list can only stand at its end, for its number
      if (lists.slice(0, -1).includes(true)) continue
      const list = lists.at(-1) ?? false
      for (const direction of length === 1 ? (['asc', 'desc'] as const) : (['asc'] as const)) {
        const last = list ? { _count: direction } : { [scene.secretField(path.model)]: direction }
        const orderBy = [
          path.relations.reduceRight<object>((inner, name) => ({ [name]: inner }), last),
          // the other way round, so that rows with equal numbers change places when one has fewer
          ...keyOrder(scene, model, direction === 'asc' ? 'desc' : 'asc'),
        ]
        const order = (operation: string, form: string, rest: object = {}): Attack => ({
          model,
          operation,
          form: `${form}, ${direction}, by ${path.relations.join('.')}`,
          args: { where: visibleFilter(scene, model), orderBy, ...rest },
          kind: 'read',
        })
        yield order('findMany', 'an order')
        // B's values come first in one direction, and the larger number in the other
        if (length === 1 && direction === (list ? 'desc' : 'asc'))
          yield order('findFirst', 'the first of an order')
      }
    }
  }
}
