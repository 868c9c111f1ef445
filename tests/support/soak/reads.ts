import type { TenantContextInput } from '../../../src/index.ts'
import type { Planted } from '../test-database.ts'
import type { Caller, OwnRow } from './caller.ts'
import { type AnsweredRow, type Operation, operation, verifyNumber, verifyOwn } from './operation.ts'

/**
 * A question whose answer its tenant knows.
 *
 * @param known rows that a list of the tenant's must have, as they are
 */
export function planRead(caller: Caller, tenant: Planted, known: readonly OwnRow[] = []): Operation {
  return caller.random.pick([
    findUnique,
    findUnique,
    findFirst,
    findMany,
    include,
    count,
    queryRaw,
    setForTheSession,
  ])(caller, tenant, known)
}

/** Asks for a package by an id that anybody may have guessed, or by a key that every tenant has. */
export function findUnique(caller: Caller, tenant: Planted): Operation {
  const { random } = caller
  const { findings } = caller.soak
  const what = 'findUnique'
  const target = random.chance(0.5) ? tenant : caller.otherTenant(tenant)
  const { packageId: id, tenantId } = target
  const where = random.chance(0.7) ? { id } : { tenantId_key: { tenantId, key: 'package' } }
  return operation({
    what,
    tenant,
    make: (db) => db.configPackage.findUnique({ where, select: { id: true, tenantId: true, name: true } }),
    verify(found) {
      verifyOwn(findings, { what, tenant }, found ? [{ ...found, mark: found.name }] : [])
      verifyNumber(findings, what, target === tenant ? 1 : 0, found ? 1 : 0)
    },
  })
}

/** Every tenant has a flag with this key. */
function findFirst({ soak: { findings } }: Caller, tenant: Planted): Operation {
  const what = 'findFirst'
  return operation({
    what,
    tenant,
    make: (db) => db.featureFlag.findFirst({ where: { key: 'flag' } }),
    verify(found) {
      verifyOwn(findings, { what, tenant }, found ? [{ ...found, mark: found.description }] : [])
      verifyNumber(findings, what, 1, found ? 1 : 0)
    },
  })
}

function findMany({ soak: { findings } }: Caller, tenant: Planted, known: readonly OwnRow[]): Operation {
  const what = 'findMany'
  return operation({
    what,
    tenant,
    make: (db) => db.featureFlag.findMany({ select: { id: true, tenantId: true, description: true } }),
    verify(rows) {
      const found = rows.map((row) => ({ ...row, mark: row.description }))
      verifyOwn(findings, { what, tenant }, found)
      const marks = new Map(found.map(({ id, mark }) => [id, mark]))
      for (const { id, mark } of [{ id: tenant.flagId, mark: tenant.secret }, ...known]) {
        findings.unless(marks.get(id) === mark, 'missing row', () => `${what} lacks ${mark} (row ${id})`)
      }
    },
  })
}

/** Prisma asks for the relation in a statement of its own. */
function include({ soak: { findings } }: Caller, tenant: Planted): Operation {
  const what = 'findMany with include'
  return operation({
    what,
    tenant,
    make: (db) => db.configPackage.findMany({ include: { versions: true } }),
    verify(packages) {
      const versions = packages.flatMap((found) => found.versions)
      verifyOwn(findings, { what, tenant }, [
        ...packages.map((found) => ({ ...found, mark: found.name })),
        ...versions.map((found) => ({ ...found, mark: (found.content as { secret: string }).secret })),
      ])
      verifyNumber(findings, what, 2, packages.length + versions.length)
    },
  })
}

function count({ soak: { findings } }: Caller, tenant: Planted): Operation {
  const what = 'count'
  return operation({
    what,
    tenant,
    make: (db) => db.membership.count(),
    verify: (rows) => verifyNumber(findings, what, 1, rows),
  })
}

/** Hull one does not read SQL, so row-level security answers alone. Also shows whose settings it has. */
function queryRaw({ soak }: Caller, tenant: Planted): Operation {
  const { findings } = soak
  const what = '$queryRaw'
  let context: TenantContextInput | undefined
  return operation({
    what,
    tenant,
    make(db) {
      context = soak.contextOf(db)
      return db.$queryRaw<(AnsweredRow & Settings)[]>`
        select id, current_setting('app.tenant_id') as "tenantId", name as mark,
               current_setting('app.user_id', true) as "userId", current_setting('lock_timeout') as "lockTimeout"
          from governance.config_package`
    },
    verify(rows) {
      verifyOwn(findings, { what, tenant }, rows)
      verifyNumber(findings, what, 1, rows.length)
      for (const { userId, lockTimeout } of rows) {
        findings.unless(
          (userId ?? '') === (context?.userId ?? '') &&
            lockTimeout === showMillis(context?.lockTimeoutMillis),
          'foreign settings',
          () => `${what} ran for the user ${userId} with the limit ${lockTimeout}`,
        )
      }
    },
  })
}

/** Raw SQL that leaves its context behind, as far as it can. */
export function setForTheSession({ soak: { findings } }: Caller, tenant: Planted): Operation {
  const what = '$queryRaw for the session'
  const { tenantId, userId } = tenant
  return operation({
    what,
    tenant,
    make: (db) => db.$queryRaw<unknown[]>`
      select set_config('app.tenant_id', ${tenantId}, false), set_config('app.user_id', ${userId}, false)`,
    verify: (rows) => verifyNumber(findings, what, 1, rows.length),
  })
}

interface Settings {
  readonly userId: string | null
  readonly lockTimeout: string
}

/** As PostgreSQL shows whole seconds. */
function showMillis(millis: number | undefined): string {
  return millis === undefined ? '0' : `${millis / 1_000}s`
}
