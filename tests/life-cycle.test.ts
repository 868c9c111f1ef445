import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Planted, plantTwoTenants, useTestDatabase } from './support/test-database.ts'

const database = useTestDatabase()
let app: pg.Client
let a: Planted

beforeAll(async () => {
  app = new pg.Client({ connectionString: database.appUrl })
  await app.connect()
  a = (await plantTwoTenants(database)).a
})
afterAll(() => app.end())

const states = ['DRAFT', 'REVIEW', 'APPROVED', 'ACTIVE', 'DEPRECATED'] as const
type State = (typeof states)[number]

const [author, reviewer] = [randomUUID(), randomUUID()]

/** Runs statements as the app role in the tenant's context, and undoes them. */
async function inContext<Result>(work: () => Promise<Result>): Promise<Result> {
  await app.query('begin')
  try {
    await app.query(`select set_config('app.tenant_id', $1, true)`, [a.tenantId])
    await actAs(author)
    return await work()
  } finally {
    await app.query('rollback')
  }
}

const actAs = (userId: string) => app.query(`select set_config('app.user_id', $1, true)`, [userId])

/** What brings a version into a state, from the state before it: one small write each, and the database does the rest. */
const wayTo: Record<State, (id: string) => Promise<unknown>> = {
  DRAFT: (id) =>
    app.query(
      `insert into governance.config_version (id, package_id, content, updated_at) values ($1, $2, '{}', now())`,
      [id, a.packageId],
    ),
  REVIEW: (id) => move(id, 'REVIEW'),
  APPROVED: async (id) => {
    await actAs(reviewer)
    await app.query(
      `insert into governance.approval_decision (approval_id, reviewer_id, decision)
       select id, $2, 'APPROVE' from governance.approval where version_id = $1 and status = 'PENDING'`,
      [id, reviewer],
    )
    await actAs(author)
  },
  ACTIVE: (id) => record(id, 'ACTIVATE', null),
  DEPRECATED: (id) => record(id, 'DEPRECATE', id),
}

const record = (id: string, kind: string, inForce: string | null) =>
  app.query(
    `insert into governance.activation (id, package_id, version_id, kind, previous_version_id)
     values (gen_random_uuid(), $1, $2, $3, $4)`,
    [a.packageId, id, kind, inForce],
  )

async function versionIn(state: State): Promise<string> {
  const id = randomUUID()
  for (const step of states.slice(0, states.indexOf(state) + 1)) await wayTo[step](id)
  return id
}

const move = (id: string, to: State) =>
  app.query('update governance.config_version set status = $2 where id = $1', [id, to])

const cells = states.flatMap((from) => states.filter((to) => to !== from).map((to) => [from, to] as const))

describe('the life cycle of a version, by raw SQL as the app role', () => {
  it('goes from DRAFT to DEPRECATED with what is on record', () =>
    inContext(async () => {
      const id = randomUUID()
      for (const state of states) {
        await wayTo[state](id)
        const { rows } = await app.query('select status from governance.config_version where id = $1', [id])
        expect(rows).toEqual([{ status: state }])
      }
    }))

  it.each(cells.filter(([from, to]) => `${from} ${to}` !== 'DRAFT REVIEW'))(
    'refuses to let it go from %s to %s by an update of its status alone',
    (from, to) =>
      inContext(async () => {
        await expect(move(await versionIn(from), to)).rejects.toMatchObject({ code: 'DH501' })
      }),
  )

  it.each(states.slice(1))('refuses to create it as %s', (state) =>
    inContext(async () => {
      const insert = app.query(
        `insert into governance.config_version (id, package_id, number, content, status, updated_at)
         values (gen_random_uuid(), $1, 9, '{}', $2, now())`,
        [a.packageId, state],
      )
      await expect(insert).rejects.toMatchObject({ code: 'DH501' })
    }),
  )

  it.each(states.slice(1))('refuses to edit it when it is %s', (state) =>
    inContext(async () => {
      const id = await versionIn(state)
      const edit = app.query(`update governance.config_version set content = '{"a":1}' where id = $1`, [id])
      await expect(edit).rejects.toMatchObject({ code: 'DH502' })
    }),
  )

  it.each(states.slice(1))('refuses to delete it when it is %s', (state) =>
    inContext(async () => {
      const id = await versionIn(state)
      await expect(
        app.query('delete from governance.config_version where id = $1', [id]),
      ).rejects.toMatchObject({ code: 'DH502' })
    }),
  )

  it('counts the edits of a draft by itself', () =>
    inContext(async () => {
      const id = await versionIn('DRAFT')
      await app.query(
        `update governance.config_version set content = '{"a":1}', lock_version = 70 where id = $1`,
        [id],
      )
      const { rows } = await app.query('select lock_version from governance.config_version where id = $1', [
        id,
      ])
      expect(rows).toEqual([{ lock_version: 2 }])
    }))
})

it('even past the triggers, a package has one active version', async () => {
  const { admin } = database
  await admin.query('begin')
  await admin.query('set local session_replication_role = replica')
  const activate = admin.query(
    `insert into governance.config_version (id, tenant_id, package_id, number, content, status, updated_at)
     select gen_random_uuid(), $1, $2, n, '{}', 'ACTIVE', now() from generate_series(8, 9) n`,
    [a.tenantId, a.packageId],
  )
  await expect(activate).rejects.toMatchObject({ code: '23505', constraint: 'config_version_one_active' })
  await admin.query('rollback')
})

describe('through a tenant client', () => {
  it('the same moves are refused with the same codes', async () => {
    const db = database.both.client({ tenantId: a.tenantId, userId: a.userId })
    const { id } = await db.configVersion.create({ data: { packageId: a.packageId, content: {} } })
    const update = (data: object) => db.configVersion.update({ where: { id }, data })
    await expect(update({ status: 'ACTIVE' })).rejects.toMatchObject({ name: 'TenancyError', code: 'DH501' })
    await update({ status: 'REVIEW' })
    await expect(update({ content: { a: 1 } })).rejects.toMatchObject({ name: 'TenancyError', code: 'DH502' })
  })

  it('another tenant’s version is not found, word for word like a missing one', async () => {
    const { b } = await plantTwoTenants(database)
    const db = database.both.client({ tenantId: a.tenantId })
    const refusal = (id: string) =>
      db.configVersion
        .update({ where: { id }, data: { number: 3 } })
        .catch((error: { code: string; message: string }) => [error.code, error.message])
    expect(await refusal(b.versionId)).toEqual(await refusal(randomUUID()))
  })
})

describe.each(['audit.audit_event', 'governance.activation', 'governance.approval_decision'])(
  '%s',
  (table) => {
    it('is append-only for the app role', () =>
      inContext(async () => {
        for (const statement of [
          `update ${table} set tenant_id = tenant_id`,
          `delete from ${table}`,
          `truncate ${table}`,
        ]) {
          await app.query('savepoint before')
          await expect(app.query(statement)).rejects.toMatchObject({ code: '42501' })
          await app.query('rollback to savepoint before')
        }
      }))

    it('is append-only for its owner too', async () => {
      for (const statement of [
        `update ${table} set tenant_id = tenant_id`,
        `delete from ${table}`,
        `truncate ${table} cascade`,
      ]) {
        await expect(database.admin.query(statement)).rejects.toMatchObject({ code: 'DH503' })
      }
    })
  },
)
