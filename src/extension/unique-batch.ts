import { runInWireScope, type TenantScope } from '../context/wire-scope.ts'
import { delegateName, type ModelManifest } from '../manifest/manifest.ts'
import { type Args, isArgs } from './scoping.ts'

/** What Prisma carries beside the arguments of an operation, as far as it is read here. */
export interface InternalParams {
  /** Which part of the result the caller gets: `db.user.findUnique(…).posts()` has a path. */
  readonly dataPath?: readonly string[]
  /** What the caller called, as `configPackage.findMany`. */
  readonly clientMethod?: string
  readonly transaction?: { readonly id?: unknown }
}

/** A client's own `omit`, by the names of the delegates. */
export type GlobalOmit = Readonly<Record<string, Readonly<Record<string, boolean>>>>

/** A unique look-up, and how to make it alone and together with others. */
export interface UniqueLookup {
  readonly scope: TenantScope
  readonly model: ModelManifest
  readonly modelName: string
  /** The caller's arguments, before hull one has scoped them. */
  readonly args: unknown
  /** A row that is not there is an error. */
  readonly orThrow: boolean
  readonly internal: InternalParams
  readonly findAlone: () => PromiseLike<unknown>
  readonly findMany: (args: Args) => PromiseLike<unknown>
}

/** The key of a look-up: a unique field or the fields of a compound one, and their values. */
interface Key {
  readonly fields: readonly string[]
  readonly values: readonly (string | number | bigint)[]
}

interface Member {
  readonly lookup: UniqueLookup
  readonly key: Key
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

// PostgreSQL takes 65,535 parameters, and a compound key has several
const mostInBatch = 5_000

type Row = Readonly<Record<string, unknown>>

/**
 * Makes one statement of the `findUnique` calls of one tick that are of one tenant and ask for the same, as
 * Prisma does. Prisma's own batching is not used, for it asks nobody whose the calls are: see {@link unbatched}.
 *
 * Invariant: a batch has one tenant, one user, one transaction. Its statement is a `findMany` that hull one has
 * scoped like any other, and it runs in the scope of its members.
 */
export class UniqueBatches {
  readonly #globalOmit: GlobalOmit
  readonly #batches = new Map<string, Member[]>()

  constructor(globalOmit: GlobalOmit = {}) {
    this.#globalOmit = globalOmit
  }

  /** Looks a row up, together with the others of this tick where that is possible. */
  join(lookup: UniqueLookup): PromiseLike<unknown> {
    const key = keyOf(lookup)
    const shape = key && shapeOf(lookup)
    if (!key || shape === undefined) return lookup.findAlone()
    return new Promise((resolve, reject) => {
      const member = { lookup, key, resolve, reject }
      const name = JSON.stringify([...identityOf(lookup), key.fields, shape])
      const batch = this.#batches.get(name)
      if (batch && batch.length < mostInBatch) {
        batch.push(member)
        return
      }
      const members = [member]
      this.#batches.set(name, members)
      process.nextTick(() => {
        if (this.#batches.get(name) === members) this.#batches.delete(name)
        void this.#run(members)
      })
    })
  }

  async #run(members: readonly Member[]): Promise<void> {
    const [first] = members
    if (!first) return
    if (members.length === 1) {
      findAlone(first)
      return
    }
    try {
      const rows = await this.#findTogether(first, members)
      const unclaimed = new Set(rows.keys())
      const missing: Member[] = []
      for (const member of members) {
        const name = nameOf(member.key.values)
        const row = rows.get(name)
        if (!row) missing.push(member)
        else
          member.resolve(follow(unclaimed.delete(name) ? row : clone(row), member.lookup.internal.dataPath))
      }
      // a row that nobody claims has its key in another spelling than it was asked for, and so may one that
      // somebody has claimed
      const doubtful = missing.filter(({ key }) => !key.values.every(hasOneSpelling))
      const isSpelledOtherwise =
        unclaimed.size > 0 ||
        (doubtful.length > 0 && rows.size > 0 && (await this.#findTogether(first, doubtful)).size > 0)
      for (const member of missing) {
        if (isSpelledOtherwise || member.lookup.orThrow) findAlone(member)
        else member.resolve(null)
      }
    } catch (error) {
      const isOnes = isOnesFault(error, first.lookup.scope)
      for (const member of members) {
        if (isOnes) findAlone(member)
        else member.reject(error)
      }
    }
  }

  /** The rows of all members, by the values of their keys. */
  async #findTogether({ lookup, key }: Member, members: readonly Member[]): Promise<Map<string, Row>> {
    const args = isArgs(lookup.args) ? lookup.args : {}
    const { selection, added } = this.#selectKey(lookup, args, key.fields)
    // the tick is whoever's came first, and a batch's scope is its own
    const rows = (await runInWireScope(lookup.scope, () =>
      lookup.findMany({ ...args, ...selection, where: whereOf(key.fields, members) }),
    )) as readonly Row[]
    return new Map(
      rows.map((row) => {
        const name = nameOf(key.fields.map((field) => row[field]))
        return [name, added.length === 0 ? row : without(row, added)]
      }),
    )
  }

  /** Sees to it that a row names its key, and says which fields nobody has asked for. */
  #selectKey(
    { modelName }: UniqueLookup,
    { select, omit }: Args,
    fields: readonly string[],
  ): { readonly selection: Args; readonly added: readonly string[] } {
    if (isArgs(select)) {
      const added = fields.filter((field) => select[field] !== true)
      return { selection: { select: { ...select, ...valueOfEach(added, true) } }, added }
    }
    const own = isArgs(omit) ? omit : {}
    const everywhere = this.#globalOmit[delegateName(modelName)] ?? {}
    const added = fields.filter((field) => (own[field] ?? everywhere[field]) === true)
    return added.length === 0
      ? { selection: {}, added }
      : { selection: { omit: { ...own, ...valueOfEach(added, false) } }, added }
  }
}

/** Codes of Prisma's for a value that the database does not take. */
const refusedValues: ReadonlySet<unknown> = new Set(['P2007', 'P2020', 'P2023'])

/** Whether a single member's arguments may be at fault, and the others can be asked again. */
function isOnesFault(error: unknown, scope: TenantScope): boolean {
  if (!(error instanceof Error)) return false
  // nothing was sent
  if (error.name === 'PrismaClientValidationError') return true
  // within a transaction nothing more can be asked
  return !scope.inTransaction && 'code' in error && refusedValues.has(error.code)
}

function findAlone({ lookup, resolve }: Member): void {
  resolve(runInWireScope(lookup.scope, lookup.findAlone))
}

/** Only a look-up by one key and nothing else can be put together with others. */
function keyOf({ model, args }: UniqueLookup): Key | undefined {
  const where = isArgs(args) ? args['where'] : undefined
  if (!isArgs(where)) return undefined
  const conditions = Object.entries(where).filter(([, value]) => value !== undefined)
  const [[name, value] = ['', undefined], ...others] = conditions
  if (others.length > 0) return undefined
  const compound = Object.hasOwn(model.compoundUniques, name) ? model.compoundUniques[name] : undefined
  const fields = compound ?? (model.uniqueFields.includes(name) ? [name] : undefined)
  if (!fields) return undefined
  const values = compound ? fields.map((field) => (isArgs(value) ? value[field] : undefined)) : [value]
  return values.every(isPlainKey) ? { fields, values } : undefined
}

/** A value that the database gives back as the same text. */
function isPlainKey(value: unknown): value is string | number | bigint {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Whether the database gives a value back as it was written. */
function hasOneSpelling(value: unknown): boolean {
  return typeof value !== 'string' || uuid.test(value)
}

/** What is asked for, beside the key; `undefined` where two questions can't be compared by their text. */
function shapeOf({ args, internal }: UniqueLookup): string | undefined {
  if (!isArgs(args)) return undefined
  const { where: _, ...rest } = args
  return isPlain(rest) ? JSON.stringify([rest, internal.dataPath ?? []]) : undefined
}

function isPlain(value: unknown): boolean {
  if (value === null || value === undefined) return true
  if (Array.isArray(value)) return value.every(isPlain)
  if (typeof value !== 'object') return ['string', 'number', 'boolean'].includes(typeof value)
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && Object.values(value).every(isPlain)
}

/** Whose the look-up is: only look-ups of the same are put together. */
function identityOf({ scope, modelName, internal }: UniqueLookup): readonly unknown[] {
  const { tenantId, userId, statementTimeoutMillis, lockTimeoutMillis } = scope.context
  return [
    tenantId,
    userId,
    statementTimeoutMillis,
    lockTimeoutMillis,
    scope.inTransaction,
    String(internal.transaction?.id),
    modelName,
  ]
}

function whereOf(fields: readonly string[], members: readonly Member[]): Args {
  const keys = new Map(members.map(({ key }) => [nameOf(key.values), key.values]))
  const [field = ''] = fields
  if (fields.length === 1) return { [field]: { in: [...keys.values()].map(([value]) => value) } }
  return {
    OR: [...keys.values()].map((values) =>
      Object.fromEntries(fields.map((name, index) => [name, values[index]])),
    ),
  }
}

function nameOf(values: readonly unknown[]): string {
  return JSON.stringify(values.map(String))
}

function valueOfEach(fields: readonly string[], value: boolean): Args {
  return Object.fromEntries(fields.map((field) => [field, value]))
}

function without(row: Row, fields: readonly string[]): Row {
  return Object.fromEntries(Object.entries(row).filter(([field]) => !fields.includes(field)))
}

/** The part of a row that the caller gets; Prisma's paths name the relations, each behind `select` or `include`. */
export function follow(row: unknown, dataPath: readonly string[] = []): unknown {
  let part = row
  for (const relation of dataPath.filter((_, index) => index % 2 === 1)) {
    if (typeof part !== 'object' || part === null) return part
    part = (part as Row)[relation]
  }
  return part
}

/** A row for each caller: what one does to its row is no other's affair. */
function clone(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(clone)
  if (value instanceof Date) return new Date(value)
  if (ArrayBuffer.isView(value)) return structuredClone(value)
  // a Decimal never changes
  if (Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, clone(part)]))
}
