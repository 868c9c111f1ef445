import { type BehaviourClient, type Case, type Deliberate, type PrismaNamespace, writes } from './case.ts'
import { a, missing, shared } from './scene.ts'

type Data = Readonly<Record<string, unknown>>

/** One write through a relation of one row, which is then read with that relation. */
interface Nested {
  readonly model:
    | 'author'
    | 'book'
    | 'tag'
    | 'review'
    | 'shelf'
    | 'shelfBook'
    | 'template'
    | 'order'
    | 'orderLine'
    | 'product'
    | 'profile'
    | 'passport'
    | 'company'
    | 'comment'
  readonly where: Data
  readonly relation: string
  /** What a create of the model needs beside the relation, and how a row is found then. */
  readonly create: Data
}

const byId = { orderBy: { id: 'asc' } }

const nested = {
  'author.books': { model: 'author', where: { id: a.author[0] }, relation: 'books', create: { name: 'c' } },
  'author.reports': {
    model: 'author',
    where: { id: a.author[0] },
    relation: 'reports',
    create: { name: 'c' },
  },
  'author.boss': { model: 'author', where: { id: a.author[1] }, relation: 'boss', create: { name: 'c' } },
  'author.successor': {
    model: 'author',
    where: { id: a.author[1] },
    relation: 'successor',
    create: { name: 'c' },
  },
  'author.predecessor': {
    model: 'author',
    where: { id: a.author[2] },
    relation: 'predecessor',
    create: { name: 'c' },
  },
  'author.friends': {
    model: 'author',
    where: { id: a.author[0] },
    relation: 'friends',
    create: { name: 'c' },
  },
  'author.profile': {
    model: 'author',
    where: { id: a.author[0] },
    relation: 'profile',
    create: { name: 'c' },
  },
  'author.passport': {
    model: 'author',
    where: { id: a.author[0] },
    relation: 'passport',
    create: { name: 'c' },
  },
  'author.edited': { model: 'author', where: { id: a.author[0] }, relation: 'edited', create: { name: 'c' } },
  'author.reviews': {
    model: 'author',
    where: { id: a.author[0] },
    relation: 'reviews',
    create: { name: 'c' },
  },
  'author.user': { model: 'author', where: { id: a.author[0] }, relation: 'user', create: { name: 'c' } },
  'author.currency': {
    model: 'author',
    where: { id: a.author[0] },
    relation: 'currency',
    create: { name: 'c' },
  },
  'book.author': { model: 'book', where: { id: a.book[0] }, relation: 'author', create: { title: 'c' } },
  'book.editor': {
    model: 'book',
    where: { id: a.book[0] },
    relation: 'editor',
    create: { title: 'c', author: { connect: { id: a.author[0] } } },
  },
  'book.template': {
    model: 'book',
    where: { id: a.book[0] },
    relation: 'template',
    create: { title: 'c', author: { connect: { id: a.author[0] } } },
  },
  'book.tags': {
    model: 'book',
    where: { id: a.book[0] },
    relation: 'tags',
    create: { title: 'c', author: { connect: { id: a.author[0] } } },
  },
  'book.reviews': {
    model: 'book',
    where: { id: a.book[0] },
    relation: 'reviews',
    create: { title: 'c', author: { connect: { id: a.author[0] } } },
  },
  'book.shelves': {
    model: 'book',
    where: { id: a.book[0] },
    relation: 'shelves',
    create: { title: 'c', author: { connect: { id: a.author[0] } } },
  },
  'tag.books': { model: 'tag', where: { id: a.tag[0] }, relation: 'books', create: { name: 'c' } },
  'review.reviewer': {
    model: 'review',
    where: { id: a.review[0] },
    relation: 'reviewer',
    create: { text: 'c', book: { connect: { id: a.book[0] } } },
  },
  'review.book': { model: 'review', where: { id: a.review[0] }, relation: 'book', create: { text: 'c' } },
  'review.comments': {
    model: 'review',
    where: { id: a.review[0] },
    relation: 'comments',
    create: { text: 'c', book: { connect: { id: a.book[0] } } },
  },
  'shelf.books': { model: 'shelf', where: { id: a.shelf[0] }, relation: 'books', create: { name: 'c' } },
  'template.books': {
    model: 'template',
    where: { id: a.template[0] },
    relation: 'books',
    create: { name: 'c' },
  },
  'template.currencies': {
    model: 'template',
    where: { id: a.template[0] },
    relation: 'currencies',
    create: { name: 'c' },
  },
  'order.lines': { model: 'order', where: { id: a.order[0] }, relation: 'lines', create: { number: 77 } },
  'orderLine.order': {
    model: 'orderLine',
    where: { id: a.orderLine[0] },
    relation: 'order',
    create: { product: { connect: { companyId_sku: { companyId: a.company, sku: a.sku[0] } } } },
  },
  'orderLine.product': {
    model: 'orderLine',
    where: { id: a.orderLine[0] },
    relation: 'product',
    create: { order: { connect: { id: a.order[0] } } },
  },
  'orderLine.substituteProduct': {
    model: 'orderLine',
    where: { id: a.orderLine[0] },
    relation: 'substituteProduct',
    create: {
      order: { connect: { id: a.order[0] } },
      product: { connect: { companyId_sku: { companyId: a.company, sku: a.sku[0] } } },
    },
  },
  'product.substitutes': {
    model: 'product',
    where: { companyId_sku: { companyId: a.company, sku: a.sku[1] } },
    relation: 'substitutes',
    create: { sku: 'c', name: 'c' },
  },
  'product.lines': {
    model: 'product',
    where: { companyId_sku: { companyId: a.company, sku: a.sku[0] } },
    relation: 'lines',
    create: { sku: 'c', name: 'c' },
  },
  'profile.author': {
    model: 'profile',
    where: { id: a.profile[0] },
    relation: 'author',
    create: { bio: 'c' },
  },
  'passport.author': {
    model: 'passport',
    where: { number: a.passport[0] },
    relation: 'author',
    create: { number: 'c', country: 'c' },
  },
  'company.tags': { model: 'company', where: { id: a.company }, relation: 'tags', create: { name: 'c' } },
  'company.templates': {
    model: 'company',
    where: { id: a.company },
    relation: 'templates',
    create: { name: 'c' },
  },
  'company.counters': {
    model: 'company',
    where: { id: a.company },
    relation: 'counters',
    create: { name: 'c' },
  },
} as const satisfies Record<string, Nested>
type NestedName = keyof typeof nested

/** A case of an update, one of a create, or both, with the same nested write. */
function both(
  name: NestedName,
  title: string,
  write: Data,
  fails: { update?: string; create?: string; deliberate?: Deliberate } = {},
): readonly Case[] {
  const cases = [...update(name, title, write, fails.update), ...create(name, title, write, fails.create)]
  const { deliberate } = fails
  return deliberate ? cases.map((one) => ({ ...one, deliberate })) : cases
}

function update(
  name: NestedName,
  title: string,
  write: Data | ((Prisma: PrismaNamespace) => Data),
  fails?: string,
): readonly Case[] {
  const { model, where, relation } = nested[name]
  return [
    writes(
      `update, ${name}: ${title}`,
      (db, Prisma) =>
        db[model].update({
          where,
          data: { [relation]: typeof write === 'function' ? write(Prisma) : write },
          select: selection(name),
        }),
      fails === undefined ? {} : { fails },
    ),
  ]
}

function create(name: NestedName, title: string, write: Data, fails?: string): readonly Case[] {
  const { model, create, relation } = nested[name]
  return [
    writes(
      `create, ${name}: ${title}`,
      (db: BehaviourClient) =>
        db[model].create({ data: { ...create, [relation]: write }, select: selection(name) }),
      fails === undefined ? {} : { fails },
    ),
  ]
}

const unordered: ReadonlySet<string> = new Set([
  'shelf.books',
  'book.shelves',
  'template.currencies',
  'company.counters',
])
const toOne: ReadonlySet<string> = new Set([
  'author.boss',
  'author.successor',
  'author.predecessor',
  'author.profile',
  'author.passport',
  'author.user',
  'author.currency',
  'book.author',
  'book.editor',
  'book.template',
  'review.reviewer',
  'review.book',
  'orderLine.order',
  'orderLine.product',
  'orderLine.substituteProduct',
  'profile.author',
  'passport.author',
])

/** The rows themselves are compared behind the case; here it is what the write gives back. */
function selection(name: NestedName): Data {
  const { relation } = nested[name]
  if (toOne.has(name)) return { [relation]: true }
  return unordered.has(name) ? { _count: { select: { [relation]: true } } } : { [relation]: byId }
}

/** A row that is made everybody's, which a plain client may do and no tenant. */
const unshared = (cases: readonly Case[]): readonly Case[] =>
  cases.map((one) => ({
    ...one,
    deliberate: {
      reason: 'what is a tenant’s can’t be made everybody’s by a tenant',
      hulls: ['one', 'two', 'both'],
      outcome: { error: { name: 'TenancyError' }, changes: {} },
    },
  }))

/** A key that is emptied together with the tenant in it. */
const homeless = (cases: readonly Case[]): readonly Case[] =>
  cases.map((one) => ({
    ...one,
    deliberate: {
      reason: 'row-level security looks at the new row before the database sees that the tenant is missing',
      hulls: ['two', 'both'],
      outcome: { error: { name: 'TenancyError', code: 'DH301' }, changes: {} },
    },
  }))

const lists: readonly Case[] = [
  // a list whose key stands at the other end
  ...both('author.books', 'create', { create: { title: 'n' } }),
  ...both('author.books', 'create several', { create: [{ title: 'n1' }, { title: 'n2', pages: 4 }] }),
  ...both('author.books', 'create with keys', {
    create: [{ title: 'n1', editorId: a.author[1], templateId: shared }],
  }),
  ...both('author.books', 'create with the tenant', { create: { title: 'n', companyId: a.company } }),
  ...both('author.books', 'create with the tenant connected', {
    create: { title: 'n', company: { connect: { id: a.company } } },
  }),
  ...both(
    'author.books',
    'create with a key to nothing',
    { create: { title: 'n', editorId: missing.author[0] } },
    { update: 'P2003', create: 'P2003' },
  ),
  ...both('author.books', 'create with a relation', {
    create: { title: 'n', editor: { connect: { id: a.author[1] } } },
  }),
  ...both(
    'author.books',
    'create with the relation’s own key',
    { create: { title: 'n', authorId: a.author[1] } },
    { update: 'PrismaClientValidationError', create: 'PrismaClientValidationError' },
  ),
  ...both('author.books', 'create of nothing', { create: [] }),
  ...both('author.books', 'createMany', {
    createMany: { data: [{ title: 'n1' }, { title: 'n2', editorId: a.author[2] }] },
  }),
  ...both('author.books', 'createMany of one', {
    createMany: { data: { title: 'n1', companyId: a.company } },
  }),
  ...both(
    'author.books',
    'createMany with a key to nothing',
    { createMany: { data: [{ title: 'n1', editorId: missing.author[0] }] } },
    { update: 'P2003', create: 'P2003' },
  ),
  ...both('author.books', 'createMany that skips', {
    createMany: { data: [{ title: 'n1' }, { id: a.book[0], title: 'n2' }], skipDuplicates: true },
  }),
  ...both(
    'author.books',
    'createMany of what is there',
    { createMany: { data: [{ id: a.book[0], title: 'n2' }] } },
    { update: 'P2002', create: 'P2002' },
  ),
  ...both('author.books', 'connect', { connect: { id: a.book[3] } }),
  ...both('author.books', 'connect several', {
    connect: [{ id: a.book[3] }, { id: a.book[2], title: 'Gamma' }],
  }),
  ...both('author.books', 'connect what is connected', { connect: [{ id: a.book[0] }] }),
  ...both(
    'author.books',
    'connect a missing row',
    { connect: { id: missing.book[0] } },
    { update: 'P2018', create: 'P2018' },
  ),
  ...both(
    'author.books',
    'connect with a condition that does not hold',
    { connect: { id: a.book[3], title: 'Alpha' } },
    { update: 'P2018', create: 'P2018' },
  ),
  ...both(
    'author.books',
    'connect one of them missing',
    { connect: [{ id: a.book[3] }, { id: missing.book[0] }] },
    { update: 'P2018', create: 'P2018' },
  ),
  ...both('author.books', 'connectOrCreate, there', {
    connectOrCreate: { where: { id: a.book[3] }, create: { title: 'n' } },
  }),
  ...both('author.books', 'connectOrCreate, not there', {
    connectOrCreate: { where: { id: missing.book[0] }, create: { title: 'n' } },
  }),
  ...both('author.books', 'connectOrCreate, several', {
    connectOrCreate: [
      { where: { id: a.book[3] }, create: { title: 'n' } },
      { where: { id: missing.book[0] }, create: { title: 'n', tags: { connect: { id: a.tag[0] } } } },
    ],
  }),
  ...update('author.books', 'update', { update: { where: { id: a.book[0] }, data: { title: 'u' } } }),
  ...update('author.books', 'update several', {
    update: [
      { where: { id: a.book[0] }, data: { pages: { increment: 1 } } },
      { where: { id: a.book[1], title: 'beta' }, data: { title: 'u' } },
    ],
  }),
  ...update('author.books', 'update of keys', {
    update: { where: { id: a.book[0] }, data: { editorId: a.author[2] } },
  }),
  ...update(
    'author.books',
    'update of keys to nothing',
    { update: { where: { id: a.book[0] }, data: { editorId: missing.author[2] } } },
    'P2003',
  ),
  ...update(
    'author.books',
    'update of another’s',
    { update: { where: { id: a.book[3] }, data: { title: 'u' } } },
    'P2025',
  ),
  ...update(
    'author.books',
    'update of a missing row',
    { update: { where: { id: missing.book[3] }, data: { title: 'u' } } },
    'P2025',
  ),
  ...update(
    'author.books',
    'update of the relation’s own other end',
    { update: { where: { id: a.book[0] }, data: { author: { connect: { id: a.author[2] } } } } },
    'PrismaClientValidationError',
  ),
  ...update('author.books', 'updateMany', {
    updateMany: { where: { pages: { gt: 0 } }, data: { subtitle: 'u' } },
  }),
  ...update('author.books', 'updateMany of all', { updateMany: { where: {}, data: { subtitle: 'u' } } }),
  ...update('author.books', 'updateMany, several', {
    updateMany: [
      { where: { pages: 100 }, data: { subtitle: 'u1' } },
      { where: { pages: 200 }, data: { subtitle: { set: 'u2' } } },
    ],
  }),
  ...update('author.books', 'updateMany with keys', {
    updateMany: { where: {}, data: { editorId: a.author[3], companyId: a.company } },
  }),
  ...update(
    'author.books',
    'updateMany by relations',
    { updateMany: { where: { reviews: { some: {} } }, data: { subtitle: 'u' } } },
    'PrismaClientValidationError',
  ),
  ...update('author.books', 'upsert, there', {
    upsert: { where: { id: a.book[0] }, update: { title: 'u' }, create: { title: 'n' } },
  }),
  ...update('author.books', 'upsert, not there', {
    upsert: { where: { id: missing.book[0] }, update: { title: 'u' }, create: { title: 'n' } },
  }),
  ...update('author.books', 'upsert, several', {
    upsert: [
      { where: { id: a.book[0] }, update: { title: 'u' }, create: { title: 'n' } },
      { where: { id: missing.book[0] }, update: {}, create: { title: 'n' } },
    ],
  }),
  ...update('author.books', 'upsert of another’s', {
    upsert: { where: { id: a.book[3] }, update: { title: 'u' }, create: { title: 'n' } },
  }),
  ...update('author.books', 'delete of a row that others need', { delete: { id: a.book[0] } }, 'P2003'),
  ...update('author.books', 'delete of a missing row', { delete: { id: missing.book[0] } }, 'P2017'),
  ...update('author.books', 'delete of another’s', { delete: { id: a.book[3] } }, 'P2017'),
  ...update('author.books', 'deleteMany of none', { deleteMany: { title: 'none' } }),
  ...update('author.books', 'disconnect, required', { disconnect: { id: a.book[0] } }, 'P2014'),
  ...update('author.books', 'set, required', { set: [] }, 'P2014'),
  ...update('author.books', 'set of what it has, required', { set: [{ id: a.book[0] }, { id: a.book[1] }] }),
  ...update('author.books', 'set of more than it has, required', {
    set: [{ id: a.book[0] }, { id: a.book[1] }, { id: a.book[2] }],
  }),
  ...update('author.books', 'several operations at once', {
    create: { title: 'n' },
    connect: { id: a.book[2] },
    update: { where: { id: a.book[0] }, data: { title: 'u' } },
    updateMany: { where: { title: 'beta' }, data: { subtitle: 'u' } },
    upsert: { where: { id: missing.book[0] }, update: {}, create: { title: 'n2' } },
  }),
  ...update('author.books', 'all undefined', {
    create: undefined,
    connect: undefined,
    set: undefined,
    update: undefined,
    delete: undefined,
    deleteMany: undefined,
  }),
  ...update('author.books', 'all skipped', (Prisma) => ({
    create: Prisma.skip,
    connect: Prisma.skip,
    set: Prisma.skip,
    updateMany: Prisma.skip,
    deleteMany: Prisma.skip,
  })),
  ...update(
    'author.books',
    'an unknown operation',
    { remove: { id: a.book[0] } },
    'PrismaClientValidationError',
  ).map((one) => ({
    ...one,
    deliberate: {
      reason: 'hull one passes nothing on that it does not know, whoever would refuse it next',
      hulls: ['one', 'both'] as const,
      outcome: { error: { name: 'TenancyError', code: 'DH201' } },
    },
  })),
  ...update('author.books', 'not an object', [] as never, 'PrismaClientValidationError'),
  ...update(
    'author.books',
    'update without where',
    { update: { data: { title: 'u' } } },
    'PrismaClientValidationError',
  ),
  ...update('author.books', 'delete of true', { delete: true }, 'PrismaClientValidationError'),
  ...update('author.books', 'connect of nothing', { connect: {} }, 'PrismaClientValidationError'),
  ...create(
    'author.books',
    'update in a create',
    { update: { where: { id: a.book[0] }, data: {} } },
    'PrismaClientValidationError',
  ),

  // an optional list whose key stands at the other end
  ...both('author.reports', 'create and connect', { create: { name: 'n' }, connect: [{ id: a.author[4] }] }),
  ...update('author.reports', 'disconnect', { disconnect: { id: a.author[1] } }),
  ...update('author.reports', 'disconnect several', {
    disconnect: [{ id: a.author[1] }, { id: a.author[2] }],
  }),
  ...update('author.reports', 'disconnect of another’s', { disconnect: { id: a.author[3] } }),
  ...update('author.reports', 'disconnect of a missing row', { disconnect: { id: missing.author[3] } }),
  ...update('author.reports', 'set of none', { set: [] }),
  ...update('author.reports', 'set of one', { set: { id: a.author[4] } }),
  ...update('author.reports', 'set of several', { set: [{ id: a.author[1] }, { id: a.author[4] }] }),
  ...update('author.reports', 'set with a missing row', {
    set: [{ id: a.author[4] }, { id: missing.author[4] }],
  }),
  ...update('author.reports', 'set with a condition', { set: [{ id: a.author[4], name: 'eve' }] }),
  ...update('author.reports', 'delete', { delete: [{ id: a.author[1] }] }, 'P2003'),
  ...update('author.reports', 'updateMany', {
    updateMany: { where: { rank: { gt: 0 } }, data: { rank: 100 } },
  }),
  ...update(
    'author.reports',
    'updateMany with keys',
    { updateMany: { where: {}, data: { bossId: a.author[4] } } },
    'PrismaClientValidationError',
  ),
  ...update('author.reports', 'deleteMany', { deleteMany: [{ name: 'none' }, { rank: 44 }] }),
  ...update('author.edited', 'disconnect, connect, create', {
    disconnect: { id: a.book[2] },
    connect: { id: a.book[1] },
    create: { title: 'n', author: { connect: { id: a.author[0] } } },
  }),
  ...update('author.edited', 'set', { set: [{ id: a.book[3] }] }),
  ...update('author.edited', 'deleteMany of all', { deleteMany: {} }, 'P2003'),
  ...both('author.edited', 'create with keys', { create: { title: 'n', authorId: a.author[0] } }),
  ...both('author.edited', 'createMany', { createMany: { data: [{ title: 'n', authorId: a.author[0] }] } }),
  ...both(
    'author.edited',
    'createMany with a key to nothing',
    { createMany: { data: [{ title: 'n', authorId: missing.author[0] }] } },
    { update: 'P2003', create: 'P2003' },
  ),

  // to through models
  ...both('book.reviews', 'create', {
    create: { text: 'n', reviewerId: a.author[0], comments: { create: [{ text: 'n' }] } },
  }),
  ...both('book.reviews', 'create, deep', {
    create: {
      text: 'n',
      reviewer: { connect: { id: a.author[0] } },
      comments: { create: [{ text: 'n' }, { text: 'm' }] },
    },
  }),
  ...both('book.reviews', 'create with keys', { create: [{ text: 'n', reviewerId: a.author[0] }] }),
  ...both('book.reviews', 'createMany', {
    createMany: { data: [{ text: 'n', reviewerId: a.author[1] }, { text: 'm' }] },
  }),
  ...both(
    'book.reviews',
    'createMany with a key to nothing',
    { createMany: { data: [{ text: 'n', reviewerId: missing.author[1] }] } },
    { update: 'P2003', create: 'P2003' },
  ),
  ...both('book.reviews', 'connect', { connect: { id: a.review[2] } }),
  ...both(
    'book.reviews',
    'connect a missing row',
    { connect: { id: missing.review[2] } },
    { update: 'P2018', create: 'P2018' },
  ),
  ...both('book.reviews', 'connectOrCreate', {
    connectOrCreate: [
      { where: { id: a.review[2] }, create: { text: 'n' } },
      { where: { id: missing.review[2] }, create: { text: 'm' } },
    ],
  }),
  ...update('book.reviews', 'update', {
    update: { where: { id: a.review[0] }, data: { text: 'u', stars: { increment: 1 } } },
  }),
  ...update(
    'book.reviews',
    'update of another’s',
    { update: { where: { id: a.review[2] }, data: { text: 'u' } } },
    'P2025',
  ),
  ...update('book.reviews', 'updateMany', {
    updateMany: { where: { stars: { gt: 4 } }, data: { text: 'u' } },
  }),
  ...update('book.reviews', 'updateMany with keys', {
    updateMany: { where: {}, data: { reviewerId: a.author[3] } },
  }),
  ...update(
    'book.reviews',
    'updateMany with keys to nothing',
    { updateMany: { where: {}, data: { reviewerId: missing.author[3] } } },
    'P2003',
  ),
  ...update('book.reviews', 'upsert, both ways', {
    upsert: [
      { where: { id: a.review[0] }, update: { text: 'u' }, create: { text: 'n' } },
      { where: { id: missing.review[0] }, update: { text: 'u' }, create: { text: 'n' } },
    ],
  }),
  ...update('book.reviews', 'delete', { delete: { id: a.review[1] } }),
  ...update('book.reviews', 'delete, several', { delete: [{ id: a.review[0] }, { id: a.review[1] }] }),
  ...update('book.reviews', 'delete of another’s', { delete: { id: a.review[2] } }, 'P2017'),
  ...update('book.reviews', 'deleteMany', { deleteMany: { stars: 4 } }),
  ...update('book.reviews', 'deleteMany of all', { deleteMany: [{}] }),
  ...update('book.reviews', 'set, required', { set: [{ id: a.review[0] }] }, 'P2014'),
  ...both('review.comments', 'create and connect', { create: { text: 'n' }, connect: { id: a.comment[2] } }),
  ...both('review.comments', 'createMany', { createMany: { data: [{ text: 'n' }] } }),
  ...update('review.comments', 'updateMany', { updateMany: { where: { text: 'yes' }, data: { text: 'u' } } }),
  ...update('review.comments', 'deleteMany', { deleteMany: {} }),
  ...update('review.comments', 'delete and update', {
    delete: { id: a.comment[0] },
    update: { where: { id: a.comment[1] }, data: { text: 'u' } },
  }),
  ...both('author.reviews', 'create', { create: { text: 'n', book: { connect: { id: a.book[0] } } } }),
  ...both('author.reviews', 'create with keys', { create: { text: 'n', bookId: a.book[0] } }),
  ...both('author.reviews', 'createMany', { createMany: { data: [{ text: 'n', bookId: a.book[0] }] } }),
  ...both('author.reviews', 'connect', { connect: { id: a.review[1] } }),
  ...update('author.reviews', 'disconnect', { disconnect: { id: a.review[2] } }),
  ...update('author.reviews', 'set', { set: [{ id: a.review[0] }, { id: a.review[1] }] }),
  ...update('author.reviews', 'updateMany', { updateMany: { where: { stars: 1 }, data: { text: 'u' } } }),
  ...update('author.reviews', 'deleteMany', { deleteMany: { stars: 4 } }),
  ...update('author.reviews', 'deleteMany of all', { deleteMany: {} }),

  // an explicit many-to-many relation
  ...both('shelf.books', 'create', { create: { position: 9, book: { connect: { id: a.book[3] } } } }),
  ...both('shelf.books', 'create with keys', { create: [{ position: 9, bookId: a.book[3] }] }),
  ...both('shelf.books', 'create, deep', {
    create: { book: { create: { title: 'n', author: { create: { name: 'n' } } } } },
  }),
  ...both('shelf.books', 'createMany', {
    createMany: { data: [{ bookId: a.book[2] }, { bookId: a.book[3] }], skipDuplicates: true },
  }),
  ...update('shelf.books', 'create of what is there', { create: { bookId: a.book[0] } }, 'P2002'),
  ...update('shelf.books', 'update by a compound key', {
    update: { where: { shelfId_bookId: { shelfId: a.shelf[0], bookId: a.book[0] } }, data: { position: 5 } },
  }),
  ...update('shelf.books', 'updateMany', { updateMany: { where: { position: 0 }, data: { position: 5 } } }),
  ...update('shelf.books', 'delete by a compound key', {
    delete: [{ shelfId_bookId: { shelfId: a.shelf[0], bookId: a.book[0] } }],
  }),
  ...update('shelf.books', 'deleteMany', { deleteMany: { bookId: { in: [a.book[0]] } } }),
  ...update('shelf.books', 'connectOrCreate', {
    connectOrCreate: {
      where: { shelfId_bookId: { shelfId: a.shelf[0], bookId: a.book[3] } },
      create: { book: { connect: { id: a.book[3] } } },
    },
  }),
  ...update('shelf.books', 'upsert', {
    upsert: {
      where: { shelfId_bookId: { shelfId: a.shelf[0], bookId: a.book[3] } },
      update: { position: 1 },
      create: { bookId: a.book[3] },
    },
  }),
  ...both(
    'book.shelves',
    'create',
    { create: { shelf: { connect: { id: a.shelf[1] } }, position: 4 } },
    { update: 'P2002' },
  ),
  ...both('book.shelves', 'create with a new shelf', { create: { shelf: { create: { name: 'n' } } } }),
  ...both('book.shelves', 'createMany', {
    createMany: { data: [{ shelfId: a.shelf[1] }], skipDuplicates: true },
  }),
  ...both(
    'book.shelves',
    'createMany with a key to nothing',
    { createMany: { data: [{ shelfId: missing.shelf[1] }] } },
    {
      update: 'P2003',
      create: 'P2003',
      deliberate: {
        reason:
          'row-level security looks for the parent before the foreign key does, and says nothing of why',
        hulls: ['two'],
        outcome: { error: { name: 'TenancyError', code: 'DH301' } },
      },
    },
  ),
  ...update('book.shelves', 'updateMany', { updateMany: { where: { position: 0 }, data: { position: 8 } } }),
  ...update('book.shelves', 'deleteMany', { deleteMany: {} }),

  // an implicit many-to-many relation
  ...both('book.tags', 'create', { create: { name: 'n' } }),
  ...both('book.tags', 'create, several', { create: [{ name: 'n1' }, { name: 'n2', companyId: a.company }] }),
  ...both(
    'book.tags',
    'create of what is there',
    { create: { name: 'one' } },
    { update: 'P2002', create: 'P2002' },
  ),
  ...both('book.tags', 'connect', {
    connect: [{ id: a.tag[2] }, { companyId_name: { companyId: a.company, name: 'one' } }],
  }),
  ...both(
    'book.tags',
    'connect what is missing',
    { connect: [{ id: a.tag[2] }, { id: missing.tag[0] }] },
    { update: 'P2025', create: 'P2025' },
  ),
  ...both('book.tags', 'connectOrCreate', {
    connectOrCreate: [
      { where: { companyId_name: { companyId: a.company, name: 'three' } }, create: { name: 'three' } },
      { where: { companyId_name: { companyId: a.company, name: 'four' } }, create: { name: 'four' } },
    ],
  }),
  ...update('book.tags', 'disconnect', { disconnect: { id: a.tag[0] } }),
  ...update('book.tags', 'disconnect, several, one not linked, one missing', {
    disconnect: [{ id: a.tag[0] }, { id: a.tag[2] }, { id: missing.tag[0] }],
  }),
  ...update('book.tags', 'set of none', { set: [] }),
  ...update('book.tags', 'set of some', { set: [{ id: a.tag[1] }, { id: a.tag[2] }] }),
  ...update('book.tags', 'set of one', { set: { id: a.tag[2] } }),
  ...update(
    'book.tags',
    'set with a missing row',
    { set: [{ id: a.tag[1] }, { id: missing.tag[2] }] },
    'P2025',
  ),
  ...update('book.tags', 'update', { update: { where: { id: a.tag[0] }, data: { name: 'u' } } }),
  ...update(
    'book.tags',
    'update of one that is not linked',
    { update: { where: { id: a.tag[2] }, data: { name: 'u' } } },
    'P2025',
  ),
  ...update(
    'book.tags',
    'updateMany',
    { updateMany: { where: { name: { contains: 'o' } }, data: { name: { set: 'u' } } } },
    'P2002',
  ),
  ...update('book.tags', 'updateMany of one', {
    updateMany: { where: { name: { contains: 'tw' } }, data: { name: { set: 'u' } } },
  }),
  ...update('book.tags', 'upsert, both ways', {
    upsert: [
      { where: { id: a.tag[0] }, update: { name: 'u' }, create: { name: 'n' } },
      { where: { id: missing.tag[0] }, update: { name: 'u' }, create: { name: 'n2' } },
    ],
  }),
  ...update('book.tags', 'delete', { delete: { id: a.tag[0] } }),
  ...update('book.tags', 'delete of one that is not linked', { delete: { id: a.tag[2] } }, 'P2017'),
  ...update('book.tags', 'deleteMany', { deleteMany: { name: 'two' } }),
  ...update('book.tags', 'deleteMany of all', { deleteMany: {} }),
  ...both('tag.books', 'create, deep', {
    create: { title: 'n', author: { connect: { id: a.author[0] } }, reviews: { create: { text: 'n' } } },
  }),
  ...both('tag.books', 'create with keys', { create: { title: 'n', authorId: a.author[0] } }),
  ...both('tag.books', 'connect', { connect: [{ id: a.book[2] }, { id: a.book[3] }] }),
  ...update('tag.books', 'set', { set: [{ id: a.book[3] }] }),
  ...update('tag.books', 'updateMany', {
    updateMany: { where: { available: true }, data: { subtitle: 'u' } },
  }),
  ...both('author.friends', 'create and connect', { create: { name: 'n' }, connect: { id: a.author[4] } }),
  ...update('author.friends', 'disconnect', { disconnect: { id: a.author[1] } }),
  ...update('author.friends', 'set', { set: [{ id: a.author[0] }] }),
  ...both('template.currencies', 'connect', { connect: [{ code: 'GBP' }] }),
  ...both(
    'template.currencies',
    'connect what is missing',
    { connect: { code: 'XXX' } },
    { update: 'P2025', create: 'P2025' },
  ),
  ...update('template.currencies', 'set', { set: [{ code: 'GBP' }] }),
  ...update('template.currencies', 'disconnect', { disconnect: [{ code: 'EUR' }] }),
  ...both('template.books', 'create and connect', {
    create: { title: 'n', author: { connect: { id: a.author[0] } } },
    connect: { id: a.book[3] },
  }),
  ...update('template.books', 'set of none', { set: [] }),
  ...update('template.books', 'disconnect', { disconnect: { id: a.book[0] } }),

  // over keys that carry the tenant
  ...both('order.lines', 'create', {
    create: { product: { connect: { companyId_sku: { companyId: a.company, sku: a.sku[0] } } } },
  }),
  ...both('order.lines', 'create with keys', { create: [{ sku: a.sku[0], quantity: 9 }] }),
  ...both(
    'order.lines',
    'create with a key to nothing',
    { create: [{ sku: missing.sku[0], quantity: 9 }] },
    { update: 'P2003', create: 'P2003' },
  ),
  ...both('order.lines', 'createMany', {
    createMany: { data: [{ sku: a.sku[0] }, { sku: a.sku[1], substitute: a.sku[2] }] },
  }),
  ...both('order.lines', 'connect', { connect: { id: a.orderLine[2] } }),
  ...update('order.lines', 'update', {
    update: { where: { id: a.orderLine[0] }, data: { quantity: 9, sku: a.sku[2] } },
  }),
  ...update('order.lines', 'updateMany', {
    updateMany: { where: { quantity: { gt: 1 } }, data: { quantity: { multiply: 2 } } },
  }),
  ...update('order.lines', 'delete and deleteMany', {
    delete: { id: a.orderLine[0] },
    deleteMany: { quantity: 2 },
  }),
  ...update('order.lines', 'upsert, both ways', {
    upsert: [
      { where: { id: a.orderLine[0] }, update: { quantity: 8 }, create: { sku: a.sku[0] } },
      { where: { id: missing.orderLine[0] }, update: {}, create: { sku: a.sku[0] } },
    ],
  }),
  ...both('product.lines', 'create', {
    create: { order: { connect: { companyId_number: { companyId: a.company, number: 2 } } } },
  }),
  ...both('product.lines', 'createMany', { createMany: { data: { orderId: a.order[0] } } }),
  ...update('product.lines', 'deleteMany', { deleteMany: [{ quantity: 1 }, { quantity: 3 }] }),

  ...update('order.lines', 'set, required', { set: [] }, 'P2014'),
  ...update('order.lines', 'set of what it has, required', {
    set: [{ id: a.orderLine[0] }, { id: a.orderLine[1] }],
  }),
  ...update('order.lines', 'set of more than it has, required', {
    set: [{ id: a.orderLine[0] }, { id: a.orderLine[1] }, { id: a.orderLine[2] }],
  }),
  ...update('order.lines', 'disconnect, required', { disconnect: { id: a.orderLine[0] } }, 'P2014'),
  ...update(
    'order.lines',
    'disconnect of another’s, required',
    { disconnect: { id: a.orderLine[2] } },
    'P2014',
  ),
  ...update('product.substitutes', 'connect', { connect: { id: a.orderLine[1] } }),
  ...homeless(update('product.substitutes', 'disconnect', { disconnect: { id: a.orderLine[0] } }, 'P2011')),
  ...update('product.substitutes', 'disconnect of another’s', { disconnect: { id: a.orderLine[1] } }),
  ...homeless(update('product.substitutes', 'set of none', { set: [] }, 'P2011')),
  ...update('product.substitutes', 'set of what it has', { set: [{ id: a.orderLine[0] }] }),
  ...update('product.substitutes', 'set of more than it has', {
    set: [{ id: a.orderLine[0] }, { id: a.orderLine[1] }],
  }),
  ...update('product.substitutes', 'updateMany', { updateMany: { where: {}, data: { quantity: 6 } } }),
  ...homeless(update('orderLine.substituteProduct', 'disconnect', { disconnect: true }, 'P2011')),
  ...homeless(
    update('orderLine.substituteProduct', 'disconnect where', { disconnect: { name: 'table' } }, 'P2011'),
  ),
  ...homeless(
    update(
      'orderLine.substituteProduct',
      'disconnect where it does not hold',
      { disconnect: { name: 'none' } },
      'P2011',
    ),
  ),
  ...update('orderLine.order', 'disconnect, required', { disconnect: true }, 'PrismaClientValidationError'),
  ...unshared(update('company.templates', 'disconnect', { disconnect: { id: a.template[0] } })),
  ...update('company.templates', 'set of what it has', {
    set: [{ id: a.template[0] }, { id: a.template[1] }],
  }).map((one) => ({
    ...one,
    deliberate: {
      reason: 'what it lets go of would be everybody’s, and its arguments do not say that it is nothing',
      hulls: ['one', 'both'] as const,
      outcome: { error: { name: 'TenancyError', code: 'DH202' } },
    },
  })),
  ...unshared(update('company.templates', 'set of none', { set: [] })),
  ...update('company.tags', 'set, required', { set: [] }, 'P2014'),
  ...update('company.tags', 'set of what it has, required', { set: a.tag.slice(0, 3).map((id) => ({ id })) }),
  ...update('company.tags', 'disconnect, required', { disconnect: { id: a.tag[0] } }, 'P2014'),

  // from the tenant
  ...update('company.tags', 'create', {
    create: [{ name: 'n' }, { name: 'm', books: { connect: { id: a.book[0] } } }],
  }),
  ...update('company.tags', 'createMany', {
    createMany: { data: [{ name: 'n' }, { name: 'one' }], skipDuplicates: true },
  }),
  ...update('company.tags', 'connect what is connected', { connect: { id: a.tag[0] } }),
  ...update('company.tags', 'update, delete, deleteMany', {
    update: { where: { id: a.tag[0] }, data: { name: 'u' } },
    delete: { id: a.tag[1] },
    deleteMany: { name: 'three' },
  }),
  ...update('company.tags', 'updateMany', { updateMany: { where: { name: 'one' }, data: { name: 'u' } } }),
  ...update('company.tags', 'connectOrCreate', {
    connectOrCreate: {
      where: { companyId_name: { companyId: a.company, name: 'n' } },
      create: { name: 'n' },
    },
  }),
  ...update('company.tags', 'upsert', {
    upsert: {
      where: { companyId_name: { companyId: a.company, name: 'one' } },
      update: { name: 'u' },
      create: { name: 'n' },
    },
  }),
  ...update('company.templates', 'create and update', {
    create: { name: 'n' },
    update: { where: { id: a.template[0] }, data: { name: 'u' } },
  }),
  ...update('company.counters', 'create', { create: { name: 'n' } }),
  ...update('company.counters', 'update by a compound key', {
    update: {
      where: { counter: { companyId: a.company, name: a.counter[0] } },
      data: { value: { increment: 4 } },
    },
  }),
  ...update('company.counters', 'deleteMany', { deleteMany: {} }),
]

const ones: readonly Case[] = [
  // an optional relation whose key is here
  ...both('author.boss', 'create', { create: { name: 'n' } }),
  ...both('author.boss', 'create, deep', {
    create: { name: 'n', boss: { create: { name: 'm', books: { create: { title: 'n' } } } } },
  }),
  ...both('author.boss', 'create with keys', { create: { name: 'n', bossId: a.author[4] } }),
  ...both('author.boss', 'connect', { connect: { id: a.author[4] } }),
  ...both('author.boss', 'connect by another key', { connect: { name_and_rank: { name: 'eve', rank: 0 } } }),
  ...both('author.boss', 'connect with a condition', { connect: { id: a.author[4], name: 'eve' } }),
  ...both(
    'author.boss',
    'connect with a condition that does not hold',
    { connect: { id: a.author[4], name: 'Ada' } },
    { update: 'P2025', create: 'P2025' },
  ),
  ...both(
    'author.boss',
    'connect a missing row',
    { connect: { id: missing.author[4] } },
    { update: 'P2025', create: 'P2025' },
  ),
  ...both('author.boss', 'connectOrCreate, there', {
    connectOrCreate: { where: { id: a.author[4] }, create: { name: 'n' } },
  }),
  ...both('author.boss', 'connectOrCreate, not there', {
    connectOrCreate: { where: { id: missing.author[4] }, create: { name: 'n' } },
  }),
  ...update('author.boss', 'disconnect', { disconnect: true }),
  ...update('author.boss', 'disconnect false', { disconnect: false }),
  ...update('author.boss', 'disconnect where', { disconnect: { name: 'Ada' } }),
  ...update('author.boss', 'disconnect where it does not hold', { disconnect: { name: 'none' } }),
  ...update('author.boss', 'update', { update: { rank: 50 } }),
  ...update('author.boss', 'update with data', { update: { data: { rank: 50 } } }),
  ...update('author.boss', 'update with where and data', {
    update: { where: { name: 'Ada' }, data: { rank: 50 } },
  }),
  ...update(
    'author.boss',
    'update where it does not hold',
    { update: { where: { name: 'none' }, data: { rank: 50 } } },
    'P2025',
  ),
  ...update('author.boss', 'update of keys', { update: { userId: a.user[1], currencyCode: 'GBP' } }),
  ...update('author.boss', 'update of keys to nothing', { update: { userId: missing.user[1] } }, 'P2003'),
  ...update('author.boss', 'update of nothing', { update: {} }),
  ...update('author.boss', 'upsert, there', { upsert: { update: { rank: 50 }, create: { name: 'n' } } }),
  ...update('author.boss', 'upsert with where, there', {
    upsert: { where: { name: 'Ada' }, update: { rank: 50 }, create: { name: 'n' } },
  }),
  ...update('author.boss', 'upsert where it does not hold', {
    upsert: { where: { name: 'none' }, update: { rank: 50 }, create: { name: 'n' } },
  }),
  ...update('author.boss', 'delete', { delete: true }, 'P2003'),
  ...update('author.boss', 'delete false', { delete: false }),
  ...update('author.boss', 'delete where it does not hold', { delete: { name: 'none' } }, 'P2025'),
  ...update('author.boss', 'set', { set: [] }, 'PrismaClientValidationError'),
  ...update('author.boss', 'connect and update', { connect: { id: a.author[4] }, update: { rank: 50 } }),
  ...both('author.user', 'connect', { connect: { id: a.user[1] } }),
  ...both(
    'author.user',
    'connect what is missing',
    { connect: { id: missing.user[1] } },
    { update: 'P2025', create: 'P2025' },
  ),
  ...update('author.user', 'disconnect', { disconnect: true }),
  ...both('author.currency', 'connect', { connect: { code: 'GBP' } }),
  ...update('author.currency', 'disconnect', { disconnect: true }),
  ...both('book.editor', 'create and connect', { create: { name: 'n' } }),
  ...both('book.editor', 'connect', { connect: { id: a.author[3] } }),
  ...update('book.editor', 'disconnect', { disconnect: true }),
  ...update('book.editor', 'update', { update: { where: {}, data: { name: 'u' } } }),
  ...update('book.editor', 'upsert', { upsert: { update: { name: 'u' }, create: { name: 'n' } } }),
  ...update('book.editor', 'delete', { delete: true }, 'P2003'),
  ...both('book.template', 'connect the shared one', { connect: { id: shared } }),
  ...both('book.template', 'create', { create: { name: 'n' } }),
  ...update('book.template', 'update', { update: { name: 'u' } }),
  ...update('book.template', 'disconnect', { disconnect: true }),
  ...update('book.template', 'delete', { delete: true }),
  ...both('review.reviewer', 'create', { create: { name: 'n', books: { create: { title: 'n' } } } }),
  ...both('review.reviewer', 'connect', { connect: { id: a.author[4] } }),
  ...update('review.reviewer', 'disconnect', { disconnect: true }),
  ...update('review.reviewer', 'update', { update: { name: 'u', profile: { create: { bio: 'n' } } } }),

  // a required relation whose key is here
  ...both('book.author', 'create', { create: { name: 'n' } }),
  ...both('book.author', 'create with the tenant', { create: { name: 'n', companyId: a.company } }),
  ...both('book.author', 'connect', { connect: { id: a.author[4] } }),
  ...both(
    'book.author',
    'connect a missing row',
    { connect: { id: missing.author[4] } },
    { update: 'P2025', create: 'P2025' },
  ),
  ...both('book.author', 'connectOrCreate', {
    connectOrCreate: {
      where: { companyId_email: { companyId: a.company, email: 'new@x.org' } },
      create: { name: 'n', email: 'new@x.org' },
    },
  }),
  ...update('book.author', 'update', { update: { name: 'u' } }),
  ...update('book.author', 'update, deep', {
    update: {
      edited: { create: { title: 'n', authorId: a.author[1] } },
      profile: { update: { bio: 'u' } },
      boss: { create: { name: 'n' } },
    },
  }),
  ...update('book.author', 'update with where and data', {
    update: { where: { rank: 3 }, data: { name: 'u' } },
  }),
  ...update('book.author', 'upsert', { upsert: { update: { name: 'u' }, create: { name: 'n' } } }),
  ...update('book.author', 'disconnect', { disconnect: true }, 'PrismaClientValidationError'),
  ...update('book.author', 'delete', { delete: true }, 'PrismaClientValidationError'),
  ...both('review.book', 'create', { create: { title: 'n', author: { connect: { id: a.author[0] } } } }),
  ...both('review.book', 'create with keys', { create: { title: 'n', authorId: a.author[0] } }),
  ...both('review.book', 'connect', { connect: { id: a.book[3] } }),
  ...update('review.book', 'update', { update: { title: 'u', tags: { set: [{ id: a.tag[2] }] } } }),

  // one to one
  ...both('author.profile', 'create', { create: { bio: 'n' } }),
  ...both('author.profile', 'create with the tenant', {
    create: { bio: 'n', data: { n: 1 }, companyId: a.company },
  }),
  ...both('author.profile', 'connect what is free', { connect: { id: a.profile[2] } }),
  ...both('author.profile', 'connect what is another’s', { connect: { id: a.profile[1] } }),
  ...update('author.profile', 'connect what is connected', { connect: { id: a.profile[0] } }),
  ...both(
    'author.profile',
    'connect what is missing',
    { connect: { id: missing.profile[0] } },
    { update: 'P2025', create: 'P2025' },
  ),
  ...both('author.profile', 'connectOrCreate', {
    connectOrCreate: { where: { id: a.profile[2] }, create: { bio: 'n' } },
  }),
  ...both(
    'author.profile',
    'connectOrCreate of a new one',
    { connectOrCreate: { where: { id: missing.profile[2] }, create: { bio: 'n' } } },
    { update: 'P2002' },
  ),
  ...update('author.profile', 'update with a field called data', { update: { data: { u: 1 } } }),
  ...update('author.profile', 'update with a field called where', { update: { where: 'u' } }),
  ...update('author.profile', 'update with fields called data and where', {
    update: { where: 'u', data: { u: 1 } },
  }),
  ...update('author.profile', 'update with fields called data and where and another', {
    update: { where: 'u', data: { u: 1 }, bio: 'u' },
  }),
  ...update('author.profile', 'update with where and data', {
    update: { where: { bio: 'bio one' }, data: { bio: 'u', data: { u: 1 } } },
  }),
  ...update('author.profile', 'update with data only', { update: { data: { bio: 'u' } } }),
  ...update('author.profile', 'update with empty where', { update: { where: {}, data: { bio: 'u' } } }),
  ...update('author.profile', 'update of another field', { update: { bio: 'u' } }),
  ...update('author.profile', 'upsert', { upsert: { update: { bio: 'u' }, create: { bio: 'n' } } }),
  ...update('author.profile', 'upsert with where', {
    upsert: { where: { bio: 'bio one' }, update: { data: { u: 1 } }, create: { bio: 'n' } },
  }),
  ...update('author.profile', 'disconnect', { disconnect: true }),
  ...update('author.profile', 'disconnect where', { disconnect: { bio: 'bio one' } }),
  ...update('author.profile', 'disconnect where it does not hold', { disconnect: { bio: 'none' } }),
  ...update('author.profile', 'delete', { delete: true }),
  ...update('author.profile', 'delete where', { delete: { bio: 'bio one' } }),
  ...update('author.profile', 'delete where it does not hold', { delete: { bio: 'none' } }, 'P2025'),
  ...both('profile.author', 'create', { create: { name: 'n' } }),
  ...both('profile.author', 'connect what is free', { connect: { id: a.author[3] } }),
  ...both('profile.author', 'connect what is another’s', { connect: { id: a.author[1] } }),
  ...update('profile.author', 'disconnect', { disconnect: true }),
  ...update('profile.author', 'update', { update: { name: 'u' } }),
  ...update('profile.author', 'upsert', { upsert: { update: { name: 'u' }, create: { name: 'n' } } }),
  ...both(
    'author.passport',
    'create, required',
    { create: { number: 'n', country: 'n' } },
    { update: 'P2014' },
  ),
  ...both(
    'author.passport',
    'connect, required',
    { connect: { number: a.passport[1] } },
    { update: 'P2014' },
  ),
  ...update('author.passport', 'connect what is connected, required', { connect: { number: a.passport[0] } }),
  ...update('author.passport', 'update', { update: { country: 'u' } }),
  ...update('author.passport', 'upsert', {
    upsert: { update: { country: 'u' }, create: { number: 'n', country: 'n' } },
  }),
  ...update('author.passport', 'disconnect, required', { disconnect: true }, 'P2014'),
  ...update('author.passport', 'delete', { delete: true }),
  ...both('passport.author', 'create', { create: { name: 'n' } }),
  ...both('passport.author', 'connect what is free', { connect: { id: a.author[3] } }),
  ...both(
    'passport.author',
    'connect what is another’s, required',
    { connect: { id: a.author[2] } },
    { update: 'P2014', create: 'P2014' },
  ),
  ...both('author.successor', 'create', { create: { name: 'n' } }),
  ...both('author.successor', 'connect what is free', { connect: { id: a.author[4] } }),
  ...both('author.successor', 'connect what is another’s', { connect: { id: a.author[2] } }),
  ...update('author.successor', 'disconnect', { disconnect: true }),
  ...both('author.predecessor', 'create', { create: { name: 'n' } }),
  ...both('author.predecessor', 'connect what is free', { connect: { id: a.author[4] } }),
  ...update('author.predecessor', 'disconnect', { disconnect: true }),
  ...update('author.predecessor', 'update', { update: { name: 'u' } }),

  // over keys that carry the tenant
  ...both('orderLine.order', 'create', { create: { number: 55 } }),
  ...both('orderLine.order', 'create with the tenant', { create: { number: 55, companyId: a.company } }),
  ...both('orderLine.order', 'connect', {
    connect: { companyId_number: { companyId: a.company, number: 2 } },
  }),
  ...both(
    'orderLine.order',
    'connect what is missing',
    { connect: { id: missing.order[0] } },
    { update: 'P2025', create: 'P2025' },
  ),
  ...update('orderLine.order', 'update', { update: { note: 'u' } }),
  ...both('orderLine.product', 'connect', {
    connect: { companyId_sku: { companyId: a.company, sku: a.sku[2] } },
  }),
  ...both('orderLine.product', 'create', { create: { sku: 'n', name: 'n' } }),
  ...both('orderLine.substituteProduct', 'connect', {
    connect: { companyId_sku: { companyId: a.company, sku: a.sku[2] } },
  }),
  ...both('orderLine.substituteProduct', 'create', { create: { sku: 'n', name: 'n' } }),
  ...update('orderLine.substituteProduct', 'update', { update: { name: 'u' } }),
  ...update('orderLine.substituteProduct', 'delete', { delete: true }, 'P2003'),
]

const deep: readonly Case[] = [
  writes('create three deep over each kind of relation', (db) =>
    db.author.create({
      data: {
        name: 'n',
        boss: {
          connectOrCreate: {
            where: { id: missing.author[0] },
            create: { name: 'm', user: { connect: { id: a.user[0] } } },
          },
        },
        profile: { create: { bio: 'n', where: 'n' } },
        passport: { create: { number: 'n', country: 'n' } },
        books: {
          create: [
            {
              title: 'n1',
              tags: { create: [{ name: 'n1' }], connect: [{ id: a.tag[0] }] },
              reviews: {
                create: [
                  {
                    text: 'n',
                    comments: { create: { text: 'n' } },
                    reviewer: { connect: { id: a.author[1] } },
                  },
                  { text: 'm', comments: { createMany: { data: [{ text: 'm1' }, { text: 'm2' }] } } },
                ],
              },
              shelves: { create: { shelf: { create: { name: 'n' } } } },
              editor: { create: { name: 'e' } },
              template: { create: { name: 'n', currencies: { connect: { code: 'EUR' } } } },
            },
            { title: 'n2' },
          ],
        },
      },
      include: {
        boss: true,
        books: { include: { tags: byId, reviews: { ...byId, include: { comments: byId } } }, ...byId },
      },
    }),
  ),
  writes('create three deep with keys', (db) =>
    db.author.create({
      data: {
        name: 'n',
        bossId: a.author[0],
        books: {
          create: {
            title: 'n',
            editorId: a.author[1],
            reviews: { create: { text: 'n', reviewerId: a.author[2], comments: { create: { text: 'n' } } } },
          },
        },
      },
    }),
  ),
  writes('update three deep', (db) =>
    db.author.update({
      where: { id: a.author[0] },
      data: {
        books: {
          update: {
            where: { id: a.book[0] },
            data: {
              reviews: {
                update: {
                  where: { id: a.review[0] },
                  data: {
                    text: 'u',
                    comments: { updateMany: { where: {}, data: { text: 'u' } }, create: { text: 'n' } },
                  },
                },
                deleteMany: { stars: 4 },
              },
              editor: { update: { boss: { update: { name: 'u' } } } },
              tags: { update: { where: { id: a.tag[0] }, data: { name: 'u' } } },
            },
          },
        },
        reports: {
          update: {
            where: { id: a.author[1] },
            data: { profile: { upsert: { update: { bio: 'u' }, create: { bio: 'n' } } } },
          },
        },
      },
    }),
  ),
  writes(
    'update three deep that fails at the bottom',
    (db) =>
      db.author.update({
        where: { id: a.author[0] },
        data: {
          name: 'u',
          books: {
            update: {
              where: { id: a.book[0] },
              data: {
                title: 'u',
                reviews: { update: { where: { id: missing.review[0] }, data: { text: 'u' } } },
              },
            },
          },
        },
      }),
    { fails: 'P2025' },
  ),
  writes(
    'create three deep that fails at the bottom',
    (db) =>
      db.author.create({
        data: {
          name: 'n',
          books: { create: { title: 'n', tags: { create: [{ name: 'n' }, { name: 'one' }] } } },
        },
      }),
    { fails: 'P2002' },
  ),
  writes(
    'create three deep with a key to nothing at the bottom',
    (db) =>
      db.author.create({
        data: {
          name: 'n',
          books: {
            create: { title: 'n', reviews: { create: { text: 'n', reviewerId: missing.author[0] } } },
          },
        },
      }),
    { fails: 'P2003' },
  ),
  writes('delete three deep', (db) =>
    db.author.update({
      where: { id: a.author[0] },
      data: {
        books: {
          update: {
            where: { id: a.book[0] },
            data: {
              reviews: { delete: { id: a.review[0] } },
              shelves: { deleteMany: {} },
              tags: { set: [] },
            },
          },
        },
        passport: { delete: true },
        profile: { disconnect: true },
      },
    }),
  ),
]

export const nestedWriteCases: readonly Case[] = [...lists, ...ones, ...deep]
