/**
 * What a contender lets through. The timed calls only ask for what is the tenant's own, and a wrong row among
 * those answers would be an accident; here one tenant reaches for another's rows on purpose, with each operation
 * that Prisma has for a model.
 */
import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import type { Contender, Database } from './contenders/contender.ts'
import { operationsData, rowIdOf, tenantIdOf } from './load.ts'

interface Attack {
  readonly operation: string
  /** Whether it got through. One that fails with an error did not. */
  attempt(scene: Scene): Promise<boolean>
}

interface Scene {
  readonly contender: Contender
  readonly admin: pg.Client
  readonly attacker: string
  readonly victim: string
  /** A row of the victim's that no other attack touches. */
  readonly theirs: string
  /** The same of the attacker's own. */
  readonly own: string
  readonly mark: string
}

/**
 * Makes every attack.
 *
 * @param turn distinguishes the probes of one run, so that none finds what another has left
 * @returns the operations that got through
 */
export async function probe(
  contender: Contender,
  admin: pg.Client,
  turn: number,
): Promise<readonly string[]> {
  const leaks: string[] = []
  const attacker = 2 * turn
  const victim = 2 * turn + 1
  for (const [row, { operation, attempt }] of attacks.entries()) {
    const scene: Scene = {
      contender,
      admin,
      attacker: tenantIdOf(attacker),
      victim: tenantIdOf(victim),
      theirs: rowIdOf(victim, row, operationsData),
      own: rowIdOf(attacker, row, operationsData),
      mark: `mark-${randomUUID()}`,
    }
    if (await attempt(scene).catch(() => false)) leaks.push(operation)
  }
  return leaks
}

/** Every operation that is tried: what {@link probe} finds where nothing holds anybody. */
export function attackedOperations(): readonly string[] {
  return attacks.map(({ operation }) => operation)
}

type Models = Database['configPackage']

function reads(
  operation: string,
  read: (model: Models, id: string) => PromiseLike<unknown>,
  finds: (answer: never) => boolean = (answer) => answer !== null,
): Attack {
  return {
    operation,
    async attempt({ contender, attacker, theirs }) {
      const answer = await contender.one(attacker, (db) => read(db.configPackage, theirs))
      return finds(answer as never)
    },
  }
}

/** @param trace what is there, as an administrator sees it, where the attack got through */
function writes(
  operation: string,
  write: (model: Models, scene: Scene) => PromiseLike<unknown>,
  trace: string,
  values: (scene: Scene) => readonly string[],
): Attack {
  return {
    operation,
    async attempt(scene) {
      // whether it reports an error says nothing: some write first
      await scene.contender.one(scene.attacker, (db) => write(db.configPackage, scene)).catch(() => {})
      const { rowCount } = await scene.admin.query(trace, [...values(scene)])
      return (rowCount ?? 0) > 0
    },
  }
}

const traceOfChange = 'select from governance.config_package where id = $1::uuid and name = $2'
const traceOfRemoval = 'select where not exists (select from governance.config_package where id = $1::uuid)'
const traceOfBirth = 'select from governance.config_package where tenant_id = $1::uuid and key = $2'
const traceOfMove = 'select from governance.config_package where id = $1::uuid and tenant_id = $2::uuid'

const changed = ({ theirs, mark }: Scene) => [theirs, mark]
const removed = ({ theirs }: Scene) => [theirs]
const born = ({ victim, mark }: Scene) => [victim, mark]

function newRow({ victim, mark }: Scene) {
  return { tenantId: victim, key: mark, name: mark }
}

const attacks: readonly Attack[] = [
  reads('findUnique', (model, id) => model.findUnique({ where: { id } })),
  reads('findFirst', (model, id) => model.findFirst({ where: { id } })),
  reads(
    'findMany',
    (model, id) => model.findMany({ where: { id } }),
    (rows: readonly unknown[]) => rows.length > 0,
  ),
  reads(
    'count',
    (model, id) => model.count({ where: { id } }),
    (count: number) => count > 0,
  ),
  reads(
    'aggregate',
    (model, id) => model.aggregate({ where: { id }, _count: true }),
    (answer: { readonly _count: number }) => answer._count > 0,
  ),
  reads(
    'groupBy',
    (model, id) => model.groupBy({ by: ['name'], where: { id } }),
    (groups: readonly unknown[]) => groups.length > 0,
  ),
  {
    operation: 'findUnique of two tenants in one tick',
    async attempt({ contender, attacker, victim, theirs, own }) {
      const find = (tenantId: string, id: string) =>
        contender.one(tenantId, (db) => db.configPackage.findUnique({ where: { id } }))
      const [, , stolen] = await Promise.all([
        find(victim, theirs),
        find(attacker, own),
        find(attacker, theirs),
      ])
      return stolen !== null
    },
  },
  writes(
    'update',
    (model, { theirs, mark }) => model.update({ where: { id: theirs }, data: { name: mark } }),
    traceOfChange,
    changed,
  ),
  writes(
    'updateMany',
    (model, { theirs, mark }) => model.updateMany({ where: { id: theirs }, data: { name: mark } }),
    traceOfChange,
    changed,
  ),
  writes(
    'updateManyAndReturn',
    (model, { theirs, mark }) => model.updateManyAndReturn({ where: { id: theirs }, data: { name: mark } }),
    traceOfChange,
    changed,
  ),
  writes(
    'upsert',
    (model, { theirs, attacker, mark }) =>
      model.upsert({
        where: { id: theirs },
        update: { name: mark },
        create: { tenantId: attacker, key: mark, name: mark },
      }),
    traceOfChange,
    changed,
  ),
  writes('delete', (model, { theirs }) => model.delete({ where: { id: theirs } }), traceOfRemoval, removed),
  writes(
    'deleteMany',
    (model, { theirs }) => model.deleteMany({ where: { id: theirs } }),
    traceOfRemoval,
    removed,
  ),
  writes('create', (model, scene) => model.create({ data: newRow(scene) }), traceOfBirth, born),
  writes('createMany', (model, scene) => model.createMany({ data: [newRow(scene)] }), traceOfBirth, born),
  writes(
    'createManyAndReturn',
    (model, scene) => model.createManyAndReturn({ data: [newRow(scene)] }),
    traceOfBirth,
    born,
  ),
  writes(
    'update of the tenant',
    (model, { own, victim }) => model.update({ where: { id: own }, data: { tenantId: victim } }),
    traceOfMove,
    ({ own, victim }) => [own, victim],
  ),
]
