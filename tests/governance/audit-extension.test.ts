import { createHash, randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { PrismaClient as BundledClient, manifest as bundledManifest } from '../../src/bundled.ts'
import { type AuditExtensionOptions, auditExtension } from '../../src/governance/audit/audit-extension.ts'
import { createGovernance } from '../../src/governance/create-governance.ts'
import { createTenancy, type Tenancy } from '../../src/index.ts'
import { type Delegate, useFixtureDatabase } from '../fixtures/fixture-database.ts'
import { plantTwoTenants, type TwoTenants, useTestDatabase } from '../support/test-database.ts'

/** What was read as JSON, or of a client that is generated when the tests run. */
type Json = ReturnType<typeof JSON.parse>

type Model = 'company' | 'author' | 'book' | 'stock' | 'auditEvent'
type Transaction = Readonly<Record<Model, Delegate>> & {
  $executeRaw(text: TemplateStringsArray, ...values: unknown[]): Promise<number>
}
interface Client extends Transaction {
  $transaction<Result>(work: (tx: Client) => Promise<Result>): Promise<Result>
  $transaction(operations: readonly Promise<unknown>[]): Promise<unknown[]>
  $extends(extension: object): Client
}

const library = useFixtureDatabase<Client>('audited', ['public'])
const opened: Tenancy<Client>[] = []
const [a, b] = [randomUUID(), randomUUID()]
const userId = randomUUID()

interface Event {
  readonly company: string
  readonly action: string
  readonly actor: string | null
  readonly targets: readonly Record<string, Json>[]
  readonly context: Record<string, Json>
  readonly metadata: Record<string, Json>
}

async function eventsOf(tenantId: string | undefined = a): Promise<readonly Event[]> {
  const { rows } = await library.admin.query(
    `select "companyId" as company, action, "actorId" as actor, targets, context, metadata
       from "AuditEvent" where "companyId" = $1 order by id`,
    [tenantId],
  )
  return rows
}

const actions = async () => (await eventsOf()).map(({ action }) => action)

function audited(
  options: AuditExtensionOptions = {},
  extend: (client: Client) => Client = (client) => client,
): Client {
  return tenancyOf((client) => extend(client.$extends(auditExtension(options)))).client({
    tenantId: a,
    userId,
    requestId: 'request-1',
  }) as never
}

function tenancyOf(extend: (client: Client) => Client, connectionString = library.appUrl): Tenancy<Client> {
  const { PrismaClient, manifest } = library
  const isOwner = connectionString !== library.appUrl
  const tenancy = createTenancy<Client>({
    PrismaClient,
    manifest,
    connectionString,
    extend,
    maxConnections: 4,
    allowRoleThatBypassesRowSecurity: isOwner,
  })
  opened.push(tenancy)
  return tenancy
}

async function failureOf(work: () => unknown): Promise<Json> {
  try {
    await work()
    return undefined
  } catch (error) {
    return error
  }
}

beforeAll(async () => {
  for (const id of [a, b])
    await library.admin.query(`insert into "Company" values ($1, $2)`, [id, `of ${id}`])
})
beforeEach(async () => {
  await library.admin.query(`truncate "AuditEvent", "Stock", "Book", "Author" restart identity`)
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((tenancy) => tenancy.disconnect()))
})

describe('an operation on one row', () => {
  it('that creates is recorded with the row, its id, its user and its request', async () => {
    const db = audited()
    const author = await db.author.create({ data: { name: 'Ada', email: 'ada@example.org' } })
    expect(author).toMatchObject({ name: 'Ada', rank: 0, companyId: a })
    expect(await eventsOf()).toEqual([
      {
        company: a,
        action: 'data.Author.create',
        actor: userId,
        targets: [{ type: 'Author', id: author.id }],
        context: { requestId: 'request-1' },
        metadata: {
          before: null,
          after: { id: author.id, companyId: a, name: 'Ada', email: 'ada@example.org', rank: 0 },
        },
      },
    ])
  })

  it('that updates is recorded with what changed and nothing else', async () => {
    const db = audited()
    const { id } = await db.author.create({ data: { name: 'Ada', email: 'ada@example.org' } })
    await db.author.update({
      where: { companyId_email: { companyId: a, email: 'ada@example.org' } },
      data: { rank: { increment: 3 } },
    })
    expect((await eventsOf())[1]).toMatchObject({
      action: 'data.Author.update',
      targets: [{ type: 'Author', id }],
      metadata: { before: { rank: 0 }, after: { rank: 3 } },
    })
    expect(Object.keys((await eventsOf())[1]?.metadata['after'])).toEqual(['rank'])
  })

  it('that upserts is recorded as what it did', async () => {
    const db = audited()
    const key = { companyId_email: { companyId: a, email: 'ada@example.org' } }
    const upsert = () =>
      db.author.upsert({
        where: key,
        create: { name: 'Ada', email: 'ada@example.org' },
        update: { name: 'Countess' },
      })
    await upsert()
    await upsert()
    const [created, updated] = await eventsOf()
    expect(created).toMatchObject({
      action: 'data.Author.upsert',
      metadata: { before: null, after: { name: 'Ada' } },
    })
    expect(updated?.metadata).toEqual({ before: { name: 'Ada' }, after: { name: 'Countess' } })
  })

  it('that deletes is recorded with the row that is gone', async () => {
    const db = audited()
    const { id } = await db.book.create({ data: { title: 'Notes', copies: 9_007_199_254_740_993n } })
    await db.book.delete({ where: { id } })
    expect((await eventsOf())[1]).toMatchObject({
      action: 'data.Book.delete',
      targets: [{ type: 'Book', id: String(id) }],
      metadata: { before: { title: 'Notes', copies: '9007199254740993' }, after: null },
    })
  })

  it('answers what the caller selected, and no key that was not asked for', async () => {
    const db = audited()
    const made = await db.author.create({
      data: { name: 'Ada', email: 'ada@example.org' },
      select: { name: true },
    })
    expect(made).toEqual({ name: 'Ada' })
    const where = { companyId_email: { companyId: a, email: 'ada@example.org' } }
    expect(await db.author.update({ where, data: { rank: 1 }, omit: { id: true } })).toEqual({
      companyId: a,
      name: 'Ada',
      email: 'ada@example.org',
      rank: 1,
    })
    expect(await db.author.delete({ where, select: { rank: true } })).toEqual({ rank: 1 })
    expect(await actions()).toEqual(['data.Author.create', 'data.Author.update', 'data.Author.delete'])
  })

  it('has a key of several fields and every type of value', async () => {
    const db = audited()
    const { id } = await db.book.create({
      data: { title: 'Notes', price: '12.30', cover: Buffer.from('cover'), meta: { pages: [1, null] } },
    })
    await db.stock.create({ data: { bookId: id, shelf: 'S1', amount: 2 } })
    await db.stock.update({
      where: { companyId_bookId_shelf: { companyId: a, bookId: id, shelf: 'S1' } },
      data: { shelf: 'S2', amount: 5 },
    })
    const [book, , moved] = await eventsOf()
    expect(book?.metadata['after']).toEqual({
      id,
      companyId: a,
      authorId: null,
      title: 'Notes',
      price: '12.3',
      copies: '0',
      cover: { bytes: 5, sha256: createHash('sha256').update('cover').digest('hex') },
      meta: { pages: [1, null] },
      published: '2026-01-02T03:04:05.678Z',
    })
    expect(moved).toMatchObject({
      targets: [{ type: 'Stock', id: JSON.stringify({ companyId: a, bookId: id, shelf: 'S2' }) }],
      metadata: { before: { shelf: 'S1', amount: 2 }, after: { shelf: 'S2', amount: 5 } },
    })
  })
})

describe('an operation on many rows', () => {
  const people = ['Ada', 'Bob', 'Cleo'].map((name, rank) => ({ name, rank, email: `${name}@example.org` }))

  it('has one event with each of its rows', async () => {
    const db = audited()
    expect(await db.author.createMany({ data: people })).toEqual({ count: 3 })
    expect(await db.author.updateMany({ where: { rank: { gte: 1 } }, data: { rank: 9 } })).toEqual({
      count: 2,
    })
    expect(await db.author.deleteMany({ where: { rank: 9 } })).toEqual({ count: 2 })
    const [created, updated, deleted] = await eventsOf()
    expect(created).toMatchObject({ action: 'data.Author.createMany', metadata: { count: 3 } })
    expect(created?.metadata['rows'].map((row: Json) => [row.before, row.after.name])).toEqual([
      [null, 'Ada'],
      [null, 'Bob'],
      [null, 'Cleo'],
    ])
    expect(updated?.action).toBe('data.Author.updateMany')
    expect(updated?.metadata['rows'].map(({ before, after }: Json) => [before, after])).toEqual([
      [{ rank: 1 }, { rank: 9 }],
      [{ rank: 2 }, { rank: 9 }],
    ])
    expect(updated?.targets).toEqual(created?.targets.slice(1))
    expect(deleted).toMatchObject({
      action: 'data.Author.deleteMany',
      targets: updated?.targets,
      metadata: { count: 2, rows: [{ before: { name: 'Bob' }, after: null }, { before: { name: 'Cleo' } }] },
    })
    expect(await actions()).toHaveLength(3)
  })

  it('that answers its rows does so as it was asked to', async () => {
    const db = audited()
    expect(await db.author.createManyAndReturn({ data: people, select: { name: true } })).toEqual(
      people.map(({ name }) => ({ name })),
    )
    const ranks = await db.author.updateManyAndReturn({
      where: { name: { not: 'Ada' } },
      data: { rank: 7 },
      select: { rank: true },
    })
    expect(ranks).toEqual([{ rank: 7 }, { rank: 7 }])
    expect((await eventsOf()).map(({ action, targets }) => [action, targets.length])).toEqual([
      ['data.Author.createManyAndReturn', 3],
      ['data.Author.updateManyAndReturn', 2],
    ])
  })

  it('that writes no row has no event', async () => {
    const db = audited()
    await db.author.updateMany({ where: { name: 'nobody' }, data: { rank: 1 } })
    await db.author.deleteMany({ where: { name: 'nobody' } })
    expect(await actions()).toEqual([])
  })

  it('beyond the bound of rows is a count and a digest of their ids', async () => {
    const db = audited({ maxRows: 2 })
    await db.author.createMany({ data: people })
    await db.author.updateMany({ data: { rank: 4 } })
    const returned = await db.author.updateManyAndReturn({ data: { rank: 5 }, select: { rank: true } })
    expect(returned).toEqual([{ rank: 5 }, { rank: 5 }, { rank: 5 }])
    await db.author.deleteMany()
    const events = await eventsOf()
    expect(events.map(({ action }) => action)).toEqual([
      'data.Author.createMany',
      'data.Author.updateMany',
      'data.Author.updateManyAndReturn',
      'data.Author.deleteMany',
    ])
    for (const { targets, metadata } of events) {
      expect(targets).toEqual([{ type: 'Author', count: 3 }])
      expect(metadata).toEqual({
        count: 3,
        digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
        digestOf: 'ids',
      })
    }
    expect(await library.none.author.count()).toBe(0)
  })

  it('beyond the bound of bytes is a count and a digest of its changes', async () => {
    const db = audited({ maxBytes: 256 })
    const { id } = await db.book.create({ data: { title: 'x'.repeat(300) } })
    expect((await eventsOf())[0]).toMatchObject({
      targets: [{ type: 'Book', id: String(id) }],
      metadata: { count: 1, digest: expect.stringMatching(/^sha256:/), digestOf: 'changes' },
    })
  })
})

describe('a nested write', () => {
  it('is part of the event of its operation, with each row that it changed', async () => {
    const db = audited()
    const author = await db.author.create({
      data: {
        name: 'Ada',
        email: 'ada@example.org',
        books: {
          create: [{ title: 'One', stock: { create: { shelf: 'S1', amount: 1 } } }, { title: 'Two' }],
        },
      },
    })
    const [created] = await eventsOf()
    expect(created?.metadata['nested'].map((row: Json) => [row.relation, row.type, row.before])).toEqual([
      ['books', 'Book', null],
      ['books', 'Book', null],
      ['books.stock', 'Stock', null],
    ])
    const [one, two] = (created?.metadata['nested'] ?? []).map(({ id }: Json) => id)
    await db.author.update({
      where: { id: author.id },
      data: {
        rank: 1,
        books: {
          update: {
            where: { id: Number(one) },
            data: { title: 'First', stock: { updateMany: { where: {}, data: { amount: 8 } } } },
          },
          delete: { id: Number(two) },
          create: { title: 'Three' },
        },
      },
    })
    const updated = (await eventsOf())[1]
    expect(updated?.metadata).toMatchObject({ before: { rank: 0 }, after: { rank: 1 } })
    const nested = new Map(updated?.metadata['nested'].map((row: Json) => [`${row.relation} ${row.id}`, row]))
    expect(nested.get(`books ${one}`)).toMatchObject({ before: { title: 'One' }, after: { title: 'First' } })
    expect(nested.get(`books ${two}`)).toMatchObject({ before: { title: 'Two' }, after: null })
    expect([...nested.values()]).toContainEqual(
      expect.objectContaining({ before: null, after: expect.objectContaining({ title: 'Three' }) }),
    )
    expect([...nested.values()]).toContainEqual(
      expect.objectContaining({ relation: 'books.stock', before: { amount: 1 }, after: { amount: 8 } }),
    )
    expect(nested.size).toBe(4)
    expect(await actions()).toEqual(['data.Author.create', 'data.Author.update'])
  })

  it('that connects and disconnects is what the relation gains and loses', async () => {
    const db = audited()
    const { id } = await db.author.create({ data: { name: 'Ada', email: 'ada@example.org' } })
    const { id: book } = await db.book.create({ data: { title: 'Notes' } })
    await db.author.update({ where: { id }, data: { books: { connect: { id: book } } } })
    await db.book.update({ where: { id: book }, data: { author: { disconnect: true } } })
    const [, , connected, disconnected] = await eventsOf()
    expect(connected?.metadata['nested']).toMatchObject([
      {
        relation: 'books',
        type: 'Book',
        id: String(book),
        before: null,
        after: { title: 'Notes', authorId: id },
      },
    ])
    expect(disconnected?.metadata).toMatchObject({
      before: { authorId: id },
      after: { authorId: null },
      nested: [{ relation: 'author', type: 'Author', id, before: { name: 'Ada' }, after: null }],
    })
  })

  it('of audited rows is recorded also where the operation’s own model is not audited', async () => {
    const db = audited({ models: ['Book'] })
    await db.author.create({
      data: { name: 'Ada', email: 'a@example.org', books: { create: { title: 'One' } } },
    })
    await db.author.create({ data: { name: 'Bob', email: 'b@example.org' } })
    const events = await eventsOf()
    expect(events).toHaveLength(1)
    expect(events[0]?.metadata).toEqual({
      nested: [expect.objectContaining({ type: 'Book', before: null, relation: 'books' })],
    })
  })
})

describe('a transaction', () => {
  const ada = { data: { name: 'Ada', email: 'ada@example.org' } }

  it('that is rolled back leaves neither the write nor an event', async () => {
    const db = audited()
    const undone = db.$transaction(async (tx) => {
      await tx.author.create(ada)
      await tx.author.updateMany({ data: { rank: 3 } })
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    expect(await actions()).toEqual([])
    expect(await library.none.author.count()).toBe(0)
    await db.$transaction(async (tx) => {
      await tx.author.create(ada)
      await tx.author.updateMany({ data: { rank: 3 } })
    })
    expect(await actions()).toEqual(['data.Author.create', 'data.Author.updateMany'])
  })

  it('of an array is one, with an event for each operation', async () => {
    const db = audited()
    const second = { data: { ...ada.data, name: 'Bob' } }
    expect(
      (await failureOf(() => db.$transaction([db.author.create(ada), db.author.create(second)]))).code,
    ).toBe('P2002')
    expect(await actions()).toEqual([])
    await db.$transaction([db.author.create(ada), db.author.updateMany({ data: { rank: 1 } })])
    expect(await actions()).toEqual(['data.Author.create', 'data.Author.updateMany'])
  })

  it('within one that goes on takes its events along when it is rolled back', async () => {
    const db = audited()
    await db.$transaction(async (tx) => {
      await tx.author.create(ada)
      const inner = tx.$transaction(async (nested) => {
        await nested.author.updateMany({ data: { rank: 3 } })
        throw new Error('undone')
      })
      await expect(inner).rejects.toThrow('undone')
      await tx.$transaction((nested) => nested.author.updateMany({ data: { name: 'Countess' } }))
    })
    expect(await actions()).toEqual(['data.Author.create', 'data.Author.updateMany'])
    expect(await library.none.author.findMany()).toMatchObject([{ name: 'Countess', rank: 0 }])
  })

  it('that goes back to a savepoint of its own SQL leaves no event of what was undone', async () => {
    const db = audited()
    await db.$transaction(async (tx) => {
      await tx.author.create(ada)
      await tx.$executeRaw`savepoint here`
      await tx.author.updateMany({ data: { rank: 3 } })
      await tx.$executeRaw`rollback to savepoint here`
    })
    expect(await actions()).toEqual(['data.Author.create'])
    expect(await library.none.author.findMany()).toMatchObject([{ rank: 0 }])
  })

  it('is made for a write that is in none, and an event that cannot be written undoes it', async () => {
    const db = audited({ record: () => Promise.reject(new Error('the record is full')) })
    await expect(db.author.create(ada)).rejects.toThrow('the record is full')
    expect(await library.none.author.count()).toBe(0)
    await audited().author.create(ada)
    expect(await library.none.author.count()).toBe(1)
  })

  it('is not kept where something was written and could not be noted, though the caller went on', async () => {
    const origin = () => {
      throw new Error('no origin')
    }
    const db = audited({ origin })
    const transaction = db.$transaction(async (tx) => {
      await expect(tx.author.create(ada)).rejects.toThrow('no origin')
      return 'went on'
    })
    await expect(transaction).rejects.toThrow('no origin')
    expect(await library.none.author.count()).toBe(0)
  })

  it('writes its events last, so that two which write each other’s rows do not wait for the record', async () => {
    const db = audited()
    await library.admin.query(
      `create table head (id int primary key); insert into head values (1); grant select, update on head to doublehull_app`,
    )
    const record = async (tx: Json, events: readonly object[]) => {
      await tx.$queryRaw`select 1 from head for update`
      await tx.auditEvent.createMany({ data: events })
    }
    const locking = audited({ record })
    const [one, two] = await Promise.all(
      ['one', 'two'].map((name) => db.author.create({ data: { name, email: name } })),
    )
    let proceed = (): void => {}
    const gate = new Promise<void>((resolve) => {
      proceed = resolve
    })
    const first = locking.$transaction(async (tx) => {
      await tx.author.update({ where: { id: one.id }, data: { rank: 1 } })
      await gate
      await tx.author.update({ where: { id: two.id }, data: { rank: 1 } })
    })
    // an application that records at once has the second wait for the first, which then waits for the second
    const atOnce = library.both.client({ tenantId: a, lockTimeoutMillis: 50 }) as unknown as Client
    await atOnce.$transaction(async (tx) => {
      await record(tx, [])
      const waiting = atOnce.$transaction((other) => record(other, []))
      expect((await failureOf(() => waiting)).code).toBe('DH108')
    })
    await locking.author.update({ where: { id: two.id }, data: { rank: 2 } })
    proceed()
    await first
    expect((await eventsOf()).slice(2).map(({ metadata }) => metadata['after'])).toEqual([
      { rank: 2 },
      { rank: 1 },
      { rank: 1 },
    ])
  })
})

describe('a write that is refused', () => {
  it('leaves no event', async () => {
    const db = audited()
    expect(
      (await failureOf(() => db.author.update({ where: { id: randomUUID() }, data: { rank: 1 } }))).code,
    ).toBe('P2025')
    expect((await failureOf(() => db.author.delete({ where: { id: randomUUID() } }))).code).toBe('P2025')
    expect(
      (await failureOf(() => db.author.create({ data: { companyId: b, name: 'x', email: 'x' } }))).code,
    ).toBe('DH202')
    expect((await failureOf(() => db.author.create({ data: {} }))).name).toBe('PrismaClientValidationError')
    expect(await actions()).toEqual([])
  })
})

describe('another tenant’s rows', () => {
  it('never appear in an event, where they would without both hulls', async () => {
    const secret = `secret-${randomUUID()}`
    const foreign = await library.none.author.create({
      data: { companyId: b, name: secret, email: secret } as object,
    })
    const plain = await library.none.author.updateManyAndReturn({ where: { rank: 0 }, data: { rank: 0 } })
    expect(JSON.stringify(plain)).toContain(secret)
    // behind both hulls, and behind hull one alone
    for (const url of [library.appUrl, library.adminUrl]) {
      const db = tenancyOf((client) => client.$extends(auditExtension()), url).client({ tenantId: a })
      await db.author.create({ data: { name: 'Ada', email: 'ada@example.org' } })
      await db.author.updateMany({ data: { rank: 1 } })
      expect(
        (await failureOf(() => db.author.update({ where: { id: foreign.id }, data: { rank: 5 } }))).code,
      ).toBe('P2025')
      expect((await failureOf(() => db.author.delete({ where: { id: foreign.id } }))).code).toBe('P2025')
      await db.author.deleteMany()
      expect(await actions()).toEqual([
        'data.Author.create',
        'data.Author.updateMany',
        'data.Author.deleteMany',
      ])
      expect(JSON.stringify(await eventsOf())).not.toContain(secret)
      expect(JSON.stringify(await eventsOf())).not.toContain(foreign.id)
      expect(await eventsOf(b)).toEqual([])
      await library.admin.query('truncate "AuditEvent"')
    }
    expect(await library.none.author.findMany()).toMatchObject([{ id: foreign.id, rank: 0 }])
  })
})

describe('another tenant’s row', () => {
  it('is not locked by whoever names it, also behind hull one alone', async () => {
    const foreign = await library.none.author.create({
      data: { companyId: b, name: 'Bob', email: 'bob@example.org' },
    })
    const lock = () =>
      library.admin.query(`select from "Author" where id = $1 for update nowait`, [foreign.id])
    await library.none.$transaction(async (tx) => {
      await tx.author.update({ where: { id: foreign.id }, data: { rank: 1 } })
      expect((await failureOf(lock)).code).toBe('55P03')
    })
    const db = tenancyOf((client) => client.$extends(auditExtension()), library.adminUrl).client({
      tenantId: a,
    })
    await db.$transaction(async (tx) => {
      const update = tx.author.update({ where: { id: foreign.id }, data: { rank: 5 } })
      expect((await failureOf(() => update)).code).toBe('P2025')
      await lock()
    })
  })
})

describe('a masked field', () => {
  const mask = { Author: ['email'] }
  const [before, after] = ['ada@example.org', 'countess@example.org']

  it('is seen to change, and its value never appears', async () => {
    const db = audited({ mask })
    const { id } = await db.author.create({ data: { name: 'Ada', email: before } })
    await db.author.update({ where: { id }, data: { email: after } })
    await db.author.update({ where: { id }, data: { rank: 1 } })
    const events = await eventsOf()
    expect(events[0]?.metadata['after']).toMatchObject({ name: 'Ada', email: '***' })
    expect(events[1]?.metadata).toEqual({ before: { email: '***' }, after: { email: '***' } })
    expect(Object.keys(events[2]?.metadata['after'])).toEqual(['rank'])
    expect(JSON.stringify(events)).not.toContain('@example.org')
  })

  it('is masked in nested writes and many rows too', async () => {
    const db = audited({ mask: { ...mask, Book: ['title'] } })
    await db.author.createMany({ data: [{ name: 'Ada', email: before }] })
    await db.author.create({
      data: { name: 'Eve', email: after, books: { create: { title: 'hidden-title' } } },
    })
    const text = JSON.stringify(await eventsOf())
    expect(text).toContain('Eve')
    expect(text).not.toContain('@example.org')
    expect(text).not.toContain('hidden-title')
  })

  it('with a key shows which values are equal, of one tenant and field', async () => {
    const tenancy = tenancyOf((client) =>
      client.$extends(auditExtension({ mask: { Author: ['email', 'name'] }, maskKey: 'k'.repeat(32) })),
    )
    const db = tenancy.client({ tenantId: a })
    const { id } = await db.author.create({ data: { name: before, email: before } })
    await db.author.update({ where: { id }, data: { email: after } })
    await db.author.update({ where: { id }, data: { email: before } })
    await tenancy.client({ tenantId: b }).author.create({ data: { name: before, email: before } })
    const [created, , back] = await eventsOf()
    const hash = created?.metadata['after'].email
    expect(hash).toMatch(/^hmac-sha256:[0-9a-f]{64}$/)
    expect(back?.metadata['after'].email).toBe(hash)
    expect(back?.metadata['before'].email).not.toBe(hash)
    expect(created?.metadata['after'].name).not.toBe(hash)
    expect((await eventsOf(b))[0]?.metadata['after'].email).not.toBe(hash)
  })
})

describe('beside other extensions', () => {
  const softDelete = (client: Client) =>
    client.$extends({
      query: {
        author: {
          delete: ({ args }: Json) => client.author.update({ where: args.where, data: { rank: -1 } }),
        },
      },
    })

  it.each(['before', 'behind'] as const)(
    'it records what a hook that was added %s it has made of a write, once',
    async (place) => {
      const audit = auditExtension()
      const tenancy = tenancyOf((client) =>
        place === 'before' ? softDelete(client).$extends(audit) : softDelete(client.$extends(audit)),
      )
      const db = tenancy.client({ tenantId: a })
      const { id } = await db.author.create({ data: { name: 'Ada', email: 'ada@example.org' } })
      await db.author.delete({ where: { id } })
      expect((await eventsOf()).map(({ action, metadata }) => [action, metadata['after'].rank])).toEqual([
        ['data.Author.create', 0],
        ['data.Author.update', -1],
      ])
    },
  )

  it('it sees the arguments that hooks behind it have changed', async () => {
    const db = audited({}, (client) =>
      client.$extends({
        query: {
          author: { create: ({ args, query }: Json) => query({ ...args, data: { ...args.data, rank: 42 } }) },
        },
      }),
    )
    await db.author.create({ data: { name: 'Ada', email: 'ada@example.org' } })
    expect((await eventsOf())[0]?.metadata['after'].rank).toBe(42)
  })

  it('it is given once', async () => {
    const error = await failureOf(() =>
      tenancyOf((client) => client.$extends(auditExtension()).$extends(auditExtension())),
    )
    expect(error).toMatchObject({ code: 'DH210' })
  })
})

describe('rows that others change at the same time', () => {
  it('are recorded as they were when they were written, and not as they were read', async () => {
    const db = audited()
    const { id } = await db.author.create({ data: { name: 'Ada', email: 'ada@example.org' } })
    const other = new pg.Client({ connectionString: library.adminUrl })
    await other.connect()
    await other.query('begin')
    await other.query('update "Author" set rank = 100 where id = $1', [id])
    const update = db.author.update({ where: { id }, data: { rank: { increment: 1 } } }).then(() => 'done')
    await waitsForLock()
    await other.query('commit')
    await other.end()
    await update
    expect((await eventsOf())[1]?.metadata).toEqual({ before: { rank: 100 }, after: { rank: 101 } })
  })
})

describe('settings', () => {
  it('that name what the schema has not, or bounds out of range, are refused', async () => {
    const issuesOf = async (options: AuditExtensionOptions) =>
      (await failureOf(() => audited(options)))?.details.issues.map(({ path }: Json) => path.join('.'))
    expect(await issuesOf({ models: ['Author', 'Nothing'] })).toEqual(['models.1'])
    expect(await issuesOf({ mask: { Author: ['mail'], Nobody: [] } })).toEqual([
      'mask.Author.0',
      'mask.Nobody',
    ])
    expect(await issuesOf({ maxRows: 0, maxBytes: 100_000, maskKey: 'short' })).toEqual([
      'maxRows',
      'maxBytes',
      'maskKey',
    ])
  })

  it('an extension outside of createTenancy records nothing, and so lets nothing pass', async () => {
    const plain = library.none.$extends(auditExtension())
    expect((await failureOf(() => plain.author.findMany())).code).toBe('DH210')
  })
})

describe('of the bundled schema', () => {
  const database = useTestDatabase()
  let scene: TwoTenants
  beforeAll(async () => {
    scene = await plantTwoTenants(database)
  })

  it('leaves out what the database records, and its events are links of the tenant’s chain', async () => {
    const tenancy = createTenancy({
      PrismaClient: BundledClient,
      manifest: bundledManifest,
      connectionString: database.appUrl,
      // it adds nothing to the types of a client
      extend: (client): BundledClient =>
        client.$extends(auditExtension({ mask: { Tenant: ['topic'] } })) as never,
    })
    const { tenantId, userId, flagId } = scene.a
    const db = tenancy.client({ tenantId, userId })
    try {
      await db.$transaction(async (tx) => {
        await tx.tenant.update({ where: { id: tenantId }, data: { name: 'renamed' } })
        await tx.tenant.updateMany({ data: { status: 'SUSPENDED' } })
      })
      await db.featureFlag.update({ where: { id: flagId }, data: { description: 'changed' } })
      const { auditEvents } = createGovernance(db, { can: () => true })
      const { items: events } = await auditEvents.list({ order: 'asc' })
      const target = [{ type: 'Tenant', id: tenantId }]
      expect(events).toMatchObject([
        {
          action: 'data.Tenant.update',
          origin: 'APPLICATION',
          actorId: userId,
          targets: target,
          metadata: { before: { name: scene.a.secret }, after: { name: 'renamed' } },
        },
        { action: 'data.Tenant.updateMany', origin: 'APPLICATION', targets: target, metadata: { count: 1 } },
        { action: 'flag.update', origin: 'DATABASE' },
      ])
      expect(await auditEvents.verify()).toMatchObject({ ok: true })
      const typed: { name: string } = await db.tenant.findFirstOrThrow({ select: { name: true } })
      expect(typed.name).toBe('renamed')
      const other = createGovernance(tenancy.client({ tenantId: scene.b.tenantId, userId: scene.b.userId }), {
        can: () => true,
      })
      expect((await other.auditEvents.list()).items).toEqual([])
    } finally {
      await tenancy.disconnect()
    }
  })

  it('a governed model cannot be named', async () => {
    const error = await failureOf(() =>
      createTenancy({
        PrismaClient: BundledClient,
        manifest: bundledManifest,
        connectionString: database.appUrl,
        extend: (client) => client.$extends(auditExtension({ models: ['FeatureFlag'] })),
      }),
    )
    expect(error).toMatchObject({ code: 'DH506' })
  })
})

async function waitsForLock(): Promise<void> {
  for (;;) {
    const { rows } = await library.admin.query(
      `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    if (rows.length > 0) return
  }
}
