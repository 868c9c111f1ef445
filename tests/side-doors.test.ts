import { beforeEach, describe, expect, it } from 'vitest'
import { type Client, plantScene, type Scene, useScopesDatabase } from './fixtures/scopes/scopes-database.ts'

// Ways round hull one that begin in a place where nobody expects a filter, or end before one is asked.

const database = useScopesDatabase()
let scene: Scene
beforeEach(async () => {
  scene = await plantScene(database.admin)
})
const tenantA = () => database.one.client({ tenantId: scene.a.organization })

/** How many different answers there are to a question, of which only the other tenant's rows change. */
async function answersTo(question: () => Promise<unknown>, changes: readonly string[]): Promise<number> {
  const answers = new Set<string>()
  for (const change of changes) {
    await database.admin.query(change)
    const answer = await question().catch((error: { code?: unknown }) => ['failed', error.code])
    answers.add(JSON.stringify(answer))
  }
  return answers.size
}

describe('an omit that names a relation and does not omit it', () => {
  const reads: readonly (readonly [string, (db: Client) => Promise<unknown>])[] = [
    [
      'reads the relation',
      (db) =>
        db.project.findMany({
          where: { id: scene.a.project },
          omit: { lead: false, template: false, labels: false, templates: false },
        }),
    ],
    [
      'reads it within an include',
      (db) =>
        db.organization.findMany({
          where: { id: scene.a.organization },
          include: { projects: { omit: { lead: 0, labels: '' } } },
        }),
    ],
    [
      'reads it along with a write',
      (db) =>
        db.project.update({
          where: { id: scene.a.project },
          data: {},
          omit: { lead: false, labels: false },
        }),
    ],
  ]

  it.each(reads)('%s to Prisma, and nothing behind hull one', async (_, read) => {
    expect(JSON.stringify(await read(database.none))).toContain(scene.b.secret)
    const answer = JSON.stringify(await read(tenantA()))
    expect(answer).toContain(scene.a.secret)
    expect(answer).not.toContain(scene.b.secret)
  })

  it('counts to Prisma, and nothing behind hull one', async () => {
    const counts = (db: Client) =>
      db.employee.findMany({ where: { id: scene.a.employee }, omit: { _count: false } })
    expect((await counts(database.none))[0]._count).toMatchObject({ projects: 1, tasks: 1 })
    expect((await counts(tenantA()))[0]).not.toHaveProperty('_count')
  })
})

describe('a filter that looks empty, over the relations of another tenant’s row', () => {
  const filters: readonly (readonly [string, object])[] = [
    ['is of nothing', { lead: { is: { person: { is: {} } } } }],
    ['NOT of nothing', { lead: { person: { NOT: {} } } }],
    ['is of nothing within NOT', { lead: { NOT: { person: { is: {} } } } }],
    [
      'is of nothing, for every row of a list',
      { lead: { is: { projects: { every: { template: { is: {} } } } } } },
    ],
    ['is of nothing, for a key at the other end', { lead: { badge: { is: {} } } }],
  ]

  it.each(filters)('tells of it without hulls, and not behind hull one: %s', async (_, filter) => {
    const { a, b } = scene
    const changes = [
      `update work.project set lead_id = '${b.employee}', template_id = '${b.template}' where id = '${b.project}';
       update directory.employee set person_id = '${scene.common}' where id = '${b.employee}';
       update directory.badge set employee_id = '${b.employee}' where id = '${a.badge}'`,
      `update directory.employee set person_id = null where id = '${b.employee}';
       update work.project set template_id = null where id = '${b.project}';
       update directory.badge set employee_id = null where employee_id = '${b.employee}'`,
    ]
    const count = (db: Client) => () => db.project.count({ where: { id: a.project, ...filter } })
    expect(await answersTo(count(database.none), changes)).toBe(2)
    expect(await answersTo(count(tenantA()), changes)).toBe(1)
  })
})

describe('what is no longer so when an operation runs as it was when hull one asked', () => {
  const names = (): readonly string[] =>
    ['aaa', 'zzzz'].map(
      (name) => `update directory.employee set name = '${name}' where id = '${scene.b.employee}'`,
    )
  const byLead = { orderBy: { lead: { name: 'asc' } }, select: { id: true } }
  let turn = 0

  const inOneWrite = (db: Client) => async () => {
    const name = `turn ${++turn}`
    const updated = await db.organization.update({
      where: { id: scene.a.organization },
      data: { projects: { updateMany: { where: {}, data: { name } } } },
      select: { projects: { where: { name }, ...byLead } },
    })
    return updated.projects
  }
  const inOneTurn = (db: Client) => async () => {
    const name = `turn ${++turn}`
    const { $transaction } = db as unknown as {
      $transaction(work: (tx: Client) => Promise<unknown>): Promise<unknown>
    }
    return $transaction(async (tx) => {
      const both = await Promise.all([
        tx.project.findMany({ where: { name }, ...byLead }),
        tx.project.updateMany({
          where: { id: { in: [scene.a.project, scene.a.spare.project] } },
          data: { name },
        }),
      ])
      return [both[0], await tx.project.findMany({ where: { name }, ...byLead }).catch(() => 'refused')]
    })
  }

  it('an order over rows that the same write brings in tells of another tenant’s row without hulls alone', async () => {
    // the lead of the other project is called zzz: between the two names
    expect(await answersTo(inOneWrite(database.none), names())).toBe(2)
    expect(await answersTo(inOneWrite(tenantA()), names())).toBe(1)
  })

  it('an order over rows that another operation of the turn brings in tells nothing behind hull one', async () => {
    expect(await answersTo(inOneTurn(tenantA()), names())).toBe(1)
  })

  it('a list of rows that another operation of the turn brings in is not emptied behind hull one', async () => {
    const { a, b } = scene
    await database.admin.query(`delete from work.comment where task_id = '${b.task}'`)
    const { $transaction } = tenantA() as unknown as {
      $transaction(work: (tx: Client) => Promise<unknown>): Promise<unknown>
    }
    const where = { id: a.employee, name: 'match' }
    await $transaction((tx) =>
      Promise.all([
        tx.employee.update({ where, data: { tasks: { deleteMany: {} } } }),
        tx.employee.updateMany({ where: { id: a.employee }, data: { name: 'match' } }),
      ]),
    ).catch(() => undefined)
    const left = () => database.admin.query(`select from work.task where id = '${b.task}'`)
    expect((await left()).rowCount).toBe(1)
    await database.admin.query(`update directory.employee set name = 'match' where id = '${a.employee}'`)
    await database.none.employee.update({ where, data: { tasks: { deleteMany: {} } } })
    expect((await left()).rowCount).toBe(0)
  })
})

describe('the refusal of a nested write over a link that leads outside', () => {
  const writes: readonly (readonly [string, (where: object) => object])[] = [
    ['updateMany', (where) => ({ updateMany: { where, data: { title: 'x' } } })],
    ['deleteMany', (where) => ({ deleteMany: where })],
  ]

  it.each(writes)('is the same whatever a nested %s asks of the other row', async (_, write) => {
    const { a, b } = scene
    const codes = new Set<unknown>()
    for (const title of [b.secret, 'of nobody']) {
      const data = { tasks: write({ title: { startsWith: title } }) }
      const refusal = await tenantA()
        .employee.update({ where: { id: a.employee }, data })
        .catch((error: { code: unknown }) => error.code)
      codes.add(refusal)
    }
    expect([...codes]).toEqual(['DH207'])
  })
})

describe('a pattern that PostgreSQL fails on at the row that fits it', () => {
  const models = [
    ['task', 'title'],
    ['comment', 'text'],
    ['person', 'name'],
  ] as const
  const forms: readonly (readonly [string, (pattern: string) => object])[] = [
    ['endsWith', (pattern) => ({ endsWith: pattern })],
    ['endsWith within not', (pattern) => ({ not: { endsWith: pattern } })],
    ['equals without case', (pattern) => ({ equals: `%${pattern}`, mode: 'insensitive' })],
    ['not without case', (pattern) => ({ not: `%${pattern}`, mode: 'insensitive' })],
  ]
  const cases = models.flatMap(([model, field]) =>
    forms.map(([form, filter]) => [`${model}.${field}, ${form}`, model, field, filter] as const),
  )

  it.each(cases)(
    'tells of the row without hulls, and not behind hull one: %s',
    async (_, model, field, filter) => {
      const fails = async (db: Client) => {
        const codes = new Set<unknown>()
        for (const part of [scene.b.secret.slice(0, 20), 'secret-of-nobody']) {
          await db[model].findMany({ where: { [field]: filter(`${part}\\`) } }).then(
            () => codes.add('none'),
            (error: { code: unknown }) => codes.add(error.code),
          )
        }
        return codes.size
      }
      expect(await fails(database.none)).toBe(2)
      expect(await fails(tenantA())).toBe(1)
    },
  )

  it.each(models)(
    'tells of the row without hulls, and not behind hull one: %s.%s, in a having',
    async (model, field) => {
      const fails = async (db: Client) => {
        const codes = new Set<unknown>()
        for (const part of [scene.b.secret.slice(0, 20), 'secret-of-nobody']) {
          await db[model].groupBy({ by: [field], having: { [field]: { endsWith: `${part}\\` } } }).then(
            () => codes.add('none'),
            (error: { code: unknown }) => codes.add(error.code),
          )
        }
        return codes.size
      }
      expect(await fails(database.none)).toBe(2)
      expect(await fails(tenantA())).toBe(1)
    },
  )

  it('means the backslash that it ends with', async () => {
    const { a } = scene
    await database.admin.query(`update work.task set title = 'path\\' where id = '${a.task}'`)
    expect(await tenantA().task.count({ where: { title: { endsWith: 'path\\' } } })).toBe(1)
    expect(await tenantA().task.count({ where: { title: { endsWith: 'path\\\\' } } })).toBe(1)
  })
})
