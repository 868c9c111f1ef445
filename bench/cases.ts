import type { Contender, Operation } from './contenders/contender.ts'
import { operationsData, rowIdOf, tenantIdOf } from './load.ts'
import type { CaseName } from './plan.ts'

/** For whom a call is made, and of which rows: a sequence that is the same for every contender. */
export class Subjects {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** The next tenant and row, at random. */
  next(): Subject {
    const tenant = this.#below(operationsData.tenants)
    return { tenant, tenantId: tenantIdOf(tenant), row: this.#below(operationsData.rowsPerTenant) }
  }

  /** mulberry32: small, and even enough for this. */
  #below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}

export interface Subject {
  readonly tenant: number
  readonly tenantId: string
  readonly row: number
}

/** What an answer is checked by. */
interface Row {
  readonly id: string
  readonly tenantId: string
}

type Answer = Row | readonly Row[] | null

/**
 * Makes one call.
 *
 * @returns how many rows of the answer are wrong: another tenant's, another row than was asked for, or missing
 */
export type Call = (contender: Contender, subject: Subject) => Promise<number>

/** How many `findUnique` go into one tick. */
const tickSize = 10

// names of new rows must differ, also between contenders, who work in the same tables
let serial = 0

/** The operations that are compared. */
export const cases: Readonly<Record<CaseName, Call>> = {
  async findUnique(contender, subject) {
    const id = rowId(subject)
    return wrongRows(subject, await contender.one(subject.tenantId, findUnique(id)), id)
  },

  async findFirst(contender, subject) {
    const id = rowId(subject)
    const operation: Operation<Answer> = (db) => db.configPackage.findFirst({ where: { id } })
    return wrongRows(subject, await contender.one(subject.tenantId, operation), id)
  },

  async findMany100(contender, subject) {
    const where = contender.says.where ? { tenantId: subject.tenantId } : {}
    const operation: Operation<readonly Row[]> = (db) => db.configPackage.findMany({ where })
    const rows = await contender.one(subject.tenantId, operation)
    return wrongRows(subject, rows) + Math.max(0, operationsData.rowsPerTenant - rows.length)
  },

  async create(contender, subject) {
    const data = { ...ownData(contender, subject), key: `flag-${++serial}`, description: 'A flag' }
    const operation: Operation<Answer> = (db) => db.featureFlag.create({ data })
    return wrongRows(subject, await contender.one(subject.tenantId, operation))
  },

  async update(contender, subject) {
    const id = rowId(subject)
    return wrongRows(subject, await contender.one(subject.tenantId, update(id)), id)
  },

  async transaction3(contender, subject) {
    const id = rowId(subject)
    const data = { ...ownData(contender, subject), action: 'package.update', targets: [{ id }] }
    const answers = await contender.transaction<Answer>(subject.tenantId, [
      (db) => db.configPackage.findFirst({ where: { id } }),
      update(id),
      (db) => db.auditEvent.create({ data }),
    ])
    return answers.reduce(
      (sum, answer, index) => sum + wrongRows(subject, answer, index < 2 ? id : undefined),
      Math.max(0, 3 - answers.length),
    )
  },

  async findUniqueTick(contender, subject) {
    const ids = Array.from({ length: tickSize }, (_, offset) =>
      rowId({ ...subject, row: (subject.row + offset) % operationsData.rowsPerTenant }),
    )
    const answers = await contender.tick(subject.tenantId, ids.map(findUnique))
    return ids.reduce((sum, id, index) => sum + wrongRows(subject, answers[index] ?? null, id), 0)
  },
}

function findUnique(id: string): Operation<Answer> {
  return (db) => db.configPackage.findUnique({ where: { id } })
}

function update(id: string): Operation<Answer> {
  return (db) => db.configPackage.update({ where: { id }, data: { description: `Edit ${++serial}` } })
}

function rowId({ tenant, row }: Subject): string {
  return rowIdOf(tenant, row, operationsData)
}

function ownData({ says }: Contender, { tenantId }: Subject): { readonly tenantId?: string } {
  return says.data ? { tenantId } : {}
}

function wrongRows({ tenantId }: Subject, answer: Answer, id?: string): number {
  if (answer === null) return 1
  const rows = Array.isArray(answer) ? (answer as readonly Row[]) : [answer as Row]
  return rows.filter((row) => row.tenantId !== tenantId || (id !== undefined && row.id !== id)).length
}
