import { describe, expectTypeOf, it } from 'vitest'
import { type Prisma, PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import {
  type BundledSystemClient,
  type BundledTenantClient,
  type BundledTransaction,
  createSystemClient,
  createTenancy,
  createTenantClient,
  parseTenantId,
  type TenantClient,
  type TenantId,
  type TenantTransactionClient,
  withTenantContext,
} from '../src/index.ts'

// Compiled by `npm run check`; at run time nothing is called.
declare const db: BundledTenantClient
declare const system: BundledSystemClient

describe('types', () => {
  it('a bare string is no tenant id', () => {
    expectTypeOf<string>().not.toExtend<TenantId>()
    expectTypeOf(parseTenantId).returns.toEqualTypeOf<TenantId>()
  })

  it('a context takes plain values and asks for the tenant', () => {
    expectTypeOf<Parameters<typeof createTenantClient>[0]>().toExtend<{
      tenantId: string | number | bigint
      userId?: string | number | bigint | undefined
    }>()
    // @ts-expect-error the tenant is missing
    const _missing: Parameters<typeof createTenantClient>[0] = {}
  })

  it('the tenant field is optional in creates', () => {
    expectTypeOf<{ key: string; name: string }>().toExtend<Prisma.ConfigPackageCreateInput>()
    expectTypeOf<{ key: string; name: string }>().toExtend<Prisma.ConfigPackageUncheckedCreateInput>()
    expectTypeOf<{ key: string }>().toExtend<Prisma.FeatureFlagCreateManyInput>()
  })

  it('a tenant client infers results as Prisma does', () => {
    const query = () =>
      db.configPackage.findFirst({ select: { name: true, versions: { select: { number: true } } } })
    expectTypeOf(query).returns.resolves.toEqualTypeOf<{
      name: string
      versions: { number: number }[]
    } | null>()
    const transaction = () => db.$transaction(async (tx) => tx.configVersion.count())
    expectTypeOf(transaction).returns.resolves.toEqualTypeOf<number>()
  })

  it('a transaction takes limits and a signal beside Prisma’s options, and infers what its callback returns', () => {
    const { signal } = new AbortController()
    const limited = () =>
      db.$transaction(
        async (tx) =>
          tx.configPackage.findFirst({ select: { name: true, versions: { select: { id: true } } } }),
        { signal, statementTimeoutMillis: 1, lockTimeoutMillis: 1 },
      )
    expectTypeOf(limited).returns.resolves.toEqualTypeOf<{
      name: string
      versions: { id: string }[]
    } | null>()
    const mixed = () =>
      db.$transaction(async (tx) => [await tx.configVersion.count(), 'text'] as const, {
        signal,
        isolationLevel: 'Serializable',
        maxWait: 1,
        timeout: 1,
      })
    expectTypeOf(mixed).returns.resolves.toEqualTypeOf<readonly [number, 'text']>()
    const native = () =>
      db.$transaction(async () => undefined, { isolationLevel: 'RepeatableRead', maxWait: 1, timeout: 1 })
    expectTypeOf(native).returns.resolves.toEqualTypeOf<undefined>()
    const within = () =>
      withTenantContext(db, 'a uuid', async (tx) => (await tx.configVersion.findMany())[0]?.number, {
        signal,
        lockTimeoutMillis: 1,
      })
    expectTypeOf(within).returns.resolves.toEqualTypeOf<number | undefined>()
  })

  it('a transaction of an array infers what each operation returns', () => {
    const array = () =>
      db.$transaction([
        db.configVersion.count(),
        db.configPackage.findFirst({ select: { name: true } }),
        db.$queryRaw<{ one: number }[]>`select 1 as one`,
        db.configVersion.findUniqueOrThrow({ where: { id: '' } }).package({ select: { key: true } }),
      ])
    expectTypeOf(array).returns.resolves.toEqualTypeOf<
      [number, { name: string } | null, { one: number }[], { key: string }]
    >()
    const serializable = () =>
      db.$transaction([db.configVersion.count()], { isolationLevel: 'Serializable', maxWait: 1, timeout: 1 })
    expectTypeOf(serializable).returns.resolves.toEqualTypeOf<[number]>()
    // @ts-expect-error a promise is no operation that could run in the transaction
    const _awaited = () => db.$transaction([Promise.resolve(1)])
  })

  it('a transaction takes no other options', () => {
    const nothing = async () => undefined
    // @ts-expect-error the name of PostgreSQL's setting
    const _timeout = () => db.$transaction(nothing, { statementTimeout: 1 })
    // @ts-expect-error a text for a number
    const _text = () => db.$transaction(nothing, { statementTimeoutMillis: '1s' })
    // @ts-expect-error a controller for its signal
    const _controller = () => db.$transaction(nothing, { signal: new AbortController() })
    // @ts-expect-error a level that there is not
    const _level = () => db.$transaction(nothing, { isolationLevel: 'Chaos' })
    // @ts-expect-error another tenant
    const _tenant = () => db.$transaction(nothing, { tenantId: 'a uuid' })
    // @ts-expect-error the same of withTenantContext
    const _within = () => withTenantContext(db, 'a uuid', nothing, { statementTimeout: 1 })
    // @ts-expect-error a transaction within a transaction has the limits of the outer one
    const _nested = (tx: BundledTransaction) => tx.$transaction(nothing, { statementTimeoutMillis: 1 })
    // @ts-expect-error and its signal
    const _signal = (tx: BundledTransaction) => tx.$transaction(nothing, { signal: AbortSignal.abort() })
  })

  it('the client of a transaction has Prisma’s models and raw SQL with parameters, and no way out', () => {
    expectTypeOf<BundledTransaction>().toEqualTypeOf<TenantTransactionClient<PrismaClient>>()
    expectTypeOf<BundledTransaction['configPackage']>().toEqualTypeOf<PrismaClient['configPackage']>()
    expectTypeOf<BundledTransaction['configPackage']>().not.toBeAny()
    expectTypeOf<BundledTransaction>().toHaveProperty('$queryRaw')
    expectTypeOf<BundledTransaction>().not.toHaveProperty('$queryRawUnsafe')
    expectTypeOf<BundledTransaction>().not.toHaveProperty('$executeRawUnsafe')
    expectTypeOf<BundledTransaction>().not.toHaveProperty('$runCommandRaw')
    expectTypeOf<BundledTransaction>().not.toHaveProperty('$extends')
    expectTypeOf<BundledTransaction>().not.toHaveProperty('$connect')
    expectTypeOf<BundledTransaction>().not.toHaveProperty('$parent')
  })

  it('a tenant client has no way out', () => {
    expectTypeOf<BundledTenantClient>().not.toHaveProperty('$extends')
    expectTypeOf<BundledTenantClient>().not.toHaveProperty('$queryRawUnsafe')
    expectTypeOf<BundledTenantClient>().not.toHaveProperty('$disconnect')
    expectTypeOf<BundledTenantClient['configPackage']>().not.toBeAny()
  })

  it('a system client infers results as Prisma does, and has no way past its record', () => {
    const query = () =>
      system.configPackage.findMany({ select: { tenantId: true, versions: { select: { number: true } } } })
    expectTypeOf(query).returns.resolves.toEqualTypeOf<
      { tenantId: string; versions: { number: number }[] }[]
    >()
    const raw = () => system.$queryRaw<{ one: number }[]>`select 1 as one`
    expectTypeOf(raw).returns.resolves.toEqualTypeOf<{ one: number }[]>()
    const transaction = () =>
      system.$transaction(async (tx) => tx.configPackage.findFirst({ select: { name: true } }), {
        signal: AbortSignal.timeout(1),
        isolationLevel: 'Serializable',
      })
    expectTypeOf(transaction).returns.resolves.toEqualTypeOf<{ name: string } | null>()
    const array = () => system.$transaction([system.configVersion.count(), system.tenant.findMany()])
    expectTypeOf(array).returns.resolves.toEqualTypeOf<
      [number, Awaited<ReturnType<typeof system.tenant.findMany>>]
    >()
    expectTypeOf<BundledSystemClient['configPackage']>().toEqualTypeOf<BundledTenantClient['configPackage']>()
    expectTypeOf<BundledSystemClient['configPackage']>().not.toBeAny()
    expectTypeOf<BundledSystemClient>().not.toHaveProperty('$extends')
    expectTypeOf<BundledSystemClient>().not.toHaveProperty('$queryRawUnsafe')
    expectTypeOf<BundledSystemClient>().not.toHaveProperty('$disconnect')
    expectTypeOf<BundledSystemClient>().not.toHaveProperty('systemWork')
    // @ts-expect-error a limit, which a tenant's context would have
    const _limit = () => system.$transaction(async () => undefined, { statementTimeoutMillis: 1 })
  })

  it('a use of the system asks for an actor and a reason', () => {
    expectTypeOf(createSystemClient)
      .parameter(0)
      .toEqualTypeOf<{ readonly actor: string; readonly reason: string }>()
    // @ts-expect-error the reason is missing
    const _missing: Parameters<typeof createSystemClient>[0] = { actor: 'job' }
    // @ts-expect-error the system is no tenant's
    const _tenant: Parameters<typeof createSystemClient>[0] = { actor: 'job', reason: 'x', tenantId: '' }
  })

  it('an array of operations takes a signal and limits too', () => {
    const limited = () => db.$transaction([db.configVersion.count()], { signal: AbortSignal.timeout(1) })
    expectTypeOf(limited).returns.resolves.toEqualTypeOf<[number]>()
  })

  it('extensions give a tenant client their methods and computed fields, and its transactions too', () => {
    const tenancy = () =>
      createTenancy({
        PrismaClient,
        manifest,
        connectionString: '',
        extend: (client) =>
          client
            .$extends({
              result: {
                configPackage: {
                  label: { needs: { key: true, name: true }, compute: ({ key, name }) => `${key} ${name}` },
                },
              },
            })
            .$extends({
              model: { $allModels: { what: (): number => 7 } },
              client: { $names: async () => ['a name'] },
            }),
      })
    type Extended = ReturnType<ReturnType<typeof tenancy>['client']>
    const extended = null as unknown as Extended
    const found = () => extended.configPackage.findMany({ select: { label: true, versions: { take: 1 } } })
    expectTypeOf<Awaited<ReturnType<typeof found>>[number]['label']>().toEqualTypeOf<string>()
    expectTypeOf<
      Awaited<ReturnType<typeof found>>[number]['versions'][number]['number']
    >().toEqualTypeOf<number>()
    const called = () => extended.configVersion.what()
    expectTypeOf(called).returns.toEqualTypeOf<number>()
    const named = () => extended.$transaction((tx) => tx.$names())
    expectTypeOf(named).returns.resolves.toEqualTypeOf<string[]>()
    const within = () => extended.$transaction(async (tx) => (await tx.configPackage.findFirst())?.label)
    expectTypeOf(within).returns.resolves.toEqualTypeOf<string | undefined>()
    const array = () =>
      extended.$transaction([extended.configPackage.findFirstOrThrow({ select: { label: true } })])
    expectTypeOf<Awaited<ReturnType<typeof array>>[0]['label']>().toEqualTypeOf<string>()
    const raw = () => withTenantContext(extended, 'a uuid', (tx) => tx.$queryRaw<number[]>`select 1`)
    expectTypeOf(raw).returns.resolves.toEqualTypeOf<number[]>()
    const optional = () => extended.configPackage.create({ data: { key: '', name: '' } })
    expectTypeOf<Awaited<ReturnType<typeof optional>>['label']>().toEqualTypeOf<string>()
    expectTypeOf<Extended>().not.toHaveProperty('$extends')
    expectTypeOf<Extended>().not.toHaveProperty('$queryRawUnsafe')
    // @ts-expect-error what is no extension of the client
    const _wrong = () => createTenancy({ PrismaClient, manifest, connectionString: '', extend: () => 1 })
  })

  it('unsafe raw SQL is there where it was allowed, and nowhere else', () => {
    const options = { PrismaClient, manifest, connectionString: '' }
    const unsafe = () => createTenancy({ ...options, allowUnsafeRaw: true })
    type Unsafe = ReturnType<ReturnType<typeof unsafe>['client']>
    expectTypeOf<Unsafe>().toExtend<Pick<TenantClient<PrismaClient, true>, '$queryRawUnsafe'>>()
    expectTypeOf<Unsafe>().toHaveProperty('$queryRawUnsafe')
    expectTypeOf<Parameters<Parameters<Unsafe['$transaction']>[0]>[0]>().toHaveProperty('$executeRawUnsafe')
    expectTypeOf<Unsafe>().not.toHaveProperty('$extends')
    const safe = () => createTenancy({ ...options, allowUnsafeRaw: false })
    expectTypeOf<ReturnType<ReturnType<typeof safe>['client']>>().not.toHaveProperty('$queryRawUnsafe')
    const unknown = (allowUnsafeRaw: boolean) => createTenancy({ ...options, allowUnsafeRaw })
    expectTypeOf<ReturnType<ReturnType<typeof unknown>['client']>>().not.toHaveProperty('$queryRawUnsafe')
  })

  it('a function of a transaction takes that of a client, and of a plain one', () => {
    const publish = async (tx: Pick<BundledTransaction, 'configVersion'>) => tx.configVersion.count()
    expectTypeOf<Parameters<typeof publish>[0]>().not.toBeAny()
    const own = () => db.$transaction(publish)
    const plain = () => (null as unknown as PrismaClient).$transaction(publish)
    const within = () => withTenantContext(null as unknown as PrismaClient, 'a uuid', publish)
    expectTypeOf(own).returns.resolves.toEqualTypeOf<number>()
    expectTypeOf(plain).returns.resolves.toEqualTypeOf<number>()
    expectTypeOf(within).returns.resolves.toEqualTypeOf<number>()
  })
})
