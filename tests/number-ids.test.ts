import { PrismaPg } from '@prisma/adapter-pg'
import { beforeEach, describe, expect, it } from 'vitest'
import { verifyDatabase } from '../src/catalog/verify.ts'
import { isTenancyError } from '../src/errors.ts'
import { setRLSTenantContext, withTenantContext } from '../src/index.ts'
import { readFacts } from '../src/migrations/read-facts.ts'
import { defaultRoleNames } from '../src/policy/roles.ts'
import { type Delegate, useFixtureDatabase } from './fixtures/fixture-database.ts'

type Workspaces = 'workspace' | 'account' | 'seat' | 'document' | 'page' | 'comment' | 'tag' | 'snippet'
type IntClient = Readonly<Record<Workspaces, Delegate>>
type BigIntClient = Readonly<Record<'shop' | 'customer' | 'order' | 'line', Delegate>>

const hulls = ['one', 'two', 'both'] as const

/** What an operation is refused with: a code, or the name of the error. */
async function refusalOf(call: () => PromiseLike<unknown>): Promise<string> {
  try {
    await call()
    return 'nothing'
  } catch (error) {
    if (isTenancyError(error)) return error.code
    const { code, name } = error as { code?: unknown; name?: unknown }
    return typeof code === 'string' ? code : String(name)
  }
}

describe('tenants whose ids are of 32 bits', () => {
  const database = useFixtureDatabase<IntClient>('int-ids', ['public'])
  let next = 8
  let a: { readonly id: number; readonly document: bigint; readonly page: number; readonly comment: number }
  let b: typeof a

  beforeEach(async () => {
    const plant = async () => {
      const id = next++
      const { rows } = await database.admin.query<{ document: string; page: number; comment: number }>(`
        with w as (insert into workspace values (${id}, 'workspace') returning id),
             d as (insert into document (workspace_id, name) select id, 'document ${id}' from w returning id)
        select id as document from d`)
      const document = rows[0]?.document ?? ''
      const { rows: pages } = await database.admin.query<{ id: number }>(
        `insert into page (workspace_id, document_id, title) values (${id}, ${document}, 'page') returning id`,
      )
      const { rows: comments } = await database.admin.query<{ id: number }>(
        `insert into comment (document_id, text) values (${document}, 'comment') returning id`,
      )
      return { id, document: BigInt(document), page: pages[0]?.id ?? 0, comment: comments[0]?.id ?? 0 }
    }
    a = await plant()
    b = await plant()
  })
  const clientOf = (hull: (typeof hulls)[number], tenantId: number | string | bigint = a.id) =>
    database[hull].client({ tenantId, userId: 42 })

  it('are the same as a number, a bigint and digits', async () => {
    for (const tenantId of [a.id, BigInt(a.id), String(a.id)]) {
      for (const hull of hulls) {
        const documents = await clientOf(hull, tenantId).document.findMany()
        expect(documents).toMatchObject([{ workspaceId: a.id, id: a.document }])
      }
    }
    for (const tenantId of [`0${a.id}`, ` ${a.id}`, `+${a.id}`, a.id + 0.5, -a.id, 'x', 2 ** 31]) {
      expect(await refusalOf(async () => clientOf('both', tenantId))).toBe('DH102')
    }
  })

  it('read their rows in every way, also many of one tick', async () => {
    for (const hull of hulls) {
      const [mine, theirs] = [clientOf(hull), clientOf(hull, b.id)]
      const where = { id: a.document }
      const found = await Promise.all([
        mine.document.findUnique({ where, include: { pages: true, comments: true, workspace: true } }),
        theirs.document.findUnique({ where, include: { pages: true, comments: true, workspace: true } }),
        mine.document.findUnique({ where: { id: b.document } }),
        theirs.document.findUnique({ where: { id: b.document } }),
        mine.document.findUnique({ where: { workspaceId_id: { workspaceId: b.id, id: b.document } } }),
      ])
      expect(found).toMatchObject([
        { workspace: { id: a.id }, pages: [{ id: a.page }], comments: [{ id: a.comment }] },
        null,
        null,
        { id: b.document },
        null,
      ])
      expect(await mine.comment.findMany({ where: { document: { workspaceId: b.id } } })).toEqual([])
      expect(await mine.document.findMany({ cursor: where, where: { workspaceId: a.id } })).toHaveLength(1)
      expect(await mine.comment.findMany({ cursor: { id: b.comment } })).toEqual([])
      expect(await mine.workspace.findMany({ include: { _count: true } })).toMatchObject([{ id: a.id }])
      expect(await mine.document.groupBy({ by: ['workspaceId'], _count: true })).toMatchObject([
        { workspaceId: a.id },
      ])
    }
    expect(await database.none.comment.count({ where: { id: b.comment } })).toBe(1)
  })

  it('are put into what is created, as what the model’s field takes or by the column’s default', async () => {
    const db = clientOf('both')
    expect(await db.document.create({ data: { name: 'x' } })).toMatchObject({ workspaceId: a.id })
    expect(
      await db.page.create({
        data: {
          title: 'x',
          workspace: { connect: { id: a.id } },
          document: { connect: { id: a.document } },
        },
      }),
    ).toMatchObject({ workspaceId: a.id })
    expect(await db.snippet.create({ data: { name: 'x' } })).toMatchObject({ workspaceId: a.id })
    for (const workspaceId of [a.id, BigInt(a.id), String(a.id)]) {
      expect(await db.tag.create({ data: { name: 'x', workspaceId } })).toMatchObject({ workspaceId: a.id })
    }
    expect(
      await db.tag.create({ data: { name: 'x', documents: { connect: { id: a.document } } } }),
    ).toMatchObject({ workspaceId: a.id })
    // hull two alone: the column's own default says it
    expect(await clientOf('two').document.create({ data: { name: 'x' } })).toMatchObject({
      workspaceId: a.id,
    })
  })

  it('are given no row of another’s, and give none away', async () => {
    const where = { id: a.document }
    const attacks: readonly (readonly [string, (db: IntClient) => PromiseLike<unknown>])[] = [
      ['create', (db) => db.document.create({ data: { name: 'x', workspaceId: b.id } })],
      ['create, in digits', (db) => db.document.create({ data: { name: 'x', workspaceId: String(b.id) } })],
      ['createMany', (db) => db.document.createMany({ data: [{ name: 'x', workspaceId: BigInt(b.id) }] })],
      ['update', (db) => db.document.update({ where, data: { workspaceId: b.id } })],
      ['update, set', (db) => db.document.update({ where, data: { workspaceId: { set: b.id } } })],
      ['update, increment', (db) => db.document.update({ where, data: { workspaceId: { increment: 1 } } })],
      ['updateMany, multiply', (db) => db.document.updateMany({ data: { workspaceId: { multiply: 2 } } })],
      ['connect', (db) => db.tag.create({ data: { name: 'x', workspace: { connect: { id: b.id } } } })],
    ]
    for (const [name, attack] of attacks) {
      for (const hull of ['one', 'both'] as const) {
        const refusal = await refusalOf(() => attack(clientOf(hull)))
        expect([name, refusal]).toEqual([name, name === 'connect' ? 'P2025' : 'DH202'])
      }
      if (/digits|createMany/.test(name)) continue
      expect([name, await refusalOf(() => attack(clientOf('two')))]).not.toEqual([name, 'nothing'])
    }
    for (const hull of hulls) {
      const data = { title: 'x', documentId: b.document, ...(hull === 'two' ? { workspaceId: a.id } : {}) }
      expect(await refusalOf(() => clientOf(hull).page.create({ data }))).toBe('P2003')
    }
    expect(
      await refusalOf(() => clientOf('one').comment.create({ data: { text: 'x', documentId: b.document } })),
    ).toBe('P2003')
    expect(await database.none.document.count({ where: { workspaceId: b.id } })).toBe(1)
    await database.none.comment.create({ data: { text: 'x', documentId: b.document } })
  })

  it('are worked for one after the other in the order of numbers', async () => {
    const options = { actor: 'job', reason: 'a test of ids', pageSize: 3 }
    const seen: number[] = []
    const { last, done } = await database.both.forEachTenant(async (db, { tenantId }) => {
      const workspaces = await db.workspace.findMany()
      expect(workspaces.map(({ id }: { id: number }) => String(id))).toEqual([tenantId])
      seen.push(Number(tenantId))
    }, options)
    expect(seen).toEqual([...seen].sort((one, other) => one - other))
    expect(seen.length).toBeGreaterThan(3)
    expect([done, last]).toEqual([seen.length, String(seen.at(-1))])
    const after = String(seen.at(-3))
    expect(await database.both.forEachTenant(async () => {}, { ...options, after })).toMatchObject({
      done: 2,
    })
    const strange = database.both.forEachTenant(async () => {}, { ...options, after: 'x' })
    await expect(strange).rejects.toMatchObject({ code: 'DH102' })
  })

  it('have a context on a plain client, which is told the type', async () => {
    const count = (tx: unknown) => (tx as IntClient).document.findMany()
    const client = new database.PrismaClient({ adapter: new PrismaPg({ connectionString: database.appUrl }) })
    try {
      const rows = await withTenantContext(client as never, a.id, count, { tenantIdType: 'int4', userId: 7 })
      expect(rows).toMatchObject([{ workspaceId: a.id }])
      const untold = withTenantContext(client as never, a.id, count)
      await expect(untold).rejects.toMatchObject({ code: 'DH102' })
    } finally {
      await (client as unknown as { $disconnect(): Promise<void> }).$disconnect()
    }
    const own = clientOf('both')
    expect(await withTenantContext(own as never, String(a.id), count)).toHaveLength(1)
    await expect(withTenantContext(own as never, b.id, count)).rejects.toMatchObject({ code: 'DH103' })
    await expect(setRLSTenantContext(own, b.id)).rejects.toMatchObject({ code: 'DH103' })
  })

  it('have functions and policies that verify knows', async () => {
    const { findings } = await verifyDatabase({
      connectionString: database.adminUrl,
      manifest: database.manifest,
    })
    const codes = new Set(findings.map(({ code }) => code))
    for (const code of ['DH321', 'DH322', 'DH323', 'DH324', 'DH328', 'DH339', 'DH340']) {
      expect(codes).not.toContain(code)
    }
    expect(await database.both.checkDatabaseHealth()).toMatchObject({ ok: true, isVerified: true })
  })

  it('have functions that no policies for ids of another type are put beside', async () => {
    const { admin, manifest } = database
    await admin.query('begin')
    try {
      expect((await readFacts(admin, manifest, defaultRoleNames)).foundation.tenantIdType).toBe('int4')
      const others = readFacts(admin, { ...manifest, tenantIdType: 'uuid' }, defaultRoleNames)
      await expect(others).rejects.toMatchObject({
        code: 'DH409',
        message: expect.stringMatching(/the type int4, and those of the schema have the type uuid/),
      })
    } finally {
      await admin.query('rollback')
    }
  })
})

describe('tenants whose ids are of 64 bits, in a database without foreign keys', () => {
  const database = useFixtureDatabase<BigIntClient>('bigint-ids', ['public'])
  // to JavaScript's numbers the three are one
  let next = 9_007_199_254_740_992n
  interface Planted {
    readonly id: bigint
    readonly customer: bigint
    readonly order: bigint
    readonly line: bigint
  }
  let a: Planted
  let b: Planted

  beforeEach(async () => {
    const plant = async (): Promise<Planted> => {
      const [id, customer, order, line] = [next++, next++, next++, next++]
      await database.admin.query(`
        insert into shop values (${id}, 'shop');
        insert into customer values (${customer}, ${id}, 'customer of ${id}');
        insert into "order" values (${order}, ${id}, ${customer}, 'order of ${id}');
        insert into line values (${line}, ${order}, 'line of ${id}')`)
      return { id, customer, order, line }
    }
    a = await plant()
    b = await plant()
  })
  const clientOf = (hull: (typeof hulls)[number], { id }: Planted = a) =>
    database[hull].client({ tenantId: id })

  it('are told apart where a number could not', async () => {
    expect(Number(a.id)).toBe(Number(a.id + 1n))
    await database.admin.query(`insert into customer values (${next++}, ${a.id + 1n}, 'of the neighbour')`)
    for (const hull of hulls) {
      expect(await clientOf(hull).customer.findMany()).toMatchObject([{ shopId: a.id, id: a.customer }])
    }
    expect(
      await refusalOf(() => clientOf('one').customer.create({ data: { name: 'x', shopId: a.id + 1n } })),
    ).toBe('DH202')
    expect(await refusalOf(async () => database.one.client({ tenantId: Number(a.id) }))).toBe('DH102')
  })

  it('name no row of another’s by a key, though the database would not mind', async () => {
    const attack = (db: BigIntClient, shopId?: bigint) =>
      db.order.create({ data: { customerId: b.customer, note: 'x', ...(shopId && { shopId }) } })
    expect(await refusalOf(() => attack(clientOf('one')))).toBe('P2003')
    expect(await refusalOf(() => attack(clientOf('both')))).toBe('P2003')
    const lines = (db: BigIntClient) => db.line.create({ data: { orderId: b.order, text: 'x' } })
    expect(await refusalOf(() => lines(clientOf('one')))).toBe('P2003')
    expect(await refusalOf(() => lines(clientOf('two')))).toBe('DH301')
    expect(
      await refusalOf(() => clientOf('one').order.updateMany({ data: { customerId: b.customer } })),
    ).toBe('P2003')
    expect(
      await refusalOf(() =>
        clientOf('one').order.update({
          where: { id: a.order },
          data: { customer: { connect: { id: b.customer } } },
        }),
      ),
    ).toBe('P2025')
    expect(await database.none.order.count({ where: { customerId: b.customer } })).toBe(1)
    await attack(database.none, a.id)
    expect(await database.none.order.count({ where: { customerId: b.customer } })).toBe(2)
  })

  it('see nothing of another’s through a link that leads there', async () => {
    await database.admin.query(`update "order" set customer_id = ${b.customer} where id = ${a.order}`)
    const secret = `of ${b.id}`
    const read = async (db: BigIntClient) => [
      await db.order.findMany({ include: { customer: true }, where: { id: a.order } }),
      await db.order.findMany({ select: { customer: { select: { name: true } } }, where: { id: a.order } }),
    ]
    expect(JSON.stringify(await read(database.none), textOf)).toContain(secret)
    const seen = await read(clientOf('one'))
    expect(JSON.stringify(seen, textOf)).not.toContain(secret)
    expect(seen).toMatchObject([[{ customer: null }], [{ customer: null }]])
    for (const hull of hulls) {
      const db = clientOf(hull)
      expect(await db.order.count({ where: { customer: { name: { contains: secret } } } })).toBe(0)
    }
    for (const orderBy of [{ customer: { name: 'asc' } }, { customer: { id: 'desc' } }]) {
      expect(await refusalOf(() => clientOf('one').order.findMany({ orderBy }))).toBe('DH207')
    }
    const [other] = await clientOf('one', b).customer.findMany({ include: { orders: true, _count: true } })
    expect(other).toMatchObject({ orders: [{ id: b.order }], _count: { orders: 1 } })
  })

  it('don’t meet rows whose parent is gone, which are nobody’s', async () => {
    await database.admin.query(`delete from "order" where id = ${a.order}`)
    for (const hull of hulls) {
      expect(await clientOf(hull).line.findMany()).toEqual([])
      expect(await clientOf(hull).line.updateMany({ data: { text: 'x' } })).toEqual({ count: 0 })
      expect(await clientOf(hull).line.deleteMany()).toEqual({ count: 0 })
    }
    expect(await database.none.line.count({ where: { id: a.line } })).toBe(1)
  })
})

const textOf = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)
