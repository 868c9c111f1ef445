/** What the comparison of a manifest with a database asks of it: names and definitions, never a row. */
import type { ColumnCast } from './change-of-policy.ts'

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

export interface PolicyFacts {
  readonly name: string
  readonly permissive: boolean
  /** As in {@link Policy}. */
  readonly command: string
  /** `public` is everybody. */
  readonly roles: readonly string[]
  /** As `pg_get_expr` prints it with an empty search_path. */
  readonly using: string | null
  readonly check: string | null
}

/** A privilege that a role was granted by name, in lower case; what the owner of the object has is none. */
export interface GrantFacts {
  /** `public` is everybody. */
  readonly role: string
  readonly privilege: string
  /** The column, where it was granted on one. */
  readonly column?: string | null
  /** The role may pass it on. */
  readonly grantable: boolean
}

/** A sequence that numbers a column. */
export interface SequenceFacts {
  readonly schema: string
  readonly name: string
  readonly owner: string
  /** Of an identity column, or of a serial one: it goes where its table goes. */
  readonly ownedByTable: boolean
  /** Of an identity column: whoever inserts needs no privilege on it. */
  readonly identity: boolean
  readonly grants: readonly GrantFacts[]
}

/** What row-level security and grants make of a table. */
interface ProtectionFacts {
  readonly schema: string
  readonly table: string
  /** `other` is what no policy can hold: a materialized view, a foreign table. */
  readonly kind: 'table' | 'partitioned' | 'view' | 'other'
  readonly owner: string
  readonly rowSecurity: boolean
  readonly forced: boolean
  /** Of a view: it asks its tables as whoever queries it. */
  readonly securityInvoker: boolean
  readonly policies: readonly PolicyFacts[]
  /** The columns that PostgreSQL casts by itself in these policies. */
  readonly casts: readonly ColumnCast[]
  readonly grants: readonly GrantFacts[]
  readonly sequences: readonly SequenceFacts[]
}

/** A column, with its type as `format_type` prints it. */
interface ColumnFacts {
  readonly name: string
  readonly type: string
}

export interface TableFacts extends ProtectionFacts {
  /** The owner is a superuser or has BYPASSRLS, so that FORCE does not bind it. */
  readonly ownerBypasses: boolean
  readonly columns: readonly ColumnFacts[]
  readonly notNull: readonly string[]
  readonly indexes: readonly IndexFacts[]
  readonly foreignKeys: readonly ForeignKeyFacts[]
  /** Partitions and inheritance children, and theirs. */
  readonly parts: readonly ProtectionFacts[]
}

/** A type or a function that tables of the manifest stand on; none of PostgreSQL's own or of an extension. */
export interface SupportFacts {
  readonly kind: 'type' | 'function'
  readonly schema: string
  /** Quoted and with its schema; of a function with what it takes. */
  readonly name: string
  readonly owner: string
  /** A function that runs with the rights of its owner. */
  readonly definer: boolean
  /** Of a function that whoever writes a row must be allowed to execute, the roles that were granted that by name. */
  readonly callers: readonly string[] | null
}

interface SchemaFacts {
  readonly name: string
  readonly owner: string
  readonly grants: readonly GrantFacts[]
}

/** What policies stand on, as far as it is there. */
interface FoundationFacts {
  readonly missingRoles: readonly string[]
  /** Functions of the context. */
  readonly missingFunctions: readonly string[]
  /** What they return, as PostgreSQL calls it; null where they are missing. */
  readonly tenantIdType: string | null
  /** The schema of the context is there and belongs to the owner's role. */
  readonly schema: boolean
  readonly systemWork: boolean
  readonly contextKey: boolean
}

/** The tables of a manifest, and what their protection stands on. */
export interface DatabaseFacts {
  readonly tables: readonly TableFacts[]
  /** Tables in the manifest's schemas that have policies or are the parts of such, and are none of the manifest. */
  readonly left: readonly ProtectionFacts[]
  /** Whoever runs the steps is a superuser or has BYPASSRLS. Otherwise they run as the owner of each table. */
  readonly seesAll: boolean
  /** Which schema each role may use, and which functions of the context it may execute. */
  readonly usable: readonly { readonly role: string; readonly object: string }[]
  /** The manifest's schemas, the context's, and those of types and functions. */
  readonly schemas: readonly SchemaFacts[]
  readonly support: readonly SupportFacts[]
  readonly foundation: FoundationFacts
  /** Names of relations in the schemas of the manifest, as `schema.name`: a new index needs a free one. */
  readonly relations: readonly string[]
}

/** The table's facts, or `undefined` where the database has no such table. */
export function factsOf(facts: DatabaseFacts, schema: string, table: string): TableFacts | undefined {
  return facts.tables.find((one) => one.schema === schema && one.table === table)
}
