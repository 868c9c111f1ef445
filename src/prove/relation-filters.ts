import type { Attack } from './attack.ts'
import { listsOf, type OutwardPath, outwardPaths } from './outward-path.ts'
import { changeOf } from './row-data.ts'
import { filterOf, keyOrder, uniqueWhere, visibleFilter } from './row-filter.ts'
import type { Scene } from './scene.ts'

type Form = readonly [name: string, filter: (condition: object) => object]

const listForms: readonly Form[] = [
  ['some', (condition) => ({ some: condition })],
  ['none', (condition) => ({ none: condition })],
  ['every, of the opposite', (condition) => ({ every: { NOT: condition } })],
  ['some and every', (condition) => ({ some: condition, every: {} })],
]
const toOneForms: readonly Form[] = [
  ['is', (condition) => ({ is: condition })],
  ['isNot', (condition) => ({ isNot: condition })],
  ['the short form', (condition) => condition],
]

/** Questions about A's own rows, or about those of all, which only B's rows would answer otherwise. */
export function* relationFilters(scene: Scene, model: string): Generator<Attack> {
  for (const path of outwardPaths(scene, model, 1)) {
    yield* everyForm(scene, model, path)
    yield* everyOperation(scene, model, path)
  }
  for (const path of outwardPaths(scene, model, 2)) {
    const lists = listsOf(scene, model, path.relations)
    const condition = secretIs(scene, path)
    const [first = '', second = ''] = path.relations
    const yes = (list: boolean | undefined, inner: object) => (list ? { some: inner } : { is: inner })
    const there = { [first]: yes(lists[0], { [second]: yes(lists[1], condition) }) }
    const inner = { [second]: yes(lists[1], condition) }
    const notThere = { [first]: lists[0] ? { none: inner } : { isNot: inner } }
    yield question(scene, model, path, 'findFirst', 'a filter', there)
    yield question(scene, model, path, 'count', 'a negated filter', notThere)
  }
}

function* everyForm(scene: Scene, model: string, path: OutwardPath): Generator<Attack> {
  const [name = ''] = path.relations
  const [list = false] = listsOf(scene, model, path.relations)
  const condition = secretIs(scene, path)
  for (const [index, [form, filter]] of (list ? listForms : toOneForms).entries()) {
    const where = { [name]: filter(condition) }
    yield question(scene, model, path, 'count', form, where)
    if (index < 2)
      yield question(scene, model, path, 'count', `${form}, within NOT and OR`, { NOT: { OR: [where] } })
  }
  // whether there is a row at all; where the key is A's own, A knows that
  const { relation } = scene.world.relation(model, name)
  if (!isAllThereIs(scene, model, name)) return
  if (list) {
    yield question(scene, model, path, 'count', 'some at all', { [name]: { some: {} } })
    yield question(scene, model, path, 'count', 'none at all', { [name]: { none: {} } })
  } else if (relation.fields.length === 0) {
    yield question(scene, model, path, 'count', 'null', { [name]: null })
    yield question(scene, model, path, 'count', 'is null', { [name]: { is: null } })
    yield question(scene, model, path, 'count', 'is not null', { [name]: { isNot: null } })
  }
}

function* everyOperation(scene: Scene, model: string, path: OutwardPath): Generator<Attack> {
  const [name = ''] = path.relations
  const [list = false] = listsOf(scene, model, path.relations)
  const condition = secretIs(scene, path)
  const filter = { [name]: list ? { some: condition } : { is: condition } }
  for (const operation of ['findFirst', 'findFirstOrThrow', 'findMany', 'aggregate', 'groupBy']) {
    yield question(scene, model, path, operation, 'a filter', filter)
  }
  const unique = { ...uniqueWhere(scene, path.start), ...filter }
  for (const operation of ['findUnique', 'findUniqueOrThrow']) {
    yield { ...question(scene, model, path, operation, 'beside the key', filter), args: { where: unique } }
  }

  // a write of one's own row that is only made if B's row says so
  if (!scene.world.isWritable(path.start)) return
  const data = changeOf(scene, path.start)
  const where = { AND: [filterOf(scene, path.start), filter] }
  const write = (operation: string, args: object): Attack => ({
    model,
    operation,
    form: `a write under a condition over ${name}`,
    args,
    kind: 'write',
    isConditional: true,
  })
  yield write('updateMany', { where, data })
  yield write('updateManyAndReturn', { where, data })
  yield write('update', { where: unique, data })
}

/** Which of A's rows pass a filter. */
function question(
  scene: Scene,
  model: string,
  path: OutwardPath,
  operation: string,
  form: string,
  filter: object,
): Attack {
  const where = { AND: [visibleFilter(scene, model), filter] }
  const order = { orderBy: keyOrder(scene, model) }
  const [key = ''] = scene.world.model(model).primaryKey
  const rest: Readonly<Record<string, object>> = {
    count: {},
    aggregate: { _count: true },
    groupBy: { by: [key], orderBy: { [key]: 'asc' } },
  }
  return {
    model,
    operation,
    form: `${form} over ${path.relations.join('.')}`,
    args: { where, ...(rest[operation] ?? order) },
    kind: 'read',
  }
}

/** Whether some row of A's is linked with rows of B's alone, by links that could be away. */
function isAllThereIs(scene: Scene, model: string, name: string): boolean {
  const { world } = scene
  const { relation, inverse } = world.relation(model, name)
  if (relation.list && inverse?.required && inverse.fields.length > 0) return false
  return world.rowsOf(model).some((row) => {
    const linked = world.isVisible(row) ? world.follow(row, name) : []
    return linked.length > 0 && linked.every((other) => !world.isVisible(other))
  })
}

function secretIs(scene: Scene, { model, victim }: OutwardPath): object {
  return { [scene.secretField(model)]: scene.secretOf(victim) }
}
