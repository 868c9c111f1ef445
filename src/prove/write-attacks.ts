import type { Attack } from './attack.ts'
import {
  changeOf,
  collides,
  givesTenant,
  hasKeysWithTenant,
  isDeletable,
  isTenantRelation,
  keyTo,
  moveTo,
  newRow,
  pullsOthers,
} from './row-data.ts'
import { filterOf, tenantColumn, uniqueWhere, uniqueWheres, visibleFilter } from './row-filter.ts'
import type { Scene } from './scene.ts'
import { isUnique } from './schema-shape.ts'
import type { Row } from './world.ts'

type Write = (operation: string, form: string, args: object, extra?: Partial<Attack>) => Attack

/** Writes without relations in their data but for keys: to B's rows, of B's rows, to and from B. */
export function* writeAttacks(scene: Scene, model: string): Generator<Attack> {
  const write: Write = (operation, form, args, extra = {}) => ({
    model,
    operation,
    form,
    args,
    kind: 'write',
    ...extra,
  })
  for (const [whose, victim] of victimsOf(scene, model)) yield* writesTo(scene, victim, whose, write)
  yield* createsFor(scene, model, write)
  yield* moves(scene, model, write)
  yield* foreignKeys(scene, model, write)
}

/** Rows of a model that tenant A must not write, one of each kind. */
function* victimsOf(scene: Scene, model: string): Generator<readonly [string, Row]> {
  const { scope, readOnly } = scene.world.model(model)
  const rows: readonly (readonly [string, Row | undefined])[] = [
    ['another’s row', scene.row(model, 'b', 'free')],
    [scope.kind === 'member' ? 'a row in common' : 'a row of nobody’s', scene.row(model, 'nobody', 'free')],
    ['an own row, read-only', readOnly ? scene.row(model, 'a', 'own') : undefined],
  ]
  for (const [whose, row] of rows) if (row) yield [whose, row]
}

function* writesTo(scene: Scene, victim: Row, whose: string, write: Write): Generator<Attack> {
  const { model } = victim
  const held = scene.appendOnly.get(model)
  const data = changeOf(scene, victim)
  const where = filterOf(scene, victim)
  const extra = held === undefined ? {} : { heldBySchema: held }
  const one = (operation: string, form: string, args: object) =>
    write(operation, `${whose}, ${form}`, args, extra)
  const create = newRow(scene, model, { owner: 'a', form: 'unchecked' })

  const deletable = isDeletable(scene, victim)
  for (const [index, [name, unique]] of uniqueWheres(scene, victim).entries()) {
    yield one('update', `by ${name}`, { where: unique, data })
    if (index > 0) continue
    yield one('upsert', `by ${name}`, { where: unique, update: data, create })
    if (deletable) yield one('delete', `by ${name}`, { where: unique })
  }
  const either = { OR: [where, { AND: [where] }] }
  yield one('updateMany', 'by key', { where, data })
  yield one('updateMany', 'by NOT', { where: { AND: [where], NOT: { NOT: [where] } }, data })
  yield one('updateManyAndReturn', 'by key', { where, data })
  yield one('updateManyAndReturn', 'by OR', { where: either, data })
  if (deletable) {
    yield one('deleteMany', 'by key', { where })
    yield one('deleteMany', 'by OR', { where: either })
    // without a condition PostgreSQL asks the policy for deletes alone, and not the one for reads
    const all = scene.world.rowsOf(model)
    if (all.every((row) => isDeletable(scene, row) && !pullsOthers(scene, row)))
      yield one('deleteMany', 'among all', {})
  }
  const secret = scene.secretField(model)
  const field = tenantColumn(scene, model)
  const everyRow = { where: { [secret]: { not: null } } }
  if (!scene.world.model(model).primaryKey.includes(secret)) {
    const nullable = scene.shape[model]?.fields[secret]?.nullable
    if (!isUnique(scene.shape[model] ?? { fields: {}, uniqueSets: [] }, [secret], field)) {
      yield one('updateMany', 'among all', { data })
      yield one('updateManyAndReturn', 'among all', { ...(nullable ? everyRow : {}), data })
    }
  }
  if (field === undefined || victim !== scene.row(model, 'b', 'free')) return
  const { a: own, b: other } = scene.tenantValues
  const values = [other, { in: [other] }, { not: own }]
  for (const value of values) {
    const filter = { ...where, [field]: value }
    yield one(
      'updateMany',
      `by the tenant field ${typeof value === 'object' && value !== null ? Object.keys(value).join() : ''}`,
      {
        where: filter,
        data,
      },
    )
  }
  yield one('updateMany', 'by an undefined tenant field', { where: { ...where, [field]: undefined }, data })
  yield one('update', 'by key and tenant field', {
    where: { ...uniqueWhere(scene, victim), [field]: other },
    data,
  })
  if (deletable) {
    yield one('deleteMany', 'by an undefined tenant field', {
      where: { ...where, [field]: { in: undefined } },
    })
    yield one('delete', 'by key and tenant field', {
      where: { ...uniqueWhere(scene, victim), [field]: other },
    })
  }
}

/** Creates of rows that would be B's, or nobody's, or of a model that tenants only read. */
function* createsFor(scene: Scene, model: string, write: Write): Generator<Attack> {
  const { scope, readOnly } = scene.world.model(model)
  const owners: readonly (readonly [string, 'a' | 'b' | 'nobody'])[] =
    scope.kind === 'root'
      ? [['another tenant', 'b']]
      : scope.kind === 'shared'
        ? [
            ['for another', 'b'],
            ['for nobody', 'nobody'],
          ]
        : scope.kind === 'global' || scope.kind === 'member'
          ? [['for nobody', 'nobody']]
          : readOnly
            ? [
                ['for another', 'b'],
                ['for oneself, read-only', 'a'],
              ]
            : [['for another', 'b']]
  for (const [whose, owner] of owners) {
    const data = () => newRow(scene, model, { owner, form: 'unchecked' })
    const victim = scene.row(model, 'b', 'free') ?? scene.row(model, 'nobody', 'free')
    const nowhere = uniqueWhere(scene, { model, values: { ...victim?.values, ...data() } })
    yield write('create', whose, { data: data() })
    yield write('createMany', `${whose}, in a list`, {
      data: [data(), data()].slice(0, onlyOnce(scene, model) ? 1 : 2),
    })
    yield write('createMany', `${whose}, skipping duplicates`, { data: [data()], skipDuplicates: true })
    yield write('createManyAndReturn', whose, { data: [data()] })
    yield write('upsert', whose, { where: nowhere, update: {}, create: data() })
    if (owner === 'nobody' || !hasKey(scene, model)) continue
    const checked = () => newRow(scene, model, { owner, form: 'checked' })
    yield write('create', `${whose}, by connect`, { data: checked() })
    yield write('upsert', `${whose}, by connect`, { where: nowhere, update: {}, create: checked() })
  }
}

/** Whether two new rows of a model would be in each other's way. */
function onlyOnce(scene: Scene, model: string): boolean {
  const { relations } = scene.world.model(model)
  const shape = scene.shape[model]
  return Object.values(relations).some(
    ({ fields, required }) =>
      required && fields.length > 0 && shape && isUnique(shape, fields, tenantColumn(scene, model)),
  )
}

function hasKey(scene: Scene, model: string): boolean {
  return (
    Object.values(scene.world.model(model).relations).some(
      ({ fields, required }) => fields.length > 0 && required,
    ) || Object.keys(scene.world.model(model).relations).some((name) => isTenantRelation(scene, model, name))
  )
}

/** Rows of A's given to B or to nobody, and rows of B's and of nobody's claimed. */
function* moves(scene: Scene, model: string, write: Write): Generator<Attack> {
  const own = (['free', 'own', 'cross'] as const)
    .map((slot) => scene.row(model, 'a', slot))
    .find((row) => row && !collides(scene, row, moveTo(scene, row, 'b') ?? {}))
  const { scope, relations, readOnly } = scene.world.model(model)
  if (!own || scope.kind === 'member' || scope.kind === 'global') return
  const held = scene.appendOnly.get(model)
  const immutable = held === undefined ? {} : { heldBySchema: held }
  const unique = uniqueWhere(scene, own)
  const where = filterOf(scene, own)
  const field = tenantColumn(scene, model)

  if (scope.kind === 'root') {
    const free = scene.row(model, 'b', 'free')
    if (free)
      yield write('update', 'another’s, with a new key', {
        where: uniqueWhere(scene, free),
        data: { [scope.field]: newRow(scene, model, { owner: 'b', form: 'unchecked' })[scope.field] },
      })
    return
  }
  const data = moveTo(scene, own, 'b')
  if (data) {
    const create = newRow(scene, model, { owner: 'a', form: 'unchecked' })
    const sets = Object.fromEntries(Object.entries(data).map(([name, value]) => [name, { set: value }]))
    yield write('update', 'an own row moved by its keys', { where: unique, data }, immutable)
    yield write('update', 'an own row moved by set', { where: unique, data: sets }, immutable)
    yield write('updateMany', 'an own row moved by its keys', { where, data }, immutable)
    yield write('updateManyAndReturn', 'an own row moved by its keys', { where, data }, immutable)
    yield write('upsert', 'an own row moved by its keys', { where: unique, update: data, create }, immutable)
  }
  for (const name of Object.keys(relations)) {
    if (!givesTenant(scene, model, name) || relations[name]?.fields.length !== 1) continue
    const parent = scene.row(relations[name]?.model ?? '', 'b', 'cross')
    if (!parent) continue
    const withOthers = hasKeysWithTenant(scene, own)
      ? { heldBySchema: held ?? 'the row’s other keys carry the tenant' }
      : immutable
    yield write(
      'update',
      `an own row moved by connecting ${name}`,
      { where: unique, data: { [name]: { connect: uniqueWhere(scene, parent) } } },
      withOthers,
    )
    yield write(
      'updateMany',
      `an own row moved by ${name}’s key alone`,
      { where, data: keyTo(scene, model, name, parent) },
      withOthers,
    )
  }
  if (scope.kind === 'shared' && field !== undefined) {
    const tenantRelation = Object.keys(relations).find((name) => isTenantRelation(scene, model, name))
    yield write('update', 'an own row given to all', { where: unique, data: { [field]: null } })
    yield write('update', 'an own row given to all by set', {
      where: unique,
      data: { [field]: { set: null } },
    })
    yield write('updateMany', 'an own row given to all', { where, data: { [field]: null } })
    yield write('updateManyAndReturn', 'an own row given to all', { where, data: { [field]: null } })
    if (tenantRelation !== undefined) {
      yield write('update', 'an own row given to all by disconnect', {
        where: unique,
        data: { [tenantRelation]: { disconnect: true } },
      })
    }
  }
  const claims = [
    scene.row(model, 'b', 'free'),
    scope.kind === 'shared' ? scene.row(model, 'nobody', 'free') : undefined,
  ]
  for (const row of claims) {
    const claim = row && moveTo(scene, row, 'a')
    if (!row || !claim || readOnly) continue
    const whose = row === claims[0] ? 'another’s row claimed' : 'nobody’s row claimed'
    yield write('update', whose, { where: uniqueWhere(scene, row), data: claim }, immutable)
    yield write('updateMany', whose, { where: filterOf(scene, row), data: claim }, immutable)
    yield write(
      'updateManyAndReturn',
      `${whose}, among all that are not one’s own`,
      { where: { AND: [filterOf(scene, row), { NOT: visibleFilterOfOwn(scene, model) }] }, data: claim },
      immutable,
    )
  }
}

function visibleFilterOfOwn(scene: Scene, model: string): object {
  const rows = scene.world.rowsOf(model).filter((row) => scene.world.isWritable(row))
  return rows.length === 0 ? visibleFilter(scene, model) : { OR: rows.map((row) => filterOf(scene, row)) }
}

/** A row of B's to which no other refers where only one may. */
function targetOf(scene: Scene, model: string, name: string): Row | undefined {
  const { relation, inverse } = scene.world.relation(model, name)
  const isSystem = scene.world.model(relation.model).scope.kind === 'system'
  const free = scene.row(relation.model, isSystem ? 'nobody' : 'b', 'free')
  if (!free || !inverse || inverse.list || relation.fields.length === 0) return free
  return scene.world
    .rowsOf(relation.model)
    .find((row) => !scene.world.isVisible(row) && scene.world.follow(row, relation.inverse).length === 0)
}

/** Own rows whose foreign keys name rows of B's. */
function* foreignKeys(scene: Scene, model: string, write: Write): Generator<Attack> {
  const own = scene.row(model, 'a', 'free')
  const { relations, scope, readOnly } = scene.world.model(model)
  if (!own || readOnly || scope.kind === 'global' || scope.kind === 'member') return
  for (const [name, relation] of Object.entries(relations)) {
    const target = targetOf(scene, model, name)
    if (relation.fields.length === 0 || isTenantRelation(scene, model, name) || !target) continue
    if (scope.kind === 'through' && scope.relation === name) continue
    if (scene.world.follow(own, name).includes(target)) continue
    const tenant = tenantColumn(scene, model)
    const key = {
      ...keyTo(scene, model, name, target),
      ...(tenant === undefined ? {} : { [tenant]: scene.tenantValues.a }),
    }
    const extra: Partial<Attack> = givesTenant(scene, model, name)
      ? { heldBySchema: 'the key carries the tenant' }
      : {
          limit: {
            hull: 'two',
            reason:
              'PostgreSQL checks foreign keys without row-level security, and the key does not carry the tenant',
          },
        }
    const held = scene.appendOnly.get(model)
    const updates = held === undefined ? extra : { heldBySchema: held }
    const data = () => ({ ...newRow(scene, model, { owner: 'a', form: 'unchecked' }), ...key })
    const form = `the key of ${name} names another’s row`
    const isSystem = scene.world.model(relation.model).scope.kind === 'system'
    // of a new row it is not told which of them it has to name
    const creates = !(isSystem && relation.required)
    if (creates) {
      yield write('create', form, { data: data() }, extra)
      yield write(
        'createMany',
        `${form}, skipping duplicates`,
        { data: [data()], skipDuplicates: true },
        extra,
      )
      yield write(
        'createManyAndReturn',
        `${form}, with its relation`,
        { data: [data()], include: { [name]: true } },
        extra,
      )
    }
    yield write('update', form, { where: uniqueWhere(scene, own), data: key }, updates)
    yield write('updateMany', form, { where: filterOf(scene, own), data: key }, updates)
    yield write(
      'updateManyAndReturn',
      form,
      { where: filterOf(scene, own), data: key, include: { [name]: true } },
      updates,
    )
    yield write('upsert', form, { where: uniqueWhere(scene, own), update: key, create: data() }, updates)
  }
}
