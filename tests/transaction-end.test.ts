import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Prisma, PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { createTenancy, type Tenancy, type TenancyOptions } from '../src/index.ts'
import { createUnscopedTenancy } from '../src/testing/index.ts'
import { plantTwoTenants, type TwoTenants, useTestDatabase } from './support/test-database.ts'

const database = useTestDatabase()
let tenants: TwoTenants
beforeAll(async () => {
  tenants = await plantTwoTenants(database)
})

const opened: Tenancy<PrismaClient>[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((tenancy) => tenancy.disconnect({ timeoutMillis: 1_000 })))
})

/** A tenancy of one connection, so that whoever comes next gets what the last one has left. */
function openOne(
  options: Partial<TenancyOptions<PrismaClient>> = {},
  create: typeof createTenancy = createTenancy,
): Tenancy<PrismaClient> {
  const tenancy = create({
    PrismaClient,
    manifest,
    connectionString: database.appUrl,
    maxConnections: 1,
    ...options,
  })
  opened.push(tenancy)
  return tenancy
}

const outcomeOf = (work: PromiseLike<unknown>): Promise<string> =>
  Promise.resolve(work).then(
    () => 'done',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  )

const rowsOf = async (text: string, values: unknown[] = []): Promise<number> =>
  (await database.admin.query(text, values)).rows.length

// what is made outside of the transaction outlives its rollback
const largeObjects = () => rowsOf('select from pg_largeobject_metadata')
const packagesWith = (key: string) => rowsOf('select from governance.config_package where key = $1', [key])

const rollBack = new Error('rolled back')

describe('nothing of a transaction runs outside of it', () => {
  it('after raw SQL has deallocated what the next one would have used', async () => {
    const db = openOne().client({ tenantId: tenants.a.tenantId })
    for (const forget of [false, true]) {
      await db.$transaction(async (tx) => {
        await tx.configPackage.count()
        if (forget) await tx.$executeRaw`deallocate all`
      })
    }
    const before = await largeObjects()
    await expect(
      db.$transaction(async (tx) => {
        await outcomeOf(tx.configPackage.count())
        await outcomeOf(tx.$queryRaw`select lo_create(0)::text`)
        throw rollBack
      }),
    ).rejects.toBe(rollBack)
    expect(await largeObjects()).toBe(before)
  })

  it('after a trigger has deallocated it, with hull one alone', async () => {
    await database.admin.query(`
      create function public.forget() returns trigger language plpgsql as
        $$ begin execute 'deallocate all'; return new; end $$;
      create trigger zz_forget after insert on governance.feature_flag
        for each row execute function public.forget()`)
    const options = { connectionString: database.ownerUrl, allowRoleThatBypassesRowSecurity: true }
    const db = openOne(options).client({ tenantId: tenants.a.tenantId })
    await db.$transaction(async (tx) => tx.configPackage.count())
    await db.$transaction(async (tx) => tx.featureFlag.create({ data: { key: randomUUID() } }))
    const key = randomUUID()
    await expect(
      db.$transaction(async (tx) => {
        await outcomeOf(tx.configPackage.count())
        await outcomeOf(tx.configPackage.create({ data: { key, name: key } }))
        throw rollBack
      }),
    ).rejects.toBe(rollBack)
    expect(await packagesWith(key)).toBe(0)
    await database.admin.query('drop function public.forget() cascade')
  })

  it('where it was asked before raw SQL has ended the transaction, and sent afterwards', async () => {
    const db = openOne().client({ tenantId: tenants.a.tenantId })
    const before = await largeObjects()
    await expect(
      db.$transaction(async (tx) => {
        await tx.configPackage.count()
        const asked = [outcomeOf(tx.$queryRaw`select pg_sleep(0.2)::text`)]
        await sleep(20)
        asked.push(outcomeOf(tx.$executeRaw`end`))
        await sleep(20)
        asked.push(outcomeOf(tx.$queryRaw`select lo_create(0)::text`))
        await Promise.all(asked)
        throw rollBack
      }),
    ).rejects.toBe(rollBack)
    expect(await largeObjects()).toBe(before)
  })
})

describe('what has not happened is not told as done', () => {
  it('where the callback goes on after a statement that failed', async () => {
    const db = openOne().client({ tenantId: tenants.a.tenantId })
    const key = randomUUID()
    const goingOn = db.$transaction(async (tx) => {
      await tx.configPackage.create({ data: { key, name: key } })
      await outcomeOf(tx.$queryRaw`select 1 / 0`)
    })
    expect([await outcomeOf(goingOn), await packagesWith(key)]).toEqual(['DH105', 0])
    // Prisma alone
    const plain = database.none.$transaction(async (tx) => {
      await tx.configPackage.create({ data: { tenantId: tenants.a.tenantId, key, name: key } })
      await outcomeOf(tx.$queryRaw`select 1 / 0`)
    })
    expect([await outcomeOf(plain), await packagesWith(key)]).toEqual(['done', 0])
  })

  it('where another operation of the same turn failed', async () => {
    const db = openOne().client({ tenantId: tenants.a.tenantId })
    const key = randomUUID()
    const outcomes = await db
      .$transaction(async (tx) =>
        Promise.all([
          outcomeOf(tx.configPackage.delete({ where: { id: randomUUID() } })),
          outcomeOf(tx.configPackage.create({ data: { key, name: key } })),
        ]),
      )
      .catch((error: unknown) => error)
    expect(outcomes).toEqual(['P2025', (await packagesWith(key)) === 1 ? 'done' : 'DH105'])
  })
})

describe('a COMMIT', () => {
  it('that is done is not told as failed, whatever raw SQL has deallocated', async () => {
    const db = openOne().client({ tenantId: tenants.a.tenantId })
    for (const _ of [1, 2]) {
      await outcomeOf(
        db.$transaction(async (tx) => {
          await tx.configPackage.count()
          throw rollBack
        }),
      )
    }
    const key = randomUUID()
    const outcome = await outcomeOf(
      db.$transaction(async (tx) => {
        await tx.configPackage.create({ data: { key, name: key } })
        await tx.$executeRaw`deallocate all`
      }),
    )
    expect([outcome, await packagesWith(key)]).toEqual(['done', 1])
  })

  it.each([
    ['both hulls', createTenancy],
    ['hull two alone', createUnscopedTenancy],
  ])(
    'that fails leaves no statement of raw SQL in the place of the one that sets the context: %s',
    async (_, create) => {
      const tenancy = openOne({}, create)
      const a = tenancy.client({ tenantId: tenants.a.tenantId })
      const b = tenancy.client({ tenantId: tenants.b.tenantId })
      const other = openOne({}, create).client({ tenantId: tenants.a.tenantId })
      const names = () => b.configPackage.findMany({ select: { name: true } })
      for (const _ of [1, 2, 3]) await names()
      const attack = a.$transaction(
        async (tx) => {
          await tx.$queryRaw`select count(*) from governance.feature_flag`
          const prepared = await tx.$queryRaw<{ name: string }[]>`
            select name from pg_prepared_statements where not from_sql and statement like '%$3::text%'`
          const name = prepared[0]?.name ?? ''
          await tx.$executeRaw(Prisma.raw(`deallocate "${name}"`))
          await tx.$executeRaw(
            Prisma.raw(`prepare "${name}" (text, text, text) as
              select ''::text, $1, $3, set_config('app.tenant_id', '${tenants.a.tenantId}', true), $2`),
          )
          await tx.$executeRaw`insert into governance.config_package (id, key, name, updated_at)
            values (gen_random_uuid(), ${randomUUID()}, ${tenants.a.secret}, now())`
          // each has read what the other writes, so that the COMMIT of the later one fails
          await other.$transaction(
            async (beside) => {
              await beside.$queryRaw`select count(*) from governance.config_package`
              await beside.$executeRaw`insert into governance.feature_flag (id, key, updated_at)
                values (gen_random_uuid(), ${randomUUID()}, now())`
            },
            { isolationLevel: 'Serializable' },
          )
        },
        { isolationLevel: 'Serializable' },
      )
      await expect(attack).rejects.toMatchObject({ code: 'P2034' })
      expect(await names()).toEqual([{ name: tenants.b.secret }])
      expect(await b.$queryRaw`select name from governance.config_package`).toEqual([
        { name: tenants.b.secret },
      ])
    },
  )
})

describe('a transaction that is over', () => {
  it('holds nothing that its callback has started', async () => {
    const [a, b] = [tenants.a, tenants.b].map(({ tenantId }) => database.both.client({ tenantId }))
    let over = (): void => {}
    const isOver = new Promise<void>((resolve) => {
      over = resolve
    })
    let later: Promise<unknown> | undefined
    await a?.$transaction(async (tx) => {
      await tx.configPackage.count()
      later = isOver.then(() => b?.configPackage.count())
    })
    over()
    expect(await later).toBe(1)
  })
})
