import { Name } from './name.ts'
import type { Operation } from './operation.ts'
import type { Outcome } from './perform.ts'

/** What the sequences were made of, and what became of them. */
export class Distribution {
  readonly #kinds = new Map<string, { succeeded: number; failed: number }>()
  readonly #failures = new Map<string, number>()
  #foreign = 0

  add(operation: Operation, { failure }: Outcome): void {
    for (const kind of ['all', operation.kind === 'model' ? operation.operation : operation.kind]) {
      const known = this.#kinds.get(kind) ?? { succeeded: 0, failed: 0 }
      known[failure === undefined ? 'succeeded' : 'failed']++
      this.#kinds.set(kind, known)
    }
    if (failure !== undefined) this.#failures.set(failure, (this.#failures.get(failure) ?? 0) + 1)
    if (namesOther(operation)) this.#foreign++
  }

  get total(): number {
    const { succeeded, failed } = this.#kinds.get('all') ?? { succeeded: 0, failed: 0 }
    return succeeded + failed
  }

  /** The share of operations that did what they were asked. */
  get succeeded(): number {
    return (this.#kinds.get('all')?.succeeded ?? 0) / this.total
  }

  /** The share of operations that name another tenant's row. */
  get foreign(): number {
    return this.#foreign / this.total
  }

  lines(): readonly string[] {
    const percent = (share: number) => `${Math.round(share * 100)} %`
    return [
      `${this.total} operations, ${percent(this.succeeded)} succeeded, ${percent(this.foreign)} named another tenant's rows`,
      ...[...this.#kinds].map(
        ([kind, { succeeded, failed }]) => `${kind}: ${succeeded} succeeded, ${failed} failed`,
      ),
      ...[...this.#failures]
        .toSorted(([, one], [, other]) => other - one)
        .map(([failure, times]) => `${failure}: ${times}`),
    ]
  }
}

function namesOther(part: unknown): boolean {
  if (part instanceof Name) return part.owner === 'b'
  if (typeof part !== 'object' || part === null) return false
  return Object.values(part).some(namesOther)
}
