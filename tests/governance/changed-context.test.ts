import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseContextKey } from '../../src/context/context-key.ts'
import { ContextSigner } from '../../src/context/context-signature.ts'
import { parseTenantContext } from '../../src/context/tenant-context.ts'
import { defaultRoleNames } from '../../src/policy/roles.ts'
import { createTemporaryLogin } from '../../src/testing/index.ts'
import { drawContextKey, signContexts } from '../support/signed-database.ts'
import { useTestDatabase } from '../support/test-database.ts'
import { useAppSessions } from './support/app-session.ts'
import { type GovernedTenant, plantGovernedTenant } from './support/governed-tenant.ts'
import { codeOf, Life, type Living } from './support/life.ts'
import { sqlWay } from './support/sql-way.ts'

const plain = useTestDatabase()
const signed = useTestDatabase()
const open = useAppSessions()
const key = drawContextKey()

type Settings = Readonly<Record<string, string>>
type Query = (text: string, values?: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>

/** One database, with what the attacks begin with. */
interface Scene {
  readonly admin: pg.Client
  readonly tenant: GovernedTenant
  readonly approved: readonly [Living, Living]
  readonly draft: Living
  readonly review: Living
  /** What the application sets for a user. */
  contextOf(userId: string): Settings
  /** Runs in one transaction of the app role, that begins with the context of a user. */
  as<Result>(userId: string, work: (query: Query) => Promise<Result>): Promise<Result>
}

let scenes: { readonly plain: Scene; readonly signed: Scene }
let stranger: GovernedTenant
const clients: pg.Client[] = []

beforeAll(async () => {
  scenes = {
    plain: await sceneOf(plain, (tenantId, userId) => ({ 'app.tenant_id': tenantId, 'app.user_id': userId })),
    signed: await sceneOf(signed, (tenantId, userId) => ({
      'app.tenant_id': tenantId,
      'app.user_id': userId,
      'app.context_signature': new ContextSigner(parseContextKey(key, 'key')).signatureOf(
        parseTenantContext({ tenantId, userId }),
      ),
    })),
  }
  await signContexts(signed.adminUrl, key)
  stranger = await plantGovernedTenant(plain.admin)
})
afterAll(() => Promise.all(clients.map((client) => client.end())))

async function sceneOf(
  database: typeof plain,
  settings: (tenantId: string, userId: string) => Settings,
): Promise<Scene> {
  const tenant = await plantGovernedTenant(database.admin)
  const life = new Life(database.admin, sqlWay(await open(database), tenant.tenantId), tenant)
  const contextOf = (userId: string) => settings(tenant.tenantId, userId)
  const client = new pg.Client({ connectionString: database.appUrl })
  await client.connect()
  clients.push(client)
  const query: Query = async (text, values = []) =>
    (await client.query<Record<string, unknown>>(text, [...values])).rows
  return {
    admin: database.admin,
    tenant,
    approved: [await life.versionIn('APPROVED'), await life.versionIn('APPROVED')],
    draft: await life.versionIn('DRAFT'),
    review: await life.versionIn('REVIEW'),
    contextOf,
    async as(userId, work) {
      await client.query('begin')
      try {
        for (const [name, value] of Object.entries(contextOf(userId))) {
          await client.query('select set_config($1, $2, true)', [name, value])
        }
        const result = await work(query)
        await client.query('commit')
        return result
      } catch (error) {
        await client.query('rollback')
        throw error
      }
    },
  }
}

/** The second of three rows is written while the setting names another tenant, or none. */
const ledger = ({ tenant, approved: [one, two], draft }: Scene, meanwhile: string) =>
  [
    `insert into governance.activation (id, tenant_id, package_id, version_id, kind, seq, actor_id, reason)
     select gen_random_uuid(), $1::uuid, step.package::uuid, step.version::uuid, step.kind::governance.activation_kind,
            step.seq, $2::uuid, set_config('app.tenant_id', step.tenant, true)
       from (values ($4, $5, 'ACTIVATE', 0, $3), ($6, $7, 'BREAK_GLASS', 99, $10), ($8, $9, 'ACTIVATE', 0, $3))
         as step (package, version, kind, seq, tenant)`,
    [
      tenant.tenantId,
      tenant.activator,
      tenant.tenantId,
      ...[one, draft, two].flatMap(({ packageId, versionId }) => [packageId, versionId]),
      meanwhile,
    ],
  ] as const

const votes = ({ tenant, review }: Scene, meanwhile: string) =>
  [
    `insert into governance.approval_decision (tenant_id, approval_id, reviewer_id, decision, comment)
     select $1::uuid, $2::uuid, vote.reviewer::uuid, 'APPROVE', set_config('app.tenant_id', vote.tenant, true)
       from (values ($4, $3), ($5, $6)) as vote (reviewer, tenant)`,
    [tenant.tenantId, review.approvalId, tenant.tenantId, tenant.reviewer, tenant.author, meanwhile],
  ] as const

const events = ({ tenant }: Scene, meanwhile: string) =>
  [
    `insert into audit.audit_event (id, tenant_id, action, seq, prev_hash, hash)
     select gen_random_uuid(), $1::uuid, concat('by.hand', set_config('app.tenant_id', event.tenant, true)), 99, 'forged',
            'forged'
       from (values ($2), ($3), ($2)) as event (tenant)`,
    [tenant.tenantId, tenant.tenantId, meanwhile],
  ] as const

describe('a context that changes in the middle of a statement', () => {
  it('of another tenant puts nothing in force that was not asked about', async () => {
    const scene = scenes.plain
    const work = scene.as(scene.tenant.viewer, (query) => query(...ledger(scene, stranger.tenantId)))
    expect(await codeOf(work)).toBe('42501')
    const { rows } = await scene.admin.query('select status from governance.config_version where id = $1', [
      scene.draft.versionId,
    ])
    expect(rows).toEqual([{ status: 'DRAFT' }])
  })

  it('of another tenant counts no vote that was not asked about', async () => {
    const scene = scenes.plain
    const { tenant } = scene
    const work = scene.as(tenant.reviewer, async (query) => {
      await query(...votes(scene, stranger.tenantId))
      await query(`select set_config('app.tenant_id', $1, true)`, [tenant.tenantId])
    })
    expect(await codeOf(work)).toBe('42501')
  })

  it.each([
    ['another tenant', 'plain', '42501'],
    ['nobody', 'plain', 'DH101'],
    ['nobody', 'signed', 'DH101'],
  ] as const)('to that of %s puts no event beside the chain (%s)', async (whose, mode, code) => {
    const scene = scenes[mode]
    const meanwhile = whose === 'nobody' ? '' : stranger.tenantId
    expect(await codeOf(scene.as(scene.tenant.viewer, (query) => query(...events(scene, meanwhile))))).toBe(
      code,
    )
    const { rowCount } = await scene.admin.query(
      `select from audit.audit_event where tenant_id = $1 and hash = 'forged'`,
      [scene.tenant.tenantId],
    )
    expect(rowCount).toBe(0)
  })

  it.each([
    ['another tenant', 'plain', '42501'],
    ['nobody', 'signed', 'DH101'],
  ] as const)('to that of %s engages no kill switch as somebody else (%s)', async (whose, mode, code) => {
    const { as, tenant } = scenes[mode]
    const work = as(tenant.viewer, async (query) => {
      await query(
        `insert into governance.kill_switch (id, tenant_id, resource, engaged, actor_id, reason, updated_at)
         select gen_random_uuid(), $1::uuid, switch.resource, true, $2::uuid,
                concat('a reason', set_config('app.tenant_id', switch.tenant, true)), now()
           from (values ('one', $3), ('two', $4)) as switch (resource, tenant)`,
        [tenant.tenantId, tenant.activator, tenant.tenantId, whose === 'nobody' ? '' : stranger.tenantId],
      )
      await query(`select set_config('app.tenant_id', $1, true)`, [tenant.tenantId])
    })
    expect(await codeOf(work)).toBe(code)
  })
})

describe('a context that changes before the transaction ends', () => {
  it.each(['plain', 'signed'] as const)(
    'leaves no event of another user, or of nobody (%s)',
    async (mode) => {
      const { as, tenant, review, admin } = scenes[mode]
      for (const user of [tenant.editor, '']) {
        const work = as(tenant.reviewer, async (query) => {
          await query(
            `insert into governance.approval_decision (approval_id, reviewer_id, decision) values ($1, $2, 'REJECT')`,
            [review.approvalId, tenant.reviewer],
          )
          await query(`select set_config('app.tenant_id', '', true), set_config('app.user_id', $1, true)`, [
            user,
          ])
        })
        expect(await codeOf(work)).toBe('DH103')
      }
      const { rows } = await admin.query('select status from governance.approval where id = $1', [
        review.approvalId,
      ])
      expect(rows).toEqual([{ status: 'PENDING' }])
    },
  )

  it('to that of another tenant leaves no event in either', async () => {
    const { as, tenant, draft } = scenes.plain
    const work = as(tenant.author, async (query) => {
      await query(`update governance.config_version set content = '{"b":2}' where id = $1`, [draft.versionId])
      await query(`select set_config('app.tenant_id', $1, true)`, [stranger.tenantId])
    })
    expect(await codeOf(work)).toBe('DH103')
  })
})

describe('work in no tenant’s name', () => {
  it('has no user, whatever the setting says: the system’s role votes for nobody', async () => {
    const { tenant, review } = scenes.signed
    const login = await createTemporaryLogin(signed.adminUrl, defaultRoleNames.system)
    const client = new pg.Client({ connectionString: login.connectionString })
    await client.connect()
    try {
      await client.query('begin')
      await client.query(`select set_config('app.user_id', $1, true)`, [tenant.reviewer])
      const vote = client.query(
        `insert into governance.approval_decision (tenant_id, approval_id, reviewer_id, decision)
         values ($1, $2, $3, 'APPROVE')`,
        [tenant.tenantId, review.approvalId, tenant.reviewer],
      )
      expect(await codeOf(vote)).toBe('DH509')
    } finally {
      await client.end()
      await login.drop()
    }
  })
})
