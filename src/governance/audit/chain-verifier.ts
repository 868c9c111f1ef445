/**
 * Follows a tenant's chain and names the first sequence where it breaks.
 *
 * Invariant: whoever changes, deletes, adds or moves an event, and can't compute hashes anew, is found. Hashes need no
 * secret, so whoever owns the table can compute the rest of a chain anew; that, and events cut off at its end, is found
 * by a checkpoint that was signed behind them, or by a last link that was kept elsewhere, and by nothing else.
 */
import type { KeyObject } from 'node:crypto'
import { type ChainedEvent, eventHash, genesisHash } from './chained-event.ts'
import { type Checkpoint, isSignedBy, type PublicKeys, readPublicKeys } from './checkpoint.ts'

/**
 * How a chain is broken: an event's content and its hash are two things (`changed`); an event is not there (`missing`);
 * one stands behind a later one (`reordered`); two have one place (`forked`); one names another event before it than the
 * one that is there (`unlinked`); it belongs to another tenant (`foreign`); a checkpoint signs another hash, or its
 * signature is wrong (`checkpoint`); the expected last link is another (`head`); the chain ends before a checkpoint or
 * before the expected last link (`truncated`).
 */
export type BreakReason =
  | 'changed'
  | 'missing'
  | 'reordered'
  | 'forked'
  | 'unlinked'
  | 'foreign'
  | 'checkpoint'
  | 'head'
  | 'truncated'

/** What a verification found. */
export interface ChainReport {
  readonly ok: boolean
  /** None where there was no event to tell. */
  readonly tenantId?: string
  /** The sequences that the chain, as far as it holds, begins and ends with. */
  readonly first?: number
  readonly last?: number
  /** How many events hold. */
  readonly events: number
  /** Up to where a checkpoint with a known key signs the chain. What comes behind could be cut off and nobody know. */
  readonly signedUpTo?: number
  /** The first sequence that is broken. */
  readonly brokenAt?: number
  readonly reason?: BreakReason
}

/** The last link of a chain, as it was kept elsewhere. */
export interface ChainHead {
  readonly seq: number
  readonly hash: string
}

/** What a chain is compared with. */
export interface ChainExpectations {
  readonly tenantId?: string | undefined
  readonly checkpoints: readonly Checkpoint[]
  /** Of checkpoints; without them signatures are not verified, and with them others' checkpoints count for nothing. */
  readonly publicKeys?: PublicKeys | undefined
  /** A last link that was kept elsewhere. */
  readonly head?: ChainHead | undefined
  /** Where verification begins, when not at the chain's beginning, and the hash of the event before it. */
  readonly after?: { readonly seq: number; readonly hash?: string | undefined } | undefined
}

/** What retention writes into each chain, and how the chain says which events it has lost by right. */
const dropAction = 'audit.events.drop'

/** Takes events one by one, in the order that they come. */
export class ChainVerifier {
  readonly #expected: ChainExpectations
  readonly #keys: ReadonlyMap<string, KeyObject> | undefined
  readonly #checkpoints = new Map<number, Checkpoint[]>()
  #tenantId: string | undefined
  #first: number | undefined
  #last: ChainHead | undefined
  #events = 0
  #droppedUpTo = 0
  #signedUpTo: number | undefined
  #broken: { readonly at: number; readonly reason: BreakReason } | undefined

  /** @throws {TenancyError} `DH506` where a public key is none */
  constructor(expected: ChainExpectations) {
    this.#expected = expected
    this.#tenantId = expected.tenantId
    this.#keys = expected.publicKeys && readPublicKeys(expected.publicKeys)
    for (const checkpoint of expected.checkpoints) {
      if (this.#keys && !this.#keys.has(checkpoint.keyId)) continue
      this.#checkpoints.set(checkpoint.seq, [...(this.#checkpoints.get(checkpoint.seq) ?? []), checkpoint])
    }
  }

  /** @returns whether the chain holds so far */
  take(event: ChainedEvent): boolean {
    if (this.#broken) return false
    this.#tenantId ??= event.tenantId
    const broken = this.#breakOf(event)
    if (broken) {
      this.#broken = broken
      return false
    }
    this.#first ??= event.seq
    this.#last = { seq: event.seq, hash: event.hash }
    this.#events += 1
    if (event.action === dropAction && event.origin === 'DATABASE') {
      this.#droppedUpTo = Math.max(this.#droppedUpTo, lastSeqOf(event.metadata))
    }
    return true
  }

  /** What was found, when there are no more events. */
  report(): ChainReport {
    this.#broken ??= this.#breakAtEnd()
    const { at, reason } = this.#broken ?? {}
    return {
      ok: this.#broken === undefined,
      events: this.#events,
      ...(this.#tenantId === undefined ? {} : { tenantId: this.#tenantId }),
      ...(this.#first === undefined ? {} : { first: this.#first }),
      ...(this.#last === undefined ? {} : { last: this.#last.seq }),
      ...(this.#signedUpTo === undefined ? {} : { signedUpTo: this.#signedUpTo }),
      ...(at === undefined ? {} : { brokenAt: at }),
      ...(reason === undefined ? {} : { reason }),
    }
  }

  #breakOf(event: ChainedEvent) {
    const at = event.seq
    if (event.tenantId !== this.#tenantId) return { at, reason: 'foreign' as const }
    const before = this.#before(event)
    if (before.seq === at) return { at, reason: 'forked' as const }
    if (before.seq > at) return { at, reason: 'reordered' as const }
    if (before.seq + 1 < at) return { at: before.seq + 1, reason: 'missing' as const }
    if (eventHash(event) !== event.hash) return { at, reason: 'changed' as const }
    if (before.hash !== undefined && before.hash !== event.prevHash)
      return { at, reason: 'unlinked' as const }
    const { head } = this.#expected
    if (head?.seq === at && head.hash !== event.hash) return { at, reason: 'head' as const }
    return this.#isSigned(event) ? undefined : { at, reason: 'checkpoint' as const }
  }

  /** The link that the event must follow. */
  #before(event: ChainedEvent): { readonly seq: number; readonly hash?: string | undefined } {
    if (this.#last) return this.#last
    if (this.#expected.after) return this.#expected.after
    if (event.seq === 1) return { seq: 0, hash: genesisHash(event.tenantId) }
    // what is before was dropped, if it was right: a checkpoint stands for it, there or further on
    const [signed] = this.#checkpoints.get(event.seq - 1) ?? []
    if (signed) return { seq: signed.seq, hash: signed.hash }
    const isCovered = [...this.#checkpoints.keys()].some((seq) => seq >= event.seq)
    return isCovered ? { seq: event.seq - 1 } : { seq: 0 }
  }

  #isSigned(event: ChainedEvent): boolean {
    for (const checkpoint of this.#checkpoints.get(event.seq) ?? []) {
      if (checkpoint.tenantId !== event.tenantId || checkpoint.hash !== event.hash) return false
      const key = this.#keys?.get(checkpoint.keyId)
      if (key && !isSignedBy(checkpoint, key)) return false
      if (key) this.#signedUpTo = event.seq
    }
    return true
  }

  #breakAtEnd() {
    const { head, after } = this.#expected
    const last = this.#last?.seq ?? after?.seq ?? 0
    const first = this.#first
    if (first !== undefined && first > 1 && !after) {
      if (this.#droppedUpTo < first - 1) return { at: this.#droppedUpTo + 1, reason: 'missing' as const }
      const broken = this.#wrongCheckpointAt(first - 1)
      if (broken) return broken
    }
    const furthest = Math.max(head?.seq ?? 0, ...this.#checkpoints.keys())
    return furthest > last ? { at: last + 1, reason: 'truncated' as const } : undefined
  }

  /** The one that stands for what was dropped has no event beside it to be compared with. */
  #wrongCheckpointAt(seq: number) {
    const isRight = (checkpoint: Checkpoint) => {
      const key = this.#keys?.get(checkpoint.keyId)
      return checkpoint.tenantId === this.#tenantId && (!key || isSignedBy(checkpoint, key))
    }
    const found = this.#checkpoints.get(seq) ?? []
    return found.every(isRight) ? undefined : { at: seq, reason: 'checkpoint' as const }
  }
}

function lastSeqOf(metadata: string): number {
  const { lastSeq } = JSON.parse(metadata) as { readonly lastSeq?: unknown }
  return typeof lastSeq === 'number' ? lastSeq : 0
}
