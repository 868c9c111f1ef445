import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { createGovernance } from '../src/governance/index.ts'
import { createTenancy } from '../src/index.ts'
import { tenantIdOf } from './load.ts'
import { StatementTap } from './statement-tap.ts'

/** What a governed call sends to the database, counted on the wire. */
export interface GovernedCallCost {
  /** How often it waits for an answer. */
  readonly roundTrips: number
  /** BEGIN, COMMIT and what sets the context included. */
  readonly statements: number
}

const tenantId = tenantIdOf(0)
const author = '00000000-0000-4000-8000-0000000000a1'
const reviewer = '00000000-0000-4000-8000-0000000000a2'

/** Plants a tenant with two administrators, so that one can review what the other one writes; as a superuser. */
export async function loadColleagues(admin: pg.Client): Promise<void> {
  await admin.query('insert into tenancy.tenant (id, name, updated_at) values ($1, $2, now())', [
    tenantId,
    'tenant',
  ])
  for (const userId of [author, reviewer]) {
    await admin.query(
      `insert into tenancy."user" (id, email, display_name) values ($1::uuid, $1::text || '@example.org', 'Admin')`,
      [userId],
    )
    await admin.query(
      `insert into tenancy.membership (id, tenant_id, user_id, role) values ($1, $2, $3, 'ADMIN')`,
      [randomUUID(), tenantId, userId],
    )
  }
}

/** Counts each call once its connection is made and its statements are known. */
export async function countGovernedCalls(login: {
  readonly appUrl: string
}): Promise<Readonly<Record<string, GovernedCallCost>>> {
  const { tap, urls } = await StatementTap.before({ appUrl: login.appUrl })
  const tenancy = createTenancy({
    PrismaClient,
    manifest,
    connectionString: urls.appUrl,
    maxConnections: 1,
  })
  const [db, other] = [author, reviewer].map((userId) => tenancy.client({ tenantId, userId }))
  if (!db || !other) throw new Error('there are two users')
  const [mine, theirs] = [createGovernance(db), createGovernance(other)]
  const costs: Record<string, GovernedCallCost> = {}
  const count = async <Result>(name: string, call: () => PromiseLike<Result>): Promise<Result> => {
    tap.take()
    tap.takeRoundTrips()
    const result = await call()
    costs[name] = { statements: tap.take().length, roundTrips: tap.takeRoundTrips() }
    return result
  }
  try {
    const { id: packageId } = await mine.packages.create({ key: 'package', name: 'Package' })
    const { key } = await mine.flags.create({ key: 'flag' })
    // the second time around everything is warm, and there is a version in force to be put out of it
    let expectedActiveId: string | null = null
    for (const content of [{ limit: 1 }, { limit: 2 }]) {
      const { id } = await count('versions.createDraft', () =>
        mine.versions.createDraft(packageId, { content }),
      )
      await count('versions.updateDraft', () =>
        mine.versions.updateDraft(id, { content }, { expectedLockVersion: 1 }),
      )
      await count('versions.submitForReview', () => mine.versions.submitForReview(id))
      const [approval] = (await theirs.approvals.listPending()).items
      await count('approvals.approve', () => theirs.approvals.approve(approval?.id ?? ''))
      const activate = () => mine.versions.activate(id, { expectedActiveId })
      await count('versions.activate', activate)
      expectedActiveId = id
      await count('versions.getActive', () => mine.versions.getActive(packageId))
      const { lockVersion } = await mine.flags.get(key)
      await count('flags.update', () =>
        mine.flags.update(key, { enabled: true }, { expectedLockVersion: lockVersion }),
      )
      await count('killSwitches.isEngaged', () => mine.killSwitches.isEngaged())
      await db.$transaction((tx) =>
        count('killSwitches.assertNotEngaged', () => mine.killSwitches.assertNotEngaged(tx)),
      )
      await count('auditEvents.record', () => mine.auditEvents.record({ action: 'report.made' }))
    }
    return costs
  } finally {
    await tenancy.disconnect()
    await tap.close()
  }
}
