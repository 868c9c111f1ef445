import type { Findings } from './findings.ts'

/** Where a statement ran, as PostgreSQL tells it. */
export interface Place {
  readonly transactionId: string
  readonly pid: number
}

/**
 * Who ran in which transaction of PostgreSQL. A statement that slips into somebody else's transaction comes to
 * a place that is taken, and one that slips out of its own to a place that is not its caller's.
 */
export class TransactionRegister {
  readonly #findings: Findings
  readonly #callers = new Map<string, symbol>()
  readonly #places = new Map<symbol, Place>()
  readonly #occupants = new Map<number, symbol>()

  constructor(findings: Findings) {
    this.#findings = findings
  }

  get size(): number {
    return this.#callers.size
  }

  /** Notes a statement of a transaction whose caller has more to say: nobody else may be on its backend. */
  ranWithin(caller: symbol, place: Place): void {
    this.ran(caller, place)
    const occupant = this.#occupants.get(place.pid) ?? caller
    this.#findings.unless(
      occupant === caller,
      'outside its transaction',
      () => `${caller.description} ran on the backend ${place.pid} while ${occupant.description} was there`,
    )
    this.#occupants.set(place.pid, caller)
  }

  /** Notes a statement: a transaction has one caller, and a caller one transaction on one backend. */
  ran(caller: symbol, place: Place): void {
    const { transactionId, pid } = place
    const owner = this.#callers.get(transactionId) ?? caller
    this.#findings.unless(
      owner === caller,
      'outside its transaction',
      () => `${caller.description} ran in the transaction ${transactionId} of ${owner.description}`,
    )
    const own = this.#places.get(caller) ?? place
    this.#findings.unless(
      own.transactionId === transactionId && own.pid === pid,
      'outside its transaction',
      () => `${caller.description} began in the transaction ${own.transactionId} and ran in ${transactionId}`,
    )
    this.#callers.set(transactionId, caller)
    this.#places.set(caller, own)
  }

  /** The caller has said all: the backend may be the next one's before the transaction is answered. */
  leave(caller: symbol): void {
    const pid = this.#places.get(caller)?.pid
    if (pid !== undefined && this.#occupants.get(pid) === caller) this.#occupants.delete(pid)
  }
}
