import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { PrismaPg } from '@prisma/adapter-pg'
import { makeTypedQueryFactory } from '@prisma/client/runtime/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Prisma, PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { createTenancy, type Tenancy, type TenantClient } from '../src/index.ts'
import { createUnscopedTenancy } from '../src/testing/index.ts'
import { runPrisma } from './fixtures/prisma-cli.ts'
import { plantTwoTenants, type TwoTenants, useTestDatabase } from './support/test-database.ts'

const database = useTestDatabase()
let scene: TwoTenants
beforeAll(async () => {
  scene = await plantTwoTenants(database)
})

const names = 'select name from governance.config_package order by name'

async function codeOf(work: () => unknown): Promise<unknown> {
  try {
    await work()
    return 'nothing was refused'
  } catch (error) {
    const { code, meta } = error as {
      readonly code?: unknown
      readonly meta?: {
        readonly driverAdapterError?: { readonly cause?: { readonly originalCode?: string } }
      }
    }
    return meta?.driverAdapterError?.cause?.originalCode ?? code ?? error
  }
}

describe('unsafe raw SQL', () => {
  const opened: { disconnect(): Promise<void> }[] = []
  type Unsafe = TenantClient<PrismaClient, true>
  let both: Tenancy<PrismaClient, true>
  let two: Tenancy<PrismaClient, true>
  let one: Tenancy<PrismaClient, true>

  beforeAll(() => {
    const options = { PrismaClient, manifest, allowUnsafeRaw: true, maxConnections: 2 } as const
    both = createTenancy({ ...options, connectionString: database.appUrl })
    two = createUnscopedTenancy({ ...options, connectionString: database.appUrl })
    one = createTenancy({
      ...options,
      connectionString: database.ownerUrl,
      allowRoleThatBypassesRowSecurity: true,
    })
    opened.push(both, two, one)
  })
  afterAll(() => Promise.all(opened.map((tenancy) => tenancy.disconnect())))

  const calls: readonly [
    string,
    (client: Pick<Unsafe, '$queryRawUnsafe' | '$executeRawUnsafe'>) => Prisma.PrismaPromise<unknown>,
  ][] = [
    ['$queryRawUnsafe', (client) => client.$queryRawUnsafe(names)],
    ['$queryRawUnsafe with parameters', (client) => client.$queryRawUnsafe(`${names} limit $1`, 10)],
    [
      '$executeRawUnsafe',
      (client) => client.$executeRawUnsafe('update governance.feature_flag set enabled = true'),
    ],
  ]

  it.each(calls)('is refused unless it was allowed: %s', async (_, call) => {
    const db = database.both.client({ tenantId: scene.a.tenantId }) as unknown as Unsafe
    expect(await codeOf(() => call(db))).toBe('DH204')
    expect(await codeOf(() => db.$transaction((tx) => call(tx)))).toBe('DH204')
    expect('$queryRawUnsafe' in db).toBe(false)
  })

  it.each(calls)('is refused where nothing would hold it: %s', async (_, call) => {
    const db = one.client({ tenantId: scene.a.tenantId })
    expect(await codeOf(() => call(db))).toBe('DH205')
    expect(await codeOf(() => db.$transaction((tx) => call(tx)))).toBe('DH205')
    expect(await codeOf(() => db.$transaction([call(db)]))).toBe('DH205')
    expect((await database.none.$queryRawUnsafe<unknown[]>(names)).length).toBeGreaterThan(1)
  })

  it('sees and changes one tenant, in and out of transactions and in arrays of them', async () => {
    const { a, b } = scene
    for (const tenancy of [both, two]) {
      const db = tenancy.client({ tenantId: a.tenantId })
      const own = [{ name: a.secret }]
      expect(await db.$queryRawUnsafe(names)).toEqual(own)
      expect(await db.$queryRawUnsafe(`${names} limit $1`, 10)).toEqual(own)
      expect(await db.$transaction((tx) => tx.$queryRawUnsafe(names))).toEqual(own)
      expect(
        await db.$transaction([
          db.$queryRawUnsafe(names),
          db.$executeRawUnsafe('update governance.feature_flag set enabled = not enabled'),
        ]),
      ).toEqual([own, 1])
      const foreign = 'delete from governance.feature_flag where id = $1::uuid'
      expect(await db.$executeRawUnsafe(foreign, b.flagId)).toBe(0)
      expect(await db.$transaction((tx) => tx.$executeRawUnsafe(foreign, b.flagId))).toBe(0)
    }
    const flags = await database.none.featureFlag.count({ where: { id: b.flagId } })
    expect(flags).toBe(1)
  })

  it('is one statement: what is stacked behind it is a syntax error', async () => {
    const db = both.client({ tenantId: scene.a.tenantId })
    const stacked = `set local app.tenant_id = '${scene.b.tenantId}'; ${names}`
    const plain = new PrismaClient({ adapter: new PrismaPg({ connectionString: database.appUrl, max: 1 }) })
    const write = `set app.tenant_id = '${scene.b.tenantId}'; update governance.feature_flag set description = 'stacked'`
    await plain.$executeRawUnsafe(write)
    await plain.$disconnect()
    expect(await database.none.featureFlag.count({ where: { description: 'stacked' } })).toBe(1)
    expect(await codeOf(() => db.$queryRawUnsafe(stacked))).toBe('42601')
    expect(await codeOf(() => db.$executeRawUnsafe(stacked))).toBe('42601')
    expect(await codeOf(() => db.$transaction((tx) => tx.$queryRawUnsafe(stacked)))).toBe('42601')
    expect(await db.$queryRawUnsafe(names)).toEqual([{ name: scene.a.secret }])
  })

  it('leaves nothing behind for the next tenant of its connection', async () => {
    const tenancy = createTenancy({
      PrismaClient,
      manifest,
      allowUnsafeRaw: true,
      maxConnections: 1,
      connectionString: database.appUrl,
    })
    opened.push(tenancy)
    const [a, b] = [scene.a, scene.b].map(({ tenantId }) => tenancy.client({ tenantId }))
    const plant = `select set_config('app.tenant_id', '${scene.a.tenantId}', false)`
    await a?.$queryRawUnsafe(plant)
    expect(await b?.$queryRawUnsafe(names)).toEqual([{ name: scene.b.secret }])
    await a?.$transaction((tx) => tx.$queryRawUnsafe(plant))
    expect(await b?.configPackage.findMany({ select: { name: true } })).toEqual([{ name: scene.b.secret }])
  })
})

describe('TypedSQL', () => {
  type Typed = PrismaClient & { $queryRawTyped(query: object): Promise<readonly { readonly name: string }[]> }
  let folder: string
  // what `prisma generate --sql` writes for a file; it asks the schema engine, and the WebAssembly one can't tell
  const packagesLike = makeTypedQueryFactory(
    'select name from governance.config_package where name like $1 order by name',
  ) as unknown as (pattern: string) => object
  let none: Typed
  let alone: Tenancy<Typed>
  const tenancies: Tenancy<Typed>[] = []

  beforeAll(async () => {
    // below the repository, where the generated client finds its runtime, and ignored by git
    const parent = join(import.meta.dirname, '../.doublehull')
    mkdirSync(parent, { recursive: true })
    folder = mkdtempSync(join(parent, 'typed-sql-'))
    cpSync(join(import.meta.dirname, '../prisma/schema'), join(folder, 'schema'), { recursive: true })
    const main = join(folder, 'schema/main.prisma')
    const schema = readFileSync(main, 'utf8')
      .replaceAll('../../src/generated', '../generated')
      .replace(/"prisma-client"/, '"prisma-client"\n  previewFeatures = ["typedSql"]')
      .replace('"tsx src/cli/main.ts"', '"doublehull"')
    writeFileSync(main, schema)
    const run = await runPrisma(folder, 'generate', '--no-hints', '--schema', 'schema')
    if (run.code !== 0) throw new Error(run.output)

    const load = (path: string) => import(pathToFileURL(join(folder, 'generated', path)).href)
    const client = (await load('prisma/client.ts')) as { PrismaClient: new (options: object) => Typed }
    const options = { PrismaClient: client.PrismaClient, manifest, connectionString: database.appUrl }
    tenancies.push(
      createTenancy(options),
      createUnscopedTenancy(options),
      createTenancy({
        ...options,
        // hooks get a copy of the query
        extend: (base) =>
          base.$extends({ query: { $allOperations: ({ args, query }) => query(args) } }) as unknown as Typed,
      }),
    )
    alone = createTenancy({
      ...options,
      connectionString: database.ownerUrl,
      allowRoleThatBypassesRowSecurity: true,
    })
    none = new client.PrismaClient({ adapter: new PrismaPg({ connectionString: database.ownerUrl }) })
  })
  afterAll(async () => {
    await Promise.all([...tenancies, alone].map((tenancy) => tenancy?.disconnect()))
    await none?.$disconnect()
    if (folder) rmSync(folder, { recursive: true, force: true })
  })

  it('runs in its tenant’s context, in and out of transactions, where it would see all', async () => {
    const { a, b } = scene
    const all = await none.$queryRawTyped(packagesLike('%'))
    expect(all.map(({ name }) => name)).toEqual(expect.arrayContaining([a.secret, b.secret]))
    for (const tenancy of tenancies) {
      const seen = await Promise.all(
        [a, b, a, b].map(({ tenantId }, index) => {
          const db = tenancy.client({ tenantId })
          const ask = (client: Pick<Typed, '$queryRawTyped'>) => client.$queryRawTyped(packagesLike('%'))
          return index < 2 ? ask(db) : db.$transaction(ask)
        }),
      )
      expect(seen.map((rows) => rows.map(({ name }) => name))).toEqual([
        [a.secret],
        [b.secret],
        [a.secret],
        [b.secret],
      ])
    }
  })

  it('is refused where nothing would hold it', async () => {
    const db = alone.client({ tenantId: scene.a.tenantId })
    expect(await codeOf(() => db.$queryRawTyped(packagesLike('%')))).toBe('DH205')
    expect(await codeOf(() => db.$transaction((tx) => tx.$queryRawTyped(packagesLike('%'))))).toBe('DH205')
  })
})
