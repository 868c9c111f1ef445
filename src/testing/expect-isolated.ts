/**
 * The assertion of isolation. It believes no answer by itself: the operation runs in the database as it is, and in the
 * same database without the rows that the tenant may not see. What is told the tenant must be equal in both, and the rows
 * that are not its own must be as they were.
 *
 * It does not see what is in tables that the manifest doesn't have, in sequences, or in how long something takes.
 */
import type pg from 'pg'
import { isTenancyError, type TenancyErrorCode } from '../errors.ts'
import { delegateName } from '../manifest/manifest.ts'
import { hulls as allHulls, type Hull } from '../prove/attack.ts'
import { DatabaseState, isSame, type State } from '../prove/database-state.ts'
import type { TenantClient } from '../tenancy/tenant-client.ts'
import { withClient } from './in-use.ts'
import { behind, type Leak, leakError, provesNothing, type Reach } from './isolation-error.ts'
import { codeOf, differences, nameOf, type Outcome, outcomeOf } from './outcome.ts'
import { TenantView } from './tenant-view.ts'
import type { Hulls, TestDatabase } from './test-database.ts'
import { contextOf, type TestTenant } from './test-tenant.ts'

export interface IsolationOptions {
  /** Who runs the operation. */
  readonly tenant: TestTenant
  /** Whose rows it must reach without hulls; those of any other tenant unless told. */
  readonly other?: TestTenant
  /** Behind which hulls it must reach nothing; hull one alone, hull two alone and both, unless told. */
  readonly hulls?: readonly Hull[]
  /**
   * The order of lists is part of the answer, as for an operation that sorts. Unless told it is not, for rows come in any
   * order from a query without one.
   */
  readonly ordered?: boolean
}

/** What {@link expectIsolated} has found out. */
export interface IsolationProof {
  /** What the operation reaches without hulls. */
  readonly reached: Reach
  /** The hulls behind which it reaches nothing. */
  readonly held: readonly Hull[]
}

const underWay = new WeakMap<object, Promise<unknown>>()

/**
 * Expects that an operation reaches rows of another tenant without hulls, and nothing of them behind each hull.
 *
 * The operation runs once or more behind each choice of hulls; between, the rows are put back as they were. Whatever else
 * works in the database meanwhile is taken for the operation's doing, so give it a database of its own. The rows must be
 * few: all tables are read. Triggers don't fire when rows are put back.
 *
 * @param database of `createTestDatabases`, on a server whose administrator is a superuser
 * @param operation what the tenant does. It must return what it is answered, and name a row of the other tenant's, or
 *   list a model of which the other tenant has rows
 * @returns what it reaches without hulls
 * @throws {IsolationError} `leak` where it gets through a hull: an answer that depends on rows which are not the tenant's,
 *   or a change to them; `proves nothing` where it reaches nothing without hulls either, or fails for another reason
 *
 * @example
 * ```ts
 * await expectIsolated(database, (db) => db.invoice.findMany({ where: { id: invoiceOfB } }), {
 *   tenant: tenantA,
 *   other: tenantB,
 * })
 * ```
 */
export function expectIsolated<Client extends object, Extended extends object>(
  database: TestDatabase<Client, Extended>,
  operation: (client: TenantClient<Extended>) => PromiseLike<unknown>,
  options: IsolationOptions,
): Promise<IsolationProof> {
  // one after the other: each takes the other's rows away
  const turn = (underWay.get(database) ?? Promise.resolve())
    .catch(() => undefined)
    .then(() => withClient(database.adminUrl, (admin) => prove(admin, database, operation, options)))
  underWay.set(database, turn)
  return turn
}

async function prove<Client extends object, Extended extends object>(
  admin: pg.Client,
  database: TestDatabase<Client, Extended>,
  operation: (client: TenantClient<Extended>) => PromiseLike<unknown>,
  { tenant, other, hulls = allHulls, ordered = false }: IsolationOptions,
): Promise<IsolationProof> {
  const { manifest } = database
  const context = contextOf(tenant)
  const state = new DatabaseState(admin, manifest)
  const before = await state.read()
  const viewOf = (who: TestTenant) =>
    new TenantView(state, before, String(contextOf(who).tenantId), Object.keys(manifest.models))
  const view = viewOf(context)
  const otherView = other === undefined ? undefined : viewOf(other)
  if (!view.has(manifest.tenantModel)) throw provesNothing(`there is no ${manifest.tenantModel} of that id`)
  if (otherView?.has(manifest.tenantModel) === false) {
    throw provesNothing(`there is no ${manifest.tenantModel} with the id of the other tenant`)
  }
  const [withoutOther, withoutAll] = [view.without(otherView), view.without()]

  const restore = async (): Promise<State> => {
    const now = await state.read()
    await state.write(before, now)
    return now
  }
  const run = (choice: Hulls) => outcomeOf(() => operation(database.behind(choice).client(context)))

  /** What the operation reaches, and how it ended in the database as it is. */
  const examine = async (
    choice: Hulls,
    otherWorld: State,
  ): Promise<{ readonly reached: Reach | undefined; readonly outcome: Outcome }> => {
    const outcome = await run(choice)
    const changed = view.changes(await restore())
    if (changed) return { reached: changed, outcome }
    if (otherWorld.every((rows, index) => isSame(rows, before[index] ?? [])))
      return { reached: undefined, outcome }
    await state.write(otherWorld, before)
    const there = await run(choice)
    await restore()
    const different = differences(outcome, there, ordered)
    if (different.length === 0) return { reached: undefined, outcome }
    // new keys and the time of day differ by themselves
    const again = await run(choice)
    await restore()
    const byItself = new Set(differences(outcome, again, ordered))
    const [path] = different.filter((one) => !byItself.has(one))
    if (path === undefined) return { reached: undefined, outcome }
    const found = 'answer' in outcome ? view.find(outcome.answer) : undefined
    return { reached: found ?? { how: 'answer', ...(path !== '' && { path }) }, outcome }
  }

  try {
    const bare = await examine('none', withoutOther)
    if (!bare.reached) {
      throw provesNothing(
        `without hulls the operation reaches nothing of ${other === undefined ? 'another' : 'the other'} tenant${because(bare.outcome)}; it must return what it reads, and name a row of the other tenant's or list a model of which that one has rows`,
        errorOf(bare.outcome),
      )
    }
    const leaks: Leak[] = []
    for (const hull of hulls) {
      await assertAlive(database, hull, tenant)
      const { reached, outcome } = await examine(hull, withoutAll)
      if (reached) leaks.push({ hulls: hull, ...reached })
      else assertStoppedByRule(hull, outcome, bare.outcome)
    }
    if (leaks.length > 0) throw leakError(leaks)
    return { reached: bare.reached, held: [...hulls] }
  } finally {
    await restore()
  }
}

/** A client that is dead reaches nothing either. */
async function assertAlive<Client extends object, Extended extends object>(
  database: TestDatabase<Client, Extended>,
  hull: Hull,
  tenant: TestTenant,
): Promise<void> {
  const { tenantModel } = database.manifest
  const client = database.behind(hull).client(contextOf(tenant)) as Readonly<
    Record<string, { findFirst(): Promise<unknown> }>
  >
  const outcome = await outcomeOf(async () => client[delegateName(tenantModel)]?.findFirst())
  if ('answer' in outcome && outcome.answer) return
  throw provesNothing(
    `${behind(hull)} the tenant does not even read its own ${tenantModel}${because(outcome)}`,
    errorOf(outcome),
  )
}

/** Errors of this package that say nothing of whose a row is. */
const troubles: readonly TenancyErrorCode[] = [
  'DH104',
  'DH105',
  'DH106',
  'DH107',
  'DH108',
  'DH302',
  'DH303',
  'DH306',
  'DH307',
]

function assertStoppedByRule(hull: Hull, outcome: Outcome, bare: Outcome): void {
  const error = errorOf(outcome)
  if (error === undefined) return
  const isTrouble = troubles.some((code) => isTenancyError(error, code))
  const isIllegal = nameOf(error) === 'PrismaClientValidationError' && nameOf(errorOf(bare)) !== nameOf(error)
  if (isTrouble || isIllegal) {
    throw provesNothing(`${behind(hull)} the operation was not refused but failed${because(outcome)}`, error)
  }
}

function errorOf(outcome: Outcome): unknown {
  return 'error' in outcome ? outcome.error : undefined
}

/** Names and codes alone: a message of Prisma's can have values in it. */
function because(outcome: Outcome): string {
  if (!('error' in outcome)) return outcome.answer === undefined ? ' (it answers nothing)' : ''
  const text = [nameOf(outcome.error), codeOf(outcome.error)].filter((part) => part !== undefined).join(' ')
  return ` (it fails with ${text || 'what is no error'})`
}
