import { randomUUID } from 'node:crypto'
import { PrismaPg } from '@prisma/adapter-pg'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { type BundledTenantClient, createTenancy, type Tenancy, type TenancyOptions } from '../src/index.ts'
import { createUnscopedTenancy } from '../src/testing/index.ts'
import { ProtocolTap } from './support/protocol-tap.ts'
import { type Planted, plantTenants, useTestDatabase } from './support/test-database.ts'

/** A tenant with rows enough to ask for several at once. */
interface Rich extends Planted {
  readonly flagIds: readonly string[]
  readonly versionIds: readonly string[]
}

/** A tenancy whose messages are counted. */
interface Tapped {
  readonly tenancy: Tenancy<PrismaClient>
  /** How many statements were sent since the last call, those that set the context left out. */
  statements(): number
}

const database = useTestDatabase()
const closing: (() => Promise<void>)[] = []
const tapped: Partial<Record<Hull, Tapped>> = {}
let tenants: readonly Rich[]
let a: Rich
let b: Rich

const hulls = ['both', 'one', 'two'] as const
type Hull = (typeof hulls)[number]

beforeAll(async () => {
  const rich: Rich[] = []
  for (const tenant of await plantTenants(database, 10)) rich.push(await enrich(tenant))
  tenants = rich
  const [first, second] = tenants
  if (!first || !second) throw new Error('no tenants were planted')
  a = first
  b = second
  for (const hull of hulls) tapped[hull] = await open(hull)
})
afterAll(async () => {
  for (const close of closing.toReversed()) await close()
})

async function enrich(tenant: Planted): Promise<Rich> {
  const flags = await database.admin.query<{ id: string }>(
    `insert into governance.feature_flag (id, tenant_id, key, description, updated_at)
     select gen_random_uuid(), $1, 'flag-' || n, $2 || n, now() from generate_series(1, 10) n
     returning id`,
    [tenant.tenantId, tenant.secret],
  )
  const versions = await database.admin.query<{ id: string }>(
    `insert into governance.config_version (id, tenant_id, package_id, number, content, updated_at)
     select gen_random_uuid(), $1, $2, n, jsonb_build_object('secret', $3::text, 'list', array[n]), now()
       from generate_series(2, 10) n
     returning id`,
    [tenant.tenantId, tenant.packageId, tenant.secret],
  )
  return {
    ...tenant,
    flagIds: flags.rows.map(({ id }) => id),
    versionIds: [tenant.versionId, ...versions.rows.map(({ id }) => id)],
  }
}

async function open(hull: Hull, options: Partial<TenancyOptions<PrismaClient>> = {}): Promise<Tapped> {
  const { tap, connectionString } = await ProtocolTap.before(
    hull === 'one' ? database.ownerUrl : database.appUrl,
  )
  const create = hull === 'two' ? createUnscopedTenancy : createTenancy
  const tenancy = create({
    PrismaClient,
    manifest,
    connectionString,
    allowRoleThatBypassesRowSecurity: hull === 'one',
    ...options,
  })
  closing.push(
    () => tap.close(),
    () => tenancy.disconnect(),
  )
  // outside of a transaction every exchange has one Execute more than it has queries: the context's
  const statements = () => {
    const messages = tap.take()
    return count(messages, 'E') - count(messages, 'S')
  }
  // the questions of the package's own carry no context
  await tenancy.checkDatabaseHealth()
  statements()
  return { tenancy, statements }
}

function count(messages: string, message: string): number {
  return messages.split(message).length - 1
}

function of(hull: Hull): Tapped {
  const opened = tapped[hull]
  if (!opened) throw new Error('the tenancy is not open')
  return opened
}

const client = ({ tenantId }: Planted, hull: Hull = 'both') => of(hull).tenancy.client({ tenantId })

/** How many statements some work takes, and what it answers. */
async function counted<Result>(
  work: () => Promise<Result>,
  { statements } = of('both'),
): Promise<[number, Result]> {
  statements()
  const result = await work()
  return [statements(), result]
}

/** What became of calls, in a form that can be compared. */
async function outcomes(calls: readonly PromiseLike<unknown>[]): Promise<readonly unknown[]> {
  return (await Promise.allSettled(calls)).map((outcome) =>
    outcome.status === 'fulfilled' ? { found: outcome.value } : { failed: failureOf(outcome.reason) },
  )
}

function failureOf(error: unknown): string {
  const { name, code } = error as { readonly name: string; readonly code?: string }
  return code ?? name
}

const invalid = { failed: 'PrismaClientValidationError' }

describe('ten look-ups in one tick', () => {
  it.each(hulls)('are one statement for one tenant behind hull %s, and each gets its row', async (hull) => {
    const db = client(a, hull)
    const [statements, rows] = await counted(
      () => Promise.all(a.flagIds.map((id) => db.featureFlag.findUnique({ where: { id } }))),
      of(hull),
    )
    expect(statements).toBe(1)
    expect(rows.map((row) => row?.id)).toEqual(a.flagIds)
    expect(rows.map((row) => row?.tenantId)).toEqual(a.flagIds.map(() => a.tenantId))
  })

  it('are one statement also over ten clients of one tenant', async () => {
    const [statements, rows] = await counted(() =>
      Promise.all(a.flagIds.map((id) => client(a).featureFlag.findUnique({ where: { id } }))),
    )
    expect([statements, rows.map((row) => row?.id)]).toEqual([1, a.flagIds])
  })

  it('are one statement also where some of the rows are not there', async () => {
    const ids = [...a.flagIds.slice(0, 5), ...b.flagIds.slice(0, 3), randomUUID(), randomUUID()]
    const [statements, rows] = await counted(() =>
      Promise.all(ids.map((id) => client(a).featureFlag.findUnique({ where: { id } }))),
    )
    expect(statements).toBe(1)
    expect(rows.map((row) => row?.id ?? null)).toEqual([
      ...a.flagIds.slice(0, 5),
      ...Array.from({ length: 5 }, () => null),
    ])
  })

  it.each(hulls)('are ten statements for ten tenants behind hull %s, each with its own row', async (hull) => {
    const [statements, rows] = await counted(
      () =>
        Promise.all(
          tenants.map((tenant) =>
            client(tenant, hull).configPackage.findUnique({ where: { id: tenant.packageId } }),
          ),
        ),
      of(hull),
    )
    expect([statements, rows.map((row) => row?.name)]).toEqual([10, tenants.map(({ secret }) => secret)])
  })

  it('would be one statement for ten tenants in Prisma', async () => {
    const { tap, connectionString } = await ProtocolTap.before(database.ownerUrl)
    const plain = new PrismaClient({ adapter: new PrismaPg({ connectionString }) })
    await plain.configPackage.findMany()
    tap.take()
    await Promise.all(
      tenants.map(({ packageId }) => plain.configPackage.findUnique({ where: { id: packageId } })),
    )
    expect(count(tap.take(), 'E')).toBe(1)
    await plain.$disconnect()
    await tap.close()
  })

  it.each(hulls)('find nothing of another tenant’s behind hull %s, whoever comes first', async (hull) => {
    const name = { select: { name: true } }
    for (const order of [
      [b, a],
      [a, b],
    ]) {
      const answers = await Promise.all(
        order.flatMap((tenant) =>
          [a.packageId, b.packageId, a.packageId].map((id) =>
            client(tenant, hull).configPackage.findUnique({ where: { id }, ...name }),
          ),
        ),
      )
      const ofA = [{ name: a.secret }, null, { name: a.secret }]
      const ofB = [null, { name: b.secret }, null]
      expect(answers).toEqual(order.flatMap((tenant) => (tenant === a ? ofA : ofB)))
    }
  })

  it.each(hulls)('find no foreign row among their own behind hull %s', async (hull) => {
    const ids = [...a.flagIds, ...b.flagIds].sort()
    const found = await Promise.all(
      ids.map((id) => client(a, hull).featureFlag.findUnique({ where: { id } })),
    )
    expect(found.map((row) => row?.id ?? null)).toEqual(ids.map((id) => (a.flagIds.includes(id) ? id : null)))
    // the ids are there to be found by whoever is not held
    const all = await Promise.all(ids.map((id) => database.none.featureFlag.findUnique({ where: { id } })))
    expect(all.map((row) => row?.id)).toEqual(ids)
  })

  it.each(hulls)(
    'that Prisma refuses are refused behind hull %s, whoever asks for the same',
    async (hull) => {
      const malformed: readonly ((tenant: Planted) => object)[] = [
        () => ({ tenantId_id: { tenantId: b.tenantId } }),
        () => ({ tenantId_id: { tenantId: b.tenantId, id: b.packageId, name: 'x' } }),
        () => ({ tenantId_key: { tenantId: b.tenantId, key: { startsWith: 'p' } } }),
        () => ({ key: 'package' }),
        () => ({ name: b.secret }),
        () => ({ id: { equals: b.packageId } }),
        () => ({ id: undefined }),
        () => ({}),
      ]
      for (const where of malformed) {
        // Prisma merges those of one tick before it looks at them, and asks as the first of them
        const calls = [b, a, a].map((tenant) =>
          client(tenant, hull).configPackage.findUnique({ where: where(tenant) as never }),
        )
        expect(await outcomes(calls)).toEqual([invalid, invalid, invalid])
      }
    },
  )
})

describe('look-ups are put together', () => {
  const find = (db: BundledTenantClient, at: number, rest: object = {}) =>
    db.featureFlag.findUnique({ where: { id: a.flagIds[at] ?? '' }, ...rest })

  it('for one user', async () => {
    const { tenantId, userId } = a
    const { tenancy } = of('both')
    const users = [{ tenantId, userId }, { tenantId, userId: randomUUID() }, { tenantId }]
    const [statements, rows] = await counted(() =>
      Promise.all(
        users.flatMap((context) => [0, 1].map((at) => find(tenancy.client(context), at).then((row) => row))),
      ),
    )
    expect(statements).toBe(3)
    expect(rows.map((row) => row?.id)).toEqual([0, 1, 0, 1, 0, 1].map((at) => a.flagIds[at]))
  })

  it('under the same limits', async () => {
    const { tenantId } = a
    const { tenancy } = of('both')
    const limits = [
      {},
      { statementTimeoutMillis: 4_000 },
      { statementTimeoutMillis: 5_000 },
      { lockTimeoutMillis: 4_000 },
    ]
    const [statements, rows] = await counted(() =>
      Promise.all(
        limits.flatMap((limit) => [0, 1].map((at) => find(tenancy.client({ tenantId, ...limit }), at))),
      ),
    )
    expect(statements).toBe(4)
    expect(rows.map((row) => row?.id)).toEqual([0, 1, 0, 1, 0, 1, 0, 1].map((at) => a.flagIds[at]))
  })

  it('when they ask for the same', async () => {
    const db = client(a)
    const shapes: readonly object[] = [
      {},
      { select: { key: true } },
      { select: { key: true, enabled: true } },
      { omit: { key: true } },
      { include: { tenant: false } },
      { where: { tenantId_key: { tenantId: a.tenantId, key: 'flag-1' } } },
    ]
    const [statements] = await counted(() =>
      Promise.all(shapes.flatMap((shape) => [find(db, 0, shape), find(db, 1, shape)])),
    )
    expect(statements).toBe(shapes.length)
  })

  it('and never with another model’s', async () => {
    const db = client(a)
    const [statements, found] = await counted(() =>
      Promise.all([
        db.configPackage.findUnique({ where: { id: a.packageId }, select: { id: true } }),
        db.configVersion.findUnique({ where: { id: a.packageId }, select: { id: true } }),
        db.configVersion.findUnique({ where: { id: a.versionId }, select: { id: true } }),
      ]),
    )
    expect([statements, found]).toEqual([2, [{ id: a.packageId }, null, { id: a.versionId }]])
  })

  it('by a compound key, whatever the order of its parts', async () => {
    const db = client(a)
    const [statements, rows] = await counted(() =>
      Promise.all([
        ...Array.from({ length: 5 }, (_, n) =>
          db.featureFlag.findUnique({
            where: { tenantId_key: { tenantId: a.tenantId, key: `flag-${n + 1}` } },
            select: { key: true },
          }),
        ),
        db.featureFlag.findUnique({
          where: { tenantId_key: { key: 'flag-6', tenantId: a.tenantId } },
          select: { key: true },
        }),
      ]),
    )
    expect(statements).toBe(1)
    expect(rows).toEqual([1, 2, 3, 4, 5, 6].map((n) => ({ key: `flag-${n}` })))
  })

  it('by a compound key with a number in it', async () => {
    const db = client(a)
    const number = (n: number) =>
      db.configVersion.findUnique({
        where: {
          tenantId_packageId_number: { tenantId: a.tenantId, packageId: a.packageId, number: n },
        },
        select: { number: true },
      })
    const [statements, rows] = await counted(() => Promise.all([1, 2, 10].map(number)))
    expect([statements, rows]).toEqual([1, [{ number: 1 }, { number: 2 }, { number: 10 }]])
    expect(await Promise.all([3, 999].map(number))).toEqual([{ number: 3 }, null])
  })

  it('by a compound key that names another tenant, and find nothing', async () => {
    for (const hull of hulls) {
      const found = [a, b].map(({ tenantId, packageId: id }) =>
        client(a, hull).configPackage.findUnique({ where: { tenantId_id: { tenantId, id } } }),
      )
      expect((await Promise.all(found)).map((row) => row?.id ?? null)).toEqual([a.packageId, null])
    }
  })

  it('by a text, of a model that is seen through its memberships', async () => {
    const emails = [a, b].map(({ secret }) => `${secret}@example.org`)
    for (const hull of hulls) {
      const [statements, found] = await counted(
        () => Promise.all(emails.map((email) => client(a, hull).user.findUnique({ where: { email } }))),
        of(hull),
      )
      expect(found.map((user) => user?.id ?? null)).toEqual([a.userId, null])
      expect(statements).toBeLessThanOrEqual(2)
    }
  })

  it('more than a thousand at once', async () => {
    const { rows } = await database.admin.query<{ id: string; key: string }>(
      `insert into governance.feature_flag (id, tenant_id, key, updated_at)
       select gen_random_uuid(), $1, 'many-' || n, now() from generate_series(1, 2500) n returning id, key`,
      [b.tenantId],
    )
    const db = client(b)
    const [statements, found] = await counted(() =>
      Promise.all(rows.map(({ id }) => db.featureFlag.findUnique({ where: { id }, select: { key: true } }))),
    )
    expect(statements).toBe(1)
    expect(found).toEqual(rows.map(({ key }) => ({ key })))
    const { tenantId } = b
    const byKey = rows.map(({ key }) =>
      db.featureFlag.findUnique({ where: { tenantId_key: { tenantId, key } }, select: { id: true } }),
    )
    expect(await Promise.all(byKey)).toEqual(rows.map(({ id }) => ({ id })))
    await database.admin.query(`delete from governance.feature_flag where key like 'many-%'`)
  })

  it('as one relation of each that is followed', async () => {
    const db = client(a)
    const [statements, packages] = await counted(() =>
      Promise.all(a.versionIds.map((id) => db.configVersion.findUnique({ where: { id } }).package())),
    )
    expect(packages.map((one) => one?.name)).toEqual(a.versionIds.map(() => a.secret))
    // the versions, and their packages
    expect(statements).toBe(2)

    const [, mixed] = await counted(() =>
      Promise.all([
        db.configVersion.findUnique({ where: { id: a.versionId } }).package({ select: { name: true } }),
        db.configVersion.findUnique({ where: { id: b.versionId } }).package({ select: { name: true } }),
        db.configVersion
          .findUnique({ where: { id: a.versionIds[1] ?? '' } })
          .package()
          .versions({ where: { number: { lt: 3 } }, select: { number: true }, orderBy: { number: 'asc' } }),
        db.configVersion
          .findUnique({ where: { id: a.versionId } })
          .package()
          .versions({ where: { number: { lt: 3 } }, select: { number: true }, orderBy: { number: 'asc' } }),
        db.configVersion.findUnique({ where: { id: a.versionId } }).approvals(),
      ]),
    )
    const numbers = [{ number: 1 }, { number: 2 }]
    expect(mixed).toEqual([{ name: a.secret }, null, numbers, numbers, []])
  })

  it('unless more than the key is asked, which each gets by itself', async () => {
    const db = client(a)
    const name = (id: string, name: string) =>
      db.configPackage.findUnique({ where: { id, name }, select: { key: true } })
    const [statements, found] = await counted(() =>
      Promise.all([
        name(a.packageId, a.secret),
        name(a.packageId, 'another'),
        name(b.packageId, b.secret),
        db.configPackage.findUnique({
          where: { id: a.packageId, tenantId_key: { tenantId: a.tenantId, key: 'package' } },
          select: { key: true },
        }),
        db.configPackage.findUnique({
          where: { id: a.packageId, OR: [{ name: 'another' }, { key: 'package' }] },
          select: { key: true },
        }),
      ]),
    )
    expect(found).toEqual([{ key: 'package' }, null, null, { key: 'package' }, { key: 'package' }])
    expect(statements).toBe(5)
  })

  it('unless a relation is filtered by what has no text of its own, such as a date', async () => {
    const db = client(a)
    const since = (date: Date) =>
      db.configPackage.findUnique({
        where: { id: a.packageId },
        select: { versions: { where: { createdAt: { gt: date } }, select: { number: true } } },
      })
    const found = await Promise.all([since(new Date(0)), since(new Date('2100-01-01')), since(new Date(0))])
    expect(found.map((one) => one?.versions.length)).toEqual([10, 0, 10])
  })
})

describe('what a look-up answers', () => {
  it('has exactly the fields that were asked for', async () => {
    const db = client(a)
    const together = <Row>(find: (id: string) => Promise<Row>) =>
      Promise.all(a.flagIds.slice(0, 3).map((id) => find(id)))
    expect(
      await together((id) => db.featureFlag.findUnique({ where: { id }, select: { key: true } })),
    ).toEqual([1, 2, 3].map((n) => ({ key: `flag-${n}` })))
    expect(
      await together((id) => db.featureFlag.findUnique({ where: { id }, select: { id: false, key: true } })),
    ).toEqual([1, 2, 3].map((n) => ({ key: `flag-${n}` })))
    expect(
      await together((id) => db.featureFlag.findUnique({ where: { id }, select: { id: true } })),
    ).toEqual(a.flagIds.slice(0, 3).map((id) => ({ id })))
    expect(
      await together((id) =>
        db.featureFlag.findUnique({
          where: { tenantId_id: { tenantId: a.tenantId, id } },
          select: { id: true, tenant: { select: { name: true } } },
        }),
      ),
    ).toEqual(a.flagIds.slice(0, 3).map((id) => ({ id, tenant: { name: a.secret } })))

    const fields = Object.keys(manifest.models.FeatureFlag.columns)
    const omitted = await together((id) =>
      db.featureFlag.findUnique({ where: { id }, omit: { id: true, variants: true } }),
    )
    for (const row of omitted) {
      expect(Object.keys(row ?? {})).toEqual(fields.filter((field) => field !== 'id' && field !== 'variants'))
    }
    const whole = await together((id) => db.featureFlag.findUnique({ where: { id } }))
    for (const row of whole) expect(Object.keys(row ?? {})).toEqual(fields)
  })

  it('lacks a key that the client omits everywhere, unless it is asked for', async () => {
    const { tenancy, statements } = await open('both', {
      prismaOptions: { omit: { featureFlag: { id: true, targeting: true } } },
    })
    const db = tenancy.client({ tenantId: a.tenantId })
    const together = (rest: object) =>
      Promise.all(
        a.flagIds.slice(0, 2).map((id) => db.featureFlag.findUnique({ where: { id }, ...rest })),
      ) as Promise<Record<string, unknown>[]>
    const [taken, rows] = await counted(() => together({}), { tenancy, statements })
    expect(taken).toBe(1)
    expect(rows.map(({ key }) => key)).toEqual(['flag-1', 'flag-2'])
    for (const row of rows) {
      expect(row).not.toHaveProperty('id')
      expect(row).not.toHaveProperty('targeting')
    }
    for (const rest of [{ omit: { id: false } }, { select: { id: true } }]) {
      expect((await together(rest)).map(({ id }) => id)).toEqual(a.flagIds.slice(0, 2))
    }
    expect(await together({ select: { key: true } })).toEqual([{ key: 'flag-1' }, { key: 'flag-2' }])
  })

  it('is the caller’s own, also where several ask for one row', async () => {
    const db = client(a)
    const find = () =>
      db.configVersion.findUniqueOrThrow({
        where: { id: a.versionIds[1] ?? '' },
        include: { package: true },
      })
    const [statements, [one, two, three]] = await counted(() => Promise.all([find(), find(), find()]))
    expect(statements).toBe(2)
    expect(two).toEqual(one)
    expect(three).toEqual(one)
    const before = structuredClone(three)
    for (const row of [one, two]) {
      row.number = -1
      row.createdAt.setTime(0)
      row.package.name = 'changed'
      row.package.createdAt.setTime(0)
      const content = row.content as { secret: string; list: number[] }
      content.secret = 'changed'
      content.list.push(99)
    }
    expect(three).toEqual(before)
    expect(three.createdAt).toBeInstanceOf(Date)
  })

  it('is the caller’s own also where two rows have a relation in common', async () => {
    const db = client(a)
    const [one, two] = await Promise.all(
      a.versionIds
        .slice(0, 2)
        .map((id) => db.configVersion.findUniqueOrThrow({ where: { id }, include: { package: true } })),
    )
    if (!one || !two) throw new Error('a row is missing')
    one.package.name = 'changed'
    expect(two.package.name).toBe(a.secret)
  })

  it('does not depend on the spelling of the key', async () => {
    const db = client(a)
    const find = (id: string) => db.configPackage.findUnique({ where: { id }, select: { name: true } })
    const { packageId: id } = a
    const capitals = id.toUpperCase()
    const short = id.replaceAll('-', '')
    const found = { name: a.secret }
    for (const spellings of [
      [capitals],
      [capitals, capitals],
      [capitals, b.packageId],
      [id, capitals],
      [capitals, id],
      [id, capitals, short, `{${id}}`, id],
    ]) {
      const answers = await Promise.all(spellings.map(find))
      expect([spellings, answers]).toEqual([
        spellings,
        spellings.map((spelling) => (spelling === b.packageId ? null : found)),
      ])
    }
  })

  it('is null where there is no row, and P2025 for findUniqueOrThrow, and the others’ is not touched', async () => {
    const db = client(a)
    const select = { key: true }
    const [own = '', other = ''] = a.flagIds
    const found = (key: string) => ({ found: { key } })
    expect(
      await outcomes([
        db.featureFlag.findUniqueOrThrow({ where: { id: own }, select }),
        db.featureFlag.findUniqueOrThrow({ where: { id: randomUUID() }, select }),
        db.featureFlag.findUniqueOrThrow({ where: { id: b.flagId }, select }),
        db.featureFlag.findUnique({ where: { id: other }, select }),
        db.featureFlag.findUnique({ where: { id: randomUUID() }, select }),
        db.featureFlag.findUnique({ where: { id: b.flagId }, select }),
      ]),
    ).toEqual([
      found('flag-1'),
      { failed: 'P2025' },
      { failed: 'P2025' },
      found('flag-2'),
      { found: null },
      { found: null },
    ])
    // where nothing is found at all
    expect(
      await outcomes([1, 2].map(() => db.featureFlag.findUnique({ where: { id: randomUUID() } }))),
    ).toEqual([{ found: null }, { found: null }])
  })
})

describe('a look-up that fails', () => {
  const own = (at: number) => client(a).featureFlag.findUnique({ where: { id: a.flagIds[at] ?? '' } })
  const shape = { select: { key: true } }

  it('for its own arguments fails alone', async () => {
    const db = client(a)
    const wrong: readonly object[] = [
      { where: { id: 5 }, ...shape },
      { where: { id: true }, ...shape },
      { where: { id: null }, ...shape },
      { where: { id: { in: [a.flagId] } }, ...shape },
      { where: { id: a.flagId }, select: { nothing: true } },
      { where: { id: a.flagId }, include: { nothing: true } },
      { where: { id: a.flagId }, select: { key: true }, include: { tenant: true } },
      { where: { id: a.flagId, nothing: 1 }, ...shape },
      { where: { tenantId_id: { tenantId: a.tenantId } }, ...shape },
    ]
    for (const args of wrong) {
      const key = (at: number) => db.featureFlag.findUnique({ where: { id: a.flagIds[at] ?? '' }, ...shape })
      expect([args, await outcomes([key(0), db.featureFlag.findUnique(args as never), key(1)])]).toEqual([
        args,
        [{ found: { key: 'flag-1' } }, invalid, { found: { key: 'flag-2' } }],
      ])
    }
  })

  it('for a value that the database does not take fails alone', async () => {
    const db = client(a)
    const key = (id: string) => db.featureFlag.findUnique({ where: { id }, ...shape })
    expect(await outcomes([key(a.flagIds[0] ?? ''), key('no uuid'), key(a.flagIds[1] ?? '')])).toEqual([
      { found: { key: 'flag-1' } },
      { failed: 'P2007' },
      { found: { key: 'flag-2' } },
    ])
  })

  it('takes no argument that Prisma’s does not: no page, no order', async () => {
    const db = client(a)
    const pages: readonly object[] = [
      { take: 1 },
      { skip: 1 },
      { orderBy: { key: 'asc' } },
      { distinct: ['key'] },
    ]
    for (const args of pages) {
      const find = (at: number) => db.featureFlag.findUnique({ where: { id: a.flagIds[at] ?? '' }, ...args })
      expect([args, await outcomes([find(0)])]).toEqual([args, [invalid]])
      expect([args, await outcomes([find(0), find(1)])]).toEqual([args, [invalid, invalid]])
    }
  })

  it('in the database fails all that were put together, with an error that has a code', async () => {
    const { tenancy } = of('both')
    const db = tenancy.client({ tenantId: a.tenantId, lockTimeoutMillis: 50 })
    await database.admin.query('begin')
    await database.admin.query('lock table governance.feature_flag in access exclusive mode')
    try {
      const [statements, answers] = await counted(() =>
        outcomes(a.flagIds.map((id) => db.featureFlag.findUnique({ where: { id } }))),
      )
      expect([statements, answers]).toEqual([1, a.flagIds.map(() => ({ failed: 'DH108' }))])
    } finally {
      await database.admin.query('rollback')
    }
    expect((await own(0))?.key).toBe('flag-1')
  })
})

describe('within a transaction', () => {
  // begin, the context and commit
  const frame = 3
  const executed = async (hull: Hull, work: () => Promise<unknown>): Promise<number> => {
    const { tap, connectionString } = await ProtocolTap.before(
      hull === 'one' ? database.ownerUrl : database.appUrl,
    )
    const tenancy = createTenancy({ PrismaClient, manifest, connectionString })
    closing.push(
      () => tap.close(),
      () => tenancy.disconnect(),
    )
    transactional = tenancy
    await tenancy.client({ tenantId: a.tenantId }).featureFlag.count()
    tap.take()
    await work()
    return count(tap.take(), 'E')
  }
  let transactional: Tenancy<PrismaClient>

  it('look-ups of one tick are one statement, which sees what is not committed yet', async () => {
    let seen: readonly unknown[] = []
    const statements = await executed('both', async () => {
      const db = transactional.client({ tenantId: a.tenantId })
      await expect(
        db.$transaction(async (tx) => {
          const made = await tx.featureFlag.createManyAndReturn({
            data: [{ key: 'uncommitted-1' }, { key: 'uncommitted-2' }],
          })
          seen = await Promise.all(
            [...made.map(({ id }) => id), a.flagIds[0] ?? '', b.flagId].map((id) =>
              tx.featureFlag.findUnique({ where: { id }, select: { key: true } }),
            ),
          )
          throw new Error('rolled back')
        }),
      ).rejects.toThrow('rolled back')
      expect(await db.featureFlag.count({ where: { key: { startsWith: 'uncommitted' } } })).toBe(0)
    })
    expect(seen).toEqual([{ key: 'uncommitted-1' }, { key: 'uncommitted-2' }, { key: 'flag-1' }, null])
    // the insert, the look-up, one more at most for the row that was not found, and the count with its context
    expect(statements - frame - 2).toBeGreaterThanOrEqual(2)
    expect(statements - frame - 2).toBeLessThanOrEqual(3)
  })

  it('they are not put together with those of another transaction or of none', async () => {
    const db = client(a)
    const names = (tx: Pick<BundledTenantClient, 'featureFlag'>) =>
      Promise.all(
        a.flagIds
          .slice(0, 2)
          .map((id) => tx.featureFlag.findUnique({ where: { id }, select: { description: true } })),
      )
    // both wait until the other has written, and look in the same tick
    let meet = (): void => {}
    const met = new Promise<void>((resolve) => {
      meet = resolve
    })
    let arrived = 0
    const transaction = (at: number) =>
      db.$transaction(async (tx) => {
        await tx.featureFlag.update({
          where: { id: a.flagIds[at] ?? '' },
          data: { description: `of transaction ${at}` },
        })
        arrived++
        if (arrived === 2) meet()
        await met
        const seen = await names(tx)
        await tx.featureFlag.update({
          where: { id: a.flagIds[at] ?? '' },
          data: { description: `${a.secret}${at + 1}` },
        })
        return seen
      })
    const committed = [1, 2].map((n) => ({ description: `${a.secret}${n}` }))
    const outside = met.then(() => names(db))
    expect(await Promise.all([transaction(0), transaction(1), outside])).toEqual([
      [{ description: 'of transaction 0' }, committed[1]],
      [committed[0], { description: 'of transaction 1' }],
      committed,
    ])
  })

  it('those of an array are made one after the other, each with its row', async () => {
    const db = client(a)
    const ids = [...a.flagIds, b.flagId]
    const found = await db.$transaction(
      ids.map((id) => db.featureFlag.findUnique({ where: { id }, select: { id: true } })),
    )
    expect(found).toEqual(ids.map((id) => (id === b.flagId ? null : { id })))
  })
})

describe('whatever is asked in one tick', () => {
  interface Call {
    readonly tenant: 'a' | 'b'
    readonly of: 'a' | 'b' | 'nobody'
    readonly at: number
    readonly capitals: boolean
    readonly ask: (db: BundledTenantClient, id: (model: 'flag' | 'version') => string, own: Rich) => unknown
  }
  const select = { number: true, package: { select: { name: true } } }
  const dates = { where: { createdAt: { gt: new Date(0) } } }
  const questions: readonly Call['ask'][] = [
    (db, id) => db.featureFlag.findUnique({ where: { id: id('flag') } }),
    (db, id) => db.featureFlag.findUniqueOrThrow({ where: { id: id('flag') } }),
    (db, id) => db.featureFlag.findUnique({ where: { id: id('flag') }, select: { key: true } }),
    (db, id) =>
      db.featureFlag.findUniqueOrThrow({ where: { id: id('flag') }, select: { key: true, id: true } }),
    (db, id) => db.featureFlag.findUnique({ where: { id: id('flag') }, omit: { id: true, variants: true } }),
    (db, id) => db.featureFlag.findUnique({ where: { id: id('flag') }, include: { tenant: true } }),
    (db, id) => db.featureFlag.findUnique({ where: { id: id('flag'), enabled: false } }),
    (db, id) => db.featureFlag.findUnique({ where: { id: id('flag'), key: 'flag-1' } }),
    (db, id, { tenantId }) =>
      db.featureFlag.findUnique({ where: { tenantId_id: { tenantId, id: id('flag') } } }),
    (db, id) =>
      db.featureFlag.findUnique({ where: { tenantId_id: { tenantId: a.tenantId, id: id('flag') } } }),
    (db, id) => db.configVersion.findUnique({ where: { id: id('version') }, select }),
    (db, id) => db.configVersion.findUnique({ where: { id: id('version') }, include: { package: true } }),
    (db, id) => db.configVersion.findUnique({ where: { id: id('version') }, include: { approvals: dates } }),
    (db, id) => db.configVersion.findUnique({ where: { id: id('version') } }).package(),
    (db, id) =>
      db.configVersion
        .findUniqueOrThrow({ where: { id: id('version') } })
        .package({ include: { _count: { select: { versions: true } } } }),
    (db, id) =>
      db.configVersion
        .findUnique({ where: { id: id('version') } })
        .package()
        .versions({ orderBy: { number: 'asc' }, take: 2 }),
    (db, _, { secret }) => db.user.findUnique({ where: { email: `${secret}@example.org` } }),
    (db) => db.user.findUnique({ where: { email: `${b.secret}@example.org` } }),
    (db, _, { tenantId }) => db.tenant.findUnique({ where: { id: tenantId } }),
    (db) => db.tenant.findUnique({ where: { id: b.tenantId } }),
  ]
  const anyCall: fc.Arbitrary<Call> = fc.record({
    tenant: fc.constantFrom('a', 'b'),
    of: fc.constantFrom('a', 'a', 'b', 'nobody'),
    at: fc.nat({ max: 2 }),
    capitals: fc.nat({ max: 7 }).map((n) => n === 0),
    ask: fc.constantFrom(...questions),
  })

  it.each(hulls)('behind hull %s is answered as it is when one call follows the other', async (hull) => {
    const missing = randomUUID()
    const ask = (call: Call): PromiseLike<unknown> => {
      const own = call.tenant === 'a' ? a : b
      const id = (model: 'flag' | 'version'): string => {
        const owner = call.of === 'a' ? a : b
        const [ids] = model === 'flag' ? [owner.flagIds] : [owner.versionIds]
        const plain = call.of === 'nobody' ? missing : (ids[call.at] ?? '')
        return call.capitals ? plain.toUpperCase() : plain
      }
      return call.ask(client(own, hull), id, own) as PromiseLike<unknown>
    }
    await fc.assert(
      fc.asyncProperty(fc.array(anyCall, { minLength: 2, maxLength: 16 }), async (calls) => {
        const together = await outcomes(calls.map(ask))
        const alone: unknown[] = []
        for (const call of calls) alone.push(...(await outcomes([ask(call)])))
        expect(together).toEqual(alone)
        // and nobody sees the other
        for (const [index, { tenant }] of calls.entries()) {
          const text = JSON.stringify(together[index])
          expect(text).not.toContain(tenant === 'a' ? b.secret : a.secret)
        }
      }),
      { numRuns: 40 },
    )
  })
})
