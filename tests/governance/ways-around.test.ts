import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { useTestDatabase } from '../support/test-database.ts'
import { type AppSession, useAppSessions } from './support/app-session.ts'
import { type GovernedTenant, plantGovernedTenant } from './support/governed-tenant.ts'
import { codeOf, Life, type Living } from './support/life.ts'
import { sqlWay } from './support/sql-way.ts'
import { type State, states, type Way } from './support/way.ts'

const database = useTestDatabase()
const open = useAppSessions()
let session: AppSession
let tenant: GovernedTenant
let way: Way
let life: Life

beforeAll(async () => {
  session = await open(database)
  tenant = await plantGovernedTenant(database.admin)
  way = sqlWay(session, tenant.tenantId)
  life = new Life(database.admin, way, tenant)
})

/** One transaction of the app role, as the tenant's administrator. */
const ask = (text: string, values: readonly unknown[] = []) =>
  session.as(tenant.tenantId, tenant.activator, () => session.query(text, values))

describe.each([
  ['its id', 'id = gen_random_uuid()'],
  ['its package', 'package_id = $2'],
  ['its number', 'number = 9'],
])('%s', (_, change) => {
  it.each(states)('does not change in a version that is %s', async (state: State) => {
    const { versionId } = await life.versionIn(state)
    const other = await life.package()
    const text = `update governance.config_version set ${change} where id = $1 or id = $2`
    expect(await codeOf(ask(text, [versionId, other]))).toBe('DH502')
  })
})

describe('an approval', () => {
  it.each([
    `content_hash = 'forged'`,
    'quorum = 1',
    'version_id = $2',
    'requester_id = $2',
    'id = $2',
    `created_at = '2001-01-01'`,
    `status = 'CANCELLED', quorum = 1`,
    `reason = 'forged'`,
    'closed_by_id = $2',
    'decided_at = now()',
  ])('is not changed by %s', async (change) => {
    const packageId = await life.package({ quorum: 2 })
    const versionId = await way.create(tenant.author, packageId)
    await way.submit(tenant.author, versionId)
    const approvalId = await life.approvalOf(versionId)
    const text = `update governance.approval set ${change} where id = $1 and $2::uuid is not null`
    expect(await codeOf(ask(text, [approvalId, randomUUID()]))).toBe('DH503')
  })

  it.each(['APPROVED', 'REJECTED'])('is not %s without votes', async (status) => {
    const { approvalId, versionId } = await life.versionIn('REVIEW')
    const text = 'update governance.approval set status = $2 where id = $1'
    expect(await codeOf(ask(text, [approvalId, status]))).toBe('DH501')
    expect(await life.statusOf(versionId)).toBe('REVIEW')
  })

  it.each(states)('is not opened by hand for a version that is %s', async (state) => {
    const { versionId } = await life.versionIn(state)
    for (const status of ['PENDING', 'APPROVED', 'CANCELLED']) {
      const text =
        'insert into governance.approval (id, version_id, status) values (gen_random_uuid(), $1, $2)'
      expect(await codeOf(ask(text, [versionId, status]))).toBe('DH501')
    }
  })

  it('is not cancelled any more when its version is in force', async () => {
    const { approvalId, versionId } = await life.versionIn('ACTIVE')
    expect(await codeOf(way.cancel(tenant.author, approvalId))).toBe('DH501')
    expect(await life.statusOf(versionId)).toBe('ACTIVE')
  })
})

describe('a package', () => {
  it('is not deleted with its versions', async () => {
    const { packageId } = await life.versionIn('DRAFT')
    // restrict_violation since PostgreSQL 18, foreign_key_violation before
    expect(await codeOf(ask('delete from governance.config_package where id = $1', [packageId]))).toMatch(
      /^23(001|503)$/,
    )
  })

  it.each(['last_version_number = 0', 'last_version_number = 70', 'id = gen_random_uuid()'])(
    'is not changed by %s',
    async (change) => {
      const { packageId } = await life.versionIn('DRAFT')
      const text = `update governance.config_package set ${change} where id = $1`
      expect(await codeOf(ask(text, [packageId]))).toBe('DH503')
    },
  )

  it.each([0, 21])('does not ask for %i reviewers', async (quorum) => {
    const text = 'update governance.config_package set quorum = $2 where id = $1'
    expect(await codeOf(ask(text, [await life.package(), quorum]))).toBe('23514')
  })

  it.each([['quorum = 1'], ['separate_activator = false'], [`key = 'another'`]])(
    'is not made less strict, or another one, by its authors (%s)',
    async (change) => {
      const packageId = await life.package({ quorum: 2, separateActivator: true })
      const as = (user: string) =>
        session.as(tenant.tenantId, user, () =>
          session.query(`update governance.config_package set ${change} where id = $1`, [packageId]),
        )
      for (const user of [tenant.author, tenant.reviewer, tenant.viewer, randomUUID()]) {
        expect(await codeOf(as(user))).toBe('DH505')
      }
      await as(tenant.activator)
      const [event] = await life.events(packageId)
      expect(event).toMatchObject({ action: 'config.package.update', actor_id: tenant.activator })
    },
  )

  it('numbers its versions on from a number that was chosen', async () => {
    const packageId = await life.package()
    await ask(
      `insert into governance.config_version (id, package_id, number, content, updated_at)
       values (gen_random_uuid(), $1, 7, '{}', now())`,
      [packageId],
    )
    const id = await way.create(tenant.author, packageId)
    expect(await ask('select number from governance.config_version where id = $1', [id])).toEqual([
      { number: 8 },
    ])
  })
})

describe('a status', () => {
  const attempts: Readonly<Record<string, (living: Living) => Promise<unknown>>> = {
    'by a trigger of a temporary table': ({ versionId }) =>
      session.as(tenant.tenantId, tenant.activator, async () => {
        await session.query('create temporary table lever (id uuid) on commit drop')
        await session.query(
          `create function pg_temp.pull() returns trigger language plpgsql as
             $$ begin update governance.config_version set status = 'APPROVED' where id = new.id; return new; end $$`,
        )
        await session.query(
          'create trigger pull after insert on lever for each row execute function pg_temp.pull()',
        )
        await session.query('insert into lever values ($1)', [versionId])
      }),
    'with constraints set immediate': ({ versionId }) =>
      session.as(tenant.tenantId, tenant.activator, async () => {
        await session.query('set constraints all immediate')
        await session.query(`update governance.config_version set status = 'APPROVED' where id = $1`, [
          versionId,
        ])
      }),
    'in the statement that cancels its approval': ({ versionId, approvalId }) =>
      ask(
        `with cancelled as (update governance.approval set status = 'CANCELLED' where id = $2 returning id)
         update governance.config_version set status = 'APPROVED'
          where id = $1 and (select count(*) from cancelled) = 1`,
        [versionId, approvalId],
      ),
    'in the statement that writes the ledger': ({ versionId, packageId }) =>
      ask(
        `with step as (insert into governance.activation (id, package_id, version_id)
                       values (gen_random_uuid(), $2, $1) returning id)
         update governance.config_version set status = 'ACTIVE'
          where id = $1 and (select count(*) from step) = 1`,
        [versionId, packageId],
      ),
    'with what it is compared by shadowed': ({ versionId }) =>
      session.as(tenant.tenantId, tenant.activator, async () => {
        await session.query(
          `create temporary table approval on commit drop as
             select id, tenant_id, version_id, 'APPROVED' as status, content_hash from governance.approval`,
        )
        await session.query(`create domain pg_temp.text as pg_catalog.text check (value <> 'REVIEW')`)
        await session.query('set local search_path = pg_temp, governance')
        await session.query(`update governance.config_version set status = 'APPROVED' where id = $1`, [
          versionId,
        ])
      }),
  }
  it.each(Object.entries(attempts))('is not reached %s', async (_, attempt) => {
    const living = await life.versionIn('REVIEW')
    expect(await codeOf(attempt(living))).toBe('DH501')
    expect(await life.statusOf(living.versionId)).toBe('REVIEW')
  })

  it('is not reached by two rows of the ledger in one statement', async () => {
    const first = await life.versionIn('APPROVED')
    const second = await life.versionIn('APPROVED', first.packageId)
    const text = `insert into governance.activation (id, package_id, version_id)
                  values (gen_random_uuid(), $1, $2), (gen_random_uuid(), $1, $3)`
    expect(await codeOf(ask(text, [first.packageId, first.versionId, second.versionId]))).toBe('DH501')
  })

  it('does not change with the content, in one write', async () => {
    const { versionId } = await life.versionIn('DRAFT')
    const text = `update governance.config_version set status = 'REVIEW', content = '{"b":2}' where id = $1`
    expect(await codeOf(ask(text, [versionId]))).toBe('DH501')
  })
})

describe('a checkpoint', () => {
  it.each([
    ['an event that is yet to come', 'seq + 1000', 'hash'],
    ['another event than that', 'seq', `'forged'`],
  ])('does not sign %s, which no verification would forgive', async (_, seq, hash) => {
    await life.versionIn('DRAFT')
    const text = `insert into audit.audit_checkpoint (id, seq, hash, key_id, signature)
                  select gen_random_uuid(), ${seq}, ${hash}, 'key', '' from audit.audit_event order by seq desc limit 1`
    expect(await codeOf(ask(text))).toBe('DH507')
  })
})

describe('a superuser in no tenant’s name', () => {
  it('plants rows as they are, and still makes no move that there is none of', async () => {
    const { versionId, approvalId } = await life.versionIn('REVIEW')
    const set = (status: string) =>
      database.admin.query('update governance.config_version set status = $2 where id = $1', [
        versionId,
        status,
      ])
    expect(await codeOf(set('DEPRECATED'))).toBe('DH501')
    await set('APPROVED')
    expect(await life.statusOf(versionId)).toBe('APPROVED')
    // nothing followed from it
    const { rows } = await database.admin.query('select status from governance.approval where id = $1', [
      approvalId,
    ])
    expect(rows).toEqual([{ status: 'PENDING' }])
  })
})
