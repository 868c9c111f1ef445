import { randomInt, randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Delegate, useFixtureDatabase } from './fixtures/fixture-database.ts'

type Client = Readonly<Record<'item' | 'stamp' | 'stampRef' | 'blob' | 'blobRef' | 'alarm', Delegate>>

const database = useFixtureDatabase<Client>('keys', ['work'])
let a: { readonly company: string; readonly item: string }
let b: typeof a
beforeEach(async () => {
  const plant = async () => {
    const [company, item] = [randomUUID(), randomUUID()]
    await database.admin.query(`
      insert into work."Company" values ('${company}');
      insert into work."Item" values ('${item}', '${company}')`)
    return { company, item }
  }
  a = await plant()
  b = await plant()
})
const tenantA = () => database.one.client({ tenantId: a.company })

/** Two moments of one second. */
function twoMoments(): { readonly own: Date; readonly others: Date } {
  const second = randomInt(1_000_000_000) * 1_000
  return { own: new Date(second + 456), others: new Date(second + 123) }
}

describe('behind hull one, keys of two tenants that look alike as text are told apart:', () => {
  it('moments of one second, as references', async () => {
    const { own, others } = twoMoments()
    await database.admin.query(`insert into work."Stamp" values ($1, $2)`, [others, b.company])
    await tenantA().stamp.create({ data: { id: own } })
    const data = [{ stampId: others }, { stampId: own }]
    const plain = data.map((row) => ({ ...row, companyId: a.company }))
    expect(await database.none.stampRef.createMany({ data: plain })).toEqual({ count: 2 })
    await expect(tenantA().stampRef.createMany({ data })).rejects.toMatchObject({ code: 'P2003' })
    expect(await tenantA().stampRef.createMany({ data: [{ stampId: own }] })).toEqual({ count: 1 })
  })

  it('bytes that are no text, as references', async () => {
    const others = Buffer.concat([Buffer.from([0xff]), Buffer.from(randomUUID())])
    const own = Buffer.concat([Buffer.from([0xfe]), others.subarray(1)])
    expect(String(own)).toBe(String(others))
    await database.admin.query(`insert into work."Blob" values ($1, $2)`, [others, b.company])
    await tenantA().blob.create({ data: { id: own } })
    const data = [{ blobId: others }, { blobId: own }]
    const plain = data.map((row) => ({ ...row, companyId: a.company }))
    expect(await database.none.blobRef.createMany({ data: plain })).toEqual({ count: 2 })
    await expect(tenantA().blobRef.createMany({ data })).rejects.toMatchObject({ code: 'P2003' })
    expect(await tenantA().blobRef.createMany({ data: [{ blobId: own }] })).toEqual({ count: 1 })
  })

  it('moments of one second, in required relations that are read along', async () => {
    const { own, others } = twoMoments()
    await database.admin.query(
      `insert into work."Reading" values ($1, 'another tenant’s', $2), ($3, 'own', $4)`,
      [others, b.item, own, a.item],
    )
    await database.admin.query(
      `insert into work."Alarm" values (gen_random_uuid(), $1, $2), (gen_random_uuid(), $1, $3)`,
      [a.company, others, own],
    )
    const read = {
      where: { companyId: a.company },
      orderBy: { readingAt: 'asc' },
      select: { reading: { select: { value: true } } },
    }
    expect(await database.none.alarm.findMany(read)).toEqual([
      { reading: { value: 'another tenant’s' } },
      { reading: { value: 'own' } },
    ])
    expect(await tenantA().alarm.findMany(read)).toEqual([{ reading: null }, { reading: { value: 'own' } }])
  })
})

describe('an update through a relation to a model with JSON fields called "where" and "data"', () => {
  const attempt = async (db: Client) => {
    const [setting, item] = [randomUUID(), randomUUID()]
    await database.admin.query(`
      insert into work."Setting" (id, "companyId", data, tags) values ('${setting}', '${b.company}', '"kept"', '{}');
      insert into work."Item" values ('${item}', '${a.company}', '${setting}')`)
    // five is no list, so that Prisma takes all of it for the value of the field "data"
    const error: unknown = await db.item
      .update({ where: { id: item }, data: { setting: { update: { data: { tags: 5 } } } } })
      .catch((thrown: unknown) => thrown)
    const { rows } = await database.admin.query<{ data: unknown }>(
      `select data from work."Setting" where id = '${setting}'`,
    )
    return { error, data: rows[0]?.data }
  }

  it('reaches another tenant’s row without hulls', async () => {
    expect((await attempt(database.none)).data).toEqual({ tags: 5 })
  })

  it('is refused behind hull one, whose filter would be taken for a value', async () => {
    expect(await attempt(tenantA())).toMatchObject({ error: { code: 'DH201' }, data: 'kept' })
  })
})
