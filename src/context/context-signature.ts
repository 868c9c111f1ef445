/**
 * Signs contexts. A database in signed mode believes the settings of a transaction only with such a signature, so
 * that SQL which is injected into a statement can't make itself another tenant's.
 *
 * Invariant: one text for each tenant, user and expiry, the same here and in `tenancy.current_tenant_id()`; a test
 * has the database verify it. What it does not do: bind a signature to one transaction. Whoever gets hold of one can
 * use it for that tenant until it expires.
 */
import { createHmac } from 'node:crypto'
import { TenancyError } from '../errors.ts'
import { type ContextKey, contextKeyVariable, parseContextKey } from './context-key.ts'
import type { TenantContext } from './tenant-context.ts'

type Identity = Pick<TenantContext, 'tenantId' | 'userId'>

/** For how long a signature is good unless told, in seconds. */
const defaultTtlSeconds = 300
/** The database refuses what is good for longer than a day and an hour. */
const ttlRange = { least: 30, most: 86_400 }

/** How contexts are signed. */
export interface ContextSigningOptions {
  /** The key, as {@link parseContextKey} takes it; empty for none. `DOUBLEHULL_CONTEXT_KEY` unless told. */
  readonly contextKey?: string | undefined
  /** For how long a signature is good, in seconds, from 30 to 86,400; 300 unless told. */
  readonly contextTtlSeconds?: number | undefined
}

interface Signature {
  readonly text: string
  /** By `Date.now()`, when half its life is over. */
  readonly renewAt: number
}

/** Most signatures that are kept; one is some 300 bytes. */
const mostKept = 10_000

/**
 * Signs contexts with one key, those of a tenant and a user once for as long as the signature has half its life before
 * it: an application makes a client, and with it a context, for each request.
 */
export class ContextSigner {
  readonly #key: ContextKey
  readonly #ttlSeconds: number
  readonly #signatures = new Map<string, Signature>()

  /** @throws {TenancyError} `DH409` for a life that the database would refuse */
  constructor(key: ContextKey, ttlSeconds: number = defaultTtlSeconds) {
    if (!Number.isInteger(ttlSeconds) || ttlSeconds < ttlRange.least || ttlSeconds > ttlRange.most) {
      throw new TenancyError(
        'DH409',
        `contextTtlSeconds must be a whole number from ${ttlRange.least} to ${ttlRange.most}`,
      )
    }
    this.#key = key
    this.#ttlSeconds = ttlSeconds
  }

  /**
   * A context is signed before its operation waits for its turn, with a signature that has half its life before it.
   *
   * @throws {TenancyError} `DH409` where it could expire while it waits that long
   */
  assertOutlasts(waitMillis: number): void {
    if (this.#ttlSeconds * 500 > waitMillis) return
    throw new TenancyError(
      'DH409',
      'contextTtlSeconds must be more than twice as long as connectionTimeoutMillis, for which an operation may wait',
    )
  }

  /**
   * The setting `app.context_signature` for a context: `<expiry, in unix seconds>.<id of the key>.<mac>`.
   */
  signatureOf(context: Identity): string {
    const now = Date.now()
    const identity = `${context.tenantId}:${context.userId ?? ''}`
    const kept = this.#signatures.get(identity)
    // a clock that was set back makes a signature no older, and must not make it last for longer
    if (kept && now < kept.renewAt && now > kept.renewAt - this.#ttlSeconds * 500 - 1_000) return kept.text
    const text = this.#sign(identity, Math.floor(now / 1_000) + this.#ttlSeconds)
    // all at once: what is still in use is soon there again
    if (this.#signatures.size >= mostKept) this.#signatures.clear()
    this.#signatures.set(identity, { text, renewAt: now + this.#ttlSeconds * 500 })
    return text
  }

  #sign(identity: string, expiry: number): string {
    const mac = createHmac('sha256', this.#key.secret)
      .update(`doublehull.context.1:${identity}:${expiry}`)
      .digest('hex')
    return `${expiry}.${this.#key.id}.${mac}`
  }
}

/**
 * The signer of a process, or `undefined` where it has no key.
 *
 * @throws {TenancyError} `DH408` for a key that cannot be used, `DH409` for a life that cannot
 *
 * @example
 * ```ts
 * const signer = contextSigner({}, process.env)
 * ```
 */
export function contextSigner(
  { contextKey, contextTtlSeconds }: ContextSigningOptions,
  environment: Readonly<Record<string, string | undefined>>,
): ContextSigner | undefined {
  const text = contextKey ?? environment[contextKeyVariable]
  if (!text) return undefined
  const source = contextKey === undefined ? contextKeyVariable : 'contextKey'
  return new ContextSigner(parseContextKey(text, source), contextTtlSeconds)
}
