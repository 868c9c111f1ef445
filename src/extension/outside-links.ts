import { delegateName, type RelationManifest, tenantFieldOf } from '../manifest/manifest.ts'
import type { Ask } from './questions.ts'
import { tenantFilter } from './scope-where.ts'
import { type Args, isArgs, isOwnTenant, modelOf, nameOfKey, type Scoping } from './scoping.ts'

/**
 * A required relation that is read along with the rows of an operation and whose row could be another tenant's. In
 * Prisma it takes no filter, so what tells whose the row is is read with it.
 */
export interface OutsideLink {
  /** The relations from the operation's rows to the row, its own the last. */
  readonly path: readonly string[]
  /** The model of the row. */
  readonly model: string
  /** The fields that say whose the row is: its tenant field, or else its key, by which it is looked up. */
  readonly fields: readonly string[]
  /** Those of the fields that the caller has not asked for. */
  readonly added: readonly string[]
}

/** The fields of the row that a relation leads to that say whose it is, or by which that can be asked. */
export function witnessFields(
  scoping: Scoping,
  { model: name, references }: RelationManifest,
): readonly string[] {
  const model = modelOf(scoping, name)
  const field = tenantFieldOf(model)
  if (field !== undefined) return [field]
  return model.primaryKey.length > 0 ? model.primaryKey : references
}

/**
 * Has the arguments of a relation read some fields more.
 *
 * @param args what the caller wrote for the relation: `true` or an object
 * @returns the arguments, and which fields they lacked
 */
export function withFields(
  { globalOmit }: Scoping,
  modelName: string,
  args: unknown,
  fields: readonly string[],
): { readonly args: unknown; readonly added: readonly string[] } {
  const own = isArgs(args) ? args : {}
  const { select, omit } = own
  if (isArgs(select)) {
    // of a selection without a field Prisma says that it is one
    if (!Object.values(select).some((chosen) => chosen !== undefined && chosen !== false)) {
      return { args, added: [] }
    }
    const lacking = fields.filter((field) => select[field] !== true)
    if (lacking.length === 0) return { args, added: [] }
    return {
      args: { ...own, select: { ...select, ...valueOfEach(lacking, true) } },
      added: lacking,
    }
  }
  const everywhere = globalOmit?.[delegateName(modelName)] ?? {}
  const omitted = isArgs(omit) ? omit : {}
  const lacking = fields.filter((field) => (omitted[field] ?? everywhere[field]) === true)
  return lacking.length === 0
    ? { args, added: [] }
    : { args: { ...own, omit: { ...omitted, ...valueOfEach(lacking, false) } }, added: lacking }
}

/**
 * Takes out of a result what required relations have read of other tenants' rows: such a link counts as absent. Takes
 * out, too, what was read for that alone.
 *
 * @param result rows as Prisma gave them, which are changed; or one row, or none
 */
export async function trimOutsideLinks(
  scoping: Scoping,
  links: readonly OutsideLink[],
  result: unknown,
  ask: Ask,
): Promise<void> {
  const ends = links.map((link) => ({ link, parents: parentsOf(result, link.path) }))
  const own = await ownKeys(scoping, ends, ask)
  for (const { link, parents } of ends) {
    const name = link.path.at(-1) ?? ''
    for (const parent of parents) {
      const row = parent[name]
      if (!isRow(row)) continue
      if (!isOwn(scoping, link, row, own)) parent[name] = null
      else for (const field of link.added) delete row[field]
    }
  }
}

type Row = Record<string, unknown>

interface LinkEnds {
  readonly link: OutsideLink
  readonly parents: readonly Row[]
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null
}

/** The rows that have the last relation of a path. */
function parentsOf(result: unknown, path: readonly string[]): readonly Row[] {
  const rowsOf = (value: unknown): readonly Row[] =>
    Array.isArray(value) ? value.filter(isRow) : isRow(value) ? [value] : []
  return path.slice(0, -1).reduce((rows, name) => rows.flatMap((row) => rowsOf(row[name])), rowsOf(result))
}

/** Which of the rows without a tenant field are the tenant's, by model and key. */
async function ownKeys(
  scoping: Scoping,
  ends: readonly LinkEnds[],
  ask: Ask,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const wanted = new Map<string, { readonly fields: readonly string[]; readonly rows: Map<string, Row> }>()
  for (const { link, parents } of ends) {
    if (tenantFieldOf(modelOf(scoping, link.model)) !== undefined) continue
    const known = wanted.get(link.model) ?? { fields: link.fields, rows: new Map<string, Row>() }
    for (const parent of parents) {
      const row = parent[link.path.at(-1) ?? '']
      if (isRow(row)) known.rows.set(nameOf(row, link.fields), row)
    }
    if (known.rows.size > 0) wanted.set(link.model, known)
  }
  const found = await Promise.all(
    [...wanted].map(async ([model, { fields, rows }]) => {
      const [field = ''] = fields
      const keys = [...rows.values()]
      const named =
        fields.length === 1
          ? { [field]: { in: keys.map((row) => row[field]) } }
          : { OR: keys.map((row) => Object.fromEntries(fields.map((name) => [name, row[name]]))) }
      const own = await ask(model, {
        where: { AND: [named, tenantFilter(scoping, model, 'read') ?? {}] },
        select: valueOfEach(fields, true),
      })
      return [model, new Set(own.map((row) => nameOf(row, fields)))] as const
    }),
  )
  return new Map(found)
}

function isOwn(
  scoping: Scoping,
  { model, fields }: OutsideLink,
  row: Row,
  own: ReadonlyMap<string, ReadonlySet<string>>,
): boolean {
  const { scope } = modelOf(scoping, model)
  if (!('field' in scope)) return own.get(model)?.has(nameOf(row, fields)) ?? false
  const owner = row[scope.field]
  return isOwnTenant(scoping, owner) || (scope.kind === 'shared' && owner === null)
}

function nameOf(row: Args, fields: readonly string[]): string {
  return nameOfKey(fields.map((field) => row[field]))
}

function valueOfEach(fields: readonly string[], value: boolean): Args {
  return Object.fromEntries(fields.map((field) => [field, value]))
}
