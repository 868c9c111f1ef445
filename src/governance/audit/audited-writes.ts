import type { TenantContext } from '../../context/tenant-context.ts'
import { type Args, isArgs } from '../../extension/scoping.ts'
import type { ObservedSchema, ObservedWrite, WriteObserver } from '../../extension/write-observer.ts'
import { delegateName, keyOf, type ModelManifest, tenantFieldOf } from '../../manifest/manifest.ts'
import { type AuditedValues, digestOf, type RecordedFields, type RowChange } from './audited-values.ts'
import { reaches, type WrittenRelations, writtenRelations } from './written-relations.ts'

/** A write of a tenant client, as it is recorded. */
export interface DataEvent {
  /** `data.<Model>.<operation>` */
  readonly action: string
  readonly actorId: string | null
  /** The rows that the operation is of; `{ type, count }` where they are too many. */
  readonly targets: readonly Readonly<Record<string, unknown>>[]
  readonly context: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, unknown>>
}

export interface AuditedWritesOptions {
  readonly models: ReadonlySet<string>
  readonly values: AuditedValues
  readonly maxRows: number
  readonly maxBytes: number
  readonly contextOf: (context: TenantContext) => Readonly<Record<string, string>>
  readonly record: (client: object, events: readonly DataEvent[]) => Promise<unknown>
}

type Delegate = Readonly<Record<string, (args: object) => Promise<unknown>>>
type Row = Readonly<Record<string, unknown>>

/** What is known of the rows of an operation of many. */
interface Affected {
  readonly count: number
  /** None where they are more than are recorded one by one. */
  readonly changes?: readonly RowChange[]
  readonly keys?: readonly Row[]
}

/** Records writes with what the rows were before and after. Each operation has one event. */
export class AuditedWrites implements WriteObserver {
  readonly #schema: ObservedSchema
  readonly #options: AuditedWritesOptions

  constructor(schema: ObservedSchema, options: AuditedWritesOptions) {
    this.#schema = schema
    this.#options = options
  }

  readonly #isAudited = (model: string): boolean => this.#options.models.has(model)

  observes(model: string, _operation: string, args: unknown): boolean {
    return (
      this.#isAudited(model) || reaches(writtenRelations(this.#schema.manifest, model, args), this.#isAudited)
    )
  }

  async finish(notes: readonly unknown[], client: object): Promise<void> {
    await this.#options.record(client, notes as readonly DataEvent[])
  }

  async around(write: ObservedWrite): Promise<unknown> {
    const model = this.#schema.manifest.models[write.model]
    if (!model) return write.run(write.args)
    const work = new AuditedWrite(write, model, this.#schema, this.#options)
    switch (write.operation) {
      case 'createMany':
        return work.createMany()
      case 'createManyAndReturn':
        return work.createManyAndReturn()
      case 'updateMany':
      case 'updateManyAndReturn':
        return work.updateMany()
      case 'deleteMany':
        return work.deleteMany()
      default:
        return work.writeOne()
    }
  }
}

/** One write, from what was before it to its event. */
class AuditedWrite {
  readonly #write: ObservedWrite
  readonly #args: Args
  readonly #schema: ObservedSchema
  readonly #options: AuditedWritesOptions
  readonly #key: readonly string[]

  constructor(
    write: ObservedWrite,
    model: ModelManifest,
    schema: ObservedSchema,
    options: AuditedWritesOptions,
  ) {
    this.#write = write
    this.#args = isArgs(write.args) ? write.args : {}
    this.#schema = schema
    this.#options = options
    this.#key = keyOf(model)
  }

  /** create, update, upsert and delete, with what is nested in them */
  async writeOne(): Promise<unknown> {
    const { operation, model } = this.#write
    const relations = writtenRelations(this.#schema.manifest, model, this.#args)
    const select = this.#selectOf(model, relations)
    const before = operation === 'create' ? undefined : await this.#lockOne(select)
    let result: unknown
    let after: Row | undefined
    if (operation === 'delete') result = await this.#write.run(this.#args)
    else {
      const [row, answer] = await this.#runWithColumns()
      result = answer
      // what the write returns of the row, unless rows of relations are to be compared too
      after = relations.size === 0 ? row : await this.#find(this.#keyIn(row), select)
    }
    const key = this.#keyIn(after ?? before ?? {})
    const change = this.#change(model, key, before, after)
    const nested: Nested = { changes: [], incomplete: [] }
    this.#compare(relations, before ? [before] : [], after ? [after] : [], '', nested)
    this.#note([{ type: model, id: change.id }], {
      ...(this.#options.models.has(model) ? { before: change.before, after: change.after } : {}),
      ...(nested.changes.length > 0 ? { nested: nested.changes } : {}),
      ...(nested.incomplete.length > 0 ? { incomplete: nested.incomplete } : {}),
    })
    return result
  }

  async createMany(): Promise<unknown> {
    const keys = (await this.#delegate().createManyAndReturn?.({
      ...this.#args,
      select: this.#selectedKey(),
    })) as readonly Row[]
    this.#write.sent()
    await this.#noteCreated(keys)
    return { count: keys.length }
  }

  async createManyAndReturn(): Promise<unknown> {
    const [rows, strip] = await this.#runAllWithKey()
    await this.#noteCreated(rows.map((row) => this.#keyIn(row)))
    return strip
  }

  async updateMany(): Promise<unknown> {
    const { operation } = this.#write
    const keys = await this.#findKeys()
    if (keys.length > this.#options.maxRows) {
      const args = { ...this.#args, select: this.#selectedKey() }
      if (operation === 'updateManyAndReturn') {
        const [rows, result] = await this.#runAllWithKey()
        this.#noteMany({ count: rows.length, keys: rows.map((row) => this.#keyIn(row)) })
        return result
      }
      const rows = (await this.#delegate().updateManyAndReturn?.(args)) as readonly Row[]
      this.#write.sent()
      this.#noteMany({ count: rows.length, keys: rows })
      return { count: rows.length }
    }
    const before = await this.#lockMany(keys)
    const where = this.#only(before)
    const [count, result] = await this.#runMany({ ...this.#args, where })
    const data = isArgs(this.#args['data']) ? this.#args['data'] : {}
    const moved = (row: Row): Row => ({ ...this.#keyIn(row), ...this.#assignedKey(data) })
    const after = await this.#readMany(before.map(moved))
    const changes = before.map((row) => {
      const key = moved(row)
      return this.#change(this.#write.model, key, row, after.get(textOfKey(key)))
    })
    this.#noteMany({ count, changes })
    return result
  }

  async deleteMany(): Promise<unknown> {
    const keys = await this.#findKeys()
    if (keys.length > this.#options.maxRows) {
      const all =
        this.#args['limit'] === undefined
          ? ((await this.#delegate().findMany?.({
              where: this.#where(),
              select: this.#selectedKey(),
              orderBy: this.#key.map((field) => ({ [field]: 'asc' })),
            })) as readonly Row[])
          : undefined
      const [count, result] = await this.#runMany(this.#args)
      this.#noteMany({ count, ...(all ? { keys: all } : {}) })
      return result
    }
    const before = await this.#lockMany(keys)
    const [count, result] = await this.#runMany({ ...this.#args, where: this.#only(before) })
    const changes = before.map((row) => this.#change(this.#write.model, this.#keyIn(row), row, undefined))
    this.#noteMany({ count, changes })
    return result
  }

  #delegate(): Delegate {
    return Reflect.get(this.#write.client, delegateName(this.#write.model)) as Delegate
  }

  #where(): Args {
    return isArgs(this.#args['where']) ? this.#args['where'] : {}
  }

  #keyIn(row: Row): Row {
    return Object.fromEntries(this.#key.map((field) => [field, row[field]]))
  }

  #selectedKey(): Row {
    return Object.fromEntries(this.#key.map((field) => [field, true]))
  }

  /** What an update of many assigns to the key's own fields. */
  #assignedKey(data: Args): Row {
    return Object.fromEntries(
      this.#key.flatMap((field) => {
        const given = data[field]
        const value = isArgs(given) && 'set' in given ? given['set'] : given
        return value === undefined ? [] : [[field, value]]
      }),
    )
  }

  /** One more than are recorded, to know that they are more. */
  async #findKeys(): Promise<readonly Row[]> {
    const { limit } = this.#args
    const most = this.#options.maxRows + 1
    return (await this.#delegate().findMany?.({
      where: this.#where(),
      select: this.#selectedKey(),
      orderBy: this.#key.map((field) => ({ [field]: 'asc' })),
      take: typeof limit === 'number' ? Math.min(limit, most) : most,
    })) as readonly Row[]
  }

  /** The row of an operation on one, which nobody changes from now on. */
  async #lockOne(select: Args): Promise<Row | undefined> {
    const given = this.#givenKey()
    const found = given ?? (await this.#findUnique(this.#selectedKey()))
    if (!found) return undefined
    await this.#write.lock(this.#write.model, [found])
    // the filters beside a key that was given have not been asked yet
    return given ? this.#findUnique(select) : this.#find(found, select)
  }

  /** The key where the caller has named the row by it, and the lock can tell whose the row is. */
  #givenKey(): Row | undefined {
    const where = this.#where()
    const model = this.#schema.manifest.models[this.#write.model]
    if (!model || tenantFieldOf(model) === undefined) return undefined
    const isGiven = this.#key.every((field) => ['string', 'number', 'bigint'].includes(typeof where[field]))
    return isGiven ? this.#keyIn(where) : undefined
  }

  async #findUnique(select: Args): Promise<Row | undefined> {
    const row = await this.#delegate().findUnique?.({ where: this.#where(), select })
    return (row ?? undefined) as Row | undefined
  }

  async #find(key: Row, select: Args): Promise<Row | undefined> {
    const row = await this.#delegate().findFirst?.({ where: key, select })
    return (row ?? undefined) as Row | undefined
  }

  async #lockMany(keys: readonly Row[]): Promise<readonly Row[]> {
    await this.#write.lock(this.#write.model, keys)
    return [...(await this.#readMany(keys)).values()]
  }

  async #readMany(keys: readonly Row[]): Promise<ReadonlyMap<string, Row>> {
    if (keys.length === 0) return new Map()
    const select = this.#selectOf(this.#write.model, new Map())
    const rows = (await this.#delegate().findMany?.({ where: this.#among(keys), select })) as readonly Row[]
    return new Map(rows.map((row) => [textOfKey(this.#keyIn(row)), row]))
  }

  #among(keys: readonly Row[]): Args {
    const [field] = this.#key
    if (this.#key.length === 1 && field !== undefined)
      return { [field]: { in: keys.map((key) => key[field]) } }
    return { OR: keys.map((key) => this.#keyIn(key)) }
  }

  /** What came to match since the rows were read and locked is not written: nobody knows what it was before. */
  #only(rows: readonly Row[]): Args {
    return { AND: [this.#where(), this.#among(rows)] }
  }

  async #runMany(args: Args): Promise<readonly [count: number, result: unknown]> {
    if (this.#write.operation === 'updateManyAndReturn') {
      const result = (await this.#write.run(args)) as readonly unknown[]
      return [result.length, result]
    }
    const result = (await this.#write.run(args)) as { readonly count: number }
    return [result.count, result]
  }

  /** Runs the write so that the answer has all columns, and gives it to the caller as it was asked for. */
  async #runWithColumns(): Promise<readonly [row: Row, answer: unknown]> {
    const [args, added] = this.#showing(this.#columns(this.#write.model))
    const row = (await this.#write.run(args)) as Row
    return [row, without(row, added)]
  }

  async #runAllWithKey(): Promise<readonly [rows: readonly Row[], answer: unknown]> {
    const [args, added] = this.#showing(this.#key)
    const rows = (await this.#write.run(args)) as readonly Row[]
    return [rows, rows.map((row) => without(row, added))]
  }

  /** The arguments with fields in the answer that the caller has not asked for, and which ones those are. */
  #showing(fields: readonly string[]): readonly [args: Args, added: readonly string[]] {
    const { select, omit } = this.#args
    if (isArgs(select)) {
      const added = fields.filter((field) => select[field] !== true)
      return [{ ...this.#args, select: { ...select, ...shown(added, true) } }, added]
    }
    const own = isArgs(omit) ? omit : {}
    const everywhere = this.#schema.globalOmit[delegateName(this.#write.model)] ?? {}
    const added = fields.filter((field) => own[field] ?? everywhere[field])
    if (added.length === 0) return [this.#args, added]
    return [{ ...this.#args, omit: { ...own, ...shown(added, false) } }, added]
  }

  #columns(name: string): readonly string[] {
    return Object.keys(this.#schema.manifest.models[name]?.columns ?? {})
  }

  /** All columns, and those of the rows that a nested write goes along to, as far as these are recorded. */
  #selectOf(name: string, relations: WrittenRelations): Args {
    const columns = this.#columns(name)
    const further = [...relations].flatMap(([field, { model, list, relations: beyond }]) => {
      if (!this.#options.models.has(model) && !reaches(beyond, (other) => this.#options.models.has(other)))
        return []
      const select = this.#selectOf(model, beyond)
      return [[field, { select, ...(list ? { take: this.#options.maxRows + 1 } : {}) }] as const]
    })
    return Object.fromEntries([...columns.map((column) => [column, true] as const), ...further])
  }

  #change(
    name: string,
    key: Row,
    before: RecordedFields | undefined,
    after: RecordedFields | undefined,
  ): RowChange {
    const { values } = this.#options
    const tenantId = String(this.#write.context.tenantId)
    const fields = this.#columns(name)
    return {
      type: name,
      id: values.idOf(tenantId, name, key),
      ...values.changeOf(tenantId, name, fields, before, after),
    }
  }

  /** What has changed in the rows of relations: those that a relation has gained or lost are given whole. */
  #compare(
    relations: WrittenRelations,
    before: readonly Row[],
    after: readonly Row[],
    path: string,
    found: Nested,
  ): void {
    for (const [field, { model, relations: further }] of relations) {
      const manifest = this.#schema.manifest.models[model]
      if (!manifest) continue
      const at = path === '' ? field : `${path}.${field}`
      const earlier = rowsOf(before, field)
      const later = rowsOf(after, field)
      if (isTooMany([before, after], field, this.#options.maxRows)) {
        found.incomplete.push(at)
        continue
      }
      const keyFields = keyOf(manifest)
      const byKey = (rows: readonly Row[]) =>
        new Map(rows.map((row) => [textOfKey(pick(row, keyFields)), row] as const))
      const [was, is] = [byKey(earlier), byKey(later)]
      if (this.#options.models.has(model)) {
        for (const text of new Set([...was.keys(), ...is.keys()])) {
          const [old, now] = [was.get(text), is.get(text)]
          const change = this.#change(model, pick(now ?? old ?? {}, keyFields), old, now)
          const isSame = old && now && Object.keys(change.after ?? {}).length === 0
          if (!isSame) found.changes.push({ relation: at, ...change })
        }
      }
      this.#compare(further, [...was.values()], [...is.values()], at, found)
    }
  }

  async #noteCreated(keys: readonly Row[]): Promise<void> {
    if (keys.length > this.#options.maxRows) return this.#noteMany({ count: keys.length, keys })
    const rows = await this.#readMany(keys)
    const changes = keys.map((key) =>
      this.#change(this.#write.model, this.#keyIn(key), undefined, rows.get(textOfKey(this.#keyIn(key)))),
    )
    this.#noteMany({ count: keys.length, changes })
  }

  #noteMany({ count, changes, keys }: Affected): void {
    // nothing was written
    if (count === 0) return
    const { model, context } = this.#write
    if (changes) {
      this.#note(
        changes.map(({ id }) => ({ type: model, id })),
        { count, rows: changes.map(({ id, before, after }) => ({ id, before, after })) },
      )
      return
    }
    const ids = keys?.map((key) => this.#options.values.idOf(String(context.tenantId), model, key))
    this.#note([{ type: model, count }], {
      count,
      ...(ids ? { digest: digestOf(ids), digestOf: 'ids' } : {}),
    })
  }

  #note(
    targets: readonly Readonly<Record<string, unknown>>[],
    metadata: Readonly<Record<string, unknown>>,
  ): void {
    const { model, operation, context } = this.#write
    const isLarge = bytesOf(metadata) > this.#options.maxBytes || bytesOf(targets) > largestTargets
    const count = typeof metadata['count'] === 'number' ? metadata['count'] : 1
    const event: DataEvent = {
      action: `data.${model}.${operation}`,
      actorId: context.userId === undefined ? null : String(context.userId),
      targets: isLarge && targets.length > 1 ? [{ type: model, count }] : targets,
      context: this.#options.contextOf(context),
      metadata: isLarge ? { count, digest: digestOf(metadata), digestOf: 'changes' } : metadata,
    }
    this.#write.note(event)
  }
}

/** In bytes of JSON; the database takes twice as much, and writes JSON a little longer. */
const largestTargets = 8_192

interface Nested {
  readonly changes: (RowChange & { readonly relation: string })[]
  /** Relations with more rows than are compared. */
  readonly incomplete: string[]
}

function rowsOf(parents: readonly Row[], field: string): readonly Row[] {
  return parents.flatMap((parent) => {
    const value = parent[field]
    if (Array.isArray(value)) return value as Row[]
    return isArgs(value) ? [value] : []
  })
}

function isTooMany(sides: readonly (readonly Row[])[], field: string, most: number): boolean {
  return sides.some((parents) =>
    parents.some((parent) => Array.isArray(parent[field]) && parent[field].length > most),
  )
}

function pick(row: Row, fields: readonly string[]): Row {
  return Object.fromEntries(fields.map((field) => [field, row[field]]))
}

function without(row: Row, fields: readonly string[]): Row {
  if (fields.length === 0) return row
  return Object.fromEntries(Object.entries(row).filter(([field]) => !fields.includes(field)))
}

function shown(fields: readonly string[], value: boolean): Row {
  return Object.fromEntries(fields.map((field) => [field, value]))
}

function textOfKey(key: Row): string {
  return JSON.stringify(Object.values(key).map(String))
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value))
}
