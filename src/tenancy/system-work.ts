import { parseSystemUse } from '../context/system-use.ts'
import { isTenancyError, TenancyError } from '../errors.ts'
import { toTenancyError } from '../extension/prisma-error.ts'
import type { SystemPool } from '../wire/system-pool.ts'
import { type ClientParts, guardClient, type SharedParts, type SystemClient } from './tenant-client.ts'

/** How the role for work across tenants logs in. */
export interface SystemOptions {
  /**
   * As `postgresql://…`, with the rights of `doublehull_system` and no more. May be undefined to the compiler, as a
   * variable of the environment is; `createTenancy` refuses it then.
   */
  readonly connectionString: string | undefined
  /** Most connections that its pool opens, beside one for the record; 5 unless told. */
  readonly maxConnections?: number
}

/**
 * The part of a tenancy that works across tenants, on a client and a pool of its own, which are made when they are
 * first used.
 *
 * Invariant: an operation runs only when its record is committed. That is held here, in what each operation and each
 * transaction of a client runs in; the pool passes nothing that was not made with such a client. What it does not
 * hold: whoever has the login itself can use it without this package.
 */
export class SystemWork<Client extends object> {
  readonly #pool: SystemPool
  readonly #makeClient: () => Disconnectable
  readonly #tenants: SharedParts
  #client: Disconnectable | undefined

  /**
   * @param makeClient makes Prisma's client on that pool
   * @param tenants what the tenants' clients share; it serves here too
   */
  constructor(pool: SystemPool, makeClient: () => Disconnectable, tenants: SharedParts) {
    this.#pool = pool
    this.#makeClient = makeClient
    this.#tenants = tenants
  }

  /** @throws {TenancyError} `DH109` when the actor or the reason is missing, blank or too long */
  client(input: unknown): SystemClient<Client> {
    const use = parseSystemUse(input)
    this.#client ??= this.#makeClient()
    const parts: ClientParts = {
      ...this.#tenants,
      what: 'a system client',
      client: this.#client,
      allowUnsafeRaw: false,
      run: (what, isPart, work) =>
        this.#tenants.run(what, isPart, async () => {
          await this.#pool.record(use, what)
          try {
            return await work()
          } catch (error) {
            const { model, operation } = what
            throw withoutDefault(
              toTenancyError(error, { operation, ...(model === undefined ? {} : { model }) }),
            )
          }
        }),
    }
    return guardClient(parts, use) as SystemClient<Client>
  }

  /** Ends the connections, at the latest after `timeoutMillis`. */
  async end(timeoutMillis?: number): Promise<void> {
    await this.#pool.end(timeoutMillis)
    await this.#client?.$disconnect()
  }
}

/** A default that asks for the tenant has none here: the database can't know that there is a client without one. */
function withoutDefault(error: unknown): unknown {
  if (!isTenancyError(error, 'DH101') || error.details.sqlState !== 'DH101') return error
  const { model, operation } = error.details
  return new TenancyError(
    'DH101',
    `a system client has no tenant that ${[operation, ...(model ? [`on ${model}`] : [])].join(' ')} could take as a default; name it in the data`,
    { details: error.details, cause: error.cause },
  )
}

interface Disconnectable {
  $disconnect(): Promise<void>
}
