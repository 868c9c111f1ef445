import { AsyncLocalStorage } from 'node:async_hooks'
import { TenancyError } from '../errors.ts'
import type { TenantContext, TenantContextInput } from './tenant-context.ts'
import type { TenantIdType } from './tenant-id.ts'

/** Carries a context from where a request comes in to where a client is made. */
export interface ContextRunner {
  /**
   * Runs `work`, which may be asynchronous, with an ambient context: `client()` without an argument makes clients of
   * it there. Where one run is within another, the inner one counts.
   *
   * Work that is handed to a queue, a pool or an event emitter may go on in the async context of whoever serves the
   * queue, which is another caller's. Make the client before, and hand that over: it keeps its tenant.
   *
   * @param context on whose behalf; `tenantId` and `userId` are those of a verified session
   * @returns what `work` returns
   * @throws {TenancyError} `DH101` or `DH102` when the context is missing or malformed; `work` is not begun then
   *
   * @example
   * ```ts
   * await tenancy.run({ tenantId: job.tenantId }, async () => {
   *   await tenancy.client().invoice.findMany()
   * })
   * ```
   */
  run<Result>(context: TenantContextInput, work: () => Result): Result
  /** The type of its tenants' ids: what a request names is parsed as one of these. */
  readonly tenantIdType: TenantIdType
  /** The ambient context, `undefined` outside of any {@link ContextRunner.run}. */
  current(): TenantContext | undefined
}

/**
 * The ambient context of one tenancy. It is read when a client is made and never later, so what happens to the
 * async context afterwards changes no tenant; and it is not the wire's, which knows the operation under way.
 */
export class AmbientContext {
  readonly #storage = new AsyncLocalStorage<TenantContext>()

  run<Result>(context: TenantContext, work: () => Result): Result {
    return this.#storage.run(context, work)
  }

  current(): TenantContext | undefined {
    return this.#storage.getStore()
  }

  /** @throws {TenancyError} `DH101` outside of any run */
  require(): TenantContext {
    const context = this.current()
    if (context) return context
    throw new TenancyError(
      'DH101',
      'client() was called where no tenant context is ambient; call it within run(context, work) or the ' +
        'middleware of a framework, before the work is handed to a queue or an emitter, or pass { tenantId }',
    )
  }
}
