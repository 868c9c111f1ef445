import type { Attack } from './attack.ts'
import {
  cursorOf,
  filterOf,
  keyOrder,
  tenantColumn,
  uniqueWhere,
  uniqueWheres,
  visibleFilter,
} from './row-filter.ts'
import type { Scene } from './scene.ts'
import { isText } from './schema-shape.ts'

/** Reads that begin with rows of B's: every operation, and every way to write its filter, cursor and groups. */
export function* readAttacks(scene: Scene, model: string): Generator<Attack> {
  const victims = scene.world.rowsOf(model).filter((row) => !scene.world.isVisible(row))
  const secret = scene.secretField(model)
  const isKey = scene.world.model(model).primaryKey.includes(secret)
  // where nothing but a key tells, the number of rows must
  const victim =
    victims.find((row) => isKey && scene.isAway(row)) ??
    victims.find((row) => row === scene.row(model, 'b', 'cross')) ??
    victims[0]
  if (!victim) return
  const read = (operation: string, form: string, args: object): Attack => ({
    model,
    operation,
    form,
    args,
    kind: 'read',
  })
  const where = filterOf(scene, victim)
  const orderBy = keyOrder(scene, model)
  const missing = { NOT: where }
  const secretIs = { [secret]: scene.secretOf(victim) }

  for (const [name, unique] of uniqueWheres(scene, victim)) {
    yield read('findUnique', `by ${name}`, { where: unique })
    yield read('findUniqueOrThrow', `by ${name}`, { where: unique })
  }
  yield read('findUnique', 'a select of the secret', {
    where: uniqueWhere(scene, victim),
    select: { [secret]: true },
  })
  yield read('findUnique', 'a second condition beside the key', {
    where: { ...uniqueWhere(scene, victim), AND: [secretIs], OR: [{}, where] },
  })
  yield read('findMany', 'no filter', {})
  for (const operation of ['findFirst', 'findFirstOrThrow', 'findMany']) {
    yield read(operation, 'by key', { where })
    yield read(operation, 'cursor', { cursor: cursorOf(scene, victim), take: 1, orderBy })
  }
  yield read('findFirst', 'OR', { where: { OR: [where, secretIs] } })
  yield read('findMany', 'OR', { where: { OR: [secretIs] } })
  yield read('findMany', 'NOT', { where: { NOT: [visibleFilter(scene, model)] } })
  yield read('findFirstOrThrow', 'AND with an empty NOT', { where: { AND: [where, { NOT: [] }] } })
  yield read('findMany', 'OR within AND within NOT', { where: { NOT: { AND: [{ OR: [missing] }] } } })
  yield read('findMany', 'backwards from a cursor', { cursor: cursorOf(scene, victim), take: -2, orderBy })
  yield read('findMany', 'distinct', {
    distinct: [secret],
    orderBy: isKey ? orderBy : [{ [secret]: 'asc' }, ...orderBy],
  })
  yield read('findMany', 'omit of the key', {
    where,
    omit: { [scene.world.model(model).primaryKey[0] ?? '']: true },
  })

  yield* tenantFieldForms(scene, model, read)

  yield read('count', 'the secret as an oracle', { where: secretIs })
  yield read('count', 'selected fields', { where: secretIs, select: { _all: true, [secret]: true } })
  yield read('aggregate', '_count by the secret', { where: secretIs, _count: { _all: true } })
  // Prisma takes no compound key for the cursor of a number
  if (scene.world.model(model).primaryKey.length === 1) {
    const page = { where: secretIs, cursor: cursorOf(scene, victim), orderBy }
    yield read('count', 'from a cursor', page)
    yield read('aggregate', 'from a cursor', { ...page, _count: true })
  }
  if (!scene.world.model(model).primaryKey.includes(secret)) {
    const isSeen = scene.world.rowsOf(model).some((row) => scene.world.isVisible(row))
    // Prisma looks for a compound key among the rows of the filter alone
    const isOneKey = scene.world.model(model).primaryKey.length === 1
    if (isSeen && isOneKey && !scene.shape[model]?.fields[secret]?.nullable) {
      yield read('findMany', 'own rows behind a cursor on another’s', {
        where: visibleFilter(scene, model),
        cursor: cursorOf(scene, victim),
        orderBy: [{ [secret]: 'asc' }, ...orderBy],
      })
    }
    yield read('aggregate', '_max', { where, _max: { [secret]: true } })
    yield read('aggregate', '_min of all', { _min: { [secret]: true } })
  }
  yield read('groupBy', 'the secret', { by: [secret], _count: true, orderBy: { [secret]: 'asc' } })
  yield read('groupBy', 'a filter', { by: [secret], where })
  yield read('groupBy', 'having', { by: [secret], having: { [secret]: { equals: scene.secretOf(victim) } } })
  yield read('groupBy', 'having an aggregate', {
    by: [secret],
    having: { AND: [{ [secret]: { _count: { gte: 1 } } }, { OR: [secretIs] }] },
  })
  yield read('groupBy', 'order by a count', {
    by: [secret],
    orderBy: [{ _count: { [secret]: 'desc' } }, { [secret]: 'asc' }],
  })
  const shape = scene.shape[model]?.fields[secret]
  if (shape && isText(shape)) {
    yield read('findMany', 'startsWith', {
      where: { [secret]: { startsWith: String(scene.secretOf(victim)) } },
    })
    yield read('findFirst', 'contains, in any case', {
      where: { [secret]: { contains: String(scene.secretOf(victim)).toUpperCase(), mode: 'insensitive' } },
    })
  }
}

type Read = (operation: string, form: string, args: object) => Attack

/** The tenant's own field, with another tenant in it, or with what Prisma takes for no condition at all. */
function* tenantFieldForms(scene: Scene, model: string, read: Read): Generator<Attack> {
  const { scope } = scene.world.model(model)
  const field = scope.kind === 'root' ? scope.field : tenantColumn(scene, model)
  if (field === undefined) return
  const { a: own, b: other } = scene.tenantValues
  const values: readonly (readonly [string, unknown])[] = [
    ['the other tenant', other],
    ['equals the other tenant', { equals: other }],
    ['in both tenants', { in: [own, other] }],
    ['not the own tenant', { not: own }],
    ['not in the own tenant', { notIn: [own] }],
    ['undefined', undefined],
    ['in undefined', { in: undefined }],
    ['equals undefined', { equals: undefined }],
  ]
  for (const [form, value] of values) {
    yield read('findMany', `the tenant field is ${form}`, { where: { [field]: value } })
  }
  for (const operation of ['findFirst', 'count', 'groupBy', 'aggregate']) {
    const by = operation === 'groupBy' ? { by: [scene.secretField(model)] } : {}
    const count = operation === 'aggregate' ? { _count: true } : {}
    const where = {
      OR: [{ [field]: undefined, [scene.secretField(model)]: scene.secretOf(victimOf(scene, model)) }],
    }
    yield read(operation, 'the tenant field is undefined, within OR', { ...by, ...count, where })
  }
}

function victimOf(scene: Scene, model: string) {
  const victim = scene.row(model, 'b', 'cross')
  if (!victim) throw new Error(`no row of B's in ${model}`)
  return victim
}
