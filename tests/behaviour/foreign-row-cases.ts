import type { HullChoice } from '../fixtures/behaviour/behaviour-database.ts'
import type { BehaviourClient } from './case.ts'
import { a, type Model, models, orderOf, type Planted, type Relation, relations } from './scene.ts'

/** An operation that names a row: another tenant's, or one that is not there. */
export interface ForeignRowCase {
  readonly title: string
  readonly run: (db: BehaviourClient, ids: Planted) => unknown
  readonly writes: boolean
  /** A plain client answers both alike too, for the row is not linked. */
  readonly alikeAnyway?: boolean
  /** Where a tenant is told after all. */
  readonly told?: { readonly reason: string; readonly hulls: readonly HullChoice[] }
}

type Draft = Omit<ForeignRowCase, 'writes'>

type Data = Readonly<Record<string, unknown>>

/** The unique look-up of a model's row by its primary key. */
const keyOf: Readonly<Record<Model, (ids: Planted, at?: number) => Data>> = {
  company: ({ company }) => ({ id: company }),
  user: ({ user }) => ({ id: user[0] }),
  membership: ({ membership }) => ({ id: membership[0] }),
  currency: ({ prefix }) => ({ code: prefix === 'a' ? 'EUR' : 'XXX' }),
  author: ({ author }) => ({ id: author[0] }),
  profile: ({ profile }) => ({ id: profile[0] }),
  passport: ({ passport }) => ({ number: passport[0] }),
  book: ({ book }) => ({ id: book[0] }),
  tag: ({ tag }) => ({ id: tag[0] }),
  review: ({ review }) => ({ id: review[0] }),
  comment: ({ comment }) => ({ id: comment[0] }),
  shelf: ({ shelf }) => ({ id: shelf[0] }),
  shelfBook: ({ shelf, book }) => ({ shelfId_bookId: { shelfId: shelf[0], bookId: book[0] } }),
  template: ({ template }) => ({ id: template[1] }),
  order: ({ order }) => ({ id: order[0] }),
  orderLine: ({ orderLine }) => ({ id: orderLine[0] }),
  product: ({ company, sku }) => ({ companyId_sku: { companyId: company, sku: sku[0] } }),
  event: ({ event }) => ({ id: event[0] }),
  counter: ({ company, counter }) => ({ counter: { companyId: company, name: counter[0] } }),
}

/** The same as a filter. */
function filterOf(model: Model, ids: Planted): Data {
  const key = keyOf[model](ids)
  const [value] = Object.values(key)
  return typeof value === 'object' ? (value as Data) : key
}

/** Another key of a row, where there is one. */
const otherKeysOf: readonly (readonly [string, Model, (ids: Planted) => Data])[] = [
  [
    'a global compound key',
    'author',
    ({ prefix }) => ({ name_and_rank: { name: `${prefix} Ada`, rank: 3 } }),
  ],
  [
    'a key of the tenant',
    'author',
    ({ company }) => ({ companyId_email: { companyId: company, email: 'ada@x.org' } }),
  ],
  ['a unique key to another', 'author', ({ author }) => ({ successorId: author[2] })],
  ['a unique key to another', 'profile', ({ author }) => ({ authorId: author[0] })],
  ['a unique key to another', 'passport', ({ author }) => ({ authorId: author[0] })],
  ['a unique field', 'user', ({ prefix }) => ({ email: `${prefix}.ann@example.org` })],
  ['a key of the tenant', 'tag', ({ company }) => ({ companyId_name: { companyId: company, name: 'one' } })],
  [
    'a key of the tenant',
    'order',
    ({ company }) => ({ companyId_number: { companyId: company, number: 1 } }),
  ],
  [
    'a key of the tenant',
    'order',
    ({ company, order }) => ({ companyId_id: { companyId: company, id: order[0] } }),
  ],
  [
    'a key of the tenant',
    'membership',
    ({ company, user }) => ({ companyId_userId: { companyId: company, userId: user[0] } }),
  ],
]

/** A text of each model, and the least that a new row of it needs, with relations and without. */
const texts: Readonly<Record<Model, string>> = {
  company: 'name',
  user: 'name',
  membership: 'role',
  currency: 'name',
  author: 'name',
  profile: 'bio',
  passport: 'country',
  book: 'title',
  tag: 'name',
  review: 'text',
  comment: 'text',
  shelf: 'name',
  shelfBook: 'position',
  template: 'name',
  order: 'note',
  orderLine: 'quantity',
  product: 'name',
  event: 'kind',
  counter: 'value',
}
const newText = (model: Model): Data => ({
  [texts[model]]: ['shelfBook', 'orderLine', 'counter'].includes(model) ? 77 : 'taken',
})

const connect = (model: Model) => ({ connect: keyOf[model](a) })
const least: Readonly<Record<Model, Data>> = {
  company: { name: 'new' },
  user: { name: 'new', email: 'new@x.org' },
  membership: { role: 'new', user: connect('user') },
  currency: { code: 'NEW', name: 'new' },
  author: { name: 'new' },
  profile: { bio: 'new' },
  passport: { number: 'new', country: 'new', author: { connect: { id: a.author[4] } } },
  book: { title: 'new', author: connect('author') },
  tag: { name: 'new' },
  review: { text: 'new', book: connect('book') },
  comment: { text: 'new', review: connect('review') },
  shelf: { name: 'new' },
  shelfBook: { position: 1, shelf: { connect: { id: a.shelf[1] } }, book: { connect: { id: a.book[3] } } },
  template: { name: 'new' },
  order: { number: 99 },
  orderLine: { order: connect('order'), product: connect('product') },
  product: { sku: 'new', name: 'new' },
  event: { kind: 'new' },
  counter: { name: 'new' },
}

/** The relation by which the other end refers back, which a nested create must not name. */
const inverse: Readonly<Record<string, string>> = {
  'author.books': 'author',
  'book.reviews': 'book',
  'review.comments': 'review',
  'shelf.books': 'shelf',
  'book.shelves': 'book',
  'order.lines': 'order',
  'product.lines': 'product',
  'author.passport': 'author',
  'user.memberships': 'user',
}
function leastThrough(model: Model, name: string, to: Model): Data {
  const { [inverse[`${model}.${name}`] ?? '']: _, ...data } = least[to]
  return data
}

/** Prisma counts from a cursor by one field only. */
const countedFrom = (model: Model) =>
  ['shelfBook', 'product', 'counter'].includes(model) ? { alikeAnyway: true } : {}

const reads: readonly Draft[] = [
  ...models
    .flatMap(
      (model) =>
        [
          {
            title: `${model}.findUnique`,
            run: (db, ids) => db[model].findUnique({ where: keyOf[model](ids) }),
          },
          {
            title: `${model}.findUniqueOrThrow`,
            run: (db, ids) => db[model].findUniqueOrThrow({ where: keyOf[model](ids) }),
          },
          {
            title: `${model}.findUnique, twice in a tick`,
            run: (db, ids) =>
              Promise.all([a, ids].map((own) => db[model].findUnique({ where: keyOf[model](own) }))),
          },
          {
            title: `${model}.findUnique with a condition`,
            run: (db, ids) => db[model].findUnique({ where: { ...keyOf[model](ids), AND: [{}] } }),
          },
          {
            title: `${model}.findFirst`,
            run: (db, ids) => db[model].findFirst({ where: filterOf(model, ids) }),
          },
          {
            title: `${model}.findFirstOrThrow`,
            run: (db, ids) => db[model].findFirstOrThrow({ where: filterOf(model, ids) }),
          },
          {
            title: `${model}.findMany`,
            run: (db, ids) =>
              db[model].findMany({
                where: { OR: [filterOf(model, ids), filterOf(model, a)] },
                orderBy: orderOf(model),
              }),
          },
          {
            title: `${model}.findMany without it`,
            run: (db, ids) =>
              db[model].findMany({ where: { NOT: filterOf(model, ids) }, orderBy: orderOf(model) }),
          },
          { title: `${model}.count`, run: (db, ids) => db[model].count({ where: filterOf(model, ids) }) },
          {
            title: `${model}.aggregate`,
            run: (db, ids) => db[model].aggregate({ where: filterOf(model, ids), _count: true }),
          },
          {
            title: `${model}.groupBy`,
            run: (db, ids) =>
              db[model].groupBy({ where: filterOf(model, ids), by: [texts[model]], _count: true }),
          },
          ...(['asc', 'desc'] as const).map((direction) => ({
            title: `${model}.findMany with a cursor, ${direction}`,
            run: (db: BehaviourClient, ids: Planted) =>
              db[model].findMany({ cursor: keyOf[model](ids), orderBy: orderOf(model, direction) }),
          })),
          {
            title: `${model}.findFirst with a cursor and skip`,
            run: (db, ids) =>
              db[model].findFirst({ cursor: keyOf[model](ids), orderBy: orderOf(model), skip: 1 }),
            alikeAnyway: true,
          },
          {
            title: `${model}.count with a cursor`,
            run: (db, ids) => db[model].count({ cursor: keyOf[model](ids), orderBy: orderOf(model) }),
            ...countedFrom(model),
          },
          {
            title: `${model}.aggregate with a cursor`,
            run: (db, ids) =>
              db[model].aggregate({
                cursor: keyOf[model](ids),
                orderBy: orderOf(model),
                take: -3,
                _count: true,
              }),
            ...countedFrom(model),
          },
        ] satisfies readonly Draft[],
    )
    // a currency is everybody's
    .filter(({ title }) => !title.startsWith('currency.')),
  ...otherKeysOf.flatMap(
    ([title, model, where]) =>
      [
        {
          title: `${model}.findUnique by ${title}`,
          run: (db, ids) => db[model].findUnique({ where: where(ids) }),
        },
        {
          title: `${model}.findUniqueOrThrow by ${title}`,
          run: (db, ids) => db[model].findUniqueOrThrow({ where: where(ids) }),
        },
        {
          title: `${model}.findMany with a cursor by ${title}`,
          run: (db, ids) => db[model].findMany({ cursor: where(ids), orderBy: orderOf(model) }),
        },
      ] satisfies readonly Draft[],
  ),
  ...models.flatMap((model) =>
    Object.entries(relations[model]).flatMap(([name, { to, kind }]) => {
      if (to === 'currency') return []
      const where = (quantifier: string, ids: Planted) => ({
        where: { [name]: { [quantifier]: filterOf(to, ids) } },
        orderBy: orderOf(model),
      })
      return (kind === 'list' ? ['some', 'every', 'none'] : ['is', 'isNot']).map(
        (quantifier): Draft => ({
          title: `${model}.findMany where ${quantifier} of ${name} is it`,
          run: (db, ids) => db[model].findMany(where(quantifier, ids)),
          // B's rows are linked to B's alone, so it is only B's parents that tell
          alikeAnyway: true,
        }),
      )
    }),
  ),
  {
    title: 'a cursor in an include',
    run: (db, ids) =>
      db.company.findFirst({ include: { books: { cursor: { id: ids.book[0] }, orderBy: { id: 'asc' } } } }),
    alikeAnyway: true,
  },
  {
    title: 'a cursor in an include of a through model',
    run: (db, ids) =>
      db.book.findMany({
        include: { reviews: { cursor: { id: ids.review[0] }, orderBy: { id: 'asc' } } },
        where: { id: a.book[0] },
      }),
    alikeAnyway: true,
  },
  {
    title: 'a relation that is followed',
    run: (db, ids) => db.book.findUnique({ where: { id: ids.book[0] } }).author(),
  },
  {
    title: 'a list that is followed',
    run: (db, ids) =>
      db.author.findUnique({ where: { id: ids.author[0] } }).books({ orderBy: { id: 'asc' } }),
  },
  {
    title: 'a chain that is followed',
    run: (db, ids) =>
      db.review
        .findUniqueOrThrow({ where: { id: ids.review[0] } })
        .book()
        .author(),
  },
]

const writes: readonly Draft[] = [
  ...otherKeysOf.flatMap(
    ([title, model, where]) =>
      [
        {
          title: `${model}.update by ${title}`,
          run: (db, ids) => db[model].update({ where: where(ids), data: newText(model) }),
        },
        {
          title: `${model}.upsert by ${title}`,
          run: (db, ids) =>
            db[model].upsert({ where: where(ids), update: newText(model), create: least[model] }),
        },
      ] satisfies readonly Draft[],
  ),
  ...models
    .filter((model) => model !== 'currency')
    .flatMap(
      (model) =>
        [
          {
            title: `${model}.update`,
            run: (db, ids) => db[model].update({ where: keyOf[model](ids), data: newText(model) }),
          },
          {
            title: `${model}.updateMany`,
            run: (db, ids) => db[model].updateMany({ where: filterOf(model, ids), data: newText(model) }),
          },
          {
            title: `${model}.updateManyAndReturn`,
            run: (db, ids) =>
              db[model].updateManyAndReturn({ where: filterOf(model, ids), data: newText(model) }),
          },
          {
            title: `${model}.upsert`,
            run: (db, ids) =>
              db[model].upsert({ where: keyOf[model](ids), update: newText(model), create: least[model] }),
          },
          { title: `${model}.delete`, run: (db, ids) => db[model].delete({ where: keyOf[model](ids) }) },
          {
            title: `${model}.deleteMany`,
            run: (db, ids) => db[model].deleteMany({ where: filterOf(model, ids) }),
          },
        ] satisfies readonly Draft[],
    ),
]

/** Foreign keys as they are, without a relation. */
const references: readonly (readonly [Model, Data, (ids: Planted) => Data])[] = [
  ['book', { title: 'x', authorId: a.author[0] }, ({ author }) => ({ authorId: author[0] })],
  ['book', { title: 'x', authorId: a.author[0] }, ({ author }) => ({ editorId: author[0] })],
  ['book', { title: 'x', authorId: a.author[0] }, ({ template }) => ({ templateId: template[0] })],
  ['author', { name: 'x' }, ({ author }) => ({ bossId: author[0] })],
  ['author', { name: 'x' }, ({ author }) => ({ successorId: author[0] })],
  ['author', { name: 'x' }, ({ user }) => ({ userId: user[0] })],
  ['profile', { bio: 'x' }, ({ author }) => ({ authorId: author[3] })],
  [
    'passport',
    { number: 'x', country: 'x', authorId: a.author[4] },
    ({ author }) => ({ authorId: author[3] }),
  ],
  ['review', { text: 'x', bookId: a.book[0] }, ({ book }) => ({ bookId: book[0] })],
  ['review', { text: 'x', bookId: a.book[0] }, ({ author }) => ({ reviewerId: author[0] })],
  ['comment', { text: 'x', reviewId: a.review[0] }, ({ review }) => ({ reviewId: review[0] })],
  ['shelfBook', { shelfId: a.shelf[1], bookId: a.book[3] }, ({ shelf }) => ({ shelfId: shelf[0] })],
  ['shelfBook', { shelfId: a.shelf[1], bookId: a.book[3] }, ({ book }) => ({ bookId: book[0] })],
  ['orderLine', { orderId: a.order[0], sku: a.sku[0] }, ({ order }) => ({ orderId: order[0] })],
  ['orderLine', { orderId: a.order[0], sku: a.sku[0] }, ({ sku }) => ({ sku: sku[0] })],
  ['orderLine', { orderId: a.order[0], sku: a.sku[0] }, ({ sku }) => ({ substitute: sku[0] })],
  ['tag', { name: 'x' }, ({ company }) => ({ companyId: company })],
  ['event', { kind: 'x' }, ({ company }) => ({ owner: company })],
]

const carrying = new Set(['orderId', 'sku', 'substitute'])
/** Keys that neither carry the tenant nor lead to the parent through which a row is the tenant's. */
const unheld = new Set([
  'book.authorId',
  'book.editorId',
  'book.templateId',
  'author.bossId',
  'author.successorId',
  'author.userId',
  'profile.authorId',
  'passport.authorId',
  'review.reviewerId',
  'shelfBook.bookId',
])

const keys: readonly Draft[] = references.flatMap(([model, base, key]) => {
  const [field = ''] = Object.keys(key(a))
  const where = keyOf[model](a)
  // the database itself holds a key that carries the tenant
  const rest = carrying.has(field)
    ? { alikeAnyway: true }
    : unheld.has(`${model}.${field}`)
      ? {
          told: {
            reason: 'PostgreSQL checks foreign keys without row-level security',
            hulls: ['two'] as const,
          },
        }
      : {}
  return [
    {
      title: `create of a ${model} with ${field}`,
      run: (db, ids) => db[model].create({ data: { ...base, ...key(ids) } }),
      ...rest,
    },
    {
      title: `createMany of a ${model} with ${field}`,
      run: (db, ids) => db[model].createMany({ data: [base, { ...base, ...key(ids) }].slice(1) }),
      ...rest,
    },
    {
      title: `createMany of a ${model} with ${field} that skips`,
      run: (db, ids) => db[model].createMany({ data: [{ ...base, ...key(ids) }], skipDuplicates: true }),
      ...rest,
    },
    {
      title: `createManyAndReturn of a ${model} with ${field}`,
      run: (db, ids) => db[model].createManyAndReturn({ data: [{ ...base, ...key(ids) }] }),
      ...rest,
    },
    {
      title: `update of a ${model} with ${field}`,
      run: (db, ids) => db[model].update({ where, data: key(ids) }),
      ...rest,
    },
    {
      title: `update of a ${model} that sets ${field}`,
      run: (db, ids) => db[model].update({ where, data: { [field]: { set: key(ids)[field] } } }),
      ...rest,
    },
    {
      title: `updateMany of a ${model} with ${field}`,
      run: (db, ids) => db[model].updateMany({ where: filterOf(model, a), data: key(ids) }),
      ...rest,
    },
    {
      title: `updateManyAndReturn of a ${model} with ${field}`,
      run: (db, ids) => db[model].updateManyAndReturn({ where: filterOf(model, a), data: key(ids) }),
      ...rest,
    },
    {
      title: `updateMany of no ${model} with ${field}`,
      run: (db, ids) => db[model].updateMany({ where: { OR: [] }, data: key(ids) }),
      alikeAnyway: true,
    },
    {
      title: `upsert of a ${model} with ${field}`,
      run: (db, ids) => db[model].upsert({ where, update: key(ids), create: base }),
      ...rest,
    },
    {
      title: `upsert of a new ${model} with ${field}`,
      run: (db, ids) =>
        db[model].upsert({
          where: { ...where, NOT: filterOf(model, a) },
          update: {},
          create: { ...base, ...key(ids) },
        }),
      ...rest,
    },
  ] satisfies readonly Draft[]
})

/** Lists of the tenant's, which are like those that are not left out. */
const leftOut = new Set(
  ['authors', 'profiles', 'passports', 'shelves', 'orders', 'orderLines', 'products'].map(
    (name) => `company.${name}`,
  ),
)

/** A row of each model that is linked to others. */
const nested: readonly Draft[] = models.flatMap((model) =>
  Object.entries(relations[model]).flatMap(([name, relation]) =>
    relation.to === 'currency' || model === 'currency' || leftOut.has(`${model}.${name}`)
      ? []
      : nestedOn(model, name, relation),
  ),
)

function nestedOn(model: Model, name: string, { to, kind }: Relation): readonly Draft[] {
  const alike = { alikeAnyway: true }
  const update = (
    title: string,
    write: (ids: Planted) => unknown,
    rest: { alikeAnyway?: boolean } = {},
  ): Draft => ({
    title: `${model}.update, ${name}: ${title}`,
    run: (db, ids) => db[model].update({ where: keyOf[model](a), data: { [name]: write(ids) } }),
    ...rest,
  })
  const data = leastThrough(model, name, to)
  const create: Draft = {
    title: `${model}.create, ${name}: connect`,
    run: (db, ids) => db[model].create({ data: { ...least[model], [name]: { connect: keyOf[to](ids) } } }),
    // of the tenant there is one row
    ...(model === 'company' ? alike : {}),
  }
  const common = [
    create,
    update('connect', (ids) => ({ connect: keyOf[to](ids) })),
    update('connect with a condition', (ids) => ({ connect: { ...keyOf[to](ids), AND: [{}] } })),
    update('connectOrCreate', (ids) => ({ connectOrCreate: { where: keyOf[to](ids), create: data } })),
  ]
  if (kind === 'list') {
    return [
      ...common,
      update('connect two', (ids) => ({ connect: [keyOf[to](a), keyOf[to](ids)] })),
      // a required key can't be emptied, whatever is to be put in its place
      update('set', (ids) => ({ set: [keyOf[to](ids)] }), alike),
      // not linked, so that it is not found either way
      update('disconnect', (ids) => ({ disconnect: keyOf[to](ids) }), alike),
      update('update', (ids) => ({ update: { where: keyOf[to](ids), data: newText(to) } }), alike),
      update('updateMany', (ids) => ({ updateMany: { where: filterOf(to, ids), data: newText(to) } }), alike),
      update(
        'upsert',
        (ids) => ({ upsert: { where: keyOf[to](ids), update: newText(to), create: data } }),
        alike,
      ),
      update('delete', (ids) => ({ delete: keyOf[to](ids) }), alike),
      update('deleteMany', (ids) => ({ deleteMany: filterOf(to, ids) }), alike),
    ]
  }
  return [
    ...common,
    update(
      'update where it is another',
      (ids) => ({ update: { where: filterOf(to, ids), data: newText(to) } }),
      alike,
    ),
    update(
      'upsert where it is another',
      (ids) => ({ upsert: { where: filterOf(to, ids), update: newText(to), create: data } }),
      alike,
    ),
    update('disconnect where it is another', (ids) => ({ disconnect: filterOf(to, ids) }), alike),
    update('delete where it is another', (ids) => ({ delete: filterOf(to, ids) }), alike),
  ]
}

export const foreignRowCases: readonly ForeignRowCase[] = [
  ...reads.map((one) => ({ ...one, writes: false })),
  ...[...writes, ...keys, ...nested].map((one) => ({ ...one, writes: true })),
]
