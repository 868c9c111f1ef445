/**
 * The rows of one tenant over the fixture's schema, the same in every database: ids, dates and the order of the
 * rows are fixed, so that results can be compared as they are.
 */

export const models = [
  'company',
  'user',
  'membership',
  'currency',
  'author',
  'profile',
  'passport',
  'book',
  'tag',
  'review',
  'comment',
  'shelf',
  'shelfBook',
  'template',
  'order',
  'orderLine',
  'product',
  'event',
  'counter',
] as const
export type Model = (typeof models)[number]

/** A relation as the cases are generated from it: where it leads to, and how. */
export interface Relation {
  readonly to: Model
  readonly kind: 'one' | 'optional' | 'list'
}

const one = (to: Model): Relation => ({ to, kind: 'one' })
const optional = (to: Model): Relation => ({ to, kind: 'optional' })
const list = (to: Model): Relation => ({ to, kind: 'list' })

export const relations: Readonly<Record<Model, Readonly<Record<string, Relation>>>> = {
  company: {
    memberships: list('membership'),
    authors: list('author'),
    profiles: list('profile'),
    passports: list('passport'),
    books: list('book'),
    tags: list('tag'),
    shelves: list('shelf'),
    templates: list('template'),
    orders: list('order'),
    orderLines: list('orderLine'),
    products: list('product'),
    counters: list('counter'),
  },
  user: { memberships: list('membership'), authors: list('author') },
  membership: { company: one('company'), user: one('user') },
  currency: { authors: list('author'), templates: list('template') },
  author: {
    company: one('company'),
    boss: optional('author'),
    reports: list('author'),
    successor: optional('author'),
    predecessor: optional('author'),
    friends: list('author'),
    friendOf: list('author'),
    currency: optional('currency'),
    user: optional('user'),
    profile: optional('profile'),
    passport: optional('passport'),
    books: list('book'),
    edited: list('book'),
    reviews: list('review'),
  },
  profile: { company: one('company'), author: optional('author') },
  passport: { company: one('company'), author: one('author') },
  book: {
    company: one('company'),
    author: one('author'),
    editor: optional('author'),
    template: optional('template'),
    tags: list('tag'),
    reviews: list('review'),
    shelves: list('shelfBook'),
  },
  tag: { company: one('company'), books: list('book') },
  review: { book: one('book'), reviewer: optional('author'), comments: list('comment') },
  comment: { review: one('review') },
  shelf: { company: one('company'), books: list('shelfBook') },
  shelfBook: { shelf: one('shelf'), book: one('book') },
  template: { company: optional('company'), books: list('book'), currencies: list('currency') },
  order: { company: one('company'), lines: list('orderLine') },
  orderLine: {
    company: one('company'),
    order: one('order'),
    product: one('product'),
    substituteProduct: optional('product'),
  },
  product: { company: one('company'), lines: list('orderLine'), substitutes: list('orderLine') },
  event: {},
  counter: { company: one('company') },
}

/** The fields that order the rows of a model without a tie. */
export const keys: Readonly<Record<Model, readonly string[]>> = {
  company: ['id'],
  user: ['id'],
  membership: ['id'],
  currency: ['code'],
  author: ['id'],
  profile: ['id'],
  passport: ['number'],
  book: ['id'],
  tag: ['id'],
  review: ['id'],
  comment: ['id'],
  shelf: ['id'],
  shelfBook: ['shelfId', 'bookId'],
  template: ['id'],
  order: ['id'],
  orderLine: ['id'],
  product: ['sku'],
  event: ['id'],
  counter: ['name'],
}

type Direction = 'asc' | 'desc'

export const orderOf = (model: Model, direction: Direction = 'asc') =>
  keys[model].map((field) => ({ [field]: direction }))

/** The ids of a model's rows; none has more than five. */
type Five<Id> = readonly [Id, Id, Id, Id, Id]

const numbered = <Id>(idOf: (count: number) => Id): Five<Id> => [idOf(1), idOf(2), idOf(3), idOf(4), idOf(5)]

/** Ids of one tenant's rows, and of more than there are. */
export interface Planted {
  readonly company: string
  readonly user: Five<string>
  readonly membership: Five<string>
  readonly author: Five<string>
  readonly profile: Five<string>
  readonly passport: readonly [string, string]
  readonly book: Five<number>
  readonly tag: Five<string>
  readonly review: Five<number>
  readonly comment: Five<number>
  readonly shelf: Five<number>
  readonly template: Five<string>
  readonly order: Five<string>
  readonly orderLine: Five<string>
  readonly sku: readonly [string, string, string]
  readonly event: Five<number>
  readonly counter: readonly [string, string]
  /** Stands in front of what must be unique among all tenants. */
  readonly prefix: string
}

/** @param letter a hex digit of its own for each tenant */
function planted(letter: string, offset: number): Planted {
  const uuid = (model: Model, count: number) =>
    `${letter.repeat(4)}${String(models.indexOf(model)).padStart(4, '0')}-0000-7000-8000-${String(count).padStart(12, '0')}`
  const uuids = (model: Model) => numbered((count) => uuid(model, count))
  const numbers = numbered((count) => offset + count)
  return {
    company: uuid('company', 1),
    user: uuids('user'),
    membership: uuids('membership'),
    author: uuids('author'),
    profile: uuids('profile'),
    passport: [`${letter}-1`, `${letter}-2`],
    book: numbers,
    tag: uuids('tag'),
    review: numbers,
    comment: numbers,
    shelf: numbers,
    template: uuids('template'),
    order: uuids('order'),
    orderLine: uuids('orderLine'),
    sku: [`${letter}X`, `${letter}Y`, `${letter}Z`],
    event: numbers,
    counter: [`${letter}-first`, `${letter}-second`],
    prefix: letter,
  }
}

export const a = planted('a', 0)
export const b = planted('b', 100)
/** Ids of the same form that no row has. */
export const missing = planted('c', 900)
/** The template without a tenant. */
export const shared = '00000000-0000-7000-8000-00000000000e'

export const tables = [
  'Company',
  'User',
  'Membership',
  'Currency',
  'Author',
  'Profile',
  'Passport',
  'Book',
  'Tag',
  'Review',
  'Comment',
  'Shelf',
  'ShelfBook',
  'Template',
  'Order',
  'OrderLine',
  'Product',
  'Event',
  'Counter',
  '_friends',
  '_BookToTag',
  '_CurrencyToTemplate',
] as const

const counted = ['Book', 'Review', 'Comment', 'Shelf', 'Event'] as const

export type Table = (typeof tables)[number]

/** What each table holds, as JSON. */
export type State = Readonly<Record<Table, string>>

/**
 * Empties tables and plants their rows anew.
 *
 * @param only which tables have changed; all unless told
 */
export function resetSql(tenants: readonly Planted[], only: readonly Table[] = tables): string {
  const inserts = [
    `insert into "Currency" values ('EUR', 'Euro'), ('GBP', 'Pound'), ('USD', 'Dollar')`,
    `insert into "Template" values ('${shared}', null, 'shared')`,
    `insert into "_CurrencyToTemplate" values ('EUR', '${shared}')`,
    ...tenants.flatMap(tenantSql),
  ]
  const isWanted = (statement: string) =>
    only.some((table) => statement.startsWith(`insert into "${table}" `))
  return [
    // foreign keys look the other way meanwhile
    'set session_replication_role = replica',
    ...only.map((table) => `delete from "${table}"`),
    ...inserts.filter(isWanted),
    `select ${counted.map((table) => `setval('"${table}_id_seq"', 1000, false)`).join(', ')}`,
    'set session_replication_role = origin',
  ].join(';\n')
}

function tenantSql(own: Planted): readonly string[] {
  const { company, user, author, book, tag, review, shelf, template, order, sku, prefix } = own
  const at = (day: number) => `'2020-01-${String(day).padStart(2, '0')}T10:00:00.000Z'`
  const text = (value: string) => `'${value}'`
  const rows = (table: string, columns: string, values: readonly string[]) =>
    `insert into "${table}" (${columns}) values ${values.map((value) => `(${value})`).join(', ')}`
  return [
    rows('Company', 'id, name, settings', [`'${company}', 'company ${prefix}', '{"theme":"dark"}'`]),
    rows('User', 'id, email, name', [
      `'${user[0]}', '${prefix}.ann@example.org', 'Ann'`,
      `'${user[1]}', '${prefix}.bob@example.org', 'Bob'`,
    ]),
    rows('Membership', 'id, "companyId", "userId", role', [
      `'${own.membership[0]}', '${company}', '${user[0]}', 'owner'`,
      `'${own.membership[1]}', '${company}', '${user[1]}', 'viewer'`,
    ]),
    rows(
      'Author',
      'id, "companyId", name, email, rank, data, "bossId", "successorId", "currencyCode", "userId"',
      (
        [
          [1, 'Ada', 'ada@x.org', 3, '{"a": 1, "tags": ["x", "y"], "deep": {"n": [1, 2]}}', 0, 0, 'EUR', 1],
          [2, 'Ben', null, 1, 'null', 1, 3, null, 0],
          [3, 'Cyd', 'cyd@x.org', 2, null, 1, 0, 'USD', 0],
          [4, 'Dan', 'dan@x.org', 2, '{"a": 2, "tags": [], "text": "Hello World"}', 2, 0, 'EUR', 2],
          [5, 'eve', null, 0, '[1, "two", null]', 0, 0, null, 0],
        ] as const
      ).map(([count, name, email, rank, data, boss, successor, currency, person]) =>
        [
          text(author[count - 1] ?? ''),
          text(company),
          text(prefix === 'a' ? name : `${prefix} ${name}`),
          email === null ? 'null' : text(email),
          rank,
          data === null ? 'null' : text(data),
          boss === 0 ? 'null' : text(author[boss - 1] ?? ''),
          successor === 0 ? 'null' : text(author[successor - 1] ?? ''),
          currency === null ? 'null' : text(currency),
          person === 0 ? 'null' : text(user[person - 1] ?? ''),
        ].join(', '),
      ),
    ),
    rows('Profile', 'id, "companyId", data, "where", bio, "authorId"', [
      `'${own.profile[0]}', '${company}', '{"k": 1}', 'here', 'bio one', '${author[0]}'`,
      `'${own.profile[1]}', '${company}', null, null, 'bio two', '${author[1]}'`,
      `'${own.profile[2]}', '${company}', null, 'there', 'bio three', null`,
    ]),
    rows('Passport', 'number, "companyId", country, "authorId"', [
      `'${own.passport[0]}', '${company}', 'FR', '${author[0]}'`,
      `'${own.passport[1]}', '${company}', 'DE', '${author[2]}'`,
    ]),
    rows('Template', 'id, "companyId", name', [
      `'${template[0]}', '${company}', 'template one'`,
      `'${template[1]}', '${company}', 'template two'`,
    ]),
    rows('_CurrencyToTemplate', '"A", "B"', [`'EUR', '${template[0]}'`, `'USD', '${template[0]}'`]),
    rows(
      'Book',
      `id, "companyId", title, subtitle, price, stock, pages, weight, available, cover, status, history, keywords,
       ratings, meta, extra, "publishedAt", "createdAt", "updatedAt", "authorId", "editorId", "templateId"`,
      [
        `${book[0]}, '${company}', 'Alpha', 'first', 10.50, 9007199254740993, 100, 1.5, true, '\\x0102', 'ACTIVE',
         '{DRAFT,ACTIVE}', '{red,blue}', '{5,4}', '{"lang": "en", "n": 1}', '{"x": null}', ${at(1)}, ${at(1)}, ${at(1)},
         '${author[0]}', '${author[1]}', '${template[0]}'`,
        `${book[1]}, '${company}', 'beta', null, 20.00, 0, 200, null, false, null, 'DRAFT', '{}', '{}', '{}',
         '{"lang": "de"}', null, null, ${at(2)}, ${at(2)}, '${author[0]}', null, null`,
        `${book[2]}, '${company}', 'Gamma', 'third', 0.01, -5, 200, 3.25, true, '\\xff', 'RETIRED',
         '{DRAFT,ACTIVE,RETIRED}', '{blue}', '{1}', '[1, 2, 3]', 'null', ${at(3)}, ${at(3)}, ${at(3)},
         '${author[1]}', '${author[0]}', '${shared}'`,
        `${book[3]}, '${company}', 'Delta', null, 99999.99, 7, 50, 0, true, null, 'ACTIVE', '{ACTIVE}', '{green,red}',
         '{5,5,5}', '{}', '"text"', ${at(4)}, ${at(4)}, ${at(4)}, '${author[2]}', null, null`,
      ],
    ),
    rows('Tag', 'id, "companyId", name', [
      `'${tag[0]}', '${company}', 'one'`,
      `'${tag[1]}', '${company}', 'two'`,
      `'${tag[2]}', '${company}', 'three'`,
    ]),
    rows('_BookToTag', '"A", "B"', [
      `${book[0]}, '${tag[0]}'`,
      `${book[0]}, '${tag[1]}'`,
      `${book[1]}, '${tag[0]}'`,
      `${book[2]}, '${tag[2]}'`,
    ]),
    rows('_friends', '"A", "B"', [
      `'${author[0]}', '${author[1]}'`,
      `'${author[0]}', '${author[2]}'`,
      `'${author[1]}', '${author[2]}'`,
    ]),
    rows('Review', 'id, text, stars, "bookId", "reviewerId"', [
      `${review[0]}, 'great', 5, ${book[0]}, '${author[2]}'`,
      `${review[1]}, 'good', 4, ${book[0]}, null`,
      `${review[2]}, 'bad', 1, ${book[2]}, '${author[0]}'`,
    ]),
    rows('Comment', 'id, text, "reviewId"', [
      `${own.comment[0]}, 'yes', ${review[0]}`,
      `${own.comment[1]}, 'no', ${review[0]}`,
      `${own.comment[2]}, 'why', ${review[2]}`,
    ]),
    rows('Shelf', 'id, "companyId", name', [
      `${shelf[0]}, '${company}', 'upper'`,
      `${shelf[1]}, '${company}', 'lower'`,
    ]),
    rows('ShelfBook', '"shelfId", "bookId", position', [
      `${shelf[0]}, ${book[0]}, 0`,
      `${shelf[0]}, ${book[1]}, 1`,
      `${shelf[1]}, ${book[0]}, 0`,
    ]),
    rows('Product', '"companyId", sku, name, price', [
      `'${company}', '${sku[0]}', 'chair', 10`,
      `'${company}', '${sku[1]}', 'table', 20.5`,
      `'${company}', '${sku[2]}', 'lamp', 5`,
    ]),
    rows('Order', 'id, "companyId", number, note', [
      `'${order[0]}', '${company}', 1, 'first'`,
      `'${order[1]}', '${company}', 2, null`,
    ]),
    rows('OrderLine', 'id, "companyId", "orderId", sku, substitute, quantity', [
      `'${own.orderLine[0]}', '${company}', '${order[0]}', '${sku[0]}', '${sku[1]}', 1`,
      `'${own.orderLine[1]}', '${company}', '${order[0]}', '${sku[1]}', null, 2`,
      `'${own.orderLine[2]}', '${company}', '${order[1]}', '${sku[0]}', null, 3`,
    ]),
    rows('Event', 'id, owner, kind, data, "where", at', [
      `${own.event[0]}, '${company}', 'made', 'data one', '{"at": "x"}', ${at(1)}`,
      `${own.event[1]}, '${company}', 'made', null, null, ${at(2)}`,
      `${own.event[2]}, '${company}', 'sent', 'data three', '[]', ${at(3)}`,
    ]),
    rows('Counter', '"companyId", name, value', [
      `'${company}', '${own.counter[0]}', 1`,
      `'${company}', '${own.counter[1]}', 2`,
    ]),
  ]
}

/** One row: a {@link State}. */
export const dumpSql = `select ${tables
  .map(
    (table) => `(select coalesce(json_agg(t order by t::text), '[]')::text from "${table}" t) as "${table}"`,
  )
  .join(', ')}`
