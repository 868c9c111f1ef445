import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { verifyDatabase } from '../src/catalog/verify.ts'
import { isTenancyError } from '../src/errors.ts'
import { createTenancy, type ForEachTenantOptions, type Manifest, withTenantContext } from '../src/index.ts'
import { type Delegate, useFixtureDatabase } from './fixtures/fixture-database.ts'

type Models =
  | 'team'
  | 'person'
  | 'seat'
  | 'board'
  | 'card'
  | 'column'
  | 'note'
  | 'revision'
  | 'sticker'
  | 'label'
  | 'invoice'
  | 'plan'
type Client = Readonly<Record<Models, Delegate>>

const database = useFixtureDatabase<Client>('text-ids', ['public'])

interface Planted {
  readonly team: string
  readonly board: string
  readonly card: string
  readonly note: string
  readonly sticker: string
}

let a: Planted
let b: Planted
/** Rows without a tenant. */
let nobodys: {
  readonly note: string
  readonly sticker: string
  readonly secret: string
  readonly revision: string
}
/** The system's, in team A's name. */
let invoice: { readonly id: string; readonly plan: string }

const newId = () => `C${randomBytes(8).toString('hex')}`

beforeEach(async () => {
  const plant = async (): Promise<Planted> => {
    const [team, board, card, note, sticker] = [newId(), newId(), newId(), newId(), newId()]
    await database.admin.query(`
      insert into team values ('${team}', 'team');
      insert into board values ('${board}', '${team}', 'board');
      insert into card (id, team_id, board_id, title) values ('${card}', '${team}', '${board}', 'card');
      insert into note (id, team_id, board_id, text) values ('${note}', '${team}', '${board}', 'note');
      insert into sticker (id, team_id, board_id, glyph) values ('${sticker}', '${team}', '${board}', 'sticker')`)
    return { team, board, card, note, sticker }
  }
  a = await plant()
  b = await plant()
  nobodys = { note: newId(), sticker: newId(), secret: newId(), revision: newId() }
  invoice = { id: newId(), plan: newId() }
  await database.admin.query(`
    insert into note (id, text, board_id) values ('${nobodys.note}', '${nobodys.secret}', '${a.board}');
    insert into revision values ('${nobodys.revision}', '${nobodys.note}', '${nobodys.secret}');
    insert into sticker (id, glyph) values ('${nobodys.sticker}', '${nobodys.secret}');
    insert into plan values ('${invoice.plan}', 'plan');
    insert into invoice (id, team_id, plan_id, amount) values ('${invoice.id}', '${a.team}', '${invoice.plan}', 471147114)`)
})

const hulls = ['one', 'two', 'both'] as const
const clientOf = (hull: (typeof hulls)[number], { team }: Planted = a) =>
  database[hull].client({ tenantId: team })

/** What an operation is refused with: a code, or the name of the error. */
async function refusalOf(call: () => PromiseLike<unknown>): Promise<string> {
  try {
    await call()
    return 'nothing'
  } catch (error) {
    if (isTenancyError(error)) return error.code
    const { code, name } = error as { code?: unknown; name?: unknown }
    return typeof code === 'string' ? code : String(name)
  }
}

const ownerOf = async (table: string, id: string) => {
  const { rows } = await database.admin.query<{ team_id: string | null }>(
    `select team_id from ${table} where id = $1`,
    [id],
  )
  return rows[0] ? rows[0].team_id : 'gone'
}

describe('a tenant whose id is a text', () => {
  it('is the one with that text, in its case', async () => {
    const twin = { ...b, team: a.team.toLowerCase() }
    await database.admin.query(`
      insert into team values ('${twin.team}', 'twin');
      insert into board values ('${newId()}', '${twin.team}', 'of the twin')`)
    for (const hull of hulls) {
      expect(await clientOf(hull, twin).board.findMany({ select: { name: true } })).toEqual([
        { name: 'of the twin' },
      ])
      expect(await clientOf(hull).board.findMany({ select: { id: true } })).toEqual([{ id: a.board }])
    }
    expect(
      await refusalOf(() => clientOf('one', twin).board.create({ data: { teamId: a.team, name: 'x' } })),
    ).toBe('DH202')
    expect(
      await refusalOf(() => withTenantContext(clientOf('one') as never, twin.team, async () => {})),
    ).toBe('DH103')
  })

  it('reads, writes and links its rows, and none of another’s', async () => {
    for (const hull of hulls) {
      const db = clientOf(hull)
      const data = hull === 'two' ? { teamId: a.team } : {}
      const made = await db.board.create({ data: { ...data, name: hull } })
      expect(made).toMatchObject({ teamId: a.team })
      await db.card.create({ data: { ...data, boardId: made.id, title: 'x' } })
      await expect(db.board.findUniqueOrThrow({ where: { id: b.board } })).rejects.toMatchObject({
        code: 'P2025',
      })
      expect(
        await db.card.findMany({ where: { board: { name: hull } }, include: { team: true } }),
      ).toMatchObject([{ team: { id: a.team } }])
      expect(await refusalOf(() => db.card.create({ data: { ...data, boardId: b.board, title: 'x' } }))).toBe(
        'P2003',
      )
    }
    expect(await database.none.board.count({ where: { id: b.board } })).toBe(1)
  })
})

describe('a row without a tenant', () => {
  it.for(hulls)('is seen by nobody behind hull %s', async (hull) => {
    const db = clientOf(hull)
    const reads = [
      db.note.findMany(),
      db.note.findMany({ where: { teamId: null } }),
      db.note.findMany({ where: { OR: [{ teamId: null }, { team: null }] } }),
      db.note.findMany({ where: { NOT: { teamId: a.team } } }),
      db.note.findFirst({ where: { id: nobodys.note } }),
      db.note.findUnique({ where: { id: nobodys.note } }),
      db.revision.findMany(),
      db.sticker.findMany(),
      db.board.findMany({ include: { notes: true, stickers: true, _count: true } }),
      db.board.findMany({ where: { notes: { some: { text: nobodys.secret } } } }),
      db.team.findMany({ include: { notes: { include: { revisions: true } } } }),
    ]
    const seen = JSON.stringify(await Promise.all(reads))
    expect(seen).not.toContain(nobodys.secret)
    expect(await db.board.findMany({ where: { notes: { some: { text: nobodys.secret } } } })).toEqual([])
    expect(await db.note.count()).toBe(1)
    // without hulls it is there
    expect(JSON.stringify(await database.none.note.findMany())).toContain(nobodys.secret)
  })

  it.for(hulls)('is written by nobody behind hull %s', async (hull) => {
    const db = clientOf(hull)
    const where = { id: nobodys.note }
    await db.note.updateMany({ data: { text: 'x' } })
    await db.note.deleteMany({ where: { teamId: null } })
    expect(await refusalOf(() => db.note.update({ where, data: { text: 'x' } }))).toBe('P2025')
    expect(await refusalOf(() => db.note.delete({ where }))).toBe('P2025')
    // claimed
    expect(await refusalOf(() => db.note.update({ where, data: { teamId: a.team } }))).toBe('P2025')
    expect(
      await refusalOf(() => db.team.update({ where: { id: a.team }, data: { notes: { connect: where } } })),
    ).not.toBe('nothing')
    await refusalOf(() =>
      db.board.update({
        where: { id: a.board },
        data: { notes: { updateMany: { where: {}, data: { text: 'x' } } } },
      }),
    )
    await refusalOf(() => db.board.update({ where: { id: a.board }, data: { notes: { deleteMany: {} } } }))
    await refusalOf(() => db.board.update({ where: { id: a.board }, data: { notes: { set: [] } } }))
    const { rows } = await database.admin.query('select team_id, board_id, text from note where id = $1', [
      nobodys.note,
    ])
    expect(rows).toEqual([{ team_id: null, board_id: a.board, text: nobodys.secret }])
  })

  it('is not what orders the rows that are linked to it', async () => {
    // a link that only an administrator can have planted
    await database.admin.query('update note set parent_id = $1 where id = $2', [nobodys.note, a.note])
    const db = clientOf('one')
    expect(await refusalOf(() => db.note.findMany({ orderBy: { parent: { text: 'asc' } } }))).toBe('DH207')
    expect(await refusalOf(() => db.board.findMany({ orderBy: { notes: { _count: 'asc' } } }))).toBe('DH207')
    // it counts as absent
    expect(await db.note.findMany({ where: { parent: null } })).toMatchObject([{ id: a.note }])
    expect(await db.note.findMany({ where: { parent: { isNot: null } } })).toEqual([])
    expect(await db.note.findMany({ include: { parent: true } })).toMatchObject([
      { id: a.note, parent: null },
    ])
    expect(await db.board.findMany({ where: { notes: { every: { text: 'note' } } } })).toHaveLength(1)
    expect(
      await database.none.note.findMany({ where: { parent: { isNot: null }, id: a.note } }),
    ).toHaveLength(1)
  })

  const givenAway: readonly (readonly [string, (db: Client) => PromiseLike<unknown>])[] = [
    ['create with null', (db) => db.note.create({ data: { teamId: null, text: 'x' } })],
    ['createMany with null', (db) => db.note.createMany({ data: [{ teamId: null, text: 'x' }] })],
    ['update to null', (db) => db.note.update({ where: { id: a.note }, data: { teamId: null } })],
    [
      'update to { set: null }',
      (db) => db.note.update({ where: { id: a.note }, data: { teamId: { set: null } } }),
    ],
    ['updateMany to null', (db) => db.note.updateMany({ data: { teamId: null } })],
    ['updateManyAndReturn to null', (db) => db.note.updateManyAndReturn({ data: { teamId: { set: null } } })],
    [
      'upsert to null',
      (db) =>
        db.note.upsert({
          where: { id: a.note },
          update: { teamId: null },
          create: { text: 'x', teamId: null },
        }),
    ],
    [
      'disconnect of the tenant',
      (db) => db.note.update({ where: { id: a.note }, data: { team: { disconnect: true } } }),
    ],
    [
      'disconnect from the tenant’s side',
      (db) => db.team.update({ where: { id: a.team }, data: { notes: { disconnect: { id: a.note } } } }),
    ],
    [
      'set of none from the tenant’s side',
      (db) => db.team.update({ where: { id: a.team }, data: { notes: { set: [] } } }),
    ],
    [
      'a nested update to null',
      (db) =>
        db.board.update({
          where: { id: a.board },
          data: { notes: { update: { where: { id: a.note }, data: { teamId: null } } } },
        }),
    ],
    [
      'a nested create with null',
      (db) =>
        db.board.update({
          where: { id: a.board },
          data: { notes: { createMany: { data: [{ teamId: null, text: 'x' }] } } },
        }),
    ],
    [
      'disconnect by a key that carries the tenant',
      (db) => db.sticker.update({ where: { id: a.sticker }, data: { board: { disconnect: true } } }),
    ],
    [
      'disconnect by such a key from the other side',
      (db) =>
        db.board.update({ where: { id: a.board }, data: { stickers: { disconnect: { id: a.sticker } } } }),
    ],
    [
      'set of none by such a key',
      (db) => db.board.update({ where: { id: a.board }, data: { stickers: { set: [] } } }),
    ],
  ]
  it.each(givenAway)('does not come from %s', async (_, attack) => {
    expect(await refusalOf(() => attack(clientOf('one')))).toBe('DH202')
    expect(await refusalOf(() => attack(clientOf('both')))).toBe('DH202')
    expect(await refusalOf(() => attack(clientOf('two')))).toBe('DH301')
    expect(await ownerOf('note', a.note)).toBe(a.team)
    expect(await ownerOf('sticker', a.sticker)).toBe(a.team)
    const count = () => database.none.note.count({ where: { teamId: null } })
    const before = await count()
    await attack(database.none)
    const lost = [await ownerOf('note', a.note), await ownerOf('sticker', a.sticker)].includes(null)
    expect(lost || (await count()) > before).toBe(true)
  })

  it('may be linked to other rows, and unlinked from them, as long as it keeps its tenant', async () => {
    const db = clientOf('both')
    await db.note.update({ where: { id: a.note }, data: { board: { disconnect: true } } })
    await db.sticker.update({ where: { id: a.sticker }, data: { boardId: null } })
    expect(await ownerOf('note', a.note)).toBe(a.team)
    expect(await ownerOf('sticker', a.sticker)).toBe(a.team)
    expect(await db.note.create({ data: { text: 'x', board: { connect: { id: a.board } } } })).toMatchObject({
      teamId: a.team,
    })
  })
})

describe('a model that is the system’s', () => {
  const where = () => ({ id: a.team })
  const attacks: readonly (readonly [string, string, (db: Client) => PromiseLike<unknown>])[] = [
    ['findMany', 'DH204', (db) => db.invoice.findMany()],
    ['findUnique', 'DH204', (db) => db.invoice.findUnique({ where: { id: invoice.id } })],
    ['count', 'DH204', (db) => db.invoice.count()],
    ['aggregate', 'DH204', (db) => db.invoice.aggregate({ _sum: { amount: true } })],
    ['groupBy', 'DH204', (db) => db.invoice.groupBy({ by: ['amount'], _count: true })],
    ['create', 'DH203', (db) => db.invoice.create({ data: { teamId: a.team, amount: 1 } })],
    ['createMany', 'DH203', (db) => db.invoice.createMany({ data: [{ teamId: a.team, amount: 1 }] })],
    ['update', 'DH203', (db) => db.invoice.update({ where: { id: invoice.id }, data: { amount: 1 } })],
    ['updateMany', 'DH203', (db) => db.invoice.updateMany({ data: { amount: 1 } })],
    [
      'upsert',
      'DH203',
      (db) =>
        db.invoice.upsert({ where: { id: invoice.id }, update: {}, create: { teamId: a.team, amount: 1 } }),
    ],
    ['delete', 'DH203', (db) => db.invoice.delete({ where: { id: invoice.id } })],
    ['deleteMany', 'DH203', (db) => db.invoice.deleteMany()],
    ['include', 'DH204', (db) => db.team.findMany({ include: { invoices: true } })],
    ['select', 'DH204', (db) => db.team.findFirst({ select: { invoices: { select: { amount: true } } } })],
    [
      'include two steps away',
      'DH204',
      (db) => db.board.findMany({ include: { team: { include: { invoices: true } } } }),
    ],
    [
      'the fluent way',
      'DH204',
      (db) =>
        (db.team.findUnique({ where: where() }) as unknown as { invoices(): Promise<unknown> }).invoices(),
    ],
    [
      '_count of it',
      'DH204',
      (db) => db.team.findMany({ select: { _count: { select: { invoices: true } } } }),
    ],
    [
      '_count of some',
      'DH204',
      (db) =>
        db.team.findMany({ select: { _count: { select: { invoices: { where: { amount: 471147114 } } } } } }),
    ],
    ['_count where it has no other list', 'DH204', (db) => db.plan.findMany({ include: { _count: true } })],
    ['some', 'DH204', (db) => db.team.findMany({ where: { invoices: { some: { amount: 471147114 } } } })],
    ['some of none', 'DH204', (db) => db.team.findMany({ where: { invoices: { some: {} } } })],
    ['every', 'DH204', (db) => db.team.findMany({ where: { invoices: { every: { amount: 471147114 } } } })],
    [
      'none',
      'DH204',
      (db) => db.team.count({ where: { NOT: [{ invoices: { none: { amount: 471147114 } } }] } }),
    ],
    [
      'a filter two steps away',
      'DH204',
      (db) => db.board.findMany({ where: { team: { is: { invoices: { some: {} } } } } }),
    ],
    ['an order', 'DH204', (db) => db.team.findMany({ orderBy: { invoices: { _count: 'asc' } } })],
    [
      'an order two steps away',
      'DH204',
      (db) => db.board.findMany({ orderBy: [{ team: { invoices: { _count: 'asc' } } }] }),
    ],
    ...(
      [
        ['create', { create: { amount: 1 } }],
        ['createMany', { createMany: { data: [{ amount: 1 }] } }],
        ['connect', { connect: { id: 'none' } }],
        ['connectOrCreate', { connectOrCreate: { where: { id: 'none' }, create: { amount: 1 } } }],
        ['update', { update: { where: { id: 'none' }, data: { amount: 1 } } }],
        ['updateMany', { updateMany: { where: {}, data: { amount: 1 } } }],
        ['upsert', { upsert: { where: { id: 'none' }, update: {}, create: { amount: 1 } } }],
        ['delete', { delete: { id: 'none' } }],
        ['deleteMany', { deleteMany: {} }],
        ['set', { set: [] }],
      ] as const
    ).map(
      ([name, invoices]) =>
        [
          `a nested ${name}`,
          'DH204',
          (db: Client) => db.team.update({ where: where(), data: { invoices } }),
        ] as const,
    ),
  ]
  it.each(attacks)('is not reached by %s', async (_, code, attack) => {
    const before = await database.none.invoice.findMany()
    expect(await refusalOf(() => attack(clientOf('one')))).toBe(code)
    expect(await refusalOf(() => attack(clientOf('both')))).toBe(code)
    expect(await database.none.invoice.findMany()).toEqual(before)
  })

  const stored = async () => (await database.admin.query('select * from invoice order by id')).rows as unknown

  it.each(attacks)(
    'is not reached by %s behind hull two, whose policies let nothing of it pass',
    async (_, __, attack) => {
      const before = await stored()
      const seen = await attack(clientOf('two')).then(
        (result) => JSON.stringify(result),
        (error: unknown) => String(error),
      )
      expect(seen).not.toContain('471147114')
      expect(seen).not.toContain(invoice.id)
      expect(await stored()).toEqual(before)
    },
  )

  it('is refused behind hull two, where it has the package’s grants', async () => {
    const privileges = 'select, insert, update, delete on invoice'
    await database.admin.query(`revoke ${privileges} from doublehull_app`)
    try {
      // a nested set of none, and a create of nothing, ask nothing of the table
      const asking = attacks.filter(([name]) => name !== 'a nested set')
      for (const [name, , attack] of asking) {
        const code = await refusalOf(() => attack(clientOf('two')))
        expect([name, code]).toEqual([name, 'DH305'])
      }
    } finally {
      await database.admin.query(`grant ${privileges} to doublehull_app`)
    }
  })

  it('is named by no key of a tenant’s row, which may be emptied and not set', async () => {
    // the other way round: the invoice is a tenant's, and its plan the system's
    const { manifest } = database
    const { Invoice, Plan, Board } = manifest.models
    if (!Invoice || !Plan || !Board) throw new Error('no such models')
    const changed: Manifest = {
      ...manifest,
      models: {
        ...manifest.models,
        Invoice: { ...Invoice, scope: Board.scope, commands: Board.commands, readOnly: false },
        Plan: { ...Plan, scope: { kind: 'system' }, commands: [], readOnly: true },
      },
    }
    const tenancy = createTenancy<Client>({
      PrismaClient: database.PrismaClient,
      manifest: changed,
      connectionString: database.adminUrl,
      allowRoleThatBypassesRowSecurity: true,
    })
    try {
      const db = tenancy.client({ tenantId: a.team })
      const plan = { id: invoice.plan }
      const where = { id: invoice.id }
      expect(await db.invoice.create({ data: { amount: 1 } })).toMatchObject({ teamId: a.team, planId: null })
      expect(await db.invoice.create({ data: { amount: 1, planId: null } })).toMatchObject({ planId: null })
      const attacks = [
        () => db.invoice.create({ data: { amount: 1, planId: plan.id } }),
        () => db.invoice.create({ data: { amount: 1, plan: { connect: plan } } }),
        () =>
          db.invoice.create({
            data: { amount: 1, plan: { connectOrCreate: { where: plan, create: { name: 'x' } } } },
          }),
        () => db.invoice.update({ where, data: { planId: 'none' } }),
        () => db.invoice.updateMany({ data: { planId: { set: plan.id } } }),
        () => db.invoice.update({ where, data: { plan: { connect: { id: 'none' } } } }),
        () => db.invoice.update({ where, data: { plan: { disconnect: true } } }),
        () => db.invoice.update({ where, data: { plan: { update: { name: 'x' } } } }),
        () => db.invoice.findMany({ include: { plan: true } }),
        () => db.invoice.findMany({ where: { plan: null } }),
        () => db.invoice.findMany({ where: { plan: { name: 'plan' } } }),
        () => db.invoice.findMany({ where: { plan: { is: { name: 'plan' } } } }),
        () => db.invoice.findMany({ where: { plan: { isNot: null } } }),
        () => db.invoice.findMany({ orderBy: { plan: { name: 'asc' } } }),
      ]
      for (const attack of attacks) expect(await refusalOf(attack)).toBe('DH204')
      expect(await db.invoice.findUnique({ where })).toMatchObject({ planId: plan.id })
      expect(await db.invoice.update({ where, data: { planId: null } })).toMatchObject({ planId: null })
      const set = await database.none.invoice.update({
        where,
        data: { planId: plan.id },
        include: { plan: true },
      })
      expect(set).toMatchObject({ plan: { name: 'plan' } })
    } finally {
      await tenancy.disconnect()
    }
  })

  it('is left out where all lists are counted', async () => {
    const [team] = await clientOf('one').team.findMany({ include: { _count: true } })
    expect(team._count).toEqual({ seats: 0, boards: 1, cards: 1, notes: 1, stickers: 1, labels: 0 })
    const [seen] = await database.none.team.findMany({ where: where(), include: { _count: true } })
    expect(seen._count).toMatchObject({ invoices: 1 })
  })
})

describe('hull two', () => {
  it('has nothing that verify finds, but what a fixture’s grants and keys are', async () => {
    const { findings } = await verifyDatabase({
      connectionString: database.adminUrl,
      manifest: database.manifest,
    })
    const codes = new Set(findings.map(({ code }) => code))
    for (const code of ['DH320', 'DH321', 'DH322', 'DH323', 'DH324', 'DH328', 'DH340'])
      expect(codes).not.toContain(code)
    const uuids = await verifyDatabase({
      connectionString: database.adminUrl,
      manifest: { ...database.manifest, tenantIdType: 'uuid' },
    })
    expect(uuids.findings.filter(({ code }) => code === 'DH340').map(({ detail }) => detail)).toContain(
      "returns text and not uuid, the type that the manifest's tenant ids have",
    )
  })
})

describe('work for each tenant', () => {
  it('meets the tenants in the order of their keys, and goes on behind one', async () => {
    const options: ForEachTenantOptions = { actor: 'job', reason: 'a test of ids', pageSize: 2 }
    const seen: string[] = []
    const { done, last } = await database.both.forEachTenant(async (db, { tenantId }) => {
      seen.push(tenantId)
      for (const board of await db.board.findMany()) expect(board.teamId).toBe(tenantId)
    }, options)
    expect(done).toBe(seen.length)
    expect(seen).toEqual(expect.arrayContaining([a.team, b.team]))
    expect(last).toBe(seen.at(-1))
    const after = seen.at(-2)
    expect(await database.both.forEachTenant(async () => {}, { ...options, after })).toMatchObject({
      done: 1,
    })
  })
})
