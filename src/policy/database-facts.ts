/** What the plan of an online protection asks of a database: names and definitions, never a row. */

/** An action of a foreign key, as `pg_constraint` abbreviates it. */
type KeyAction = 'a' | 'r' | 'c' | 'n' | 'd'

interface IndexFacts {
  readonly name: string
  /** Key columns in order; null for an expression. */
  readonly columns: readonly (string | null)[]
  readonly unique: boolean
  /** False for what a `create index concurrently` left behind when it failed. */
  readonly valid: boolean
  readonly partial: boolean
  /** False for a deferrable constraint's index, which no foreign key may refer to. */
  readonly immediate: boolean
}

export interface ForeignKeyFacts {
  readonly name: string
  readonly columns: readonly string[]
  readonly schema: string
  readonly table: string
  readonly references: readonly string[]
  readonly onDelete: KeyAction
  readonly onUpdate: KeyAction
  readonly valid: boolean
  readonly deferrable: boolean
  readonly deferred: boolean
}

interface PolicyFacts {
  readonly name: string
  readonly permissive: boolean
  /** As in {@link Policy}. */
  readonly command: string
  /** Empty for `public`. */
  readonly roles: readonly string[]
}

/** A privilege that a role was granted on a table by name, in lower case. */
interface GrantFacts {
  readonly role: string
  readonly privilege: string
}

export interface TableFacts {
  readonly schema: string
  readonly table: string
  /** `other` is a view or anything else that no policy can hold. */
  readonly kind: 'table' | 'partitioned' | 'other'
  readonly owner: string
  /** The owner is a superuser or has BYPASSRLS, so that FORCE does not bind it. */
  readonly ownerBypasses: boolean
  readonly rowSecurity: boolean
  readonly forced: boolean
  readonly notNull: readonly string[]
  readonly indexes: readonly IndexFacts[]
  readonly foreignKeys: readonly ForeignKeyFacts[]
  readonly policies: readonly PolicyFacts[]
  readonly grants: readonly GrantFacts[]
}

/** The tables of a manifest, and what their protection stands on. */
export interface DatabaseFacts {
  readonly tables: readonly TableFacts[]
  /** Whoever runs the steps is a superuser or has BYPASSRLS. Otherwise they run as the owner of each table. */
  readonly seesAll: boolean
  /** Which schema each role may use, and which functions of the context it may execute. */
  readonly usable: readonly { readonly role: string; readonly object: string }[]
  /** Names of relations in the schemas of the manifest, as `schema.name`: a new index needs a free one. */
  readonly relations: readonly string[]
}

/** The table's facts, or `undefined` where the database has no such table. */
export function factsOf(facts: DatabaseFacts, schema: string, table: string): TableFacts | undefined {
  return facts.tables.find((one) => one.schema === schema && one.table === table)
}
