import { type Case, reads } from './case.ts'
import { a, keys, type Model, missing, models, orderOf, relations, shared } from './scene.ts'

const scalarOf = (model: Model) => keys[model][0] ?? ''

/** Every read that a model and its relations make possible, one by one. */
const generated: readonly Case[] = models.flatMap((model) => {
  const order = orderOf(model)
  const [key] = keys[model]
  const field = key ?? ''
  const entries = Object.entries(relations[model])
  return [
    reads(`${model}.findMany`, (db) => db[model].findMany({ orderBy: order })),
    reads(`${model}.findMany backwards, a page of it`, (db) =>
      db[model].findMany({ orderBy: orderOf(model, 'desc'), skip: 1, take: 2 }),
    ),
    reads(`${model}.findMany from the end`, (db) => db[model].findMany({ orderBy: order, take: -2 })),
    reads(`${model}.findFirst`, (db) => db[model].findFirst({ orderBy: order })),
    reads(`${model}.findFirst without arguments finds something`, async (db) =>
      Boolean(await db[model].findFirst()),
    ),
    reads(`${model}.findFirst of nothing`, (db) => db[model].findFirst({ where: { NOT: {} } })),
    reads(`${model}.findFirstOrThrow`, (db) => db[model].findFirstOrThrow({ orderBy: order })),
    reads(`${model}.findFirstOrThrow of nothing`, (db) => db[model].findFirstOrThrow({ where: { OR: [] } }), {
      fails: 'P2025',
    }),
    reads(`${model}.count`, (db) => db[model].count()),
    reads(`${model}.count with select`, (db) => db[model].count({ select: { _all: true, [field]: true } })),
    reads(`${model}.count of a page`, (db) => db[model].count({ orderBy: order, skip: 1, take: 1 })),
    reads(`${model}.aggregate`, (db) =>
      db[model].aggregate({ _count: { _all: true, [field]: true }, orderBy: order, skip: 1 }),
    ),
    reads(`${model}.groupBy`, (db) =>
      db[model].groupBy({ by: [...keys[model]], _count: true, orderBy: order }),
    ),
    reads(`${model}.findMany with distinct`, (db) =>
      db[model].findMany({ distinct: [field], orderBy: order }),
    ),
    reads(`${model}.findMany with select`, (db) =>
      db[model].findMany({ select: { [field]: true }, orderBy: order }),
    ),
    reads(`${model}.findMany with omit`, (db) =>
      db[model].findMany({ omit: { [field]: true }, orderBy: order }),
    ),
    ...(keys[model].length === 1 && model !== 'product' && model !== 'counter'
      ? [
          reads(`${model}.findMany with a cursor`, async (db) => {
            const rows = await db[model].findMany({ orderBy: order })
            const cursor = { [field]: rows.at(-1)[field] }
            return [
              await db[model].findMany({ orderBy: order, cursor }),
              await db[model].findMany({ orderBy: order, cursor, take: -2 }),
              await db[model].findMany({ orderBy: order, cursor, skip: 1, take: 2 }),
            ]
          }),
          reads(`${model}.findUnique`, async (db) => {
            const [row] = await db[model].findMany({ orderBy: order })
            return [
              await db[model].findUnique({ where: { [field]: row[field] } }),
              await db[model].findUniqueOrThrow({ where: { [field]: row[field] } }),
            ]
          }),
        ]
      : []),
    ...entries.flatMap(([name, { to, kind }]) => {
      const target = scalarOf(to)
      const common = [
        reads(`${model}.findMany with include of ${name}`, (db) =>
          db[model].findMany({
            include: { [name]: kind === 'list' ? { orderBy: orderOf(to) } : true },
            orderBy: order,
          }),
        ),
        reads(`${model}.findMany with select of ${name}`, (db) =>
          db[model].findMany({
            select: {
              [name]: {
                select: { [target]: true },
                ...(kind === 'list' ? { orderBy: orderOf(to, 'desc'), take: 2 } : {}),
              },
            },
            orderBy: order,
          }),
        ),
        reads(`${model}.findFirst, followed to ${name}`, (db) =>
          db[model].findFirst({ orderBy: order })[name](kind === 'list' ? { orderBy: orderOf(to) } : {}),
        ),
      ]
      if (kind === 'list') {
        return [
          ...common,
          ...(['some', 'every', 'none'] as const).flatMap((quantifier) => [
            reads(`${model}.findMany where ${quantifier} of ${name}`, (db) =>
              db[model].findMany({ where: { [name]: { [quantifier]: {} } }, orderBy: order }),
            ),
            reads(`${model}.findMany where ${quantifier} of ${name} is a certain one`, async (db) => {
              const row = await db[to].findFirst({ orderBy: orderOf(to) })
              return db[model].findMany({
                where: { [name]: { [quantifier]: { [target]: row[target] } } },
                orderBy: order,
              })
            }),
          ]),
          reads(`${model}.findMany ordered by the count of ${name}`, (db) =>
            db[model].findMany({ orderBy: [{ [name]: { _count: 'desc' } }, ...order] }),
          ),
          reads(`${model}.findMany with _count of ${name}`, (db) =>
            db[model].findMany({ include: { _count: { select: { [name]: true } } }, orderBy: order }),
          ),
          reads(`${model}.findMany with a filtered _count of ${name}`, (db) =>
            db[model].findMany({
              select: { _count: { select: { [name]: { where: { [target]: { not: {} } } } } } },
              orderBy: order,
            }),
          ),
          reads(`${model}.findMany with include of ${name} by a cursor, distinct and a page`, async (db) => {
            const row = await db[to].findFirst({ orderBy: orderOf(to) })
            const cursor =
              keys[to].length > 1
                ? { shelfId_bookId: { shelfId: row.shelfId, bookId: row.bookId } }
                : to === 'product'
                  ? { companyId_sku: { companyId: row.companyId, sku: row.sku } }
                  : to === 'counter'
                    ? { counter: { companyId: row.companyId, name: row.name } }
                    : { [target]: row[target] }
            return db[model].findMany({
              include: {
                [name]: { cursor, orderBy: orderOf(to), distinct: [target], skip: 0, take: 5 },
              },
              orderBy: order,
            })
          }),
        ]
      }
      return [
        ...common,
        reads(`${model}.findMany where ${name} is any`, (db) =>
          db[model].findMany({ where: { [name]: {} }, orderBy: order }),
        ),
        ...(['is', 'isNot'] as const).map((quantifier) =>
          reads(`${model}.findMany where ${name} ${quantifier} a certain one`, async (db) => {
            const row = await db[to].findFirst({ orderBy: orderOf(to) })
            return db[model].findMany({
              where: { [name]: { [quantifier]: { [target]: row[target] } } },
              orderBy: order,
            })
          }),
        ),
        ...(kind === 'optional'
          ? [
              reads(`${model}.findMany where ${name} is null, in each form`, async (db) => [
                await db[model].findMany({ where: { [name]: null }, orderBy: order }),
                await db[model].findMany({ where: { [name]: { is: null } }, orderBy: order }),
                await db[model].findMany({ where: { [name]: { isNot: null } }, orderBy: order }),
                await db[model].findMany({ where: { NOT: { [name]: null } }, orderBy: order }),
                await db[model].findMany({ where: { [name]: { isNot: {} } }, orderBy: order }),
              ]),
            ]
          : []),
        ...(['asc', 'desc'] as const).map((direction) =>
          reads(`${model}.findMany ordered by ${name}, ${direction}`, (db) =>
            db[model].findMany({ orderBy: [{ [name]: { [target]: direction } }, ...order] }),
          ),
        ),
      ]
    }),
  ]
})

const byId = [{ id: 'asc' }]

const written: readonly Case[] = [
  // keys
  reads('findUnique by each kind of key', async (db) => [
    await db.author.findUnique({ where: { id: a.author[0] } }),
    await db.author.findUnique({ where: { successorId: a.author[2] } }),
    await db.author.findUnique({ where: { name_and_rank: { name: 'Ada', rank: 3 } } }),
    await db.author.findUnique({
      where: { companyId_email: { companyId: a.company, email: 'ada@x.org' } },
    }),
    await db.book.findUnique({ where: { id: a.book[0] } }),
    await db.product.findUnique({
      where: { companyId_sku: { companyId: a.company, sku: a.sku[0] } },
    }),
    await db.counter.findUnique({ where: { counter: { companyId: a.company, name: a.counter[0] } } }),
    await db.shelfBook.findUnique({
      where: { shelfId_bookId: { shelfId: a.shelf[0], bookId: a.book[0] } },
    }),
    await db.order.findUnique({ where: { companyId_number: { companyId: a.company, number: 2 } } }),
    await db.order.findUnique({ where: { companyId_id: { companyId: a.company, id: a.order[0] } } }),
    await db.passport.findUnique({ where: { authorId: a.author[0] } }),
    await db.profile.findUnique({ where: { authorId: a.author[1] } }),
    await db.user.findUnique({ where: { email: 'a.ann@example.org' } }),
    await db.currency.findUnique({ where: { code: 'EUR' } }),
    await db.template.findUnique({ where: { id: shared } }),
    await db.company.findUnique({ where: { id: a.company } }),
    await db.membership.findUnique({
      where: { companyId_userId: { companyId: a.company, userId: a.user[0] } },
    }),
  ]),
  reads('findUnique with conditions beside the key', async (db) => [
    await db.author.findUnique({ where: { id: a.author[0], name: 'Ada' } }),
    await db.author.findUnique({ where: { id: a.author[0], name: 'Ben' } }),
    await db.author.findUnique({ where: { id: a.author[0], OR: [{ rank: 3 }, { rank: 4 }] } }),
    await db.author.findUnique({ where: { id: a.author[0], AND: { NOT: { rank: 3 } } } }),
    await db.author.findUnique({ where: { id: a.author[0], companyId: a.company } }),
    await db.author.findUnique({ where: { id: a.author[0], books: { some: { title: 'Alpha' } } } }),
    await db.author.findUnique({ where: { id: a.author[0], boss: null } }),
    await db.author.findUnique({ where: { id: a.author[0], successorId: a.author[2] } }),
    await db.order.findUnique({
      where: { id: a.order[0], companyId_number: { companyId: a.company, number: 1 } },
    }),
  ]),
  reads('findUnique of a missing row', (db) => db.author.findUnique({ where: { id: missing.author[0] } })),
  reads(
    'findUniqueOrThrow of a missing row',
    (db) => db.author.findUniqueOrThrow({ where: { id: missing.author[0] } }),
    { fails: 'P2025' },
  ),
  reads('findUnique of several in one tick, with doubles and missing ones', (db) =>
    Promise.all(
      [a.author[0], missing.author[0], a.author[1], a.author[0], missing.author[1], a.author[2]].map((id) =>
        db.author.findUnique({ where: { id } }),
      ),
    ),
  ),
  reads('findUnique of several in one tick with include', (db) =>
    Promise.all(
      [a.author[0], a.author[1], a.author[0]].map((id) =>
        db.author.findUnique({
          where: { id },
          include: { books: { orderBy: byId }, boss: true, _count: true },
        }),
      ),
    ),
  ),
  reads('findUnique of several in one tick with select and without the key', (db) =>
    Promise.all(
      [a.author[0], a.author[1], missing.author[0]].map((id) =>
        db.author.findUnique({ where: { id }, select: { name: true } }),
      ),
    ),
  ),
  reads('findUnique of several in one tick by a compound key', (db) =>
    Promise.all(
      [a.sku[0], missing.sku[0], a.sku[1], a.sku[0]].map((sku) =>
        db.product.findUnique({ where: { companyId_sku: { companyId: a.company, sku } } }),
      ),
    ),
  ),
  reads(
    'findUniqueOrThrow of several in one tick',
    (db) =>
      Promise.allSettled(
        [a.author[0], missing.author[0], a.author[1]].map((id) =>
          db.author.findUniqueOrThrow({ where: { id } }),
        ),
      ),
    {
      deliberate: {
        reason:
          'what is missing of several is asked for once more alone, and Prisma then says a sentence more',
        hulls: ['one', 'two', 'both'],
        outcome: {
          value: [
            { status: 'fulfilled' },
            {
              status: 'rejected',
              reason: { error: { name: 'PrismaClientKnownRequestError', code: 'P2025' } },
            },
            { status: 'fulfilled' },
          ],
        },
      },
    },
  ),
  reads('several relations of several rows followed in one tick', (db) =>
    Promise.all(
      [a.author[0], a.author[1], missing.author[0]].map((id) =>
        db.author.findUnique({ where: { id } }).books({ orderBy: byId }),
      ),
    ),
  ),
  reads('a chain of relations that is followed', async (db) => [
    await db.review
      .findUnique({ where: { id: a.review[0] } })
      .book()
      .author()
      .passport(),
    await db.author
      .findUnique({ where: { id: a.author[1] } })
      .boss()
      .books({ orderBy: byId, take: 1 }),
    await db.author.findUnique({ where: { id: a.author[0] } }).boss(),
    await db.author.findUnique({ where: { id: missing.author[0] } }).boss(),
    await db.author.findUnique({ where: { id: a.author[4] } }).books(),
    await db.book.findUnique({ where: { id: a.book[0] } }).author({ select: { name: true } }),
    await db.book.findUnique({ where: { id: a.book[0] } }).author({ include: { boss: true } }),
    await db.book.findUnique({ where: { id: a.book[2] } }).template(),
    await db.company.findUnique({ where: { id: a.company } }).orders({ where: { number: 2 } }),
  ]),
  reads(
    'a relation followed from a missing row that must be there',
    (db) => db.author.findUniqueOrThrow({ where: { id: missing.author[0] } }).books(),
    { fails: 'P2025' },
  ),

  // selection
  reads('include three deep, over each kind of relation', (db) =>
    db.author.findMany({
      orderBy: byId,
      include: {
        boss: { include: { boss: { include: { passport: true } }, reports: { orderBy: byId } } },
        books: {
          orderBy: byId,
          include: {
            tags: { orderBy: byId, include: { books: { orderBy: byId, select: { title: true } } } },
            reviews: {
              orderBy: byId,
              include: { comments: { orderBy: byId }, reviewer: { include: { profile: true } } },
            },
            template: { include: { currencies: { orderBy: { code: 'asc' } } } },
            shelves: { orderBy: { shelfId: 'asc' }, include: { shelf: true } },
            _count: { select: { tags: true, reviews: { where: { stars: { gt: 4 } } } } },
          },
        },
        user: { include: { memberships: { include: { company: { select: { name: true } } } } } },
        currency: { include: { templates: { orderBy: byId } } },
        _count: true,
      },
    }),
  ),
  reads('select three deep', (db) =>
    db.company.findFirst({
      select: {
        name: true,
        orders: {
          orderBy: { number: 'desc' },
          select: {
            number: true,
            lines: {
              orderBy: { quantity: 'asc' },
              select: {
                quantity: true,
                product: { select: { name: true, price: true, _count: true } },
                substituteProduct: { select: { lines: { select: { id: true }, orderBy: byId } } },
              },
            },
          },
        },
        _count: { select: { authors: true, books: { where: { available: true } } } },
      },
    }),
  ),
  reads('include filters', (db) =>
    db.author.findMany({
      orderBy: byId,
      include: {
        books: {
          where: {
            OR: [{ title: { contains: 'a', mode: 'insensitive' } }, { reviews: { some: {} } }],
            tags: { some: { name: { startsWith: 'o' } } },
          },
          orderBy: [{ reviews: { _count: 'desc' } }, { title: 'asc' }],
          take: 1,
          skip: 0,
        },
        friends: { where: { rank: { gt: 1 } }, orderBy: { name: 'desc' } },
        reports: { where: { boss: { name: 'Ada' } }, orderBy: { rank: 'asc' }, omit: { data: true } },
      },
    }),
  ),
  reads('omit at each depth', (db) =>
    db.book.findMany({
      orderBy: byId,
      omit: { createdAt: true, cover: true },
      include: {
        author: { omit: { data: true, email: false } },
        tags: { omit: { id: true }, orderBy: byId },
      },
    }),
  ),
  reads('select of false and undefined', (db) =>
    db.author.findMany({
      orderBy: byId,
      select: { id: true, name: undefined, rank: false, boss: false, books: undefined, _count: false },
    }),
  ),
  reads('include of false and undefined', (db) =>
    db.author.findMany({ orderBy: byId, include: { boss: false, books: undefined, _count: undefined } }),
  ),
  reads('an empty include', (db) => db.author.findMany({ orderBy: byId, include: {} })),
  reads('_count in every form', async (db) => [
    await db.author.findMany({ orderBy: byId, include: { _count: true } }),
    await db.author.findMany({ orderBy: byId, select: { _count: true } }),
    await db.author.findMany({
      orderBy: byId,
      select: { _count: { select: { books: true, reports: { where: { rank: 1 } }, friends: true } } },
    }),
    await db.user.findMany({ orderBy: byId, include: { _count: true } }),
    await db.currency.findMany({ orderBy: { code: 'asc' }, include: { _count: true } }),
    await db.template.findMany({ orderBy: byId, include: { _count: true } }),
    await db.book.findMany({
      orderBy: byId,
      select: {
        author: { select: { _count: { select: { books: true } } } },
        _count: { select: { shelves: { where: { shelf: { name: 'upper' } } } } },
      },
    }),
  ]),
  reads(
    'select and include at once',
    (db) => db.author.findMany({ select: { id: true }, include: { boss: true } }),
    { fails: 'PrismaClientValidationError' },
  ),
  reads('an empty select', (db) => db.author.findMany({ select: {} }), {
    fails: 'PrismaClientValidationError',
  }),
  reads('include of a scalar', (db) => db.author.findMany({ include: { name: true } }), {
    fails: 'PrismaClientValidationError',
  }),
  reads('include of an unknown field', (db) => db.author.findMany({ include: { nothing: true } }), {
    fails: 'PrismaClientValidationError',
  }),
  reads(
    'where on a required relation that is included',
    (db) => db.book.findMany({ include: { author: { where: { name: 'Ada' } } } }),
    { fails: 'PrismaClientValidationError' },
  ),
  reads('where on an optional relation that is included', (db) =>
    db.author.findMany({ orderBy: byId, include: { boss: { where: { name: 'Ben' } } } }),
  ),

  // filters
  reads('text filters', async (db) => {
    const where = [
      { title: { equals: 'Alpha' } },
      { title: { not: 'Alpha' } },
      { title: { in: ['Alpha', 'beta'] } },
      { title: { notIn: ['Alpha', 'beta'] } },
      { title: { in: [] } },
      { title: { notIn: [] } },
      { title: { contains: 'a' } },
      { title: { startsWith: 'a', mode: 'insensitive' } },
      { title: { endsWith: 'A', mode: 'insensitive' } },
      { title: { equals: 'ALPHA', mode: 'insensitive' } },
      { title: { in: ['ALPHA'], mode: 'insensitive' } },
      { title: { lt: 'G', gte: 'A' } },
      { title: { not: { contains: 'a' } } },
      { title: { not: { not: { equals: 'Alpha' } } } },
      { title: { contains: '%' } },
      { title: { search: 'alpha | gamma' } },
      { subtitle: null },
      { subtitle: { not: null } },
      { subtitle: { equals: null } },
      { subtitle: { in: ['first', null] } },
      { subtitle: { not: 'first' } },
      { NOT: { subtitle: 'first' } },
      { subtitle: undefined },
      { subtitle: { equals: undefined } },
    ]
    return Promise.allSettled(
      where.map((filter) => db.book.findMany({ where: filter, orderBy: byId, select: { id: true } })),
    )
  }),
  reads('number, bigint, decimal, boolean, date, enum and byte filters', async (db) => {
    const where = [
      { pages: 200 },
      { pages: { gt: 50, lte: 200 } },
      { pages: { not: { in: [100, 200] } } },
      { stock: 9007199254740993n },
      { stock: { lt: 0 } },
      { stock: { in: [0n, 7] } },
      { price: '10.50' },
      { price: 10.5 },
      { price: { gt: '0.01', lt: 100 } },
      { weight: null },
      { weight: { gte: 1.5 } },
      { available: true },
      { available: { not: true } },
      { publishedAt: new Date('2020-01-01T10:00:00.000Z') },
      { publishedAt: '2020-01-01T10:00:00.000Z' },
      { publishedAt: { gt: new Date('2020-01-02') } },
      { status: 'ACTIVE' },
      { status: { in: ['ACTIVE', 'DRAFT'] } },
      { status: { not: 'ACTIVE' } },
      { cover: Buffer.from([1, 2]) },
      { cover: new Uint8Array([255]) },
      { cover: null },
      { cover: { not: Buffer.from([1, 2]) } },
    ]
    return Promise.allSettled(
      where.map((filter) => db.book.findMany({ where: filter, orderBy: byId, select: { id: true } })),
    )
  }),
  reads('list filters', async (db) => {
    const where = [
      { keywords: { has: 'red' } },
      { keywords: { hasEvery: ['red', 'blue'] } },
      { keywords: { hasSome: ['green', 'blue'] } },
      { keywords: { isEmpty: true } },
      { keywords: { isEmpty: false } },
      { keywords: { equals: ['red', 'blue'] } },
      { keywords: ['blue'] },
      { ratings: { has: 5 } },
      { ratings: { hasSome: [1, 4] } },
      { history: { has: 'RETIRED' } },
      { history: { equals: [] } },
      { NOT: { keywords: { has: 'red' } } },
      { keywords: { hasEvery: [] } },
      { keywords: { hasSome: [] } },
    ]
    return Promise.allSettled(
      where.map((filter) => db.book.findMany({ where: filter, orderBy: byId, select: { id: true } })),
    )
  }),
  reads('JSON filters', async (db, Prisma) => {
    const where = [
      { data: { equals: [1, 'two', null] } },
      { data: { path: ['a'], equals: 1 } },
      { data: { path: ['a'], gt: 1 } },
      { data: { path: ['deep', 'n'], array_contains: [1] } },
      { data: { path: ['deep', 'n', '0'], equals: 1 } },
      { data: { path: ['tags'], array_starts_with: 'x' } },
      { data: { path: ['tags'], array_ends_with: 'y' } },
      { data: { path: ['text'], string_contains: 'World' } },
      { data: { path: ['text'], string_starts_with: 'hello', mode: 'insensitive' } },
      { data: { equals: Prisma.DbNull } },
      { data: { equals: Prisma.JsonNull } },
      { data: { equals: Prisma.AnyNull } },
      { data: { not: Prisma.DbNull } },
      { data: { not: Prisma.AnyNull } },
      { data: Prisma.DbNull },
      { NOT: { data: { path: ['a'], equals: 1 } } },
      { data: { path: ['none'], equals: Prisma.DbNull } },
    ]
    return Promise.allSettled(
      where.map((filter) => db.author.findMany({ where: filter, orderBy: byId, select: { id: true } })),
    )
  }),
  reads('AND, OR and NOT, empty, single and in lists', async (db) => {
    const where = [
      {},
      { AND: [] },
      { OR: [] },
      { NOT: [] },
      { AND: {} },
      { OR: [{}] },
      { NOT: {} },
      { NOT: [{ rank: 3 }, { name: 'Ben' }] },
      { AND: [{ rank: { gt: 0 } }, { OR: [{ name: 'Ada' }, { NOT: { name: 'Ben' } }] }] },
      { OR: [{ name: 'Ada' }, { name: 'Ben' }], AND: { rank: { lt: 3 } }, NOT: { id: a.author[4] } },
      { OR: undefined },
      { AND: undefined, NOT: undefined },
      { OR: [{ name: undefined }] },
      { companyId: a.company },
      { company: { id: a.company } },
      { companyId: { in: [a.company] } },
      { companyId: { not: a.company } },
      { companyId: { equals: undefined } },
      { NOT: { companyId: a.company } },
      { company: { is: { name: { contains: 'a' } } } },
      { company: { isNot: { name: 'x' } } },
      { companyId: missing.company },
      { id: { in: [...a.author.slice(0, 2), missing.author[0]] } },
    ]
    return Promise.allSettled(
      where.map((filter) => db.author.findMany({ where: filter, orderBy: byId, select: { name: true } })),
    )
  }),
  reads('relation filters three deep', async (db) => {
    const where = [
      { books: { some: { reviews: { some: { comments: { some: { text: 'yes' } } } } } } },
      { books: { every: { reviews: { none: { stars: { lt: 2 } } } } } },
      { books: { none: { tags: { some: { name: 'three' } } } } },
      { books: { some: {}, every: { available: true }, none: { pages: 50 } } },
      { boss: { boss: { name: 'Ada' } } },
      { boss: { is: { reports: { some: { rank: 2 } } } } },
      { boss: { isNot: { name: 'Ada' } } },
      { NOT: { boss: { is: { name: 'Ada' } } } },
      { predecessor: { name: 'Ben' } },
      { successor: { passport: { country: 'DE' } } },
      { passport: null },
      { passport: { is: null } },
      { passport: { isNot: null } },
      { profile: { isNot: { where: 'here' } } },
      { profile: { is: { data: { path: ['k'], equals: 1 } } } },
      { user: { memberships: { some: { role: 'owner' } } } },
      { currency: { templates: { some: { name: 'shared' } } } },
      { friends: { some: { friends: { some: { name: 'Cyd' } } } } },
      { edited: { every: { template: null } } },
      { reviews: { some: { book: { author: { boss: { isNot: null } } } } } },
      { boss: { is: null, isNot: { name: 'x' } } },
      { boss: { is: {}, isNot: null } },
      { boss: { is: undefined } },
      { books: { some: undefined } },
      { books: {} },
      { books: undefined },
    ]
    return Promise.allSettled(
      where.map((filter) => db.author.findMany({ where: filter, orderBy: byId, select: { name: true } })),
    )
  }),
  reads('references to fields', async (db) => [
    await db.review.findMany({ where: { id: { lt: db.review.fields.stars } }, orderBy: byId }),
    await db.book.findMany({
      where: { createdAt: { equals: db.book.fields.updatedAt } },
      select: { id: true },
      orderBy: byId,
    }),
    await db.book.findMany({
      where: { title: { not: { equals: db.book.fields.subtitle } } },
      select: { id: true },
      orderBy: byId,
    }),
    await db.author.findMany({
      where: { books: { some: { pages: { gt: db.book.fields.id } } } },
      select: { id: true },
      orderBy: byId,
    }),
  ]),
  reads(
    'a reference to a field of another model',
    (db) => db.book.findMany({ where: { pages: { gt: db.review.fields.stars } } }),
    { fails: 'P2019' },
  ),
  reads('Prisma.skip', async (db, Prisma) => [
    await db.author.findMany({
      where: { name: Prisma.skip, rank: { gt: 0, lt: Prisma.skip } },
      orderBy: byId,
      include: Prisma.skip,
    }),
    await db.author.findMany({ where: Prisma.skip, orderBy: byId, take: Prisma.skip }),
    await db.author.findMany({ where: { books: Prisma.skip, boss: { is: Prisma.skip } }, orderBy: byId }),
    await db.author.findMany({
      include: { books: Prisma.skip, boss: { select: Prisma.skip } },
      orderBy: byId,
    }),
    await db.author.findFirst({
      where: { id: a.author[0], companyId: Prisma.skip, AND: Prisma.skip, OR: Prisma.skip },
      cursor: Prisma.skip,
    }),
  ]),
  reads('undefined for every argument', async (db) => [
    await db.author.findMany(undefined),
    await db.author.findMany({
      where: undefined,
      orderBy: undefined,
      cursor: undefined,
      take: undefined,
      skip: undefined,
      distinct: undefined,
      select: undefined,
      include: undefined,
      omit: undefined,
    }),
    await db.author.count({ where: undefined, select: undefined }),
    await db.author.findFirst({ where: undefined, orderBy: byId }),
    await db.author.aggregate({ where: undefined, _count: true }),
  ]),

  // order and pages
  reads('orders', async (db) => {
    const orders = [
      { name: 'asc' },
      [{ rank: 'desc' }, { name: 'asc' }],
      [{ email: { sort: 'asc', nulls: 'first' } }, { id: 'asc' }],
      [{ email: { sort: 'desc', nulls: 'last' } }, { id: 'asc' }],
      [{ email: 'asc' }, { id: 'asc' }],
      [{ boss: { name: 'desc' } }, { id: 'asc' }],
      [{ boss: { boss: { name: 'asc' } } }, { id: 'asc' }],
      [{ boss: { email: { sort: 'asc', nulls: 'last' } } }, { id: 'asc' }],
      [{ passport: { country: 'asc' } }, { id: 'asc' }],
      [{ currency: { name: 'asc' } }, { id: 'asc' }],
      [{ user: { name: 'desc' } }, { id: 'asc' }],
      [{ company: { name: 'desc' } }, { id: 'asc' }],
      [{ books: { _count: 'desc' } }, { id: 'asc' }],
      [{ boss: { books: { _count: 'asc' } } }, { id: 'asc' }],
      [{ friends: { _count: 'asc' } }, { id: 'desc' }],
      [{ successor: { rank: 'asc' } }, { predecessor: { rank: 'asc' } }, { id: 'asc' }],
      [],
      [{}],
      {},
      [{ name: undefined }, { id: 'asc' }],
      { _relevance: { fields: ['name'], search: 'ada', sort: 'desc' } },
    ]
    return Promise.allSettled(
      orders.map((orderBy) => db.author.findMany({ orderBy, select: { name: true } })),
    )
  }),
  reads('orders inside includes', (db) =>
    db.company.findMany({
      select: {
        books: {
          orderBy: [{ author: { boss: { name: 'asc' } } }, { editor: { name: 'desc' } }, { id: 'asc' }],
          select: { id: true, reviews: { orderBy: [{ reviewer: { name: 'asc' } }, { id: 'asc' }] } },
        },
      },
    }),
  ),
  reads('pages', async (db) => {
    const cursor = { id: a.author[2] }
    const pages = [
      { take: 0 },
      { take: 1 },
      { take: -1 },
      { skip: 2 },
      { skip: 10 },
      { cursor },
      { cursor, skip: 1 },
      { cursor, take: 2 },
      { cursor, take: -2 },
      { cursor, take: -2, skip: 1 },
      { cursor, where: { rank: { gt: 1 } } },
      { cursor, where: { name: 'Ada' } },
      { cursor: { id: missing.author[0] } },
      { cursor: { name_and_rank: { name: 'Ben', rank: 1 } } },
      { cursor: { companyId_email: { companyId: a.company, email: 'cyd@x.org' } } },
      { cursor: { successorId: a.author[2] } },
      { cursor: { id: a.author[1], name: 'Ben' } },
      { cursor: { id: a.author[1], companyId: a.company } },
      { cursor, orderBy: [{ rank: 'desc' }, { id: 'asc' }] },
      { cursor, orderBy: [{ boss: { name: 'asc' } }, { id: 'asc' }] },
      { cursor, distinct: ['rank'] },
    ]
    return Promise.allSettled(
      pages.map((page) => db.author.findMany({ orderBy: byId, ...page, select: { name: true } })),
    )
  }),
  reads(
    'cursors over models without a tenant field, with compound keys and with an id of their own',
    async (db) => {
      const cursors = await Promise.allSettled([
        db.review.findMany({ cursor: { id: a.review[1] }, orderBy: byId }),
        db.review.findMany({ cursor: { id: missing.review[1] }, orderBy: byId }),
        db.comment.findMany({ cursor: { id: a.comment[1] }, orderBy: byId, take: -1, skip: 1 }),
        db.shelfBook.findMany({
          cursor: { shelfId_bookId: { shelfId: a.shelf[0], bookId: a.book[1] } },
          orderBy: [{ shelfId: 'asc' }, { bookId: 'asc' }],
        }),
        db.template.findMany({ cursor: { id: shared }, orderBy: byId }),
        db.template.findMany({ cursor: { id: a.template[0] }, orderBy: { id: 'desc' } }),
        db.user.findMany({ cursor: { email: 'a.bob@example.org' }, orderBy: byId }),
        db.currency.findMany({ cursor: { code: 'GBP' }, orderBy: { code: 'asc' } }),
        db.product.findMany({
          cursor: { companyId_sku: { companyId: a.company, sku: a.sku[1] } },
          orderBy: { sku: 'asc' },
        }),
        db.counter.findMany({
          cursor: { counter: { companyId: a.company, name: a.counter[1] } },
          orderBy: { name: 'asc' },
        }),
        db.company.findMany({ cursor: { id: a.company } }),
        db.company.findMany({ cursor: { id: missing.company } }),
        db.event.findMany({ cursor: { id: a.event[1] }, orderBy: byId }),
        db.author.findFirst({ cursor: { id: a.author[1] }, orderBy: byId, skip: 1 }),
        db.author.count({ cursor: { id: a.author[1] }, orderBy: byId }),
        db.author.aggregate({ cursor: { id: a.author[1] }, orderBy: byId, _sum: { rank: true } }),
        db.review.count({ cursor: { id: a.review[1] }, orderBy: byId }),
        db.review.aggregate({ cursor: { id: a.review[1] }, orderBy: byId, take: 1, _max: { stars: true } }),
      ])
      return cursors
    },
  ),
  reads('a cursor without a key', (db) => db.author.findMany({ cursor: { name: 'Ada' } }), {
    fails: 'PrismaClientValidationError',
  }),
  reads('an empty cursor', (db) => db.author.findMany({ cursor: {} }), {
    fails: 'PrismaClientValidationError',
  }),
  reads('distinct over several fields', async (db) => [
    await db.book.findMany({ distinct: ['pages', 'available'], orderBy: byId }),
    await db.book.findMany({ distinct: 'pages', orderBy: [{ pages: 'asc' }, { id: 'desc' }], skip: 1 }),
    await db.book.findMany({ distinct: ['pages'], orderBy: byId, take: 2, select: { title: true } }),
    await db.author.findMany({
      distinct: ['companyId'],
      orderBy: byId,
      include: { books: { distinct: ['pages'], orderBy: byId } },
    }),
  ]),

  // numbers
  reads('aggregates of every function', (db) =>
    db.book.aggregate({
      _count: { _all: true, weight: true, subtitle: true },
      _sum: { price: true, stock: true, pages: true, weight: true },
      _avg: { price: true, stock: true, pages: true, weight: true },
      _min: { title: true, price: true, publishedAt: true, stock: true },
      _max: { title: true, price: true, publishedAt: true, stock: true },
    }),
  ),
  reads('aggregates with a filter, an order and a page', async (db) => [
    await db.book.aggregate({
      where: { author: { name: 'Ada' }, reviews: { some: {} } },
      _sum: { pages: true },
    }),
    await db.book.aggregate({ orderBy: { pages: 'desc' }, take: 2, skip: 1, _sum: { pages: true } }),
    await db.book.aggregate({ where: { OR: [] }, _sum: { pages: true }, _count: true }),
    await db.book.aggregate({
      orderBy: [{ author: { name: 'asc' } }, { id: 'asc' }],
      take: 2,
      _min: { id: true },
    }),
  ]),
  reads('count with a filter, an order and a page', async (db) => [
    await db.book.count({ where: { tags: { some: {} } } }),
    await db.book.count({ select: { _all: true, subtitle: true, weight: true } }),
    await db.book.count({ select: true }),
    await db.book.count({ orderBy: { author: { name: 'asc' } }, take: 3 }),
    await db.book.count({ distinct: ['pages'] }).catch((error: Error) => error),
  ]),
  reads('groups', async (db) => [
    await db.book.groupBy({ by: ['authorId'], _count: true, orderBy: { authorId: 'asc' } }),
    await db.book.groupBy({
      by: ['available', 'pages'],
      where: { author: { isNot: { name: 'x' } } },
      _sum: { price: true },
      _avg: { pages: true },
      having: { pages: { gt: 60 }, price: { _sum: { gt: 1 } } },
      orderBy: [{ pages: 'asc' }, { available: 'asc' }],
    }),
    await db.book.groupBy({
      by: 'status',
      _count: { _all: true, subtitle: true },
      orderBy: [{ _count: { status: 'desc' } }, { status: 'asc' }],
      take: 2,
      skip: 1,
    }),
    await db.book.groupBy({
      by: ['status'],
      having: { OR: [{ pages: { _avg: { gt: 100 } } }, { status: 'DRAFT' }] },
      orderBy: { status: 'asc' },
    }),
    await db.author.groupBy({ by: ['companyId'], _max: { rank: true }, orderBy: { companyId: 'asc' } }),
    await db.review.groupBy({
      by: ['bookId'],
      _sum: { stars: true },
      having: { stars: { _count: { gt: 1 } } },
      orderBy: { _sum: { stars: 'desc' } },
    }),
  ]),
  reads('a group without an order where it is needed', (db) => db.book.groupBy({ by: ['status'], take: 1 }), {
    fails: 'P2019',
  }),
  reads('a group by nothing', (db) => db.book.groupBy({ _count: true }), {
    fails: 'PrismaClientValidationError',
  }),

  // much
  // Prisma asks in parts where nothing is ordered or counted
  ...[1_000, 32_767, 70_000].flatMap((length) => {
    const where = { id: { in: Array.from({ length }, (_, index) => index) } }
    const fails = length > 32_766 ? { fails: 'P2029' } : {}
    const titles = (rows: { title: string }[]) => rows.map(({ title }) => title).sort()
    return [
      reads(`findMany by a list of ${length} values`, async (db) =>
        titles(await db.book.findMany({ where, select: { title: true } })),
      ),
      reads(
        `findMany by a list of ${length} values and an order`,
        (db) => db.book.findMany({ where, orderBy: byId, select: { title: true } }),
        fails,
      ),
      reads(`count by a list of ${length} values`, (db) => db.book.count({ where }), fails),
    ]
  }),

  // what Prisma refuses before it asks
  ...(
    [
      ['an unknown argument', (db) => db.author.findMany({ nothing: 1 })],
      ['an unknown field in where', (db) => db.author.findMany({ where: { nothing: 1 } })],
      ['a value of a wrong type', (db) => db.author.findMany({ where: { rank: 'one' } })],
      ['an unknown filter', (db) => db.author.findMany({ where: { rank: { like: 1 } } })],
      ['null for a required field', (db) => db.author.findMany({ where: { name: null } })],
      ['null for a list relation', (db) => db.author.findMany({ where: { books: null } })],
      ['null for a required relation', (db) => db.book.findMany({ where: { author: null } })],
      ['where as null', (db) => db.author.findMany({ where: null })],
      ['where as a list', (db) => db.author.findMany({ where: [] })],
      ['where as a text', (db) => db.author.findMany({ where: 'name' })],
      ['AND as a text', (db) => db.author.findMany({ where: { AND: 'name' } })],
      ['OR as an object', (db) => db.author.findMany({ where: { OR: { name: 'Ada' } } })],
      ['an unknown relation filter', (db) => db.author.findMany({ where: { books: { any: {} } } })],
      [
        'a list relation filtered by itself',
        (db) => db.author.findMany({ where: { books: { title: 'x' } } }),
      ],
      ['take as a text', (db) => db.author.findMany({ take: 'one' })],
      ['an order of a wrong direction', (db) => db.author.findMany({ orderBy: { name: 'up' } })],
      ['an order by two fields in one', (db) => db.author.findMany({ orderBy: { name: 'asc', id: 'asc' } })],
      ['an order by an unknown field', (db) => db.author.findMany({ orderBy: { nothing: 'asc' } })],
      ['an order by a list', (db) => db.author.findMany({ orderBy: { books: { title: 'asc' } } })],
      ['findUnique without where', (db) => db.author.findUnique()],
      ['findUnique without a key', (db) => db.author.findUnique({ where: { name: 'Ada' } })],
      ['findUnique with an undefined key', (db) => db.author.findUnique({ where: { id: undefined } })],
      ['findUnique with null for a key', (db) => db.author.findUnique({ where: { id: null } })],
      ['findUnique with an operator', (db) => db.author.findUnique({ where: { id: { in: [] } } })],
      ['findUnique with a page', (db) => db.author.findUnique({ where: { id: a.author[0] }, take: 1 })],
      [
        'findUnique with half of a compound key',
        (db) => db.product.findUnique({ where: { companyId_sku: { sku: a.sku[0] } } }),
      ],
      ['distinct by an unknown field', (db) => db.author.findMany({ distinct: ['nothing'] })],
      ['an aggregate of nothing', (db) => db.author.aggregate({})],
      ['a sum of texts', (db) => db.author.aggregate({ _sum: { name: true } })],
      ['select of an unknown field', (db) => db.author.findMany({ select: { nothing: true } })],
      ['omit of an unknown field', (db) => db.author.findMany({ omit: { nothing: true } })],
      ['an unknown cursor', (db) => db.author.findMany({ cursor: { nothing: 1 } })],
      ['an invalid date', (db) => db.book.findMany({ where: { createdAt: new Date('x') } })],
    ] satisfies readonly (readonly [string, Case['run']])[]
  ).map(([title, run]) => reads(title, run, { fails: 'PrismaClientValidationError' })),
  reads('an id that is no uuid', (db) => db.author.findUnique({ where: { id: 'no uuid' } }), {
    fails: 'P2007',
  }),
  reads('a negative skip', (db) => db.author.findMany({ skip: -1 }), {
    fails: 'PrismaClientUnknownRequestError',
  }),
  reads('include as a list', (db) => db.author.findMany({ include: [], orderBy: byId })),
  reads('a relation followed by a method that was taken off', async (db) => {
    const { books } = db.author.findUnique({ where: { id: a.author[0] } })
    return books({ orderBy: byId })
  }),
  reads(
    'ids of which one is no uuid, in one tick',
    (db) =>
      Promise.allSettled(
        [a.author[0], 'no uuid', missing.author[0]].map((id) => db.author.findUnique({ where: { id } })),
      ),
    {
      deliberate: {
        reason: 'Prisma refuses all that are asked for in the tick; here only the one that is at fault',
        hulls: ['one', 'two', 'both'],
        outcome: {
          value: [
            { status: 'fulfilled', value: { id: a.author[0] } },
            { status: 'rejected', reason: { error: { code: 'P2007' } } },
            { status: 'fulfilled', value: null },
          ],
        },
      },
    },
  ),
]

export const readCases: readonly Case[] = [...generated, ...written]
