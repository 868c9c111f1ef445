import type { BundledTenantClient, TenantContextInput } from '../../../src/index.ts'
import type { Planted } from '../test-database.ts'
import { Elsewhere } from './elsewhere.ts'
import { Findings } from './findings.ts'
import { isInterruption } from './interruption.ts'
import { Ledger } from './ledger.ts'
import type { Operation } from './operation.ts'
import { TransactionRegister } from './transaction-register.ts'

export type ClientOf = (context: TenantContextInput) => BundledTenantClient

/** How an operation ended, as far as its caller knows. */
export type Outcome<Value> =
  | { readonly state: 'answered'; readonly value: Value }
  /** It failed as it had to. */
  | { readonly state: 'refused' }
  /** Its connection was lost, or it failed as it must not: what became of it is unknown. */
  | { readonly state: 'unknown' }

/** How an operation has to fail, or may. */
export interface Refusal {
  readonly isRight: (error: unknown) => boolean
  /** It must not be answered. */
  readonly isCertain: boolean
}

/** A failure with one of the codes, and nothing else. */
export function refusedWith(...codes: readonly string[]): Refusal {
  return {
    isRight: (error) => codes.includes(String((error as { readonly code?: unknown } | null)?.code)),
    isCertain: true,
  }
}

/** One run: what all its callers share. */
export class Soak {
  readonly tenants: readonly Planted[]
  readonly findings = new Findings()
  readonly ledger = new Ledger()
  readonly register = new TransactionRegister(this.findings)
  readonly elsewhere = new Elsewhere()
  readonly counts = { begun: 0, answered: 0, refused: 0, interrupted: 0 }
  readonly #clientOf: ClientOf
  readonly #contexts = new WeakMap<object, TenantContextInput>()
  readonly #onEnded: (ended: number) => void
  #serial = 0

  /** @param onEnded told after each operation how many have ended */
  constructor(clientOf: ClientOf, tenants: readonly Planted[], onEnded: (ended: number) => void) {
    this.#clientOf = clientOf
    this.tenants = tenants
    this.#onEnded = onEnded
  }

  clientOf(context: TenantContextInput): BundledTenantClient {
    const client = this.#clientOf(context)
    this.#contexts.set(client, context)
    return client
  }

  /** Remembers whose transaction that is. */
  begun(transaction: object, client: object): void {
    const context = this.contextOf(client)
    if (context) this.#contexts.set(transaction, context)
  }

  /** For whom a client or a transaction works. Broken clients don't know it themselves. */
  contextOf(client: object): TenantContextInput | undefined {
    return this.#contexts.get(client)
  }

  /** A number that this run gives once. */
  serial(): number {
    return ++this.#serial
  }

  /**
   * Asks one operation and counts how it ended.
   *
   * @param refusal knows the error that the operation has to fail with; without it, it has to be answered
   */
  async ask<Value>(what: string, operation: PromiseLike<Value>, refusal?: Refusal): Promise<Outcome<Value>> {
    this.counts.begun++
    try {
      const value = await operation
      this.counts.answered++
      this.findings.unless(refusal?.isCertain !== true, 'wrong outcome', () => `${what} was answered`)
      return { state: 'answered', value }
    } catch (error) {
      return this.#judge(what, error, refusal)
    } finally {
      const { answered, refused, interrupted } = this.counts
      this.#onEnded(answered + refused + interrupted)
    }
  }

  /** Verifies what an operation answered. */
  verify(operation: Operation, answer: unknown): void {
    try {
      operation.verify(answer)
    } catch (error) {
      this.findings.add(
        'wrong outcome',
        `${operation.what} was answered with something else: ${describe(error)}`,
      )
    }
  }

  #judge(
    what: string,
    error: unknown,
    refusal: Refusal | undefined,
  ): { readonly state: 'refused' | 'unknown' } {
    if (refusal?.isRight(error)) {
      this.counts.refused++
      return { state: 'refused' }
    }
    this.counts.interrupted++
    if (!isInterruption(error)) this.findings.add('wrong outcome', `${what} failed: ${describe(error)}`)
    return { state: 'unknown' }
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as { readonly code?: unknown }
  const lastLine = error.message.trim().split('\n').at(-1)
  return `${typeof code === 'string' ? `${code} ` : ''}${lastLine}`
}
