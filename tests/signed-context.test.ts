import { createHash, createHmac, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseContextKey } from '../src/context/context-key.ts'
import { ContextSigner } from '../src/context/context-signature.ts'
import { parseTenantContext } from '../src/context/tenant-context.ts'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { createTenancy, setRLSTenantContext, type Tenancy, withTenantContext } from '../src/index.ts'
import { contextMigrationSql } from '../src/policy/context-sql.ts'
import { createUnscopedTenancy } from '../src/testing/index.ts'
import { drawContextKey, signContexts } from './support/signed-database.ts'
import { plantTwoTenants, type TwoTenants, useTestDatabase } from './support/test-database.ts'

const signed = useTestDatabase()
const plain = useTestDatabase()
const key = drawContextKey()
const opened: { disconnect(): Promise<void> }[] = []
let scene: TwoTenants
let tenancy: Tenancy<PrismaClient>

beforeAll(async () => {
  scene = await plantTwoTenants(signed)
  await signContexts(signed.adminUrl, key)
  tenancy = open({ contextKey: key })
})
afterAll(() => Promise.all(opened.map((one) => one.disconnect())))

function open(options: object, connectionString = signed.appUrl): Tenancy<PrismaClient> {
  const made = createTenancy({ PrismaClient, manifest, connectionString, ...options })
  opened.push(made)
  return made
}

/** The code that something is refused with. */
async function codeOf(call: () => PromiseLike<unknown>): Promise<unknown> {
  try {
    await call()
    return 'not refused'
  } catch (error) {
    const { code, meta } = error as {
      code?: unknown
      meta?: { driverAdapterError?: { cause?: { originalCode?: unknown } } }
    }
    return meta?.driverAdapterError?.cause?.originalCode ?? code
  }
}

/** Runs in one transaction of the application's role, which sets what it likes. */
async function asApp<Result>(
  settings: Readonly<Record<string, string>>,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: signed.appUrl })
  await client.connect()
  try {
    await client.query('begin')
    for (const [name, value] of Object.entries(settings)) {
      await client.query('select set_config($1, $2, true)', [name, value])
    }
    return await work(client)
  } finally {
    await client.end()
  }
}

const tenant = async (client: pg.Client) => {
  const { rows } = await client.query<{ id: string | null }>('select tenancy.current_tenant_id() as id')
  return rows[0]?.id
}

const sign = (tenantId: string, userId?: string, text = key) =>
  new ContextSigner(parseContextKey(text, 'key')).signatureOf(
    parseTenantContext({ tenantId, ...(userId && { userId }) }),
  )

/** Signs by hand, so that what the package would never sign can be tried. */
function signAs(text: string, expiry: string | number, keyText = key): string {
  const bytes = Buffer.from(keyText, 'base64')
  const id = createHash('sha256').update(bytes).digest('hex').slice(0, 8)
  const mac = createHmac('sha256', bytes).update(`doublehull.context.1:${text}:${expiry}`).digest('hex')
  return `${expiry}.${id}.${mac}`
}

const inSeconds = (seconds: number) => Math.floor(Date.now() / 1_000) + seconds

describe('a tenancy with the key of its database', () => {
  it('reads and writes its tenant’s rows, in and out of transactions, in arrays, ticks and raw SQL', async () => {
    const { a } = scene
    const db = tenancy.client({ tenantId: a.tenantId })
    expect(await db.configPackage.findMany({ select: { name: true } })).toEqual([{ name: a.secret }])
    expect(
      await db.configPackage.update({ where: { id: a.packageId }, data: { description: 'x' } }),
    ).toMatchObject({ id: a.packageId })
    expect(await db.configPackage.create({ data: { key: 'k', name: 'n' } })).toMatchObject({
      tenantId: a.tenantId,
    })
    expect(await db.configPackage.deleteMany({ where: { key: 'k' } })).toEqual({ count: 1 })
    expect(await db.$transaction((tx) => tx.configPackage.count())).toBe(1)
    expect(await db.$transaction([db.configPackage.count(), db.featureFlag.count()])).toEqual([1, 1])
    const ticks = [1, 2, 3].map(() => db.configPackage.findUnique({ where: { id: a.packageId } }))
    expect(await Promise.all(ticks)).toMatchObject([
      { id: a.packageId },
      { id: a.packageId },
      { id: a.packageId },
    ])
    expect(await db.$queryRaw`select name from governance.config_package`).toEqual([{ name: a.secret }])
    const limited = tenancy.client({ tenantId: a.tenantId, userId: a.userId, statementTimeoutMillis: 9_000 })
    expect(
      await limited.$queryRaw`select current_setting('app.user_id') as user, current_setting('statement_timeout') as limit`,
    ).toEqual([{ user: a.userId, limit: '9s' }])
    expect(await limited.configPackage.count()).toBe(1)
  })

  it('keeps tenants apart, also where hull two is alone', async () => {
    const { a, b } = scene
    const two = createUnscopedTenancy({
      PrismaClient,
      manifest,
      connectionString: signed.appUrl,
      contextKey: key,
    })
    opened.push(two)
    for (const each of [tenancy, two]) {
      const seen = await Promise.all(
        [a, b, a, b].map(({ tenantId }) =>
          each.client({ tenantId }).configPackage.findMany({ select: { name: true } }),
        ),
      )
      expect(seen).toEqual([a, b, a, b].map(({ secret }) => [{ name: secret }]))
    }
    expect(await signed.none.configPackage.count()).toBe(2)
  })

  it('leaves no context behind after raw SQL that set one for the session', async () => {
    const one = open({ contextKey: key, maxConnections: 1, allowUnsafeRaw: true })
    const settings = ['app.tenant_id', 'app.user_id', 'app.context_signature', 'request.jwt.claims']
    const db = one.client({ tenantId: scene.a.tenantId })
    await db.$queryRaw`
      select set_config('app.tenant_id', current_setting('app.tenant_id'), false),
             set_config('app.context_signature', current_setting('app.context_signature'), false),
             set_config('request.jwt.claims', '{"tenant_id":"x"}', false)`
    const left = await one.client({ tenantId: scene.b.tenantId }).$transaction(
      (tx) => tx.$queryRaw<{ name: string; setting: string }[]>`
        select name, current_setting(name, true) as setting from unnest(${settings}::text[]) as name`,
    )
    expect(left.find(({ name }) => name === 'app.tenant_id')?.setting).toBe(scene.b.tenantId)
    expect(left.find(({ name }) => name === 'request.jwt.claims')?.setting).toBe('')
    expect(await one.client({ tenantId: scene.b.tenantId }).configPackage.count()).toBe(1)
  })

  it('signs what withTenantContext and setRLSTenantContext set on a plain client', async () => {
    const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: signed.appUrl }) })
    const { a } = scene
    const options = { contextKey: key, userId: a.userId }
    expect(await withTenantContext(prisma, a.tenantId, (tx) => tx.configPackage.count(), options)).toBe(1)
    const read = prisma.$transaction(async (tx) => {
      await setRLSTenantContext(tx, a.tenantId, { contextKey: key })
      return tx.$queryRaw`select current_setting('app.user_id') as user, tenancy.current_tenant_id()::text as tenant`
    })
    expect(await read).toEqual([{ user: '', tenant: a.tenantId }])
    expect(await codeOf(() => withTenantContext(prisma, a.tenantId, (tx) => tx.configPackage.count()))).toBe(
      'DH102',
    )
    await prisma.$disconnect()
  })
})

describe('a context is refused with DH102', () => {
  const { tenantId, userId } = { tenantId: randomUUID(), userId: randomUUID() }
  const good = () => signAs(`${tenantId}:${userId}`, inSeconds(60))
  const cases: readonly (readonly [string, () => Readonly<Record<string, string>>, RegExp])[] = [
    ['without a signature', () => ({ 'app.context_signature': '' }), /is not signed/],
    [
      'with a forged mac',
      () => ({ 'app.context_signature': good().replace(/.{64}$/, 'a'.repeat(64)) }),
      /is not that of/,
    ],
    ['with a mac that is cut off', () => ({ 'app.context_signature': good().slice(0, -1) }), /malformed/],
    ['with a mac in capitals', () => ({ 'app.context_signature': good().toUpperCase() }), /malformed/],
    ['with nothing but dots', () => ({ 'app.context_signature': '..' }), /malformed/],
    [
      'with an expiry that is no number',
      () => ({ 'app.context_signature': good().replace(/^\d/, 'x') }),
      /malformed/,
    ],
    [
      'with a later expiry than was signed',
      () => ({ 'app.context_signature': good().replace(/^\d{10}/, String(inSeconds(61))) }),
      /is not that of/,
    ],
    [
      'that has expired',
      () => ({ 'app.context_signature': signAs(`${tenantId}:${userId}`, inSeconds(-5)) }),
      /has expired/,
    ],
    [
      'that is good for years',
      () => ({ 'app.context_signature': signAs(`${tenantId}:${userId}`, inSeconds(9e7)) }),
      /more than a day/,
    ],
    [
      'signed for another tenant',
      () => ({ 'app.context_signature': sign(randomUUID(), userId) }),
      /is not that of/,
    ],
    [
      'signed for another user',
      () => ({ 'app.context_signature': sign(tenantId, randomUUID()) }),
      /is not that of/,
    ],
    ['signed for no user', () => ({ 'app.context_signature': sign(tenantId) }), /is not that of/],
    ['whose user was taken away', () => ({ 'app.user_id': '' }), /is not that of/],
    ['whose tenant was exchanged', () => ({ 'app.tenant_id': randomUUID() }), /is not that of/],
    [
      'signed with a key that is not the database’s',
      () => ({ 'app.context_signature': sign(tenantId, userId, drawContextKey()) }),
      /does not have/,
    ],
    [
      'with parts moved from one into the other',
      () => ({ 'app.tenant_id': `${tenantId}:${userId}`, 'app.user_id': '' }),
      /is not that of/,
    ],
  ]

  it.each(cases)('%s', async (_, change, message) => {
    const settings = { 'app.tenant_id': tenantId, 'app.user_id': userId, 'app.context_signature': good() }
    expect(await asApp(settings, tenant)).toBe(tenantId)
    const refusal = await asApp({ ...settings, ...change() }, tenant).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'DH102', message: expect.stringMatching(message) })
    const { message: text, detail, hint } = refusal as pg.DatabaseError
    for (const value of [tenantId, userId, ...Object.values(change()).filter((value) => value.length > 2)]) {
      expect([text, detail, hint].join()).not.toContain(value)
    }
  })

  it('and is none where there is no tenant, signed or not', async () => {
    expect(await asApp({}, tenant)).toBeNull()
    expect(await asApp({ 'app.context_signature': good() }, tenant)).toBeNull()
    await expect(
      asApp({}, (client) => client.query('select from governance.config_package')),
    ).rejects.toMatchObject({ code: 'DH101' })
  })
})

it('a transaction outlives the signature that it began with', async () => {
  const { tenantId } = scene.a
  await asApp({}, async (client) => {
    const { rows } = await client.query<{ expiry: string }>(
      'select ceil(extract(epoch from transaction_timestamp()) + 0.5)::text as expiry',
    )
    const expiry = rows[0]?.expiry ?? ''
    await client.query(
      `select set_config('app.tenant_id', $1, true), set_config('app.context_signature', $2, true)`,
      [tenantId, signAs(`${tenantId}:`, expiry)],
    )
    expect(await tenant(client)).toBe(tenantId)
    await client.query("select pg_sleep_until(to_timestamp($1::float8) + interval '10 ms')", [expiry])
    expect(await tenant(client)).toBe(tenantId)
    const { rows: now } = await client.query('select extract(epoch from clock_timestamp()) > $1 as later', [
      expiry,
    ])
    expect(now).toEqual([{ later: true }])
  })
})

it('the migration of the context is what the package says it is', () => {
  const file = join(import.meta.dirname, '../prisma/migrations/20261121000100_context/migration.sql')
  expect(readFileSync(file, 'utf8')).toBe(contextMigrationSql('uuid'))
})

describe('what one side does alone is refused at the first query', () => {
  it('a key, on a database that does not verify: DH306', async () => {
    const one = open({ contextKey: key }, plain.appUrl)
    const refused = () => codeOf(() => one.client({ tenantId: scene.a.tenantId }).configPackage.count())
    expect(await refused()).toBe('DH306')
    expect(await one.checkDatabaseHealth()).toMatchObject({ ok: false, problem: { code: 'DH306' } })
    const allowed = open({ contextKey: key, allowUnverifiedContext: true }, plain.appUrl)
    expect(await allowed.client({ tenantId: scene.a.tenantId }).configPackage.count()).toBe(0)
  })

  it('no key, on a database that verifies: DH102, which names the variable', async () => {
    const one = open({})
    const refused = one.client({ tenantId: scene.a.tenantId }).configPackage.count()
    await expect(refused).rejects.toMatchObject({
      code: 'DH102',
      message: expect.stringContaining('DOUBLEHULL_CONTEXT_KEY'),
    })
  })
})
