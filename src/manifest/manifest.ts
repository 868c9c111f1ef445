/**
 * The manifest: what both hulls know of a schema. The generator writes it during `prisma generate`
 * (`generator.ts`); hull one rewrites arguments by it, hull two's policies are printed from it. Plain data,
 * so that it can be read by anything and compared by eye.
 */
import type { TenantIdType } from '../context/tenant-id.ts'

/** Which rows of a model are a tenant's. */
export type Scope =
  /** The tenant model: the one row whose key is the tenant's id. */
  | { readonly kind: 'root'; readonly field: string }
  /** Rows whose tenant field is the tenant. Where that is nullable, rows without a tenant are nobody's. */
  | { readonly kind: 'direct'; readonly field: string; readonly nullable?: true }
  /** As direct; rows without a tenant are read by all and written by no tenant. */
  | { readonly kind: 'shared'; readonly field: string }
  /** Rows whose required parent is the tenant's. */
  | { readonly kind: 'through'; readonly relation: string }
  /** Rows without a tenant, seen through a membership; written by no tenant. */
  | { readonly kind: 'member'; readonly relation: string }
  /** Rows that all tenants read and none writes. */
  | { readonly kind: 'global' }
  /** Rows that no tenant sees: neither a grant nor a policy is for tenants, and hull one refuses the model. */
  | { readonly kind: 'system' }

export type { TenantIdType }

/** What the schema has and Prisma's client does not: no model of the manifest stands for it, or no field. */
export interface HiddenElement {
  readonly kind: 'ignoredModel' | 'ignoredField' | 'unsupportedField'
  readonly model: string
  readonly schema: string
  readonly table: string
  /** The column, where it is a field. */
  readonly column?: string
}

/** What a role may be granted that row-level security holds, in PostgreSQL's words and order. */
export type Command = 'select' | 'insert' | 'update' | 'delete'

export const everyCommand: readonly Command[] = ['select', 'insert', 'update', 'delete']

export interface RelationManifest {
  /** The model at the other end. */
  readonly model: string
  readonly list: boolean
  readonly required: boolean
  /** This model's foreign key fields; empty where the other end holds the key. */
  readonly fields: readonly string[]
  /** The fields they refer to, in the same order. */
  readonly references: readonly string[]
  /** The relation's field at the other end. */
  readonly inverse: string
}

export interface ModelManifest {
  /** PostgreSQL schema of the table. */
  readonly schema: string
  readonly table: string
  /** It is a view: no policy can hold it, and it asks its tables as whoever queries it. */
  readonly isView: boolean
  readonly scope: Scope
  /** Tenants read the model and never write it, whatever rows they see. */
  readonly readOnly: boolean
  /** What tenants may do with the rows that are theirs: what the application's role is granted, and has policies for. */
  readonly commands: readonly Command[]
  /** Rows are written once: nobody updates or deletes them, the role that works across tenants included. */
  readonly appendOnly: boolean
  /** Column of each scalar field. */
  readonly columns: Readonly<Record<string, string>>
  /** Scalar fields of the type Json. */
  readonly jsonFields: readonly string[]
  readonly primaryKey: readonly string[]
  /** Fields that are unique, or the id, by themselves. */
  readonly uniqueFields: readonly string[]
  /** Fields of each compound unique or id, by the name that Prisma's `where` uses. */
  readonly compoundUniques: Readonly<Record<string, readonly string[]>>
  readonly relations: Readonly<Record<string, RelationManifest>>
  /** Fields that could name a tenant, and of which the schema says by `@tenancy.not` that they do not tell whose a row is. */
  readonly disowned?: readonly string[]
}

/** The table of an implicit many-to-many relation. */
export interface JoinTableManifest {
  readonly schema: string
  readonly table: string
  /** The models that its columns `A` and `B` refer to. */
  readonly a: string
  readonly b: string
}

export interface Manifest {
  /** Version of this format. */
  readonly version: 1
  readonly tenantModel: string
  readonly tenantIdType: TenantIdType
  readonly models: Readonly<Record<string, ModelManifest>>
  readonly joinTables: readonly JoinTableManifest[]
  /** In the order of the schema. */
  readonly hidden: readonly HiddenElement[]
}

/** The field of a model that holds the tenant's id, or `undefined` where the scope has none. */
export function tenantFieldOf(model: ModelManifest): string | undefined {
  return 'field' in model.scope ? model.scope.field : undefined
}

/**
 * The fields that tell a row of a model from the others: its primary key, or else a unique one. A view may have
 * neither; then any field.
 */
export function keyOf({
  primaryKey,
  uniqueFields,
  compoundUniques,
  columns,
}: ModelManifest): readonly string[] {
  if (primaryKey.length > 0) return primaryKey
  const [field] = uniqueFields
  if (field !== undefined) return [field]
  const [compound] = Object.values(compoundUniques)
  return compound ?? Object.keys(columns).slice(0, 1)
}

/**
 * Whether every row of a model has a tenant in its tenant field. A manifest that doesn't say it of a field shows it by
 * the relation to the tenant: one that may be absent has a field that may be null.
 */
export function hasTenantAlways({ scope, relations }: ModelManifest): boolean {
  if (scope.kind === 'root') return true
  if (scope.kind !== 'direct' || scope.nullable) return false
  return !Object.values(relations).some(
    ({ required, fields }) => !required && fields.length === 1 && fields[0] === scope.field,
  )
}

/**
 * Whether a relation cannot leave the tenant, by its key alone: from a row of the tenant it reaches rows of
 * the same tenant or none. True where
 * - the foreign key carries the tenant, so both ends agree on it (a row without a tenant, as a `shared`
 *   model has, joins with nothing: null equals nothing);
 * - it is the relation that gives a `through` model its scope, or the other end of it;
 * - it is either end of the membership that shows a `member` model;
 * - the other end is global.
 */
export function staysInside(manifest: Manifest, modelName: string, relationName: string): boolean {
  const model = manifest.models[modelName]
  const relation = model?.relations[relationName]
  const other = relation && manifest.models[relation.model]
  if (!model || !relation || !other) return false
  if (other.scope.kind === 'global') return true
  if (other.scope.kind === 'system') return false

  const through = (child: ModelManifest, field: string) =>
    child.scope.kind === 'through' && child.scope.relation === field
  if (through(model, relationName) || through(other, relation.inverse)) return true

  // a member is seen because of its membership, so the membership's own link leads to a visible row; the
  // member's list of memberships, on the other hand, spans all tenants
  if (other.scope.kind === 'member' && other.scope.relation === relation.inverse) return true

  return relation.fields.length > 0
    ? carriesTenant(manifest, model, relationName)
    : carriesTenant(manifest, other, relation.inverse)
}

/** Whether a relation's foreign key, held by `holder`, pairs its tenant field with the other model's. */
export function carriesTenant(manifest: Manifest, holder: ModelManifest, relationName: string): boolean {
  const relation = holder.relations[relationName]
  const target = relation && manifest.models[relation.model]
  const own = tenantFieldOf(holder)
  if (!target || own === undefined) return false
  const theirs = tenantFieldOf(target)
  return relation.fields.some((field, index) => field === own && relation.references[index] === theirs)
}

/** The name of a model's delegate: Prisma names it after the model, with a small first letter. */
export function delegateName(model: string): string {
  return model.charAt(0).toLowerCase() + model.slice(1)
}
