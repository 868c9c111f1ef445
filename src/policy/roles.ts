/**
 * The database roles that the package works with, by what they are for. Roles belong to the whole cluster,
 * not to one database: two applications in one cluster that must not share a password need other names.
 */
export interface RoleNames {
  /** Owns every object. Cannot log in. */
  readonly owner: string
  /** Logs in to migrate; becomes the owner with its first statement. */
  readonly migrator: string
  /** The application: held by row-level security, owns nothing, changes no schema. */
  readonly app: string
  /** Reads, held by row-level security. */
  readonly reader: string
  /** Cross-tenant work with a stated reason, audited. */
  readonly system: string
}

/**
 * The names that the bundled migrations use.
 *
 * @example
 * ```ts
 * const names: RoleNames = { ...defaultRoleNames, app: 'billing_app' }
 * ```
 */
export const defaultRoleNames: RoleNames = {
  owner: 'doublehull_owner',
  migrator: 'doublehull_migrator',
  app: 'doublehull_app',
  reader: 'doublehull_reader',
  system: 'doublehull_system',
}
