import type { Scene } from './scene.ts'
import type { Row } from './world.ts'

/** A way over relations from a row that tenant A may see, over others that it may see, to one that it may not. */
export interface OutwardPath {
  readonly start: Row
  readonly relations: readonly string[]
  /** The model at the end. */
  readonly model: string
  readonly victim: Row
}

/** The ways of a length out of the tenant, one for each sequence of relations, that begin with a model's rows. */
export function outwardPaths(scene: Scene, model: string, length: number): readonly OutwardPath[] {
  const found = new Map<string, OutwardPath>()
  for (const start of scene.world.rowsOf(model)) {
    if (scene.world.isVisible(start)) walk(scene, start, start, [], length, found)
  }
  return [...found.values()]
}

function walk(
  scene: Scene,
  start: Row,
  row: Row,
  relations: readonly string[],
  left: number,
  found: Map<string, OutwardPath>,
): void {
  const { world } = scene
  for (const [name, relation] of Object.entries(world.model(row.model).relations)) {
    const path = [...relations, name]
    for (const next of world.follow(row, name)) {
      if (left > 1) {
        if (world.isVisible(next)) walk(scene, start, next, path, left - 1, found)
      } else if (!world.isVisible(next) && !found.has(path.join('.'))) {
        found.set(path.join('.'), { start, relations: path, model: relation.model, victim: next })
      }
    }
  }
}

/** Whether each relation of the path is a list. */
export function listsOf(scene: Scene, model: string, relations: readonly string[]): readonly boolean[] {
  let current = model
  return relations.map((name) => {
    const { relation } = scene.world.relation(current, name)
    current = relation.model
    return relation.list
  })
}

/** Nests a selection along a path: `wrap('select', …)` around each step but the last. */
export function nest(kind: 'include' | 'select', relations: readonly string[], last: unknown): object {
  const [first = '', ...rest] = relations
  return { [first]: rest.length === 0 ? last : { [kind]: nest(kind, rest, last) } }
}
