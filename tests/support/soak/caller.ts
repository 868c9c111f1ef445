import type { BundledTenantClient } from '../../../src/index.ts'
import type { Planted } from '../test-database.ts'
import type { Operation } from './operation.ts'
import type { Random } from './random.ts'
import type { Outcome, Soak } from './soak.ts'

/** A flag that one caller has written, and that no other caller writes. */
export interface OwnRow {
  readonly id: string
  readonly tenant: Planted
  readonly key: string
  readonly mark: string
}

/** One of many who work at the same time: for any tenant, with choices and rows of its own. */
export class Caller {
  readonly soak: Soak
  readonly random: Random
  readonly #number: number
  readonly #rows = new Map<string, OwnRow>()
  readonly #keys = new Map<Planted, number>()

  constructor(soak: Soak, random: Random, number: number) {
    this.soak = soak
    this.random = random
    this.#number = number
  }

  anyTenant(): Planted {
    return this.random.pick(this.soak.tenants)
  }

  otherTenant(than: Planted): Planted {
    return this.random.pick(this.soak.tenants.filter((tenant) => tenant !== than))
  }

  /** A new client, as for each request: for the tenant itself or one of its people, and with a limit or none. */
  clientOf({ tenantId, userId }: Planted): BundledTenantClient {
    return this.soak.clientOf({
      tenantId,
      ...(this.random.chance(0.5) ? { userId } : {}),
      // longer than any lock is held, so it only shows whose limits a statement has
      ...(this.random.chance(0.3) ? { lockTimeoutMillis: this.random.pick([40_000, 50_000]) } : {}),
    })
  }

  /** The same keys in every tenant, so that a look-up in another tenant finds something; in one, no key twice. */
  newKey(tenant: Planted): string {
    const key = (this.#keys.get(tenant) ?? 0) + 1
    this.#keys.set(tenant, key)
    return `soak-${this.#number}-${key}`
  }

  /** The text that marks a write: its tenant, and a number that no other write has. */
  newMark(tenant: Planted): string {
    return `${tenant.secret}/${this.soak.serial()}`
  }

  /** What the caller knows to be there. */
  rowsOf(tenant: Planted): readonly OwnRow[] {
    return [...this.#rows.values()].filter((row) => row.tenant === tenant)
  }

  /** One of the rows, which is nobody's until {@link settle} gives it back. */
  takeRow(tenant: Planted): OwnRow | undefined {
    const [row] = this.rowsOf(tenant)
    if (row) this.#rows.delete(row.id)
    return row
  }

  /** Enters into the ledger what became of operations that were made in one transaction. */
  settle(operations: readonly Operation[], state: Outcome<unknown>['state'], transactionId?: string): void {
    const { ledger } = this.soak
    const writes = operations.flatMap(({ effect }) => effect?.writes ?? [])
    if (state === 'answered') ledger.acknowledge(writes, transactionId)
    else if (state === 'refused') ledger.undo(writes)
    else ledger.doubt(writes, transactionId)
    for (const { tenant, effect } of operations) {
      if (!effect) continue
      if (effect.counts && state !== 'refused') {
        ledger.countOnce(tenant, state === 'answered' ? 'sure' : 'doubtful')
      }
      // a row in doubt is never touched again
      const kept = { answered: effect.leaves, refused: effect.found, unknown: undefined }[state]
      if (kept) this.#rows.set(kept.id, kept)
    }
  }
}
