import type { Attack } from './attack.ts'
import { listsOf, type OutwardPath, outwardPaths } from './outward-path.ts'
import { changeOf, newRow } from './row-data.ts'
import { filterOf, secretSelect, uniqueWhere } from './row-filter.ts'
import type { Scene } from './scene.ts'
import type { Row } from './world.ts'

/** Writes of A's own rows that answer with rows of B's: what a write returns is a read. */
export function* returnedRelations(scene: Scene, model: string): Generator<Attack> {
  for (const length of [1, 2]) {
    for (const path of outwardPaths(scene, model, length)) {
      if (scene.world.isWritable(path.start)) yield* ofUpdates(scene, model, path)
    }
  }
  for (const path of outwardPaths(scene, model, 2)) yield* ofCreates(scene, model, path)
  yield* ofDeletes(scene, model)
}

function* ofUpdates(scene: Scene, model: string, path: OutwardPath): Generator<Attack> {
  if (scene.appendOnly.has(model)) return
  const data = changeOf(scene, path.start)
  const where = uniqueWhere(scene, path.start)
  const returned = (operation: string, form: string, args: object) =>
    attack(model, operation, form, path, args)
  const include = includeOf(path, true)
  const select = includeOf(path, { select: secretSelect(scene, path.model) }, 'select')
  yield returned('update', 'include', { where, data, include })
  yield returned('upsert', 'select', {
    where,
    update: data,
    create: newRow(scene, model, { owner: 'a', form: 'unchecked' }),
    select,
  })
  const lists = listsOf(scene, model, path.relations)
  if (path.relations.length > 1) return
  yield returned('update', 'select', { where, data, select })
  if (lists[0]) {
    yield {
      ...returned('update', '_count', {
        where,
        data,
        select: {
          _count: {
            select: {
              [path.relations[0] ?? '']: {
                where: { [scene.secretField(path.model)]: scene.secretOf(path.victim) },
              },
            },
          },
        },
      }),
      isCompared: true,
    }
    return
  }
  // what writes many returns nothing but rows to which a key leads
  if (scene.world.relation(model, path.relations[0] ?? '').relation.fields.length === 0) return
  yield returned('updateManyAndReturn', 'include', { where: filterOf(scene, path.start), data, include })
  yield returned('updateManyAndReturn', 'select', { where: filterOf(scene, path.start), data, select })
}

/** A new row of A's that hangs on an own one, from which the way leads outside. */
function* ofCreates(scene: Scene, model: string, path: OutwardPath): Generator<Attack> {
  const { readOnly, scope } = scene.world.model(model)
  const [first = ''] = path.relations
  const { relation, inverse } = scene.world.relation(model, first)
  if (readOnly || scope.kind === 'root') return
  const parent = scene.world.follow(path.start, first).find((row) => leadsOutside(scene, row, path))
  // where the key is unique the parent has its one child already
  if (!parent || (inverse && !inverse.list)) return
  const data: Record<string, unknown> = { ...newRow(scene, model, { owner: 'a', form: 'checked' }) }
  data[first] = { connect: relation.list ? [uniqueWhere(scene, parent)] : uniqueWhere(scene, parent) }
  if (relation.fields.length === 0 && !scene.world.isWritable(parent)) return
  yield attack(model, 'create', 'include', path, { data, include: includeOf(path, true) })
  yield attack(model, 'create', 'select', path, {
    data: { ...data, ...freshKey(scene, model) },
    select: includeOf(path, { select: secretSelect(scene, path.model) }, 'select'),
  })
}

function leadsOutside(scene: Scene, row: Row, path: OutwardPath): boolean {
  return (
    scene.world.isVisible(row) &&
    scene.world.follow(row, path.relations[1] ?? '').some((end) => !scene.world.isVisible(end))
  )
}

function freshKey(scene: Scene, model: string): object {
  const [key = ''] = scene.world.model(model).primaryKey
  const made = newRow(scene, model, { owner: 'a', form: 'checked' })
  return key in made ? { [key]: made[key] } : {}
}

/** A row of A's that nothing refers to and that refers to B's. */
function* ofDeletes(scene: Scene, model: string): Generator<Attack> {
  const leaf = scene.row(model, 'a', 'leaf')
  if (!leaf || !scene.world.isWritable(leaf)) return
  for (const name of Object.keys(scene.world.model(model).relations)) {
    const victim = scene.world.follow(leaf, name).find((row) => !scene.world.isVisible(row))
    const { relation } = scene.world.relation(model, name)
    if (!victim || relation.fields.length === 0) continue
    const path: OutwardPath = { start: leaf, relations: [name], model: relation.model, victim }
    const where = uniqueWhere(scene, leaf)
    yield attack(model, 'delete', 'include', path, { where, include: { [name]: true } })
    yield attack(model, 'delete', 'select', path, {
      where,
      select: { [name]: { select: secretSelect(scene, relation.model) } },
    })
  }
}

function includeOf(path: OutwardPath, last: unknown, kind: 'include' | 'select' = 'include'): object {
  const [first = '', second] = path.relations
  return { [first]: second === undefined ? last : { [kind]: { [second]: last } } }
}

function attack(model: string, operation: string, form: string, path: OutwardPath, args: object): Attack {
  return { model, operation, form: `${form} of ${path.relations.join('.')}`, args, kind: 'write' }
}
