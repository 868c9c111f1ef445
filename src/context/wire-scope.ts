import { AsyncLocalStorage } from 'node:async_hooks'
import { TenancyError } from '../errors.ts'
import type { SystemUse } from './system-use.ts'
import type { TenantContext } from './tenant-context.ts'

/** In whose name work is done: a tenant's, or, for all of them, the system's. */
export type WorkContext = TenantContext | SystemUse

/** What a transaction notes of its connection for whoever gets it next. */
export interface SessionNotes {
  /** SQL that the caller wrote has run. */
  ranRaw: boolean
}

/** On whose behalf the current piece of work reaches the wire. */
export interface WireScope {
  readonly context: WorkContext
  /** The work is part of a `$transaction` of this tenant, or of the system. */
  readonly inTransaction: boolean
  /** The work is SQL that the caller wrote. */
  readonly raw: boolean
  /** What is known of the transaction's connection; one within another shares it. */
  readonly session?: SessionNotes
  /** The transaction whose callback this is; what that has started may outlive it. */
  readonly life?: { readonly isOver: boolean }
  /** Ends the transaction early. */
  readonly signal?: AbortSignal
}

/** The scope of a tenant's work. */
export interface TenantScope extends WireScope {
  readonly context: TenantContext
}

const storage = new AsyncLocalStorage<WireScope>()

/**
 * The scope that the caller runs in, if any. Read it when work is made, never after waiting for a pool, and
 * never where Prisma may have put several callers' work into one tick: it runs such work in the scope of the
 * first. That is `findUnique`, the array form of `$transaction`, and whatever is within a transaction.
 */
export function currentWireScope(): WireScope | undefined {
  return storage.getStore()
}

/** {@link currentWireScope}, where that is a tenant's. */
export function currentTenantScope(): TenantScope | undefined {
  const scope = storage.getStore()
  return scope && isTenantScope(scope) ? scope : undefined
}

/** Whether a scope is a tenant's, and not the system's. */
export function isTenantScope(scope: WireScope): scope is TenantScope {
  return scope.context.tenantId !== undefined
}

/**
 * Runs `work` in a scope. A PrismaPromise is lazy and only starts when it is awaited, so the await happens
 * in here: returning the promise would start it outside.
 */
export function runInWireScope<Result>(scope: WireScope, work: () => PromiseLike<Result>): Promise<Result> {
  return storage.run(scope, async () => await work())
}

/**
 * Refuses work of a tenant that is being made within another tenant's transaction, or within the system's, and the
 * system's within a tenant's.
 *
 * @throws {TenancyError} `DH103`
 */
export function assertSameTenant(ambient: WireScope, context: WorkContext): void {
  if (ambient.context.tenantId !== context.tenantId) {
    throw new TenancyError(
      'DH103',
      'an operation of one tenant, or of the system, was started within the transaction of another; finish the transaction first',
    )
  }
}
