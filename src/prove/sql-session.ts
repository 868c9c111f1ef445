import pg from 'pg'
import type { SqlCall } from './attack.ts'

/** Sends SQL of attacks, each in a transaction of its own, with a tenant's context or without any. */
export class SqlSession {
  readonly #connectionString: string
  readonly #tenantId: string
  readonly #idle: pg.Client[] = []
  readonly #clients: pg.Client[] = []

  constructor(connectionString: string, tenantId: string) {
    this.#connectionString = connectionString
    this.#tenantId = tenantId
  }

  /** @returns the rows, or the number of those that were written where none are returned */
  async send({ text, values, withoutContext }: SqlCall): Promise<unknown> {
    const client = this.#idle.pop() ?? (await this.#connect())
    try {
      await client.query('begin')
      if (!withoutContext) {
        await client.query("select pg_catalog.set_config('app.tenant_id', $1, true)", [this.#tenantId])
      }
      const { rows, rowCount, fields } = await client.query({ text, values: [...values] })
      await client.query('commit')
      return fields.length === 0 ? rowCount : rows
    } catch (error) {
      await client.query('rollback')
      throw error
    } finally {
      this.#idle.push(client)
    }
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.#connectionString })
    await client.connect()
    this.#clients.push(client)
    return client
  }

  async end(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.end()))
  }
}
