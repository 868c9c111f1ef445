import type { Attack } from './attack.ts'
import { listsOf, nest, type OutwardPath, outwardPaths } from './outward-path.ts'
import { cursorOf, filterOf, keyOrder, secretSelect, uniqueWhere } from './row-filter.ts'
import type { Scene } from './scene.ts'

const lookups = ['findUnique', 'findUniqueOrThrow'] as const
const searches = ['findFirst', 'findFirstOrThrow', 'findMany'] as const

/** Reads that begin with a row of A's own, or of all, and follow relations to B's. */
export function* relationReads(scene: Scene, model: string): Generator<Attack> {
  for (const path of outwardPaths(scene, model, 1)) yield* oneStep(scene, model, path)
  for (const path of outwardPaths(scene, model, 2)) yield* twoSteps(scene, model, path)
  // which way a third step comes by matters less than where it ends
  const ends = new Set<string>()
  for (const path of outwardPaths(scene, model, 3)) {
    const end = path.relations.slice(-2).join('.')
    if (ends.has(end)) continue
    ends.add(end)
    const select = nest('select', path.relations, { select: secretSelect(scene, path.model) })
    yield attack(model, 'findFirst', path, 'select', { where: filterOf(scene, path.start), select })
  }
}

function* oneStep(scene: Scene, model: string, path: OutwardPath): Generator<Attack> {
  const [name = ''] = path.relations
  const [list = false] = listsOf(scene, model, path.relations)
  const where = filterOf(scene, path.start)
  const unique = uniqueWhere(scene, path.start)
  const include = { [name]: true }
  const one = (operation: string, form: string, args: object) => attack(model, operation, path, form, args)

  for (const operation of lookups) yield one(operation, 'include', { where: unique, include })
  for (const operation of searches) yield one(operation, 'include', { where, include })
  const select = { [name]: { select: secretSelect(scene, path.model) } }
  yield one('findUnique', 'select', { where: unique, select })
  yield one('findFirst', 'select', { where, select })
  yield one('findMany', 'select of the whole', { where, select: include })
  yield one('findMany', 'include with an omit', {
    where,
    include: { [name]: { omit: { [scene.world.model(path.model).primaryKey[0] ?? '']: true } } },
  })
  // to Prisma, what an omit names and does not omit is read
  yield one('findMany', 'omit of nothing', { where, omit: { [name]: false } })
  for (const operation of ['findUnique', 'findFirst']) {
    const args = { where: operation.startsWith('findUnique') ? unique : where }
    yield { ...one(operation, 'fluent', args), fluent: name }
  }
  if (!list) return

  const victim = filterOf(scene, path.victim)
  const orderBy = keyOrder(scene, path.model)
  const within = (form: string, args: object) => one('findMany', form, { where, include: { [name]: args } })
  yield within('include with a filter', { where: victim })
  yield within('include with OR and NOT', { where: { OR: [victim, { NOT: { OR: [victim] } }] } })
  yield within('include of a page', { take: 5, skip: 0, orderBy })
  yield within('include from a cursor', { cursor: cursorOf(scene, path.victim), orderBy })
  yield within('include of distinct rows', { distinct: [scene.secretField(path.model)], orderBy })
  yield one('findFirst', '_count of one relation', { where, include: { _count: { select: include } } })
  yield one('findMany', '_count of every relation', { where, include: { _count: true } })
  yield one('findUnique', '_count in a select', { where: unique, select: { _count: { select: include } } })
  yield one('findUniqueOrThrow', '_count with a filter', {
    where: unique,
    select: {
      _count: {
        select: { [name]: { where: { [scene.secretField(path.model)]: scene.secretOf(path.victim) } } },
      },
    },
  })
}

function* twoSteps(scene: Scene, model: string, path: OutwardPath): Generator<Attack> {
  const where = filterOf(scene, path.start)
  const select = nest('select', path.relations, { select: secretSelect(scene, path.model) })
  yield attack(model, 'findUnique', path, 'select', { where: uniqueWhere(scene, path.start), select })
  yield attack(model, 'findMany', path, 'include', { where, include: nest('include', path.relations, true) })
  const [, list = false] = listsOf(scene, model, path.relations)
  const [first = '', second = ''] = path.relations
  yield attack(model, 'findFirst', path, 'omit of nothing', {
    where,
    include: { [first]: { omit: { [second]: false } } },
  })
  if (!list) return
  const counts = { [first]: { select: { _count: { select: { [second]: true } } } } }
  yield attack(model, 'findFirst', path, '_count', { where, select: counts })
}

function attack(model: string, operation: string, path: OutwardPath, form: string, args: object): Attack {
  return { model, operation, form: `${form} through ${path.relations.join('.')}`, args, kind: 'read' }
}
