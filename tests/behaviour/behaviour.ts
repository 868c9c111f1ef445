import { join } from 'node:path'
import {
  type BehaviourDatabases,
  useBehaviourDatabases,
  type Variant,
  variants,
} from '../fixtures/behaviour/behaviour-database.ts'
import type { Case } from './case.ts'
import { type Outcome, outcomeOf, rowsOf } from './outcome.ts'
import { a, dumpSql, type Model, type Planted, resetSql, type State, tables } from './scene.ts'

const grants = `
  grant usage on schema tenancy, public to doublehull_app;
  grant execute on all functions in schema tenancy to doublehull_app;
  grant select, insert, update, delete on all tables in schema public to doublehull_app;
  grant usage on all sequences in schema public to doublehull_app;`

/** The databases of the fixture, and how a case is run in them. */
export class Behaviour {
  readonly #databases: BehaviourDatabases<Model>
  #tenants: readonly Planted[] = []
  #planted: State | undefined

  constructor({ previewFeatures = [] }: { readonly previewFeatures?: readonly string[] } = {}) {
    this.#databases = useBehaviourDatabases<Model>({
      schema: join(import.meta.dirname, '../fixtures/behaviour/schema.prisma'),
      tenantId: a.company,
      grants,
      previewFeatures,
    })
  }

  /** Plants these tenants in all databases, and nothing else. */
  async plant(...tenants: readonly Planted[]): Promise<void> {
    this.#tenants = tenants
    for (const variant of variants) await this.#databases.admins[variant].query(resetSql(tenants))
    this.#planted = await this.#dump('plain')
  }

  /** The outcome of a case with a client, and what it changed; the rows are as they were afterwards. */
  async outcome(variant: Variant, { run, writes }: Pick<Case, 'run' | 'writes'>): Promise<Outcome> {
    const outcome = await outcomeOf(() => run(this.#databases.clients[variant], this.#databases.Prisma))
    if (!writes) return outcome
    const state = await this.#dump(variant)
    const changed = tables.filter((table) => state[table] !== this.#planted?.[table])
    if (changed.length > 0 || !('value' in outcome))
      await this.#databases.admins[variant].query(resetSql(this.#tenants, changed))
    const changes = changed.map((table) => [table, rowsOf(state[table])] as const)
    return { ...outcome, changes: Object.fromEntries(changes) }
  }

  async #dump(variant: Variant): Promise<State> {
    const { rows } = await this.#databases.admins[variant].query<State & object>(dumpSql)
    const [state] = rows
    if (!state) throw new Error('a dump has one row')
    return state
  }
}
