import { type BehaviourClient, type Case, reads, writes } from './case.ts'
import { a, missing } from './scene.ts'

const byId = { orderBy: { id: 'asc' } } as const
type Tx = BehaviourClient
const caught = (error: unknown) => error

/** Transactions, promises and what else a client has beside its models. */
export const clientCases: readonly Case[] = [
  writes('an array in a transaction', (db) =>
    db.$transaction([
      db.tag.create({ data: { name: 'n' } }),
      db.tag.count(),
      db.tag.update({ where: { id: a.tag[0] }, data: { name: 'u' } }),
      db.tag.findMany({ orderBy: { name: 'asc' } }),
      db.tag.deleteMany({ where: { name: 'n' } }),
      db.book.findUnique({ where: { id: a.book[0] } }).tags({ orderBy: { name: 'asc' } }),
      db.author.findUnique({ where: { id: missing.author[0] } }),
    ]),
  ),
  writes('an empty array in a transaction', (db) => db.$transaction([])),
  writes(
    'an array in a transaction that fails',
    (db) =>
      db.$transaction([
        db.tag.create({ data: { name: 'n' } }),
        db.tag.create({ data: { name: 'one' } }),
        db.tag.create({ data: { name: 'm' } }),
      ]),
    { fails: 'P2002' },
  ),
  writes(
    'an array in a transaction that Prisma refuses',
    (db) =>
      db.$transaction([db.tag.create({ data: { name: 'n' } }), db.tag.create({ data: { nothing: 1 } })]),
    { fails: 'PrismaClientValidationError' },
  ),
  writes(
    'an array in a transaction that fails on a missing row',
    (db) =>
      db.$transaction([
        db.tag.create({ data: { name: 'n' } }),
        db.tag.delete({ where: { id: missing.tag[0] } }),
      ]),
    { fails: 'P2025' },
  ),
  writes('an array in a transaction with an isolation level', (db) =>
    db.$transaction([db.tag.count(), db.tag.deleteMany()], { isolationLevel: 'Serializable' }),
  ),
  writes('a callback in a transaction', (db) =>
    db.$transaction(async (tx: Tx) => {
      const created = await tx.author.create({ data: { name: 'n', books: { create: { title: 'n' } } } })
      await tx.book.updateMany({ where: { authorId: created.id }, data: { pages: { increment: 3 } } })
      return tx.author.findUniqueOrThrow({ where: { id: created.id }, include: { books: true } })
    }),
  ),
  writes(
    'a callback that throws',
    (db) =>
      db.$transaction(async (tx: Tx) => {
        await tx.tag.create({ data: { name: 'n' } })
        throw new RangeError('of its own')
      }),
    { fails: 'RangeError' },
  ),
  writes(
    'a callback whose operation fails',
    (db) =>
      db.$transaction(async (tx: Tx) => {
        await tx.tag.create({ data: { name: 'n' } })
        await tx.tag.update({ where: { id: missing.tag[0] }, data: { name: 'u' } })
      }),
    { fails: 'P2025' },
  ),
  writes('a callback that catches a missing row and goes on', (db) =>
    db.$transaction(async (tx: Tx) => [
      await tx.tag.create({ data: { name: 'n' } }),
      await tx.tag.update({ where: { id: missing.tag[0] }, data: { name: 'u' } }).catch(caught),
      await tx.tag.findUniqueOrThrow({ where: { id: missing.tag[0] } }).catch(caught),
      await tx.tag.findMany({ nothing: 1 }).catch(caught),
      await tx.tag.count(),
    ]),
  ),
  writes(
    'a callback that catches what the database refused and goes on',
    (db) =>
      db.$transaction(async (tx: Tx) => {
        await tx.tag.create({ data: { name: 'one' } }).catch(caught)
        return tx.tag.count()
      }),
    { fails: 'P2039' },
  ),
  writes('findUnique of several in one tick of a transaction', (db) =>
    db.$transaction(async (tx: Tx) => {
      await tx.author.update({ where: { id: a.author[0] }, data: { rank: 70 } })
      return Promise.all(
        [a.author[0], missing.author[0], a.author[1]].map((id) => tx.author.findUnique({ where: { id } })),
      )
    }),
  ),
  writes('a transaction within a transaction', (db) =>
    db.$transaction(async (tx: Tx) => {
      await tx.tag.create({ data: { name: 'outer' } })
      const inner = await tx
        .$transaction(async (within: Tx) => {
          await within.tag.create({ data: { name: 'inner' } })
          throw new RangeError('of its own')
        })
        .catch(caught)
      return [inner, await tx.tag.count()]
    }),
  ),
  writes('several writes at once', async (db) => {
    await Promise.all(
      a.book.slice(0, 4).map((id) => db.book.update({ where: { id }, data: { pages: { increment: 1 } } })),
    )
    return db.book.findMany({ ...byId, select: { pages: true } })
  }),
  writes('an operation that is not awaited', async (db) => {
    void db.tag.create({ data: { name: 'never' } })
    return db.tag.count()
  }),
  writes('an operation that is awaited twice', async (db) => {
    const created = db.tag.create({ data: { name: 'once' } })
    return [await created, await created, await db.tag.count()]
  }),
  reads('then, catch and finally', async (db) => [
    await db.tag.count().then((count: number) => count + 1),
    await db.tag.findUniqueOrThrow({ where: { id: missing.tag[0] } }).catch(caught),
    await db.tag.count().finally(() => undefined),
    Object.prototype.toString.call(db.tag.count()),
    typeof db.tag.findFirst().then,
  ]),
  reads('the fields and the name of a model', (db) => [
    db.book.name,
    db.book.fields.pages,
    Object.keys(db.book.fields),
    db.author.fields.id.modelName,
    db.author.fields.id.isList,
    db.book.fields.keywords.isList,
    db.book.fields.status.typeName,
  ]),
  reads('the classes of errors', async (db, Prisma) => {
    const missed = await db.tag.findUniqueOrThrow({ where: { id: missing.tag[0] } }).catch(caught)
    const refused = await db.tag.findMany({ nothing: 1 }).catch(caught)
    return [
      missed instanceof Prisma.PrismaClientKnownRequestError,
      missed.clientVersion,
      Object.keys(missed).sort(),
      refused instanceof Prisma.PrismaClientValidationError,
      refused instanceof Error,
      Object.keys(refused).sort(),
    ]
  }),
  reads('a model that does not exist', (db) => (db as unknown as { nothing?: unknown }).nothing),
  reads('an operation that does not exist', (db) => (db.tag as unknown as { nothing?: unknown }).nothing),
  writes('values that are changed afterwards do not matter', async (db) => {
    const data = { name: 'before' }
    const where = { id: a.tag[0] }
    const updated = db.tag.update({ where, data })
    const result = await updated
    data.name = 'after'
    where.id = a.tag[1]
    return [result, data, where]
  }),
  reads('arguments are left as they are', async (db) => {
    const args = {
      where: { AND: [{ books: { some: {} } }], boss: undefined, OR: [{ rank: 3 }, { boss: { rank: 3 } }] },
      include: { books: { where: { tags: { some: {} } }, ...byId }, boss: true, _count: true },
      ...byId,
      cursor: { id: a.author[0] },
    }
    const before = JSON.stringify(args)
    await db.author.findMany(args)
    return [before === JSON.stringify(args), Object.keys(args.where)]
  }),
  reads('arguments that are frozen', (db) => {
    const freeze = <Value>(value: Value): Value => {
      if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze)
      return value
    }
    return db.author.findMany(
      freeze({ where: { boss: { name: 'Ada' }, OR: [{ rank: 1 }, {}] }, include: { books: byId }, ...byId }),
    )
  }),
  reads('arguments without a prototype', (db) =>
    db.author.findMany(
      Object.assign(Object.create(null) as object, {
        where: Object.assign(Object.create(null) as object, { name: 'Ada' }),
        select: { id: true },
      }),
    ),
  ),
  reads('arguments that stand in two places', (db) => {
    const filter = { name: 'Ada' }
    return db.author.findMany({ where: { AND: [filter, filter], OR: [{ boss: filter }, filter] }, ...byId })
  }),
  reads('raw SQL', (db) => db.$queryRaw`select name from "Tag" order by name`, {
    deliberate: {
      reason: 'hull one can’t rewrite raw SQL; where row-level security does not hold it, it is refused',
      hulls: ['one'],
      outcome: { error: { name: 'TenancyError', code: 'DH205' } },
    },
  }),
  reads(
    'raw SQL with parameters of every type',
    (db) =>
      db.$queryRaw`select ${1}::int as i, ${'x'} as t, ${true}::bool as b, ${new Date(0)}::timestamptz as d, ${12n}::bigint as n, ${[1, 2]}::int[] as l, ${null}::text as z`,
    {
      deliberate: {
        reason: 'hull one can’t rewrite raw SQL; where row-level security does not hold it, it is refused',
        hulls: ['one'],
        outcome: { error: { name: 'TenancyError', code: 'DH205' } },
      },
    },
  ),
  writes('raw SQL that writes', (db) => db.$executeRaw`update "Tag" set name = name || ${'!'}`, {
    deliberate: {
      reason: 'hull one can’t rewrite raw SQL; where row-level security does not hold it, it is refused',
      hulls: ['one'],
      outcome: { error: { name: 'TenancyError', code: 'DH205' } },
    },
  }),
]
