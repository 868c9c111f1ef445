import type pg from 'pg'
import { manifest } from '../../src/generated/tenancy.ts'
import { qualified } from '../../src/policy/identifier.ts'
import { modelNames } from './name.ts'
import { type Rows, rowsOfPlatform, tenantRows } from './planted-rows.ts'

/** Whose rows are read. */
interface Who {
  readonly tenantId: string
  readonly userIds: readonly string[]
}

/** Puts rows into a database as its administrator, past triggers and keys: whatever state they are in. */
export class Stage {
  readonly #admin: pg.Client
  readonly #tenants: readonly ('a' | 'b')[]
  /** The connection takes one query at a time. */
  #last: Promise<unknown> = Promise.resolve()

  /** @param tenants who is in the database, in every scene of it */
  constructor(admin: pg.Client, tenants: readonly ('a' | 'b')[]) {
    this.#admin = admin
    this.#tenants = tenants
  }

  /** Takes everything away but what is the platform's. */
  async clear(): Promise<void> {
    await this.#ask({ text: clearSql })
    await this.#plant([rowsOfPlatform()])
  }

  /** Adds the tenants of new scenes to what is there. */
  async plant(scenes: readonly number[]): Promise<void> {
    await this.#plant(scenes.flatMap((scene) => this.#tenants.map((owner) => tenantRows(owner, scene))))
  }

  /** All rows of a tenant, of its people and of the platform, as the database has them, in the order of their keys. */
  async read({ tenantId, userIds }: Who): Promise<readonly unknown[]> {
    return this.#ask({ name: 'read', text: readSql, values: [tenantId, userIds] })
  }

  async #plant(parts: readonly Rows[]): Promise<void> {
    const all = Object.fromEntries(
      modelNames.map((model) => [model, parts.flatMap((part) => part[model] ?? [])]),
    )
    await this.#ask({ name: 'plant', text: plantSql, values: [JSON.stringify(all)] })
  }

  #ask(query: pg.QueryConfig): Promise<readonly unknown[]> {
    const answer = this.#last.then(() => this.#admin.query(query))
    this.#last = answer.catch(() => {})
    return answer.then(({ rows }) => rows)
  }
}

const tables = modelNames.map((model) => {
  const { schema, table, columns, primaryKey } = manifest.models[model]
  const column = (field: string) => (columns as Readonly<Record<string, string>>)[field] ?? ''
  const tenant = model === 'Tenant' ? 'id' : 'tenant_id'
  return { model, name: qualified(schema, table), tenant, key: primaryKey.map(column).join(', ') }
})

const clearSql = `set session_replication_role = replica; ${tables.map(({ name }) => `delete from ${name}`).join('; ')}`

const plantSql = `with ${tables
  .map(
    ({ model, name }) =>
      `"${model}" as (insert into ${name} select r.* from jsonb_populate_recordset(null::${name}, $1::jsonb -> '${model}') r)`,
  )
  .join(', ')} select`

const readSql = tables
  .map(({ model, name, tenant, key }) => {
    const which =
      model === 'User'
        ? 'id = any ($2::uuid[])'
        : `${tenant} = $1::uuid${model === 'KillSwitch' ? ' or tenant_id is null' : ''}`
    return `(select '${model}' as model, to_jsonb(t) as row from ${name} t where ${which} order by ${key})`
  })
  .join(' union all ')
