import type { SystemUseInput } from '../context/system-use.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import { tenantIdValue } from '../context/tenant-id.ts'
import { TenancyError } from '../errors.ts'
import { delegateName, type Manifest } from '../manifest/manifest.ts'

/** How {@link Tenancy.forEachTenant} goes through the tenants. */
export interface ForEachTenantOptions extends SystemUseInput {
  /** How many tenants are worked for at once; 1 unless told. */
  readonly concurrency?: number
  /** How many tenants are read at a time; 100 unless told. */
  readonly pageSize?: number
  /** Begin behind this tenant: `last` of an earlier run or of its progress. */
  readonly after?: string | undefined
  /** Ends the run before the next tenant; what is under way is waited for. */
  readonly signal?: AbortSignal
  /** After a tenant's work has failed: `stop`, which it is unless told, or `continue` with the next one. */
  readonly onError?: 'stop' | 'continue'
  /** Called behind each tenant. To resume after a crash, keep its `last`. */
  readonly onProgress?: (progress: ForEachTenantProgress) => void
}

/** How far a run is. */
export interface ForEachTenantProgress {
  /** The tenant whose work has just ended, well or not. */
  readonly tenantId: string
  /** How many tenants' work is done, and of how many it failed. */
  readonly done: number
  readonly failed: number
  /** How many tenants there were behind `after` when the run began. */
  readonly total: number
  /** The tenant up to which, in the order of keys, all is done or failed; `undefined` before the first. */
  readonly last: string | undefined
}

/** What a run did. */
export interface ForEachTenantResult {
  readonly done: number
  /** In the order in which they failed; empty unless `onError` is `continue`. */
  readonly failed: readonly { readonly tenantId: string; readonly error: unknown }[]
  /** The last tenant in the order of keys, for `after` of the next run; `undefined` where there was none. */
  readonly last: string | undefined
}

/** What the run is made of: the tenants as the system's role reads them, and a tenant's own client. */
interface TenantSource {
  /** The keys of the next tenants behind `after`, in order. */
  page(after: string | undefined, count: number): Promise<readonly string[]>
  count(after: string | undefined): Promise<number>
  /** Runs the work in the tenant's context. */
  work(tenantId: string): Promise<unknown>
}

/**
 * Works for every tenant, one after the other or several at once. The tenants are read a page at a time, by key: no
 * transaction stays open between them, and one that joins behind the current page is met.
 *
 * @throws {TenancyError} `DH115` when a tenant's work failed and `onError` is `stop`, or `signal` ended the run;
 * `DH409` for an option that is no whole number from 1
 */
export async function forEachTenant(
  source: TenantSource,
  options: ForEachTenantOptions,
): Promise<ForEachTenantResult> {
  const { concurrency = 1, pageSize = 100, after, signal, onError = 'stop', onProgress } = options
  for (const [name, value] of Object.entries({ concurrency, pageSize })) {
    if (!Number.isInteger(value) || value < 1)
      throw new TenancyError('DH409', `${name} of forEachTenant must be a whole number from 1`)
  }
  const total = await source.count(after)
  const failed: { tenantId: string; error: unknown }[] = []
  const mark = new Watermark(after)
  let done = 0
  let stopped: { readonly why: string; readonly cause: unknown } | undefined
  const next = oneByOne(source, after, pageSize)

  async function one(tenantId: string): Promise<void> {
    const finished = mark.begin(tenantId)
    let failures = failed.length
    try {
      await source.work(tenantId)
      done += 1
      finished()
    } catch (error) {
      failures += 1
      if (onError === 'continue') {
        failed.push({ tenantId, error })
        failures = failed.length
        finished()
      } else {
        stopped ??= { why: "a tenant's work failed", cause: error }
      }
    }
    onProgress?.({ tenantId, done, failed: failures, total, last: mark.last })
  }

  async function worker(): Promise<void> {
    // once one has failed, or the signal came, the others end what they are at and take no other
    while (!stopped) {
      if (signal?.aborted) {
        stopped = { why: 'it was aborted', cause: signal.reason }
        return
      }
      try {
        const tenantId = await next()
        if (tenantId === undefined) return
        await one(tenantId)
      } catch (error) {
        stopped ??= { why: 'the tenants could not be read, or onProgress threw', cause: error }
      }
    }
  }

  await Promise.all(Array.from({ length: concurrency }, worker))
  if (stopped) {
    const { why, cause } = stopped
    throw new TenancyError(
      'DH115',
      `the work for each tenant was stopped after ${done} of ${total} tenants, because ${why}; see cause, and go on with after: the last of its progress`,
      { cause },
    )
  }
  return { done, failed, last: mark.last }
}

/** The tenants, as a client that sees them all reads them. */
export function tenantsOf(manifest: Manifest, system: object): Pick<TenantSource, 'page' | 'count'> {
  const { tenantModel, tenantIdType } = manifest
  const scope = manifest.models[tenantModel]?.scope
  const key = scope?.kind === 'root' ? scope.field : 'id'
  // each generated client has types of its own; this much is the same in all
  const tenants = Reflect.get(system, delegateName(tenantModel)) as {
    findMany(query: object): Promise<readonly Record<string, unknown>[]>
    count(query: object): Promise<number>
  }
  const isNumber = tenantIdType === 'int4' || tenantIdType === 'int8'
  const valueOf = (after: string) => {
    // one that is below zero is no tenant's, and a page may end with it all the same
    if (!isNumber || /^-?\d{1,19}$/.test(after)) return tenantIdValue(after, tenantIdType)
    throw new TenancyError('DH102', 'after of forEachTenant is no number in plain digits', {
      details: { field: 'after' },
    })
  }
  const behind = (after: string | undefined) =>
    after === undefined ? {} : { where: { [key]: { gt: valueOf(after) } } }
  return {
    count: (after) => tenants.count(behind(after)),
    async page(after, take) {
      const query = { ...behind(after), select: { [key]: true }, orderBy: { [key]: 'asc' }, take }
      return (await tenants.findMany(query)).map((row) => String(row[key]))
    },
  }
}

/** Gives one tenant after the other; pages are read one at a time, whoever asks. */
function oneByOne(
  source: TenantSource,
  after: string | undefined,
  pageSize: number,
): () => Promise<string | undefined> {
  let page: string[] = []
  let last = after
  let ended = false
  let reading: Promise<void> | undefined

  async function read(): Promise<void> {
    page = [...(await source.page(last, pageSize))]
    ended = page.length === 0
    last = page.at(-1) ?? last
  }

  return async function next() {
    while (page.length === 0 && !ended) {
      reading ??= read().finally(() => {
        reading = undefined
      })
      await reading
    }
    return page.shift()
  }
}

/** Up to which tenant, in the order in which they were begun, all have ended. */
class Watermark {
  last: string | undefined
  readonly #begun: { readonly tenantId: string; ended: boolean }[] = []

  constructor(after: string | undefined) {
    this.last = after
  }

  /** @returns to be called when the tenant's work has ended */
  begin(tenantId: string): () => void {
    const entry = { tenantId, ended: false }
    this.#begun.push(entry)
    return () => {
      entry.ended = true
      while (this.#begun[0]?.ended) this.last = this.#begun.shift()?.tenantId
    }
  }
}

/** A tenant, as its work gets it: what a client of the tenant can be made of. */
export type WorkedTenant = Pick<TenantContext, 'tenantId'>
