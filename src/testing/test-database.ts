import pg from 'pg'
import type { Manifest } from '../manifest/manifest.ts'
import type { Hull } from '../prove/attack.ts'
import { assembleTenancy, type Tenancy, type TenancyOptions } from '../tenancy/create-tenancy.ts'

/** The URLs of one database, by who logs in. */
export interface TestDatabaseUrls {
  /** An administrator, who sees and does everything. */
  readonly adminUrl: string
  /** A login with the rights of the application's role: no owner, no superuser, held by row-level security. */
  readonly appUrl: string
  /** A login with the rights of the owner, whom the policies let pass: hull two is off. */
  readonly ownerUrl: string
  /** A login with the rights of the role that works across tenants. */
  readonly systemUrl: string
}

/** Which hulls a tenancy of a {@link TestDatabase} has; `one` and `two` are alone. */
export type Hulls = Hull | 'none'

/** A migrated database of a test's own. */
export interface TestDatabase<Client extends object, Extended extends object = Client>
  extends TestDatabaseUrls {
  readonly name: string
  readonly manifest: Manifest
  /** As in production: both hulls, and `system` for work across tenants. Opened when it is first asked for. */
  readonly tenancy: Tenancy<Extended, false, Client>
  /**
   * A tenancy with a choice of hulls; the clients of `none` set the context, and nothing holds them.
   *
   * @example
   * ```ts
   * const rows = await asTenant(database.behind('two'), tenantA, (db) => db.invoice.findMany())
   * ```
   */
  behind(hulls: Hulls): Tenancy<Extended, false, Client>
  /**
   * Asks as an administrator, past both hulls: for planting rows, and for what really happened.
   *
   * @returns the rows
   */
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<readonly Row[]>
  /** Closes what is open and drops the database. Calling it again does nothing. */
  drop(): Promise<void>
}

interface Parts<Client extends object, Extended extends object> {
  readonly name: string
  readonly urls: TestDatabaseUrls
  readonly options: Omit<TenancyOptions<Client, Extended>, 'connectionString'>
  readonly drop: () => Promise<void>
}

/** How long work that a test has left under way may take, in milliseconds, before its database goes. */
const patience = 2_000

export class OpenTestDatabase<Client extends object, Extended extends object>
  implements TestDatabase<Client, Extended>
{
  readonly name: string
  readonly manifest: Manifest
  readonly adminUrl: string
  readonly appUrl: string
  readonly ownerUrl: string
  readonly systemUrl: string
  readonly #parts: Parts<Client, Extended>
  readonly #tenancies = new Map<Hulls, Tenancy<Extended, false, Client>>()
  #admin: pg.Pool | undefined
  #dropped: Promise<void> | undefined

  constructor(parts: Parts<Client, Extended>) {
    const { name, urls, options } = parts
    this.#parts = parts
    this.name = name
    this.manifest = options.manifest
    this.adminUrl = urls.adminUrl
    this.appUrl = urls.appUrl
    this.ownerUrl = urls.ownerUrl
    this.systemUrl = urls.systemUrl
  }

  get tenancy(): Tenancy<Extended, false, Client> {
    return this.behind('both')
  }

  behind(hulls: Hulls): Tenancy<Extended, false, Client> {
    const open = this.#tenancies.get(hulls) ?? this.#open(hulls)
    this.#tenancies.set(hulls, open)
    return open
  }

  async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    if (!this.#admin) {
      this.#admin = new pg.Pool({ connectionString: this.adminUrl, max: 2 })
      this.#admin.on('error', () => undefined)
    }
    const { rows } = await this.#admin.query<Row>(text, [...values])
    return rows
  }

  drop(): Promise<void> {
    this.#dropped ??= this.#drop()
    return this.#dropped
  }

  #open(hulls: Hulls): Tenancy<Extended, false, Client> {
    const hasHullTwo = hulls === 'two' || hulls === 'both'
    return assembleTenancy<Client, Extended>(
      {
        maxConnections: 4,
        ...this.#parts.options,
        connectionString: hasHullTwo ? this.appUrl : this.ownerUrl,
        system: { connectionString: this.systemUrl, maxConnections: 2 },
        ...(!hasHullTwo && { allowRoleThatBypassesRowSecurity: true }),
      },
      { rewrite: hulls === 'one' || hulls === 'both' },
    )
  }

  async #drop(): Promise<void> {
    const open = [...this.#tenancies.values()]
    await Promise.all(open.map((tenancy) => tenancy.disconnect({ timeoutMillis: patience })))
    await this.#admin?.end()
    await this.#parts.drop()
  }
}
