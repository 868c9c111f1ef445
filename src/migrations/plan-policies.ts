import { TenancyError } from '../errors.ts'
import type { Manifest } from '../manifest/manifest.ts'
import type { RoleNames } from '../policy/roles.ts'
import type { MigrationFile } from './migration-files.ts'

/** What a manifest is compared with. */
export type PoliciesBase =
  /** The folder of migrations, applied one after another to a new database of a server, which is dropped afterwards. */
  | {
      readonly kind: 'history'
      /** An administrator's connection string for the server; the embedded one unless told. */
      readonly serverUrl?: string
    }
  /** A database that has all migrations of the folder. Any login that may read the history and the catalog. */
  | { readonly kind: 'database'; readonly connectionString: string }

/** Options of {@link planPolicies}. */
export interface PoliciesOptions {
  /** The schema, as the generator wrote it. */
  readonly manifest: Manifest
  /** The folder of migrations, such as `prisma/migrations`. */
  readonly directory: string
  /** What the manifest is compared with; the history unless told. */
  readonly base?: PoliciesBase
  /** Names of the roles; the default ones unless told. */
  readonly roles?: Partial<RoleNames>
  /** What the migration of the policies is called behind its timestamp; `tenancy` unless told. */
  readonly name?: string
  /** Drop permissive policies that are not the package's; their definitions stay as comments. */
  readonly adopt?: boolean
  /** Models that get a tenant column of their own, filled from their parents. */
  readonly denormalise?: readonly string[]
  /** Let the foreign keys carry the tenant, and lead an index of each table with it. */
  readonly compositeKeys?: boolean
  /** Told what is going on, one line at a time. */
  readonly log?: (line: string) => void
}

/** Something that the plan says, or leaves to whoever knows the schema. */
export interface PoliciesFinding {
  /** A `problem` leaves something unprotected; an `offer` is taken with its flag. */
  readonly severity: 'problem' | 'notice' | 'offer'
  readonly kind: string
  readonly schema: string
  readonly table: string
  /** What is left, where, and what to do; never a value. */
  readonly message: string
}

/** What {@link planPolicies} answers. */
export interface PoliciesPlan {
  /** The migrations that are due, in order; none where there is nothing to do. */
  readonly migrations: readonly MigrationFile[]
  readonly findings: readonly PoliciesFinding[]
}

/**
 * Compares what a manifest wants of row-level security with what a project's migrations make of it, or a database
 * has, and writes down exactly the difference as the next migrations. Changes nothing.
 *
 * @returns the migrations, and what is left alone
 * @throws {TenancyError} `DH401` for a folder that can't be used; `DH304` for a manifest that can't be used, or of which
 * the history lacks a table; `DH402`, `DH403` and `DH404` where the database has another history; `DH405` where a
 * migration fails; `DH409` where the server can't be used, or lacks migrations of the folder
 *
 * @example
 * ```ts
 * const plan = await planPolicies({ manifest, directory: 'prisma/migrations' })
 * writePolicies('prisma/migrations', plan)
 * ```
 */
export async function planPolicies(options: PoliciesOptions): Promise<PoliciesPlan> {
  throw new TenancyError('DH401', `${options.directory} cannot be compared yet`)
}
