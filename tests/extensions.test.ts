import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter, once } from 'node:events'
import { inspect } from 'node:util'
import { readReplicas } from '@prisma/extension-read-replicas'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { Prisma, PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { contextOf, createTenancy, type Tenancy } from '../src/index.ts'
import { createUnscopedTenancy } from '../src/testing/index.ts'
import { plantTwoTenants, type TwoTenants, useTestDatabase } from './support/test-database.ts'

const database = useTestDatabase()
let scene: TwoTenants
const opened: { disconnect(): Promise<void> }[] = []

beforeAll(async () => {
  scene = await plantTwoTenants(database)
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((tenancy) => tenancy.disconnect()))
})

type Hull = 'one' | 'two' | 'both'

/** A tenancy of the chosen hulls, with extensions of an application. */
function extended<Extended extends object>(
  hull: Hull,
  extend: (client: PrismaClient) => Extended,
  limits: { readonly maxConnections?: number; readonly connectionTimeoutMillis?: number } = {},
): Tenancy<Extended, false, PrismaClient> {
  const options = {
    ...limits,
    PrismaClient,
    manifest,
    extend,
    connectionString: hull === 'one' ? database.ownerUrl : database.appUrl,
    allowRoleThatBypassesRowSecurity: hull === 'one',
  }
  const tenancy = hull === 'two' ? createUnscopedTenancy(options) : createTenancy(options)
  opened.push(tenancy)
  return tenancy
}

const ofTenant = new AsyncLocalStorage<string>()

/** What the attacks succeed against: an extension that filters by the tenant of the async context, and nothing else. */
const naive = Prisma.defineExtension({
  query: {
    $allModels: {
      $allOperations: ({ args, query }) =>
        query({
          ...args,
          where: { ...('where' in args ? args.where : {}), tenantId: ofTenant.getStore() },
        } as never),
    },
  },
})

/** A call through the naive extension, as one tenant. */
function naively<Result>(tenantId: string, work: () => PromiseLike<Result>): Promise<Result> {
  return ofTenant.run(tenantId, async () => await work())
}

const secretsOf = async (rows: PromiseLike<readonly { readonly name: string }[]>) =>
  (await rows).map(({ name }) => name)

async function codeOf(work: () => unknown): Promise<unknown> {
  try {
    await work()
    return 'nothing was refused'
  } catch (error) {
    return (error as { readonly code?: unknown }).code ?? (error as Error).message
  }
}

/** Refused when the tenancy is made: the code and the message. */
function refusal(extend: (client: PrismaClient) => unknown): string {
  try {
    extended('both', extend as (client: PrismaClient) => object)
    return 'not refused'
  } catch (error) {
    return (error as Error).message
  }
}

describe.each(['one', 'two', 'both'] as const)('behind hull %s', (hull) => {
  it('a hook that replaces where sees one tenant, where it would see all', async () => {
    const softDelete = Prisma.defineExtension({
      name: 'soft delete',
      query: { configPackage: { findMany: ({ query }) => query({ where: { archivedAt: null } }) } },
    })
    const { a, b } = scene
    const plain = database.none.$extends(naive).$extends(softDelete)
    expect(await secretsOf(naively(a.tenantId, () => plain.configPackage.findMany()))).toContain(b.secret)

    const db = extended(hull, (client) => client.$extends(softDelete)).client({ tenantId: a.tenantId })
    expect(await secretsOf(db.configPackage.findMany())).toEqual([a.secret])
    expect(await secretsOf(db.configPackage.findMany({ where: { id: b.packageId } }))).toEqual([a.secret])
    expect(await db.$transaction((tx) => secretsOf(tx.configPackage.findMany()))).toEqual([a.secret])
    expect(await db.$transaction([db.configPackage.findMany({ select: { name: true } })])).toMatchObject([
      [{ name: a.secret }],
    ])
  })

  it('a soft delete that asks a captured client deletes in its tenant and its transaction', async () => {
    const softDelete = Prisma.defineExtension((client) =>
      client.$extends({
        query: {
          $allModels: {
            delete: ({ model, args }) => {
              const delegate = client[model as 'featureFlag']
              return delegate.update({
                where: args.where as never,
                data: { description: 'deleted' },
              }) as never
            },
          },
        },
      }),
    )
    const { a, b } = scene
    const isMarked = async (id: string) => {
      const { rows } = await database.admin.query(
        'select description from governance.feature_flag where id = $1',
        [id],
      )
      return rows[0].description === 'deleted'
    }
    const plain = database.none.$extends(softDelete).$extends(naive)
    await naively(a.tenantId, () => plain.featureFlag.delete({ where: { id: b.flagId } }))
    expect(await isMarked(b.flagId)).toBe(true)
    await database.admin.query('update governance.feature_flag set description = null')

    const tenancy = extended(hull, (client) => client.$extends(softDelete))
    const db = tenancy.client({ tenantId: a.tenantId })
    expect(await codeOf(() => db.featureFlag.delete({ where: { id: b.flagId } }))).toBe('P2025')
    expect(await isMarked(b.flagId)).toBe(false)
    const undone = db.$transaction(async (tx) => {
      await tx.featureFlag.delete({ where: { id: a.flagId } })
      expect(await tx.featureFlag.count({ where: { description: 'deleted' } })).toBe(1)
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    expect(await isMarked(a.flagId)).toBe(false)
    await db.featureFlag.delete({ where: { id: a.flagId } })
    expect(await isMarked(a.flagId)).toBe(true)
    await database.admin.query('update governance.feature_flag set description = null')
  })

  it('a hook that drops the arguments, or adds to them, stays in the tenant', async () => {
    const careless = Prisma.defineExtension({
      query: {
        configPackage: {
          count: ({ query }) => query({}),
          findFirst: ({ query }) => query(undefined as never),
          findMany: ({ args, query }) =>
            query({
              ...args,
              include: {
                tenant: { include: { configPackages: true, memberships: { include: { user: true } } } },
              },
            }),
        },
        featureFlag: { deleteMany: ({ query }) => query({}) },
      },
    })
    const { a, b } = scene
    const plain = database.none.$extends(naive).$extends(careless)
    expect(await naively(a.tenantId, () => plain.configPackage.count())).toBeGreaterThan(1)

    const db = extended(hull, (client) => client.$extends(careless)).client({ tenantId: a.tenantId })
    expect(await db.configPackage.count({ where: { id: b.packageId } })).toBe(1)
    expect(await db.configPackage.findFirst({ where: { id: b.packageId } })).toMatchObject({
      id: a.packageId,
    })
    const found = JSON.stringify(await db.configPackage.findMany())
    expect(found).toContain(a.userId)
    expect(found).not.toContain(b.secret)
    await expect(
      db.$transaction(async (tx) => {
        await tx.featureFlag.deleteMany({ where: { id: b.flagId } })
        throw new Error('undone')
      }),
    ).rejects.toThrow('undone')
    expect(await database.none.featureFlag.count({ where: { id: b.flagId } })).toBe(1)
  })

  it('a hook that writes another tenant’s id is refused', async () => {
    const { a, b } = scene
    const mover = Prisma.defineExtension({
      query: {
        featureFlag: {
          create: ({ args, query }) =>
            query({ ...args, data: { ...args.data, tenantId: b.tenantId } as never }),
          update: ({ args, query }) => query({ ...args, data: { tenantId: b.tenantId } as never }),
        },
      },
    })
    const plain = database.none.$extends(mover)
    const made = await plain.featureFlag.create({ data: { key: `moved-${hull}` } })
    expect(made.tenantId).toBe(b.tenantId)
    await database.none.featureFlag.delete({ where: { id: made.id } })

    const db = extended(hull, (client) => client.$extends(mover)).client({ tenantId: a.tenantId })
    const refused = hull === 'two' ? /^(DH301|P2025|P2003)$/ : /^DH202$/
    expect(await codeOf(() => db.featureFlag.create({ data: { key: 'moved' } }))).toMatch(refused)
    expect(await codeOf(() => db.featureFlag.update({ where: { id: a.flagId }, data: {} }))).toMatch(refused)
    expect(await database.none.featureFlag.count({ where: { tenantId: b.tenantId } })).toBe(1)
  })

  it('a hook may ask twice, at once and with other arguments, and try again', async () => {
    const { a, b } = scene
    let attempts = 0
    const twice = Prisma.defineExtension({
      query: {
        configPackage: {
          findMany: async ({ args, query }) => {
            const [all, none] = await Promise.all([
              query({ ...args, where: {} }),
              query({ ...args, where: { id: b.packageId } }),
            ])
            return [...all, ...none]
          },
          findFirst: async ({ args, query }) => {
            for (;;) {
              try {
                if (++attempts % 3 !== 0) await query({ where: { nothing: 1 } } as never)
                return await query(args)
              } catch (error) {
                if (attempts % 3 === 0) throw error
              }
            }
          },
        },
      },
    })
    const db = extended(hull, (client) => client.$extends(twice)).client({ tenantId: a.tenantId })
    expect(await secretsOf(db.configPackage.findMany())).toEqual([a.secret])
    expect(await db.configPackage.findFirst({ where: { id: b.packageId } })).toBeNull()
    expect(await db.configPackage.findFirst()).toMatchObject({ id: a.packageId })
    expect(attempts).toBe(6)
  })

  it('a queue that all tenants share mixes none of them, where the async context would', async () => {
    const { a, b } = scene
    const tenants = Array.from({ length: 24 }, (_, index) => (index % 2 === 0 ? a : b))
    const queued = (queue: Queue) =>
      Prisma.defineExtension({
        name: 'queue',
        query: { $allOperations: ({ args, query }) => queue.add(() => query(args)) },
      })
    const reader = Prisma.defineExtension({
      query: {
        $allModels: {
          $allOperations: ({ args, query }) =>
            query({ ...args, where: { tenantId: ofTenant.getStore() } } as never),
        },
      },
    })
    const plain = database.none.$extends(queued(new Queue())).$extends(reader)
    const mixed = await Promise.all(
      tenants.map(({ tenantId }) =>
        naively(tenantId, () => secretsOf(plain.configPackage.findMany() as never)),
      ),
    )
    expect(mixed.filter(([name], index) => name !== tenants[index]?.secret).length).toBeGreaterThan(0)

    const tenancy = extended(hull, (client) => client.$extends(queued(new Queue())).$extends({}))
    const own = await Promise.all(
      tenants.map(async ({ tenantId }, index) => {
        const db = tenancy.client({ tenantId })
        if (index % 3 === 0)
          return (
            await db.configPackage.findUniqueOrThrow({
              where: { tenantId_key: { tenantId, key: 'package' } },
            })
          ).name
        if (index % 3 === 1) return (await db.configPackage.findMany())[0]?.name
        return db.$transaction(async (tx) => {
          await tx.featureFlag.findMany()
          return (await tx.configPackage.findFirst())?.name
        })
      }),
    )
    expect(own).toEqual(tenants.map(({ secret }) => secret))
  })

  it('a captured client in a hook behind such a queue asks as the tenant of its hook', async () => {
    const { a, b } = scene
    const queue = new Queue()
    const tenancy = extended(hull, (client) =>
      client
        .$extends({ query: { $allOperations: ({ args, query }) => queue.add(() => query(args)) } })
        .$extends({
          query: {
            configPackage: { findMany: ({ args }) => client.configPackage.findMany(args as object) as never },
          },
        }),
    )
    const tenants = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? a : b))
    const seen = await Promise.all(
      tenants.map(({ tenantId }) => secretsOf(tenancy.client({ tenantId }).configPackage.findMany())),
    )
    expect(seen).toEqual(tenants.map(({ secret }) => [secret]))
  })

  it('a captured client in such a queue never gives an operation another tenant’s rows', async () => {
    const { a, b } = scene
    const queue = new Queue()
    const tenancy = extended(hull, (client) =>
      client.$extends({
        query: {
          configPackage: { findMany: ({ args }) => queue.add(() => client.configPackage.findMany(args)) },
        },
      }),
    )
    const answers = await Promise.allSettled(
      Array.from({ length: 24 }, (_, index) => {
        const tenant = index % 2 === 0 ? a : b
        return secretsOf(tenancy.client({ tenantId: tenant.tenantId }).configPackage.findMany())
      }),
    )
    for (const [index, answer] of answers.entries()) {
      const tenant = index % 2 === 0 ? a : b
      if (answer.status === 'fulfilled') expect(answer.value).toEqual([tenant.secret])
      else expect(answer.reason).toMatchObject({ code: expect.stringMatching(/^DH(101|211)$/) })
    }
    expect(answers[0]?.status).toBe('fulfilled')
    expect(answers.some(({ status }) => status === 'rejected')).toBe(true)
  })

  it('a cache that answers one tenant with another’s rows is found out', async () => {
    const cached = () => {
      const answers = new Map<string, unknown>()
      return Prisma.defineExtension({
        name: 'cache',
        query: {
          configPackage: {
            findMany: async ({ args, query }) => {
              const key = JSON.stringify(args)
              if (!answers.has(key)) answers.set(key, await query(args))
              return answers.get(key)
            },
          },
        },
      })
    }
    const { a, b } = scene
    const plain = database.none.$extends(cached()).$extends(naive)
    await naively(b.tenantId, () => plain.configPackage.findMany())
    expect(await secretsOf(naively(a.tenantId, () => plain.configPackage.findMany()))).toEqual([b.secret])

    const tenancy = extended(hull, (client) => client.$extends(cached()))
    expect(await secretsOf(tenancy.client({ tenantId: b.tenantId }).configPackage.findMany())).toEqual([
      b.secret,
    ])
    const db = tenancy.client({ tenantId: a.tenantId })
    const refused = await db.configPackage.findMany().catch((error: unknown) => error)
    expect(refused).toMatchObject({
      name: 'TenancyError',
      code: 'DH211',
      details: { model: 'ConfigPackage', operation: 'findMany' },
      message: expect.stringContaining('the extension "cache"'),
    })
    expect(await codeOf(() => db.$transaction((tx) => tx.configPackage.findMany()))).toBe('DH211')
  })

  it('a cache is found out behind an audit log too, which asks hull one for another model', async () => {
    const answers = new Map<string, unknown>()
    const tenancy = extended(hull, (client) =>
      client
        .$extends({
          name: 'audit',
          query: {
            configPackage: {
              $allOperations: async ({ operation, args, query }) => {
                const result = await query(args)
                await client.auditEvent.create({ data: { action: operation } })
                return result
              },
            },
          },
        })
        .$extends({
          name: 'cache',
          query: {
            configPackage: {
              findMany: async ({ args, query }) => {
                if (!answers.has('all')) answers.set('all', await query(args))
                return answers.get('all')
              },
            },
          },
        }),
    )
    const { a, b } = scene
    const first = tenancy.client({ tenantId: b.tenantId })
    expect(await secretsOf(first.configPackage.findMany())).toEqual([b.secret])
    expect(await first.auditEvent.count({ where: { action: 'findMany' } })).toBeGreaterThan(0)
    const second = tenancy.client({ tenantId: a.tenantId })
    expect(await codeOf(() => second.configPackage.findMany())).toBe('DH211')
  })

  it('a cache that asks for its version first is found out too', async () => {
    const versioned = () => {
      const answers = new Map<string, unknown>()
      return Prisma.defineExtension((client) =>
        client.$extends({
          query: {
            configPackage: {
              $allOperations: async ({ operation, args, query }) => {
                const version = await client.configPackage.count()
                const key = JSON.stringify([operation, args, version])
                if (!answers.has(key)) answers.set(key, await query(args))
                return answers.get(key)
              },
            },
          },
        }),
      )
    }
    const { a, b } = scene
    const plain = database.none.$extends(versioned()).$extends(naive)
    await naively(b.tenantId, () => plain.configPackage.findMany())
    expect(await secretsOf(naively(a.tenantId, () => plain.configPackage.findMany()))).toEqual([b.secret])

    const tenancy = extended(hull, (client) => client.$extends(versioned()))
    const first = tenancy.client({ tenantId: b.tenantId })
    expect(await secretsOf(first.configPackage.findMany())).toEqual([b.secret])
    const second = tenancy.client({ tenantId: a.tenantId })
    expect(await codeOf(() => second.configPackage.findMany())).toBe('DH211')
  })

  it('rows may be asked for to answer with a number, and numbers for a number', async () => {
    const tenancy = extended(hull, (client) =>
      client.$extends({
        query: {
          featureFlag: {
            count: async ({ args }) => (await client.featureFlag.findMany(args as object)).length,
            deleteMany: ({ args }) =>
              client.featureFlag.updateMany({ ...args, data: { description: null } }) as never,
          },
        },
      }),
    )
    const db = tenancy.client({ tenantId: scene.a.tenantId })
    expect(await db.featureFlag.count()).toBe(1)
    expect(await db.featureFlag.deleteMany()).toEqual({ count: 1 })
    expect(await db.featureFlag.count()).toBe(1)
  })

  it('callers who share one answer share it within a tenant’s operation only', async () => {
    const shared = () => {
      let answer: PromiseLike<unknown> | undefined
      return Prisma.defineExtension({
        query: {
          configPackage: {
            findMany: async ({ args, query }) => {
              answer ??= query(args)
              return await answer
            },
          },
        },
      })
    }
    const { a, b } = scene
    const tenancyOfShared = () => {
      const fresh = extended(hull, (client) => client.$extends(shared()))
      return [b, a].map(({ tenantId }) => fresh.client({ tenantId }))
    }
    const plain = database.none.$extends(shared()).$extends(naive)
    const [, leaked] = await Promise.all(
      [b, a].map(({ tenantId }) =>
        naively(tenantId, () => secretsOf(plain.configPackage.findMany() as never)),
      ),
    )
    expect(leaked).toEqual([b.secret])
    const tenancy = extended(hull, (client) => client.$extends(shared()))
    const [first, second] = await Promise.allSettled(
      [b, a].map(({ tenantId }) => secretsOf(tenancy.client({ tenantId }).configPackage.findMany())),
    )
    expect(first).toMatchObject({ value: [b.secret] })
    expect(second).toMatchObject({ reason: { code: 'DH211' } })

    const wrong = tenancyOfShared().map((db) =>
      db.configPackage.findMany({ where: { name: b.secret, nothing: 1 } } as never),
    )
    const [own, foreign] = await Promise.allSettled(wrong)
    expect(String((own as PromiseRejectedResult).reason)).toContain('nothing')
    expect(foreign).toMatchObject({ reason: { code: 'DH211' } })
    expect(inspect(foreign, { depth: null })).not.toContain(b.secret)
  })

  it('an answer from elsewhere after an error, or beside one that is not awaited, is refused', async () => {
    const tenancy = extended(hull, (client) =>
      client.$extends({
        query: {
          configPackage: {
            findMany: async ({ query }) => {
              try {
                return await query({ where: { nothing: 1 } } as never)
              } catch {
                return [{ name: scene.b.secret }] as never
              }
            },
            findFirst: async ({ args, query }) => {
              void query(args).then(undefined, () => {})
              return { name: scene.b.secret }
            },
            count: async () => undefined as never,
          },
        },
      }),
    )
    const db = tenancy.client({ tenantId: scene.a.tenantId })
    expect(await codeOf(() => db.configPackage.findMany())).toBe('DH211')
    expect(await codeOf(() => db.configPackage.findFirst())).toBe('DH211')
    expect(await codeOf(() => db.configPackage.count())).toBe('DH211')
    expect(await codeOf(() => db.$transaction((tx) => tx.configPackage.count()))).toBe('DH211')
  })

  it('a read replica is refused as a client without tenancy, and answers as a tenancy of its own', async () => {
    const { a, b } = scene
    const toReplica = Prisma.defineExtension({
      name: 'replica',
      query: {
        configPackage: {
          findMany: ({ args }) => database.none.configPackage.findMany(args as object) as never,
        },
      },
    })
    const plain = database.none.$extends(toReplica).$extends(naive)
    expect(await secretsOf(naively(a.tenantId, () => plain.configPackage.findMany()))).toContain(b.secret)
    const tenancy = extended(hull, (client) => client.$extends(toReplica))
    expect(await codeOf(() => tenancy.client({ tenantId: a.tenantId }).configPackage.findMany())).toBe(
      'DH211',
    )

    const replica = database[hull]
    const split = (tenantOf: (client: object) => string) =>
      extended(hull, (client) =>
        client.$extends({
          query: {
            configPackage: {
              findMany: ({ args }) =>
                replica
                  .client({ tenantId: tenantOf(client) })
                  .configPackage.findMany(args as object) as never,
            },
          },
        }),
      )
    const reader = split((client) => contextOf(client)?.tenantId ?? '')
    for (const { tenantId, secret } of [a, b]) {
      expect(await secretsOf(reader.client({ tenantId }).configPackage.findMany())).toEqual([secret])
    }
    const foreign = split(() => b.tenantId).client({ tenantId: a.tenantId })
    expect(await codeOf(() => foreign.configPackage.findMany())).toBe('DH211')
  })

  it('a transaction that a hook begins on a captured client is the tenant’s', async () => {
    const { a, b } = scene
    const tenancy = extended(hull, (client) =>
      client.$extends({
        query: {
          configPackage: {
            findMany: ({ args }) =>
              client.$transaction(async (tx) => {
                await tx.featureFlag.create({ data: { key: 'audited' } })
                return tx.configPackage.findMany(args)
              }) as never,
            // as the documented row-level security extension does
            count: async ({ args, query }) => {
              const [, result] = await client.$transaction([
                client.$executeRaw`select set_config('app.tenant_id', ${b.tenantId}, true)`,
                query(args),
              ])
              return result
            },
          },
        },
      }),
    )
    const db = tenancy.client({ tenantId: a.tenantId })
    expect(await secretsOf(db.configPackage.findMany())).toEqual([a.secret])
    expect(await db.featureFlag.count({ where: { key: 'audited' } })).toBe(1)
    await db.featureFlag.deleteMany({ where: { key: 'audited' } })
    await expect(
      db.$transaction(async (tx) => {
        expect(await secretsOf(tx.configPackage.findMany())).toEqual([a.secret])
        throw new Error('undone')
      }),
    ).rejects.toThrow('undone')
    expect(await database.none.featureFlag.count({ where: { key: 'audited' } })).toBe(0)
    await expect(db.configPackage.count()).rejects.toThrow(/\$transaction/)
  })

  it('a hook of an operation in an array asks its captured client in the array’s transaction', async () => {
    const { a } = scene
    const softDelete = Prisma.defineExtension((client) =>
      client.$extends({
        query: {
          featureFlag: {
            delete: ({ args }) =>
              client.featureFlag.update({ where: args.where, data: { description: 'deleted' } }) as never,
          },
        },
      }),
    )
    const flags = database.none.featureFlag
    const isMarked = () => flags.count({ where: { id: a.flagId, description: 'deleted' } })
    const remove = { where: { id: a.flagId } }
    const taken = { data: { key: 'flag' } }

    const db = extended(hull, (client) => client.$extends(softDelete)).client({ tenantId: a.tenantId })
    const array = () => db.$transaction([db.featureFlag.delete(remove), db.featureFlag.create(taken)])
    expect(await codeOf(array)).toBe('P2002')
    expect(await isMarked()).toBe(0)
    await db.$transaction([db.featureFlag.delete(remove)])
    expect(await isMarked()).toBe(1)
    await db.featureFlag.update({ ...remove, data: { description: null } })
  })

  it('the hooks of a whole array get by with one connection', async () => {
    const { a } = scene
    const action = `updated behind ${hull}`
    const audit = Prisma.defineExtension((client) =>
      client.$extends({
        query: {
          featureFlag: {
            async update({ args, query }) {
              const result = await query(args)
              await client.auditEvent.create({ data: { action } })
              return result
            },
          },
        },
      }),
    )
    const only = { maxConnections: 1, connectionTimeoutMillis: 1000 }
    const db = extended(hull, (client) => client.$extends(audit), only).client({ tenantId: a.tenantId })
    const update = { where: { id: a.flagId }, data: { enabled: true } }
    await db.$transaction([db.featureFlag.update(update), db.featureFlag.update(update)])
    expect(await db.auditEvent.count({ where: { action } })).toBe(2)
  })

  it('what a hook has begun within a transaction serves other tenants when that is over', async () => {
    const { a, b } = scene
    const transaction = new EventEmitter()
    let worker: Promise<number> | undefined
    const tenancy = extended(hull, (client) =>
      client.$extends({
        query: {
          featureFlag: {
            count: ({ args, query }) => {
              worker ??= once(transaction, 'over').then(() =>
                tenancy.client({ tenantId: b.tenantId }).configPackage.count(),
              )
              return query(args)
            },
          },
        },
      }),
    ) as Tenancy<PrismaClient>
    await tenancy.client({ tenantId: a.tenantId }).$transaction((tx) => tx.featureFlag.count())
    transaction.emit('over')
    expect(await worker).toBe(1)
  })
})

/** As p-queue works: one task at a time, and the next begins in the async context of the one before. */
class Queue {
  readonly #tasks: (() => Promise<void>)[] = []
  #isBusy = false

  add<Result>(work: () => PromiseLike<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#tasks.push(async () => {
        try {
          resolve(await work())
        } catch (error) {
          reject(error)
        } finally {
          this.#isBusy = false
          this.#next()
        }
      })
      this.#next()
    })
  }

  #next(): void {
    if (this.#isBusy) return
    const task = this.#tasks.shift()
    if (!task) return
    this.#isBusy = true
    void task()
  }
}

describe('raw SQL', () => {
  it('passes the hooks in its tenant’s context, which none of them can take away', async () => {
    const { a, b } = scene
    const queue = new Queue()
    const seen: string[] = []
    const tenancy = extended('both', (client) =>
      client.$extends({
        query: {
          $queryRaw: ({ args, query, operation }) => {
            seen.push(operation)
            const all = Prisma.sql`select name from governance.config_package`
            return queue.add(() => query(args.sql.includes('everything') ? all : args))
          },
          $executeRaw: ({ args, query }) => query(args),
        },
      }),
    )
    const names = await Promise.all(
      [a, b, a, b].map(async ({ tenantId }, index) => {
        const db = tenancy.client({ tenantId })
        const everything = (client: Pick<typeof db, '$queryRaw'>) =>
          client.$queryRaw<{ name: string }[]>`select 'everything'`
        const rows = index < 2 ? await everything(db) : await db.$transaction((tx) => everything(tx))
        return rows.map(({ name }) => name)
      }),
    )
    expect(names).toEqual([[a.secret], [b.secret], [a.secret], [b.secret]])
    const db = tenancy.client({ tenantId: a.tenantId })
    expect(await db.$executeRaw`update governance.feature_flag set enabled = enabled`).toBe(1)
    expect(seen).toHaveLength(4)
  })

  it('is refused behind hull one alone, with hooks and from captured clients', async () => {
    const tenancy = extended('one', (client) =>
      client.$extends({
        query: {
          $queryRaw: ({ args, query }) => query(args),
          configPackage: { count: () => client.$queryRaw`select 1` as never },
        },
      }),
    )
    const db = tenancy.client({ tenantId: scene.a.tenantId })
    expect(await codeOf(() => db.$queryRaw`select 1`)).toBe('DH205')
    expect(await codeOf(() => db.configPackage.count())).toBe('DH205')
  })
})

describe('what a hook is given', () => {
  it('is what Prisma gives, in Prisma’s order, without the way past it', async () => {
    const seenBy = (seen: unknown[]) => (client: PrismaClient) =>
      ['first', 'second'].reduce<PrismaClient>(
        (extendedClient, name) =>
          extendedClient.$extends({
            name,
            query: {
              $allOperations({ model, operation, args, query }) {
                seen.push([name, '*', model, operation, args])
                return query(args)
              },
              $allModels: {
                findMany({ model, operation, args, query }) {
                  seen.push([name, '$allModels', model, operation, args])
                  return query({ ...args, take: 1 })
                },
              },
              configPackage: {
                async $allOperations({ model, operation, args, query }) {
                  seen.push([name, 'model', model, operation, args])
                  return query(args)
                },
              },
            },
          }) as never,
        client,
      )
    const ours: unknown[] = []
    const theirs: unknown[] = []
    const db = extended('both', seenBy(ours)).client({ tenantId: scene.a.tenantId })
    const plain = seenBy(theirs)(database.none)
    for (const client of [db, plain]) {
      await client.configPackage.findMany({ where: { name: scene.a.secret } })
      await client.configVersion.findUnique({ where: { id: scene.a.versionId } }).package()
      await client.featureFlag.count()
      await client.$queryRaw`select 1`
    }
    expect(ours).toEqual(theirs)
    expect(ours.length).toBeGreaterThan(10)
  })

  it('leads neither to the other hooks nor to Prisma’s parameters', async () => {
    const seen: { readonly self: unknown; readonly internal: object }[] = []
    const db = extended('both', (client) =>
      client.$extends({
        query: {
          $allOperations: function (this: unknown, call) {
            const internal = (call as unknown as { readonly __internalParams: object }).__internalParams
            seen.push({ self: this, internal })
            const query = call.query as unknown as (args: unknown, internal: object) => never
            return query(call.args, { ...internal, model: 'Tenant', transaction: { id: 'another' } })
          },
        },
      }),
    ).client({ tenantId: scene.a.tenantId })
    expect(await secretsOf(db.configPackage.findMany())).toEqual([scene.a.secret])
    await db.$transaction((tx) => tx.configPackage.findMany())
    expect(seen.map(({ self }) => self)).toEqual([undefined, undefined])
    expect(seen.map(({ internal }) => Reflect.ownKeys(internal))).toEqual([
      ['dataPath'],
      ['dataPath', 'transaction'],
    ])
    expect(seen.map(({ internal }) => Object.isFrozen(internal))).toEqual([true, true])
  })

  it('times and logs, and stands before the refusals of hull one', async () => {
    const log: unknown[] = []
    const db = extended('both', (client) =>
      client.$extends({
        query: {
          $allModels: {
            async $allOperations({ model, operation, args, query }) {
              const start = performance.now()
              try {
                return await query(args)
              } catch (error) {
                log.push((error as { code?: unknown }).code)
                throw error
              } finally {
                log.push(`${model}.${operation}`, performance.now() >= start)
              }
            },
          },
        },
      }),
    ).client({ tenantId: scene.a.tenantId })
    await db.configPackage.count()
    const data = { key: 'x', tenantId: scene.b.tenantId }
    expect(await codeOf(() => db.featureFlag.create({ data }))).toBe('DH202')
    expect(log).toEqual(['ConfigPackage.count', true, 'DH202', 'FeatureFlag.create', true])
  })
})

const labels = Prisma.defineExtension({
  name: 'labels',
  result: {
    $allModels: { kind: { compute: () => 'row' } },
    configPackage: {
      label: {
        needs: { key: true, name: true },
        compute: ({ key, name }: { key: string; name: string }) => `${key}: ${name}`,
      },
      owner: { needs: { tenantId: true, id: true }, compute: ({ tenantId, id }) => `${tenantId}/${id}` },
      tenantId: { needs: { tenantId: true }, compute: ({ tenantId }) => `tenant ${tenantId}` },
    },
    configVersion: { title: { needs: { number: true }, compute: ({ number }) => `v${number}` } },
  },
})
const longLabels = Prisma.defineExtension({
  result: {
    configPackage: {
      long: {
        needs: { label: true } as never,
        compute: (row: object) => `long ${(row as { label?: string }).label}`,
      },
    },
  },
})

describe('computed fields', () => {
  const queries = (db: ReturnType<typeof labelled>, { packageId: id, tenantId }: TwoTenants['a']) => {
    const packages = db.configPackage
    const key = { tenantId_key: { tenantId, key: 'package' } }
    return {
      all: () => packages.findMany({ where: { id } }),
      first: () => packages.findFirst({ where: { id }, include: { versions: true } }),
      one: () => packages.findUnique({ where: { id } }),
      compound: () => packages.findUnique({ where: key }),
      'only a computed field': () => packages.findMany({ where: { id }, select: { label: true } }),
      'only one that needs the tenant': () => packages.findUnique({ where: { id }, select: { owner: true } }),
      'one by a compound key': () => packages.findUnique({ where: key, select: { owner: true, long: true } }),
      'a column beside': () => packages.findUnique({ where: { id }, select: { name: true, long: true } }),
      'without what it needs': () =>
        packages.findUnique({ where: { id }, omit: { id: true, key: true, tenantId: true } }),
      'without it': () => packages.findUnique({ where: { id }, omit: { owner: true, id: true } }),
      nested: () =>
        db.configVersion.findMany({
          where: { packageId: id },
          select: {
            title: true,
            package: { select: { label: true, versions: { select: { title: true } } } },
          },
        }),
      fluent: () =>
        db.configVersion.findFirst({ where: { packageId: id } }).package({ select: { long: true } }),
      updated: () => packages.update({ where: { id }, data: {}, select: { label: true, kind: true } }),
      counted: () => packages.count({ where: { id } }),
    } satisfies Record<string, () => PromiseLike<unknown>>
  }
  const labelled = (client: PrismaClient) => client.$extends(labels).$extends(longLabels)

  it.each(['one', 'two', 'both'] as const)(
    'are as in Prisma, behind hull %s, alone and in one tick',
    async (hull) => {
      const plain = queries(labelled(database.none), scene.a)
      const db = extended(hull, labelled).client({ tenantId: scene.a.tenantId })
      const own = queries(db as never, scene.a)
      const shown = (value: unknown) =>
        JSON.parse(JSON.stringify(value, (key, part) => (key === 'updatedAt' ? null : part)))
      const expected: Record<string, unknown> = {}
      for (const [name, query] of Object.entries(plain)) expected[name] = shown(await query())
      expect(expected['only one that needs the tenant']).toEqual({
        owner: `${scene.a.tenantId}/${scene.a.packageId}`,
      })
      expect(expected['without what it needs']).toHaveProperty('owner')

      for (const [name, query] of Object.entries(own)) {
        expect([name, shown(await query())]).toEqual([name, expected[name]])
      }
      // twice, so that the look-ups of the tick go together
      const names = [...Object.keys(own), ...Object.keys(own)] as (keyof typeof own)[]
      const together = await Promise.all(names.map((name) => own[name]()))
      expect(together.map(shown)).toEqual(names.map((name) => expected[name]))
      const within = await db.$transaction((tx) => {
        const inside = queries(tx as never, scene.a)
        return Promise.all(names.map((name) => inside[name]()))
      })
      expect(within.map(shown)).toEqual(names.map((name) => expected[name]))
      const created = await db.featureFlag.create({
        data: { key: `computed-${hull}` },
        select: { key: true, kind: true },
      })
      expect({ ...created }).toMatchObject({ key: `computed-${hull}`, kind: 'row' })
    },
  )

  it('are computed although the client omits everywhere what they need', async () => {
    const tenancy = createTenancy({
      PrismaClient,
      manifest,
      connectionString: database.appUrl,
      prismaOptions: { omit: { configPackage: { id: true, key: true } } },
      extend: labelled,
    })
    opened.push(tenancy)
    const db = tenancy.client({ tenantId: scene.a.tenantId })
    const where = { id: scene.a.packageId }
    const rows = await Promise.all([1, 2].map(() => db.configPackage.findUnique({ where })))
    for (const row of rows) {
      expect({ ...row }).toMatchObject({ owner: `${scene.a.tenantId}/${scene.a.packageId}` })
      expect(Object.keys(row ?? {})).not.toContain('id')
    }
    expect(await db.configPackage.count()).toBe(1)
  })

  it('may need no relation: Prisma would read it behind hull one', async () => {
    const { a, b } = scene
    const spy = Prisma.defineExtension({
      result: {
        user: {
          spy: {
            needs: { memberships: true } as never,
            compute: (user) => (user as { memberships?: unknown }).memberships,
          },
        },
      },
    })
    await database.admin.query(
      `insert into tenancy.membership (id, tenant_id, user_id) values (gen_random_uuid(), $1, $2)`,
      [b.tenantId, a.userId],
    )
    const seen = await database.none
      .$extends(spy)
      .user.findMany({ where: { id: a.userId }, select: { spy: true } })
    expect(JSON.stringify(seen)).toContain(b.tenantId)
    expect(refusal((client) => client.$extends(spy))).toMatch(/^DH210.*result\.user\.spy needs memberships/)
    expect(
      refusal((client) =>
        client.$extends({
          result: { $allModels: { spy: { needs: { _count: true } as never, compute: () => 1 } } },
        }),
      ),
    ).toMatch(/needs _count/)
  })
})

describe('methods of extensions', () => {
  const methods = Prisma.defineExtension({
    name: 'methods',
    model: {
      $allModels: {
        async exists<Model>(this: Model, where: Prisma.Args<Model, 'findFirst'>['where']): Promise<boolean> {
          const context = Prisma.getExtensionContext(this) as unknown as {
            findFirst(args: object): Promise<object | null>
          }
          return (await context.findFirst({ where })) !== null
        },
        what() {
          return Prisma.getExtensionContext(this).$name
        },
      },
      featureFlag: {
        enable(key: string) {
          const context = Prisma.getExtensionContext(this)
          return context.updateMany({ where: { key }, data: { enabled: true } })
        },
      },
    },
    client: {
      async $names() {
        const context = Prisma.getExtensionContext(this) as unknown as PrismaClient
        return (await context.configPackage.findMany()).map(({ name }) => name)
      },
      version: 7,
    },
  })
  const captured = Prisma.defineExtension((client) =>
    client.$extends({
      model: { featureFlag: { total: () => client.featureFlag.count() } },
      client: { $total: () => client.featureFlag.count() },
    }),
  )

  it.each(['one', 'two', 'both'] as const)(
    'ask as the tenant client they are called on, behind hull %s',
    async (hull) => {
      const { a, b } = scene
      const tenancy = extended(hull, (client) => client.$extends(methods).$extends(captured))
      const db = tenancy.client({ tenantId: a.tenantId })
      expect(await db.configPackage.exists({ id: a.packageId })).toBe(true)
      expect(await db.configPackage.exists({ id: b.packageId })).toBe(false)
      expect(await database.none.$extends(methods).configPackage.exists({ id: b.packageId })).toBe(true)
      expect(db.configVersion.what()).toBe('ConfigVersion')
      expect(db.version).toBe(7)
      expect(await db.$names()).toEqual([a.secret])
      expect(await db.$total()).toBe(await db.featureFlag.count())
      const other = tenancy.client({ tenantId: b.tenantId })
      expect(await Promise.all([db.$names(), other.$names()])).toEqual([[a.secret], [b.secret]])

      const key = `method-${hull}`
      const undone = db.$transaction(async (tx) => {
        const before = await db.$total()
        await tx.featureFlag.create({ data: { key } })
        expect(await tx.featureFlag.enable(key)).toEqual({ count: 1 })
        expect(await tx.featureFlag.exists({ key, enabled: true })).toBe(true)
        expect(await tx.$names()).toEqual([a.secret])
        expect([await tx.featureFlag.total(), await tx.$total()]).toEqual([before + 1, before + 1])
        expect(await db.featureFlag.exists({ key })).toBe(false)
        throw new Error('undone')
      })
      await expect(undone).rejects.toThrow('undone')
      // an operation that a method returns is lazy, as Prisma's are
      const [enabled] = await db.$transaction([db.featureFlag.enable('nothing')])
      expect(enabled).toEqual({ count: 0 })
    },
  )

  it('may stand in the place of Prisma’s own, and still lead nowhere else', async () => {
    const { a, b } = scene
    const tenancy = extended('one', (client) =>
      client.$extends({
        model: {
          $allModels: {
            delete(args: { where: object }) {
              const context = Prisma.getExtensionContext(this) as unknown as {
                updateMany(args: object): Promise<object>
              }
              return context.updateMany({ where: args.where, data: { description: 'deleted' } })
            },
            findMany: (args: object) => client.configPackage.findMany(args),
          },
        },
      }),
    )
    const db = tenancy.client({ tenantId: a.tenantId })
    expect(await db.featureFlag.delete({ where: { id: b.flagId } })).toEqual({ count: 0 })
    expect(await db.featureFlag.delete({ where: { id: a.flagId } })).toEqual({ count: 1 })
    expect(await secretsOf(db.featureFlag.findMany({}))).toEqual([a.secret])
    expect(Reflect.get(db.featureFlag, 'findRaw')).toBeUndefined()
  })

  it('are called with nothing that leads out', async () => {
    const seen: object[] = []
    const see = function (this: object) {
      seen.push(this)
    }
    const stolen = extended('both', (client) =>
      client.$extends({
        model: { configPackage: { see } },
        client: { see, steal: () => database.none, stealLater: async () => database.none, own: () => client },
      }),
    ).client({ tenantId: scene.a.tenantId })
    stolen.see()
    stolen.configPackage.see()
    await stolen.$transaction(async (tx) => {
      tx.see()
      tx.configPackage.see()
    })
    expect(seen).toHaveLength(4)
    for (const self of seen) {
      expect(() => Reflect.get(self, '$parent')).toThrow('DH204')
      expect(() => Reflect.get(self, '$extends')).toThrow('DH204')
      expect(Reflect.get(self, '_engine')).toBeUndefined()
      expect(Reflect.ownKeys(self)).toEqual([])
    }
    expect(() => stolen.steal()).toThrow('DH204')
    await expect(stolen.stealLater()).rejects.toThrow('DH204')
    expect(() => stolen.own()).toThrow('DH204')
  })
})

describe('a captured client', () => {
  it('asks nothing of its own accord, and has no doors', async () => {
    let captured: PrismaClient | undefined
    const tenancy = extended('one', (client) => {
      captured = client
      return client.$extends({})
    })
    const client = captured as unknown as PrismaClient
    const db = tenancy.client({ tenantId: scene.a.tenantId })
    for (const ask of [
      () => client.configPackage.findMany(),
      () => client.$queryRaw`select 1`,
      () => client.$transaction(async (tx) => tx.configPackage.findMany()),
      () => client.$extends({}).configPackage.findMany(),
      () => db.$transaction(() => client.configPackage.findMany()),
    ]) {
      expect(await codeOf(ask)).toBe('DH101')
    }
    for (const door of ['$connect', '$disconnect', '$on', '$parent', '$runCommandRaw', '$queryRawUnsafe']) {
      expect(await codeOf(() => (Reflect.get(client, door) as () => unknown)())).toMatch(/^DH(204|101)$/)
    }
    expect(contextOf(client)).toBeUndefined()
    expect(Reflect.get(client, '_engine')).toBeUndefined()
    expect(Object.getPrototypeOf(client)).toBeNull()
    expect(client.configPackage.fields.name).toBeDefined()
  })

  it('has the extensions that stand before it, and no later ones', async () => {
    const seen: string[] = []
    const note = (name: string) =>
      Prisma.defineExtension({
        query: {
          featureFlag: {
            count: ({ args, query }) => {
              seen.push(name)
              return query(args)
            },
          },
        },
      })
    const tenancy = extended('both', (client) => {
      const first = client.$extends(note('first'))
      return first
        .$extends({
          query: {
            configPackage: {
              count: async ({ args, query }) => {
                await first.featureFlag.count()
                return query(args)
              },
            },
          },
        })
        .$extends(note('second'))
    })
    const db = tenancy.client({ tenantId: scene.a.tenantId })
    expect(await db.configPackage.count()).toBe(1)
    expect(seen).toEqual(['first'])
    await db.featureFlag.count()
    expect(seen).toEqual(['first', 'first', 'second'])
  })

  it('serves no timer or queue that an operation has left behind, and says what does', async () => {
    const { a, b } = scene
    const clock = new EventEmitter()
    const actions = ({ tenantId }: TwoTenants['a']) =>
      database.none.auditEvent
        .findMany({ where: { tenantId, action: { startsWith: 'batched ' } }, orderBy: { action: 'asc' } })
        .then((events) => events.map(({ action }) => action))
    const batched = (write: (client: PrismaClient, events: { action: string }[]) => Promise<unknown>) => {
      let flushed: Promise<unknown> | undefined
      const events: { action: string }[] = []
      const extension = (client: PrismaClient) =>
        client.$extends({
          query: {
            configPackage: {
              findMany: async ({ args, query }) => {
                const rows = await query(args)
                events.push({ action: `batched ${rows.map(({ name }) => name).join()}` })
                flushed ??= once(clock, 'flush').then(() => write(client, events))
                return rows
              },
            },
          },
        })
      return { extension, flush: () => (clock.emit('flush'), flushed) }
    }
    const { extension, flush } = batched((client, data) => client.auditEvent.createMany({ data }))
    const tenancy = extended('both', extension)
    for (const { tenantId } of [a, b]) await tenancy.client({ tenantId }).configPackage.findMany()
    const refused = await Promise.resolve(flush()).catch((error: unknown) => error)
    expect(refused).toMatchObject({
      code: 'DH101',
      message: expect.stringContaining('tenancy.client(contextOf(client))'),
    })
    expect([await actions(a), await actions(b)]).toEqual([[], []])

    const pending: Promise<unknown>[] = []
    const kept = extended('both', (client) =>
      client.$extends({
        query: {
          configPackage: {
            findMany: async ({ args, query }) => {
              const rows = await query(args)
              const own = (kept as Tenancy<PrismaClient>).client(contextOf(client) as never)
              const action = `batched ${rows.map(({ name }) => name).join()}`
              pending.push(once(clock, 'flush').then(() => own.auditEvent.create({ data: { action } })))
              return rows
            },
          },
        },
      }),
    )
    for (const { tenantId } of [a, b]) await kept.client({ tenantId }).configPackage.findMany()
    clock.emit('flush')
    await Promise.all(pending)
    expect([await actions(a), await actions(b)]).toEqual([[`batched ${a.secret}`], [`batched ${b.secret}`]])
  })

  it('serves nothing that a method has left behind', async () => {
    const clock = new EventEmitter()
    const left: Promise<unknown>[] = []
    const db = extended('both', (client) =>
      client.$extends({
        client: {
          $leave() {
            left.push(once(clock, 'later').then(() => [contextOf(client), client.featureFlag.count()]))
          },
          $leaveLater: async () => {
            left.push(once(clock, 'later').then(() => client.$transaction([])))
          },
        },
      }),
    ).client({ tenantId: scene.a.tenantId })
    db.$leave()
    await db.$leaveLater()
    clock.emit('later')
    const outcomes = await Promise.allSettled(left)
    expect(outcomes).toMatchObject([{ reason: { code: 'DH101' } }, { reason: { code: 'DH101' } }])
  })

  it('serves a method that calls itself again and again', async () => {
    const tenancy = extended('both', (client) =>
      client.$extends({
        client: {
          $poll(left: number): Promise<number> {
            const self = Prisma.getExtensionContext(this) as unknown as {
              $poll(left: number): Promise<number>
            }
            if (left === 0) return client.featureFlag.count()
            return new Promise((resolve, reject) => {
              setImmediate(() => void self.$poll(left - 1).then(resolve, reject))
            })
          },
        },
      }),
    )
    const db = tenancy.client({ tenantId: scene.a.tenantId })
    expect(await db.$poll(15_000)).toBe(await db.featureFlag.count())
  })

  it('serves a generator of a method as its own tenant, wherever its steps are taken', async () => {
    const { a, b } = scene
    const tenancy = extended('both', (client) =>
      client.$extends({
        model: {
          configPackage: {
            async *pages() {
              yield await client.configPackage.findMany()
              yield await client.configPackage.findMany()
            },
            *asked() {
              yield client.configPackage.findMany()
            },
          },
        },
        client: { $within: <Result>(work: () => Result): Result => work() },
      }),
    )
    const db = tenancy.client({ tenantId: a.tenantId })
    const names: string[] = []
    for await (const page of db.configPackage.pages()) names.push(...page.map(({ name }) => name))
    expect(names).toEqual([a.secret, a.secret])
    for (const page of db.configPackage.asked()) expect(await secretsOf(page)).toEqual([a.secret])

    const other = tenancy.client({ tenantId: b.tenantId })
    const pages = db.configPackage.pages()
    const page = await other.$within(() => pages.next())
    expect(page).toMatchObject({ done: false, value: [{ name: a.secret }] })
    const asked = db.configPackage.asked()
    const first = other.$within(() => asked.next().value)
    expect(await first).toMatchObject([{ name: a.secret }])
  })

  it('serves no row, which may be asked within another tenant’s method', async () => {
    const { a, b } = scene
    const tenancy = extended('both', (client) =>
      client.$extends({
        result: {
          featureFlag: {
            audit: {
              needs: { key: true },
              compute:
                ({ key }) =>
                () =>
                  client.auditEvent.create({ data: { action: `row ${key}` } }),
            },
            touch: {
              needs: { id: true, tenantId: true },
              compute:
                ({ id, tenantId }) =>
                () =>
                  database.both
                    .client({ tenantId })
                    .featureFlag.update({ where: { id }, data: { enabled: true } }),
            },
          },
        },
        client: { $within: async <Result>(work: () => Result): Promise<Result> => work() },
      }),
    )
    const db = tenancy.client({ tenantId: a.tenantId })
    const flag = await db.featureFlag.findFirstOrThrow({ where: { id: a.flagId } })
    const other = tenancy.client({ tenantId: b.tenantId })
    expect(await codeOf(() => other.$within(async () => await flag.audit()))).toBe('DH101')
    expect(await codeOf(() => flag.audit())).toBe('DH101')
    expect(await database.none.auditEvent.count({ where: { action: { startsWith: 'row ' } } })).toBe(0)
    expect(await other.$within(async () => await flag.touch())).toMatchObject({ tenantId: a.tenantId })
  })

  it('serves no operation of another tenancy', async () => {
    let captured: PrismaClient | undefined
    const audit = (client: PrismaClient) => {
      captured = client
      return client.$extends({
        query: {
          featureFlag: {
            count: async ({ args, query }) => {
              expect(contextOf(captured as PrismaClient)).toBeUndefined()
              await (captured as PrismaClient).auditEvent.create({ data: { action: 'mixed' } })
              return query(args)
            },
          },
        },
      })
    }
    const tenancy = extended('both', audit)
    extended('both', audit)
    const db = tenancy.client({ tenantId: scene.a.tenantId })
    expect(await codeOf(() => db.featureFlag.count())).toBe('DH101')
    expect(await codeOf(() => db.$transaction((tx) => tx.featureFlag.count()))).toBe('DH101')
    expect(await database.none.auditEvent.count({ where: { action: 'mixed' } })).toBe(0)
  })
})

describe('createTenancy refuses', () => {
  it.each<[string, (client: PrismaClient) => unknown, RegExp]>([
    ['another client', () => database.none, /extend returned something else/],
    [
      'another client, extended',
      (client) => client.$extends(() => database.none.$extends({}) as never),
      /extension 1, a function, returned/,
    ],
    ['a promise', async (client) => client.$extends({}), /extend returned something else/],
    ['nothing', () => undefined, /extend returned something else/],
    [
      'a hook behind hull one',
      (client) => client.$extends({ name: 'batch', query: { $__internalBatch: () => [] } as never }),
      /the extension "batch".*query\.\$__internalBatch would run after hull one/,
    ],
    [
      'a hook of no model',
      (client) => client.$extends({ query: { configPackages: {} } as never }),
      /extension 1.*query\.configPackages/,
    ],
    [
      'a hook that is none',
      (client) => client.$extends({}).$extends({ query: { configPackage: { count: 1 } } as never }),
      /extension 2.*is no function/,
    ],
    [
      '$transaction',
      (client) => client.$extends({ client: { $transaction: () => 1 } }),
      /client\.\$transaction would replace/,
    ],
    [
      '$queryRaw',
      (client) => client.$extends({ client: { $queryRaw: () => 1 } }),
      /client\.\$queryRaw would replace/,
    ],
    [
      '$extends',
      (client) => client.$extends({ client: { $extends: () => 1 } }),
      /client\.\$extends would replace/,
    ],
    [
      '$parent',
      (client) => client.$extends({ client: { $parent: () => 1 } }),
      /client\.\$parent would replace/,
    ],
    [
      'a model',
      (client) => client.$extends({ client: { configPackage: {} } }),
      /client\.configPackage would replace/,
    ],
    [
      'an internal of Prisma’s',
      (client) => client.$extends({ client: { _engine: {} } }),
      /client\._engine would replace/,
    ],
    [
      'a thenable client',
      (client) => client.$extends({ client: Object.fromEntries(['then'].map((name) => [name, () => {}])) }),
      /client\.then would replace/,
    ],
    [
      'a client to ask',
      (client) => client.$extends({ client: { other: database.none } }),
      /client\.other is a client/,
    ],
    [
      'a client of a model',
      (client) => client.$extends({ model: { user: { other: database.none } } }),
      /model\.user\.other is a client/,
    ],
    [
      'a client within a member',
      (client) => client.$extends({ client: { $others: { primary: database.none } } }),
      /client\.\$others\.primary is a client/,
    ],
    [
      'a model’s $parent',
      (client) => client.$extends({ model: { $allModels: { $parent: () => 1 } } }),
      /model\.\$allModels\.\$parent would replace/,
    ],
    [
      'a model’s fields',
      (client) => client.$extends({ model: { user: { fields: () => 1 } } }),
      /model\.user\.fields would replace/,
    ],
    [
      'a component that there is not',
      (client) => client.$extends({ middleware: {} } as never),
      /is malformed: middleware is no component/,
    ],
    [
      'a hook of a model that there is not',
      (client) => client.$extends({ query: { packages: { count: () => 1 } } } as never),
      /is malformed: query\.packages names no model and no operation/,
    ],
    [
      'what is no plain object',
      (client) =>
        client.$extends(
          new (class {
            readonly query = {}
          })(),
        ),
      /is no plain object/,
    ],
    [
      'a computed field without compute',
      (client) => client.$extends({ result: { user: { x: {} as never } } }),
      /has no function compute/,
    ],
  ])('%s', (_, extend, message) => {
    const refused = refusal(extend)
    expect(refused).toMatch(/^DH210/)
    expect(refused).toMatch(message)
  })

  it('Prisma’s own extension for read replicas, whose answers are everyone’s', async () => {
    const { a, b } = scene
    const replicas = readReplicas({ replicas: [database.none] })
    const plain = database.none.$extends(replicas).$extends(naive)
    expect(await secretsOf(naively(a.tenantId, () => plain.configPackage.findMany()))).toContain(b.secret)
    expect(refusal((client) => client.$extends(replicas))).toMatch(/^DH210: extension 1.*read replicas/)
  })

  it('an extension without leaving anything open, and takes the next attempt', async () => {
    expect(refusal((client) => client.$extends({ client: { $on: 1 } }))).toMatch(/^DH210/)
    const db = extended('both', (client) => client.$extends({})).client({ tenantId: scene.a.tenantId })
    expect(await db.configPackage.count()).toBe(1)
  })
})

describe('an extension', () => {
  it('is read once: what its getters answer later does not count', async () => {
    const hook = vi.fn(({ args, query }) => query(args))
    const reads = vi.fn()
    const definition = {
      get query() {
        reads()
        return reads.mock.calls.length === 1 ? { configPackage: { count: hook } } : { $__internalBatch: hook }
      },
    }
    const db = extended('both', (client) => client.$extends(definition as never) as PrismaClient).client({
      tenantId: scene.a.tenantId,
    })
    expect(await db.configPackage.count()).toBe(1)
    await db.configPackage.findMany()
    expect([reads.mock.calls.length, hook.mock.calls.length]).toEqual([1, 1])
  })
})
