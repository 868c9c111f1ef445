import { type Case, writes } from './case.ts'
import { a, missing, shared } from './scene.ts'

const uncheckedParent = {
  deliberate: {
    reason: 'row-level security looks for the parent before the foreign key does, and says nothing of why',
    hulls: ['two'],
    outcome: { error: { name: 'TenancyError', code: 'DH301' } },
  },
} as const
const isParent = new Set(['review.bookId', 'comment.reviewId', 'shelfBook.shelfId'])
/** What is said of a key to nothing; it is the last or the only one that names a missing row. */
const keyToNothing = (model: string, data: object) => ({
  fails: 'P2003',
  ...(Object.entries(data).some(
    ([field, value]) =>
      isParent.has(`${model}.${field}`) &&
      Object.values(missing)
        .flat()
        .includes(value as never),
  )
    ? uncheckedParent
    : {}),
})

const book = { title: 'New', authorId: a.author[0] }
const byId = [{ id: 'asc' }]

const creates: readonly Case[] = [
  writes('create with keys', (db) => db.book.create({ data: book })),
  writes('create with relations', (db) =>
    db.book.create({ data: { title: 'New', author: { connect: { id: a.author[0] } } } }),
  ),
  writes('create with the tenant as a key', (db) =>
    db.tag.create({ data: { name: 'new', companyId: a.company } }),
  ),
  writes('create with the tenant as a relation', (db) =>
    db.tag.create({ data: { name: 'new', company: { connect: { id: a.company } } } }),
  ),
  writes('create with the tenant as a relation beside another', (db) =>
    db.book.create({
      data: {
        title: 'New',
        author: { connect: { id: a.author[0] } },
        company: { connect: { id: a.company } },
      },
    }),
  ),
  writes('create with the tenant as a key beside other keys', (db) =>
    db.book.create({ data: { ...book, companyId: a.company, editorId: a.author[1] } }),
  ),
  writes(
    'create with keys and relations mixed',
    (db) => db.book.create({ data: { ...book, editor: { connect: { id: a.author[1] } } } }),
    { fails: 'PrismaClientValidationError' },
  ),
  writes(
    'create with the tenant as a key beside a relation',
    (db) =>
      db.book.create({
        data: { title: 'New', companyId: a.company, author: { connect: { id: a.author[0] } } },
      }),
    { fails: 'PrismaClientValidationError' },
  ),
  writes('create with an undefined tenant', (db) =>
    db.tag.create({ data: { name: 'new', companyId: undefined } }),
  ),
  writes('create with Prisma.skip', (db, Prisma) =>
    db.tag.create({
      data: { name: 'new', companyId: Prisma.skip, company: Prisma.skip, books: Prisma.skip },
    }),
  ),
  writes('create with an id of its own', (db) =>
    db.tag.create({ data: { id: missing.tag[0], name: 'new' } }),
  ),
  writes('create with every type of value', (db) =>
    db.book.create({
      data: {
        ...book,
        subtitle: null,
        price: '12345678.91',
        stock: 9007199254740993n,
        pages: -1,
        weight: 0.1,
        available: false,
        cover: new Uint8Array([0, 1, 254]),
        status: 'RETIRED',
        history: ['DRAFT', 'RETIRED'],
        keywords: ['a', "b'c", ''],
        ratings: { set: [3, 2, 1] },
        meta: { nested: [1, { deep: null }], text: '"quoted"' },
        extra: ['list'],
        publishedAt: '1999-12-31T23:59:59.999Z',
        createdAt: new Date('2001-02-03T04:05:06.007Z'),
        updatedAt: new Date('2002-02-03T04:05:06.007Z'),
      },
    }),
  ),
  writes('create with a Decimal', (db, Prisma) =>
    db.book.create({ data: { ...book, price: new Prisma.Decimal('1.10'), weight: 1e21 } }),
  ),
  writes('create with the null forms of JSON', async (db, Prisma) => [
    await db.author.create({ data: { name: 'n1', data: Prisma.JsonNull } }),
    await db.author.create({ data: { name: 'n2', data: Prisma.DbNull } }),
    await db.author.create({ data: { name: 'n3', data: { a: null } } }),
    await db.author.create({ data: { name: 'n4', data: [] } }),
    await db.author.create({ data: { name: 'n5', data: 'text' } }),
    await db.author.create({ data: { name: 'n6', data: 0 } }),
  ]),
  writes('create of a JSON value that has a method of its own', (db) =>
    db.author.create({ data: { name: 'n1', data: { at: new Date(0), toJSON: () => ({ replaced: true }) } } }),
  ),
  writes('create of JSON with names of Prisma’s and of the fixture’s', (db) =>
    db.author.create({
      data: {
        name: 'n1',
        data: { companyId: 'x', connect: { id: 1 }, AND: [], where: { set: 1 }, __proto__: { a: 1 } },
      },
    }),
  ),
  writes('create with null for JSON', (db) => db.author.create({ data: { name: 'n1', data: null } })),
  writes('create with select', (db) => db.book.create({ data: book, select: { title: true, author: true } })),
  writes('create with include', (db) =>
    db.book.create({
      data: book,
      include: { author: { include: { boss: true } }, tags: true, _count: true },
    }),
  ),
  writes('create with omit', (db) => db.book.create({ data: book, omit: { price: true, cover: true } })),
  writes('create and follow a relation', (db) => db.book.create({ data: book }).author()),
  writes('create of each other model', async (db) => [
    await db.profile.create({ data: { bio: 'new', data: { x: 1 }, where: 'w', authorId: a.author[2] } }),
    await db.passport.create({ data: { number: 'n', country: 'IT', authorId: a.author[1] } }),
    await db.review.create({ data: { text: 'new', bookId: a.book[1], reviewerId: a.author[0] } }),
    await db.comment.create({ data: { text: 'new', reviewId: a.review[1] } }),
    await db.shelf.create({ data: { name: 'new' } }),
    await db.shelfBook.create({ data: { shelfId: a.shelf[1], bookId: a.book[1] } }),
    await db.template.create({ data: { name: 'new' } }),
    await db.order.create({ data: { number: 9 } }),
    await db.orderLine.create({ data: { orderId: a.order[0], sku: a.sku[0], substitute: a.sku[2] } }),
    await db.product.create({ data: { sku: 'new', name: 'new' } }),
    await db.event.create({ data: { kind: 'new', data: 'd', where: { a: 1 } } }),
    await db.counter.create({ data: { name: 'new' } }),
    await db.author.create({
      data: { name: 'new', bossId: a.author[0], currencyCode: 'USD', userId: a.user[0] },
    }),
    await db.book.create({ data: { ...book, templateId: shared } }),
  ]),
  writes('create of each other model with relations', async (db) => [
    await db.profile.create({ data: { bio: 'new', author: { connect: { id: a.author[2] } } } }),
    await db.passport.create({
      data: { number: 'n', country: 'IT', author: { connect: { id: a.author[1] } } },
    }),
    await db.review.create({
      data: {
        text: 'new',
        book: { connect: { id: a.book[1] } },
        reviewer: { connect: { name_and_rank: { name: 'Ada', rank: 3 } } },
      },
    }),
    await db.comment.create({ data: { text: 'new', review: { connect: { id: a.review[1] } } } }),
    await db.shelfBook.create({
      data: { shelf: { connect: { id: a.shelf[1] } }, book: { connect: { id: a.book[1] } } },
    }),
    await db.orderLine.create({
      data: {
        order: { connect: { companyId_number: { companyId: a.company, number: 1 } } },
        product: { connect: { companyId_sku: { companyId: a.company, sku: a.sku[0] } } },
      },
    }),
    await db.orderLine.create({
      data: {
        order: { connect: { id: a.order[0] } },
        product: { connect: { companyId_sku: { companyId: a.company, sku: a.sku[0] } } },
        substituteProduct: { connect: { companyId_sku: { companyId: a.company, sku: a.sku[1] } } },
      },
    }),
    await db.author.create({
      data: {
        name: 'new',
        boss: { connect: { id: a.author[0] } },
        currency: { connect: { code: 'USD' } },
        user: { connect: { email: 'a.ann@example.org' } },
      },
    }),
    await db.book.create({
      data: {
        title: 'New',
        author: { connect: { id: a.author[0] } },
        template: { connect: { id: shared } },
      },
    }),
  ]),
  writes('createMany', (db) =>
    db.book.createMany({ data: [book, { ...book, title: 'Second', companyId: a.company, keywords: ['k'] }] }),
  ),
  writes('createMany of one, not in a list', (db) => db.book.createMany({ data: book })),
  writes('createMany of none', (db) => db.book.createMany({ data: [] })),
  writes('createMany that skips what is there', (db) =>
    db.tag.createMany({ data: [{ name: 'one' }, { name: 'new' }, { name: 'new' }], skipDuplicates: true }),
  ),
  writes(
    'createMany of what is there',
    (db) => db.tag.createMany({ data: [{ name: 'new' }, { name: 'one' }] }),
    {
      fails: 'P2002',
    },
  ),
  writes('createMany of 5,000 rows', (db) =>
    db.tag.createMany({ data: Array.from({ length: 5_000 }, (_, index) => ({ name: `tag ${index}` })) }),
  ),
  writes('createMany of rows with different fields', (db) =>
    db.author.createMany({
      data: [
        { name: 'm1', email: 'm@x.org' },
        { name: 'm2', rank: 4, data: { x: 1 }, bossId: a.author[0] },
        { name: 'm3', companyId: a.company, bossId: null },
      ],
    }),
  ),
  writes('createMany of through models', async (db) => [
    await db.review.createMany({
      data: [
        { text: 'm1', bookId: a.book[0] },
        { text: 'm2', bookId: a.book[1], reviewerId: a.author[0] },
      ],
    }),
    await db.shelfBook.createMany({ data: [{ shelfId: a.shelf[1], bookId: a.book[2] }] }),
    await db.shelfBook.createMany({
      data: [
        { shelfId: a.shelf[0], bookId: a.book[0] },
        { shelfId: a.shelf[1], bookId: a.book[3] },
      ],
      skipDuplicates: true,
    }),
  ]),
  writes('createManyAndReturn', (db) =>
    db.book.createManyAndReturn({
      data: [book, { ...book, title: 'Second' }],
      select: { title: true, author: true },
    }),
  ),
  writes('createManyAndReturn with include', (db) =>
    db.review.createManyAndReturn({
      data: [{ text: 'm1', bookId: a.book[0], reviewerId: a.author[1] }],
      include: { book: true, reviewer: true },
    }),
  ),
  writes('createManyAndReturn with omit, that skips', (db) =>
    db.tag.createManyAndReturn({
      data: [{ name: 'one' }, { name: 'new' }],
      skipDuplicates: true,
      omit: { companyId: true },
    }),
  ),
  writes(
    'createMany with a nested write',
    (db) => db.author.createMany({ data: [{ name: 'x', books: {} }] }),
    {
      fails: 'PrismaClientValidationError',
    },
  ),
  writes('create with empty relations', (db) =>
    db.author.create({ data: { name: 'x', books: {}, boss: {} } }),
  ),

  // errors
  writes('create of a unique value that is there', (db) => db.tag.create({ data: { name: 'one' } }), {
    fails: 'P2002',
  }),
  writes('create of an id that is there', (db) => db.tag.create({ data: { id: a.tag[0], name: 'new' } }), {
    fails: 'P2002',
  }),
  writes(
    'create of a unique value without the tenant that is there',
    (db) => db.author.create({ data: { name: 'Ada', rank: 3 } }),
    { fails: 'P2002' },
  ),
  ...(
    [
      ['book', { title: 'New', authorId: missing.author[0] }],
      ['book', { ...book, editorId: missing.author[0] }],
      ['book', { ...book, templateId: missing.template[0] }],
      ['author', { name: 'x', bossId: missing.author[0] }],
      ['author', { name: 'x', currencyCode: 'XXX' }],
      ['author', { name: 'x', userId: missing.user[0] }],
      ['profile', { bio: 'x', authorId: missing.author[0] }],
      ['passport', { number: 'n', country: 'x', authorId: missing.author[0] }],
      ['review', { text: 'x', bookId: missing.book[0] }],
      ['review', { text: 'x', bookId: a.book[0], reviewerId: missing.author[0] }],
      ['comment', { text: 'x', reviewId: missing.review[0] }],
      ['shelfBook', { shelfId: missing.shelf[0], bookId: a.book[0] }],
      ['shelfBook', { shelfId: a.shelf[1], bookId: missing.book[0] }],
      ['orderLine', { orderId: missing.order[0], sku: a.sku[0] }],
      ['orderLine', { orderId: a.order[0], sku: missing.sku[0] }],
      ['orderLine', { orderId: a.order[0], sku: a.sku[0], substitute: missing.sku[0] }],
    ] as const
  ).flatMap(([model, data]) => {
    const given = Object.entries(data)
      .map(([field, value]) => `${field} ${value}`)
      .join(', ')
    return [
      writes(
        `create of a ${model} with a key to nothing: ${given}`,
        (db) => db[model].create({ data }),
        keyToNothing(model, data),
      ),
      writes(
        `createMany of a ${model} with a key to nothing: ${given}`,
        (db) => db[model].createMany({ data: [data] }),
        keyToNothing(model, data),
      ),
      writes(
        `createManyAndReturn of a ${model} with a key to nothing: ${given}`,
        (db) => db[model].createManyAndReturn({ data }),
        keyToNothing(model, data),
      ),
    ]
  }),
  writes(
    'create that connects a missing row',
    (db) => db.book.create({ data: { title: 'x', author: { connect: { id: missing.author[0] } } } }),
    { fails: 'P2025' },
  ),
  writes('create with a missing field', (db) => db.book.create({ data: { authorId: a.author[0] } }), {
    fails: 'PrismaClientValidationError',
  }),
  writes('create with a missing relation', (db) => db.book.create({ data: { title: 'x' } }), {
    fails: 'PrismaClientValidationError',
  }),
  writes('create with an unknown field', (db) => db.tag.create({ data: { name: 'x', nothing: 1 } }), {
    fails: 'PrismaClientValidationError',
  }),
  writes('create with a wrong type', (db) => db.tag.create({ data: { name: 1 } }), {
    fails: 'PrismaClientValidationError',
  }),
  writes('create with an unknown enum value', (db) => db.book.create({ data: { ...book, status: 'GONE' } }), {
    fails: 'PrismaClientValidationError',
  }),
  writes('create without data', (db) => db.tag.create({}), { fails: 'PrismaClientValidationError' }),
  writes('create without arguments', (db) => db.tag.create(), { fails: 'PrismaClientValidationError' }),
  writes('create of null', (db) => db.tag.create({ data: null }), { fails: 'PrismaClientValidationError' }),
  writes('create of a list', (db) => db.tag.create({ data: [{ name: 'x' }] }), {
    fails: 'PrismaClientValidationError',
  }),
  writes('createMany without data', (db) => db.tag.createMany({}), { fails: 'PrismaClientValidationError' }),
  writes('create with where', (db) => db.tag.create({ data: { name: 'x' }, where: {} }), {
    fails: 'PrismaClientValidationError',
  }),
  writes('create with a null tenant', (db) => db.tag.create({ data: { name: 'x', companyId: null } }), {
    fails: 'PrismaClientValidationError',
  }),
  writes(
    'create with a tenant of a wrong type',
    (db) => db.tag.create({ data: { name: 'x', companyId: 1 } }),
    {
      fails: 'PrismaClientValidationError',
    },
  ),
  writes(
    'create of a number that is too large',
    (db) => db.book.create({ data: { ...book, pages: 2 ** 31 } }),
    {
      fails: 'P2020',
    },
  ),
  writes('create of a uuid that is none', (db) => db.tag.create({ data: { id: 'x', name: 'x' } }), {
    fails: 'P2007',
  }),
]

const updates: readonly Case[] = [
  writes('update by each kind of key', async (db) => [
    await db.author.update({ where: { id: a.author[0] }, data: { name: 'u1' } }),
    await db.author.update({ where: { successorId: a.author[2] }, data: { name: 'u2' } }),
    await db.author.update({ where: { name_and_rank: { name: 'Cyd', rank: 2 } }, data: { name: 'u3' } }),
    await db.author.update({
      where: { companyId_email: { companyId: a.company, email: 'dan@x.org' } },
      data: { name: 'u4' },
    }),
    await db.shelfBook.update({
      where: { shelfId_bookId: { shelfId: a.shelf[0], bookId: a.book[0] } },
      data: { position: 7 },
    }),
    await db.product.update({
      where: { companyId_sku: { companyId: a.company, sku: a.sku[0] } },
      data: { name: 'u5' },
    }),
    await db.counter.update({
      where: { counter: { companyId: a.company, name: a.counter[0] } },
      data: { value: { increment: 1 } },
    }),
    await db.review.update({ where: { id: a.review[0] }, data: { stars: { decrement: 1 } } }),
    await db.company.update({ where: { id: a.company }, data: { name: 'u6' } }),
    await db.template.update({ where: { id: a.template[0] }, data: { name: 'u7' } }),
    await db.event.update({ where: { id: a.event[0] }, data: { data: 'u8', where: { u: 8 } } }),
    await db.profile.update({ where: { authorId: a.author[0] }, data: { data: { u: 9 }, where: null } }),
  ]),
  writes('update with conditions beside the key', (db) =>
    db.author.update({
      where: { id: a.author[0], name: 'Ada', OR: [{ rank: 3 }], books: { some: {} }, companyId: a.company },
      data: { name: 'u' },
    }),
  ),
  writes(
    'update with conditions that do not hold',
    (db) => db.author.update({ where: { id: a.author[0], name: 'Ben' }, data: { name: 'u' } }),
    { fails: 'P2025' },
  ),
  writes(
    'update of a missing row',
    (db) => db.author.update({ where: { id: missing.author[0] }, data: { name: 'u' } }),
    {
      fails: 'P2025',
    },
  ),
  writes('number operations', (db) =>
    db.book.update({
      where: { id: a.book[0] },
      data: {
        pages: { increment: 5 },
        price: { multiply: '2.5' },
        stock: { decrement: 3 },
        weight: { divide: 2 },
      },
    }),
  ),
  writes('set of each type', (db) =>
    db.book.update({
      where: { id: a.book[0] },
      data: {
        title: { set: 's' },
        subtitle: { set: null },
        pages: { set: 1 },
        price: { set: 1 },
        available: { set: false },
        cover: { set: null },
        status: { set: 'DRAFT' },
        publishedAt: { set: new Date(0) },
        keywords: { set: ['s'] },
        ratings: { push: 9 },
        history: { push: ['DRAFT', 'DRAFT'] },
        meta: { s: 1 },
      },
    }),
  ),
  writes('lists are set and pushed to', async (db) => [
    await db.book.update({ where: { id: a.book[0] }, data: { keywords: ['x'], ratings: { set: [] } } }),
    await db.book.update({ where: { id: a.book[1] }, data: { keywords: { push: 'y' } } }),
    await db.book.update({ where: { id: a.book[2] }, data: { keywords: { push: ['y', 'z'] } } }),
  ]),
  writes('the null forms of JSON', async (db, Prisma) => [
    await db.author.update({ where: { id: a.author[0] }, data: { data: Prisma.DbNull } }),
    await db.author.update({ where: { id: a.author[1] }, data: { data: Prisma.JsonNull } }),
    await db.author.update({ where: { id: a.author[2] }, data: { data: { set: 1 } } }),
    await db.author.updateMany({ where: { data: { equals: Prisma.AnyNull } }, data: { data: 'was null' } }),
  ]),
  writes('update of nothing', (db) => db.author.update({ where: { id: a.author[0] }, data: {} })),
  writes('update of undefined', (db) =>
    db.author.update({
      where: { id: a.author[0] },
      data: { name: undefined, books: undefined, companyId: undefined },
    }),
  ),
  writes('update with Prisma.skip', (db, Prisma) =>
    db.author.update({
      where: { id: a.author[0], name: Prisma.skip },
      data: { name: Prisma.skip, rank: 9, books: Prisma.skip, boss: { disconnect: Prisma.skip } },
    }),
  ),
  writes('update that names the tenant', (db) =>
    db.author.update({ where: { id: a.author[0] }, data: { name: 'u', companyId: a.company } }),
  ),
  writes('update that sets the tenant', (db) =>
    db.author.update({ where: { id: a.author[0] }, data: { name: 'u', companyId: { set: a.company } } }),
  ),
  writes('update that connects the tenant', (db) =>
    db.author.update({
      where: { id: a.author[0] },
      data: { name: 'u', company: { connect: { id: a.company } } },
    }),
  ),
  writes('update of a tenant', (db, Prisma) =>
    db.company.update({
      where: { id: a.company },
      data: { name: 'u', settings: Prisma.DbNull, id: a.company },
    }),
  ),
  writes('update of the id', (db) =>
    db.author.update({ where: { id: a.author[4] }, data: { id: missing.author[0] } }),
  ),
  writes('update of a part of a compound id', async (db) => [
    await db.counter.update({
      where: { counter: { companyId: a.company, name: a.counter[0] } },
      data: { name: 'renamed' },
    }),
    await db.shelfBook.update({
      where: { shelfId_bookId: { shelfId: a.shelf[0], bookId: a.book[0] } },
      data: { bookId: a.book[3] },
    }),
  ]),
  writes('update of keys', async (db) => [
    await db.book.update({ where: { id: a.book[0] }, data: { authorId: a.author[1], editorId: null } }),
    await db.book.update({
      where: { id: a.book[1] },
      data: { editorId: { set: a.author[1] }, templateId: shared },
    }),
    await db.author.update({ where: { id: a.author[0] }, data: { bossId: a.author[4], currencyCode: null } }),
    await db.author.update({
      where: { id: a.author[0] },
      data: { userId: a.user[1], successorId: a.author[3] },
    }),
    await db.review.update({ where: { id: a.review[0] }, data: { bookId: a.book[1], reviewerId: null } }),
    await db.orderLine.update({
      where: { id: a.orderLine[0] },
      data: { orderId: a.order[1], substitute: null },
    }),
    await db.orderLine.update({ where: { id: a.orderLine[1] }, data: { sku: a.sku[2] } }),
    await db.profile.update({ where: { id: a.profile[2] }, data: { authorId: a.author[3] } }),
    await db.passport.update({ where: { number: a.passport[0] }, data: { authorId: a.author[4] } }),
  ]),
  ...(
    [
      ['book', { id: a.book[0] }, { authorId: missing.author[0] }],
      ['book', { id: a.book[0] }, { editorId: { set: missing.author[0] } }],
      ['book', { id: a.book[0] }, { templateId: missing.template[0] }],
      ['author', { id: a.author[0] }, { bossId: missing.author[0] }],
      ['author', { id: a.author[0] }, { userId: missing.user[0] }],
      ['author', { id: a.author[0] }, { currencyCode: 'XXX' }],
      ['review', { id: a.review[0] }, { bookId: missing.book[0] }],
      ['review', { id: a.review[0] }, { reviewerId: missing.author[0] }],
      ['comment', { id: a.comment[0] }, { reviewId: missing.review[0] }],
      ['orderLine', { id: a.orderLine[0] }, { orderId: missing.order[0] }],
      ['orderLine', { id: a.orderLine[0] }, { sku: missing.sku[0] }],
      ['orderLine', { id: a.orderLine[0] }, { substitute: missing.sku[0] }],
      ['profile', { id: a.profile[0] }, { authorId: missing.author[0] }],
      ['passport', { number: a.passport[0] }, { authorId: missing.author[0] }],
    ] as const
  ).flatMap(([model, where, data]) => [
    writes(
      `update of a ${model} with a key to nothing: ${Object.keys(data).join()}`,
      (db) => db[model].update({ where, data }),
      keyToNothing(model, data),
    ),
    writes(
      `updateMany of a ${model} with a key to nothing: ${Object.keys(data).join()}`,
      (db) => db[model].updateMany({ where, data }),
      keyToNothing(model, data),
    ),
    writes(
      `updateManyAndReturn of a ${model} with a key to nothing: ${Object.keys(data).join()}`,
      (db) => db[model].updateManyAndReturn({ where, data }),
      keyToNothing(model, data),
    ),
  ]),
  writes('updateMany of no row with a key to nothing', (db) =>
    db.book.updateMany({ where: { title: 'none' }, data: { editorId: missing.author[0] } }),
  ),
  writes(
    'update of a missing row with a key to nothing',
    (db) => db.book.update({ where: { id: missing.book[0] }, data: { authorId: missing.author[0] } }),
    { fails: 'P2025' },
  ),
  writes('update with include', (db) =>
    db.author.update({
      where: { id: a.author[0] },
      data: { name: 'u' },
      include: { books: { orderBy: byId }, boss: true, reports: { orderBy: byId }, _count: true },
    }),
  ),
  writes('update with select and omit', async (db) => [
    await db.author.update({
      where: { id: a.author[1] },
      data: { rank: 8 },
      select: { rank: true, boss: true },
    }),
    await db.author.update({ where: { id: a.author[0] }, data: { rank: 8 }, omit: { data: true } }),
  ]),
  writes('update and follow a relation', (db) =>
    db.author.update({ where: { id: a.author[1] }, data: { rank: 8 } }).boss({ select: { name: true } }),
  ),
  writes(
    'update that meets a unique value',
    (db) => db.tag.update({ where: { id: a.tag[0] }, data: { name: 'two' } }),
    {
      fails: 'P2002',
    },
  ),
  writes(
    'update of a one-to-one key that is taken',
    (db) => db.profile.update({ where: { id: a.profile[2] }, data: { authorId: a.author[0] } }),
    { fails: 'P2002' },
  ),
  writes('updateMany', (db) =>
    db.book.updateMany({ where: { pages: 200 }, data: { pages: { increment: 1 } } }),
  ),
  writes('updateMany of all', (db) => db.book.updateMany({ data: { subtitle: 'all' } })),
  writes('updateMany of all with an empty filter', (db) =>
    db.book.updateMany({ where: {}, data: { available: true } }),
  ),
  writes('updateMany of none', (db) => db.book.updateMany({ where: { OR: [] }, data: { subtitle: 'none' } })),
  // which rows a limit leaves is the database's choice
  writes('updateMany, updateManyAndReturn and deleteMany with a limit', async (db) => {
    await db.event.createMany({ data: [{ kind: 'l' }, { kind: 'l' }, { kind: 'l' }] })
    const where = { kind: { startsWith: 'l' } }
    return [
      await db.event.updateMany({ where, data: { kind: 'l2' }, limit: 2 }),
      await db.event.count({ where: { kind: 'l2' } }),
      await db.event.updateManyAndReturn({
        where,
        data: { kind: 'l3' },
        limit: 2,
        select: { kind: true },
      }),
      await db.event.count({ where: { kind: 'l3' } }),
      await db.event.deleteMany({ where, limit: 1 }),
      await db.event.count({ where }),
      await db.event.deleteMany({ where, limit: 10 }),
    ]
  }),
  writes('updateMany with a limit of nothing', (db) =>
    db.event.updateMany({ data: { kind: 'l' }, limit: 0 }),
  ),
  writes('updateMany by relations', (db) =>
    db.book.updateMany({
      where: { author: { boss: { isNot: null } }, reviews: { some: {} } },
      data: { subtitle: 'by relations' },
    }),
  ),
  writes('updateMany of keys and the tenant', (db) =>
    db.book.updateMany({
      where: { id: { in: [...a.book] } },
      data: { editorId: a.author[3], companyId: a.company },
    }),
  ),
  writes('updateMany of through models', async (db) => [
    await db.review.updateMany({ where: { stars: { gt: 3 } }, data: { stars: 2, reviewerId: a.author[4] } }),
    await db.comment.updateMany({ where: { review: { book: { title: 'Alpha' } } }, data: { text: 'u' } }),
    await db.shelfBook.updateMany({ where: { shelf: { name: 'upper' } }, data: { position: 3 } }),
  ]),
  writes('updateMany of nothing', (db) => db.book.updateMany({ where: { pages: 200 }, data: {} })),
  writes('updateManyAndReturn', async (db) => {
    const rows = await db.event.updateManyAndReturn({
      where: { kind: 'made' },
      data: { data: 'u' },
      select: { id: true, data: true },
    })
    return rows.sort((x: { id: number }, y: { id: number }) => x.id - y.id)
  }),
  writes('updateManyAndReturn with include, omit and a limit', async (db) => [
    await db.review.updateManyAndReturn({
      where: { id: a.review[0] },
      data: { text: 'u' },
      include: { book: true, reviewer: true },
    }),
    await db.book.updateManyAndReturn({
      where: { id: a.book[2] },
      data: { pages: { multiply: 2 } },
      omit: { cover: true },
    }),
  ]),
  ...(
    [
      ['update without where', (db) => db.author.update({ data: { name: 'u' } })],
      ['update without data', (db) => db.author.update({ where: { id: a.author[0] } })],
      ['update without arguments', (db) => db.author.update()],
      ['update without a key', (db) => db.author.update({ where: { name: 'Ada' }, data: {} })],
      [
        'update of an undefined key',
        (db) => db.author.update({ where: { id: undefined }, data: { name: 'u' } }),
      ],
      [
        'update of an unknown field',
        (db) => db.author.update({ where: { id: a.author[0] }, data: { nothing: 1 } }),
      ],
      [
        'update with a wrong type',
        (db) => db.author.update({ where: { id: a.author[0] }, data: { rank: 'x' } }),
      ],
      ['update with null', (db) => db.author.update({ where: { id: a.author[0] }, data: { name: null } })],
      ['update of null', (db) => db.author.update({ where: { id: a.author[0] }, data: null })],
      ['update of a list', (db) => db.author.update({ where: { id: a.author[0] }, data: [] })],
      ['update where null', (db) => db.author.update({ where: null, data: {} })],
      [
        'update with two operations on a number',
        (db) =>
          db.author.update({ where: { id: a.author[0] }, data: { rank: { increment: 1, decrement: 1 } } }),
      ],
      [
        'update with an unknown operation',
        (db) => db.author.update({ where: { id: a.author[0] }, data: { name: { append: 'x' } } }),
      ],
      [
        'update with keys and relations mixed',
        (db) =>
          db.book.update({
            where: { id: a.book[0] },
            data: { authorId: a.author[0], editor: { connect: { id: a.author[0] } } },
          }),
      ],
      [
        'update of the tenant to null',
        (db) => db.tag.update({ where: { id: a.tag[0] }, data: { companyId: null } }),
      ],
      ['updateMany with a relation', (db) => db.book.updateMany({ data: { author: {} } })],
      ['updateMany without data', (db) => db.book.updateMany({})],
      ['updateMany where null', (db) => db.book.updateMany({ where: null, data: { pages: 1 } })],
      ['upsert without create', (db) => db.tag.upsert({ where: { id: a.tag[0] }, update: {} })],
      ['upsert without where', (db) => db.tag.upsert({ update: {}, create: { name: 'x' } })],
      ['upsert without arguments', (db) => db.tag.upsert()],
      ['delete without where', (db) => db.tag.delete({})],
      ['delete without arguments', (db) => db.tag.delete()],
      ['delete without a key', (db) => db.tag.delete({ where: { name: 'one' } })],
      ['deleteMany by an unknown field', (db) => db.tag.deleteMany({ where: { nothing: 1 } })],
      ['deleteMany where null', (db) => db.tag.deleteMany({ where: null })],
      ['deleteMany with select', (db) => db.tag.deleteMany({ select: { id: true } })],
    ] satisfies readonly (readonly [string, Case['run']])[]
  ).map(([title, run]) => writes(title, run, { fails: 'PrismaClientValidationError' })),
  writes(
    'updateMany with a negative limit',
    (db) => db.event.updateMany({ data: { kind: 'l' }, limit: -1 }),
    {
      fails: 'P2019',
    },
  ),
  writes(
    'division by zero',
    (db) => db.book.update({ where: { id: a.book[0] }, data: { pages: { divide: 0 } } }),
    {
      fails: 'P2039',
    },
  ),
]

const upserts: readonly Case[] = [
  writes('upsert of a row that is there', (db) =>
    db.author.upsert({ where: { id: a.author[0] }, update: { name: 'u' }, create: { name: 'c' } }),
  ),
  writes('upsert of a row that is not there', (db) =>
    db.author.upsert({ where: { id: missing.author[0] }, update: { name: 'u' }, create: { name: 'c' } }),
  ),
  writes('upsert by a compound key, both ways', async (db) => [
    await db.counter.upsert({
      where: { counter: { companyId: a.company, name: a.counter[0] } },
      update: { value: { increment: 1 } },
      create: { name: a.counter[0] },
    }),
    await db.counter.upsert({
      where: { counter: { companyId: a.company, name: 'new' } },
      update: { value: { increment: 1 } },
      create: { name: 'new', companyId: a.company, value: 5 },
    }),
    await db.tag.upsert({
      where: { companyId_name: { companyId: a.company, name: 'one' } },
      update: { name: 'uno' },
      create: { name: 'one' },
    }),
    await db.shelfBook.upsert({
      where: { shelfId_bookId: { shelfId: a.shelf[1], bookId: a.book[1] } },
      update: { position: 1 },
      create: { shelfId: a.shelf[1], bookId: a.book[1], position: 2 },
    }),
    await db.shelfBook.upsert({
      where: { shelfId_bookId: { shelfId: a.shelf[1], bookId: a.book[1] } },
      update: { position: 1 },
      create: { shelfId: a.shelf[1], bookId: a.book[1], position: 2 },
    }),
  ]),
  writes('upsert by a unique field, both ways', async (db) => [
    await db.profile.upsert({
      where: { authorId: a.author[0] },
      update: { bio: 'u' },
      create: { bio: 'c', authorId: a.author[0] },
    }),
    await db.profile.upsert({
      where: { authorId: a.author[3] },
      update: { bio: 'u' },
      create: { bio: 'c', author: { connect: { id: a.author[3] } } },
    }),
  ]),
  writes('upsert of through models, both ways', async (db) => [
    await db.review.upsert({
      where: { id: a.review[0] },
      update: { stars: 0, bookId: a.book[1] },
      create: { text: 'c', bookId: a.book[0] },
    }),
    await db.review.upsert({
      where: { id: missing.review[0] },
      update: {},
      create: { text: 'c', bookId: a.book[0] },
      include: { book: true, reviewer: true },
    }),
    await db.comment.upsert({
      where: { id: missing.comment[0] },
      update: {},
      create: { text: 'c', review: { connect: { id: a.review[0] } } },
    }),
  ]),
  writes('upsert that updates nothing', (db) =>
    db.tag.upsert({ where: { id: a.tag[0] }, update: {}, create: { name: 'x' } }),
  ),
  writes('upsert with conditions beside the key, both ways', async (db) => [
    await db.author.upsert({
      where: { id: a.author[0], name: 'Ada' },
      update: { rank: 9 },
      create: { name: 'c' },
    }),
    await db.author.upsert({
      where: { id: missing.author[0], name: 'Ben' },
      update: { rank: 9 },
      create: { name: 'c', id: missing.author[0] },
      select: { name: true, rank: true },
    }),
  ]),
  writes(
    'upsert with conditions that do not hold for the row that is there',
    (db) =>
      db.author.upsert({
        where: { id: a.author[0], name: 'Ben' },
        update: { rank: 9 },
        create: { id: a.author[0], name: 'c' },
      }),
    { fails: 'P2002' },
  ),
  writes('upsert with nested writes, both ways', async (db) => [
    await db.author.upsert({
      where: { id: a.author[0] },
      update: { books: { create: { title: 'nu' } }, boss: { connect: { id: a.author[4] } } },
      create: { name: 'c' },
      include: { books: { orderBy: byId } },
    }),
    await db.author.upsert({
      where: { id: missing.author[0] },
      update: {},
      create: { name: 'c', books: { create: [{ title: 'nc' }] }, profile: { create: { bio: 'nc' } } },
      include: { books: true, profile: true },
    }),
  ]),
  writes(
    'upsert that updates with a key to nothing',
    (db) =>
      db.author.upsert({
        where: { id: a.author[0] },
        update: { bossId: missing.author[0] },
        create: { name: 'c' },
      }),
    { fails: 'P2003' },
  ),
  writes(
    'upsert that creates with a key to nothing',
    (db) =>
      db.author.upsert({
        where: { id: missing.author[0] },
        update: {},
        create: { name: 'c', bossId: missing.author[1] },
      }),
    { fails: 'P2003' },
  ),
  writes('upsert whose other half has a key to nothing', async (db) => [
    await db.author.upsert({
      where: { id: a.author[0] },
      update: { rank: 7 },
      create: { name: 'c', bossId: missing.author[1] },
    }),
    await db.author.upsert({
      where: { id: missing.author[0] },
      update: { bossId: missing.author[1] },
      create: { name: 'c' },
    }),
  ]),
  writes('upsert of a tenant that is there', (db) =>
    db.company.upsert({ where: { id: a.company }, update: { name: 'u' }, create: { name: 'c' } }),
  ),
  writes('upsert of events, keyed by a plain column', async (db) => [
    await db.event.upsert({ where: { id: a.event[0] }, update: { data: 'u' }, create: { kind: 'c' } }),
    await db.event.upsert({
      where: { id: missing.event[0] },
      update: {},
      create: { kind: 'c', owner: a.company },
    }),
  ]),
]

const deletes: readonly Case[] = [
  writes('delete by each kind of key', async (db) => [
    await db.author.delete({ where: { id: a.author[4] } }),
    await db.book.delete({ where: { id: a.book[3] } }),
    await db.tag.delete({ where: { companyId_name: { companyId: a.company, name: 'one' } } }),
    await db.counter.delete({ where: { counter: { companyId: a.company, name: a.counter[0] } } }),
    await db.shelfBook.delete({ where: { shelfId_bookId: { shelfId: a.shelf[0], bookId: a.book[0] } } }),
    await db.profile.delete({ where: { authorId: a.author[0] } }),
    await db.product.delete({ where: { companyId_sku: { companyId: a.company, sku: a.sku[2] } } }),
    await db.comment.delete({ where: { id: a.comment[0] } }),
    await db.event.delete({ where: { id: a.event[0] } }),
    await db.template.delete({ where: { id: a.template[1] } }),
  ]),
  writes('delete with include, select and omit', async (db) => [
    await db.profile.delete({ where: { id: a.profile[0] }, include: { author: true } }),
    await db.comment.delete({ where: { id: a.comment[0] }, select: { text: true, review: true } }),
    await db.tag.delete({ where: { id: a.tag[0] }, include: { books: { orderBy: byId } } }),
    await db.book.delete({ where: { id: a.book[3] }, omit: { price: true } }),
  ]),
  writes('delete and follow a relation', (db) => db.profile.delete({ where: { id: a.profile[0] } }).author()),
  writes('delete that cascades', (db) => db.comment.deleteMany({ where: { review: { id: a.review[0] } } })),
  writes('delete that cascades in the database', async (db) => [
    await db.review.delete({ where: { id: a.review[0] } }),
  ]),
  writes('delete that empties keys', (db) => db.template.delete({ where: { id: a.template[0] } })),
  writes('delete of a row that others need', (db) => db.book.delete({ where: { id: a.book[0] } }), {
    fails: 'P2003',
  }),
  writes('delete of an order with lines', (db) => db.order.delete({ where: { id: a.order[0] } }), {
    fails: 'P2003',
  }),
  writes('deleteMany of rows that others need', (db) => db.author.deleteMany(), { fails: 'P2003' }),
  writes('delete of a missing row', (db) => db.author.delete({ where: { id: missing.author[0] } }), {
    fails: 'P2025',
  }),
  writes(
    'delete with conditions that do not hold',
    (db) => db.tag.delete({ where: { id: a.tag[0], name: 'two' } }),
    { fails: 'P2025' },
  ),
  writes('delete with conditions beside the key', (db) =>
    db.tag.delete({ where: { id: a.tag[0], books: { some: {} }, companyId: a.company } }),
  ),
  writes('deleteMany', (db) => db.tag.deleteMany({ where: { name: { startsWith: 't' } } })),
  writes('deleteMany of all', (db) => db.tag.deleteMany()),
  writes('deleteMany of all with empty arguments', (db) => db.comment.deleteMany({})),
  writes('deleteMany of none', (db) => db.tag.deleteMany({ where: { id: { in: [] } } })),
  writes('deleteMany by relations', async (db) => [
    await db.comment.deleteMany({ where: { review: { book: { author: { name: 'Ada' } } } } }),
    await db.shelfBook.deleteMany({ where: { book: { title: 'beta' } } }),
    await db.profile.deleteMany({ where: { author: null } }),
    await db.counter.deleteMany({ where: { company: { name: { contains: 'a' } } } }),
  ]),
]

export const writeCases: readonly Case[] = [...creates, ...updates, ...upserts, ...deletes]
