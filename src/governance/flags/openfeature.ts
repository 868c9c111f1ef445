import {
  type EvaluationContext,
  GeneralError,
  type Hook,
  InvalidContextError,
  type JsonValue,
  OpenFeatureEventEmitter,
  type Provider,
  ProviderEvents,
  ProviderFatalError,
  ProviderNotReadyError,
  type ResolutionDetails,
} from '@openfeature/server-sdk'
import { parseTenantId, type TenantId } from '../../context/tenant-id.ts'
import { isTenancyError, TenancyError } from '../../errors.ts'
import type { BundledTenantClient } from '../../tenancy/bundled.ts'
import type { FlagType } from './flag-definition.ts'
import type { FlagEvaluation } from './flag-evaluation.ts'
import { type FlagSnapshot, type FlagSnapshotOptions, openFlagSnapshot } from './flag-snapshot.ts'
import { resolutionOf } from './openfeature-resolution.ts'
import { TenantSnapshots } from './tenant-snapshots.ts'

interface ProviderOptions {
  /** Hooks of the provider's, which run with each evaluation, behind those of the client. */
  readonly hooks?: readonly Hook[]
}

/** The flags of one tenant: a snapshot that the application has opened and closes, or how to open one. */
export type OpenFeatureProviderOptions = ProviderOptions &
  ({ readonly snapshot: FlagSnapshot } | Omit<FlagSnapshotOptions, 'signal'>)

/** The flags of many tenants. */
export interface TenantsProviderOptions
  extends ProviderOptions,
    Pick<FlagSnapshotOptions, 'connectionString' | 'pollMillis' | 'heartbeatMillis'> {
  /**
   * Whose flags an evaluation asks for, from what the application has verified: its session, or the ambient context.
   * What the evaluation context says of itself may come from the request; where it has an attribute `tenantId`, it must
   * be the tenant that is given here.
   */
  readonly tenantOf: (context: EvaluationContext) => unknown
  /** Makes the tenant client of a tenant: `(tenantId) => tenancy.client({ tenantId })`. */
  readonly client: (tenantId: TenantId) => BundledTenantClient
  /** Most tenants whose flags are held in memory; 100 unless told. */
  readonly maxTenants?: number
  /** After a failure, for how long a tenant's flags are not fetched again, in milliseconds; 1,000 unless told. */
  readonly retryMillis?: number
}

/**
 * A provider for OpenFeature's server SDK with the flags of one tenant, which are evaluated in memory.
 *
 * Flags of another type than is asked for are `TYPE_MISMATCH`; others that have no value are `FLAG_NOT_FOUND`,
 * `PARSE_ERROR`, `TARGETING_KEY_MISSING` and `INVALID_CONTEXT`. Changes are announced as `ConfigurationChanged` with the
 * keys of the flags; where changes may be missed, as `Stale`, and as `Ready` again. `flagMetadata` has `flagId`,
 * `lockVersion` and what else the evaluation says. Values of objects are frozen.
 *
 * To set it fails, and its status is `FATAL`, where the database refuses; `ERROR` where it can't be reached.
 *
 * @param options a snapshot, which stays open when the provider is closed; or the settings to open one with
 *
 * @example
 * ```ts
 * const db = createTenantClient({ tenantId })
 * const provider = createOpenFeatureProvider({ db, connectionString: process.env.DATABASE_URL })
 * await OpenFeature.setProviderAndWait(tenantId, provider)
 * const isOn = await OpenFeature.getClient(tenantId).getBooleanValue('new-checkout', false, { targetingKey: userId })
 * ```
 */
export function createOpenFeatureProvider(options: OpenFeatureProviderOptions): Provider {
  return new TenantProvider(options)
}

/**
 * A provider with the flags of many tenants, each held in memory under its id; which one an evaluation is of, the
 * application says. Without one it is `INVALID_CONTEXT`, as with an attribute `tenantId` of another tenant.
 *
 * `ConfigurationChanged`, `Stale` and `Error` name the tenant in their metadata, as `tenantId`. The provider is stale
 * while any of the tenants is.
 *
 * @throws {TenancyError} `DH506` for numbers out of their range
 *
 * @example
 * ```ts
 * const provider = createTenantsOpenFeatureProvider({
 *   tenantOf: () => tenancy.current()?.tenantId,
 *   client: (tenantId) => tenancy.client({ tenantId }),
 *   connectionString: process.env.DATABASE_URL,
 * })
 * await OpenFeature.setProviderAndWait(provider)
 * ```
 */
export function createTenantsOpenFeatureProvider(options: TenantsProviderOptions): Provider {
  return new TenantsProvider(options)
}

/** What both providers have: OpenFeature's interface before an evaluation. */
abstract class FlagProvider implements Provider {
  abstract readonly metadata: { readonly name: string }
  readonly runsOn = 'server'
  readonly events = new OpenFeatureEventEmitter()
  readonly hooks: Hook[]

  protected constructor({ hooks = [] }: ProviderOptions) {
    this.hooks = [...hooks]
  }

  /** @throws an error with one of OpenFeature's codes where there is nothing to ask */
  protected abstract evaluate(flagKey: string, context: EvaluationContext): Promise<FlagEvaluation>
  abstract initialize(): Promise<void>
  abstract onClose(): Promise<void>

  resolveBooleanEvaluation(
    flagKey: string,
    defaultValue: boolean,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<boolean>> {
    return this.#resolve('BOOLEAN', flagKey, defaultValue, context)
  }

  resolveStringEvaluation(
    flagKey: string,
    defaultValue: string,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<string>> {
    return this.#resolve('STRING', flagKey, defaultValue, context)
  }

  resolveNumberEvaluation(
    flagKey: string,
    defaultValue: number,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<number>> {
    return this.#resolve('NUMBER', flagKey, defaultValue, context)
  }

  resolveObjectEvaluation<Value extends JsonValue>(
    flagKey: string,
    defaultValue: Value,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<Value>> {
    return this.#resolve('OBJECT', flagKey, defaultValue, context)
  }

  async #resolve<Value extends JsonValue>(
    type: FlagType,
    flagKey: string,
    defaultValue: Value,
    context: EvaluationContext = {},
  ): Promise<ResolutionDetails<Value>> {
    return resolutionOf(await this.evaluate(flagKey, context), type, defaultValue)
  }
}

class TenantProvider extends FlagProvider {
  readonly metadata = { name: 'doublehull' }
  readonly #options: OpenFeatureProviderOptions
  #snapshot: FlagSnapshot | undefined
  #stopListening: (() => void) | undefined

  constructor(options: OpenFeatureProviderOptions) {
    super(options)
    this.#options = options
  }

  async initialize(): Promise<void> {
    if (this.#snapshot) return
    const snapshot = 'snapshot' in this.#options ? this.#options.snapshot : await opened(this.#options)
    if (snapshot.state === 'closed') throw new ProviderFatalError('the snapshot of the flags is closed')
    this.#snapshot = snapshot
    this.#stopListening = announce(snapshot, {
      changed: (flagsChanged) =>
        this.events.emit(ProviderEvents.ConfigurationChanged, { flagsChanged: [...flagsChanged] }),
      ready: () => this.events.emit(ProviderEvents.Ready),
      stale: () => this.events.emit(ProviderEvents.Stale, { message: staleMessage }),
      failed: () => this.events.emit(ProviderEvents.Error, { message: errorMessage }),
    })
  }

  async onClose(): Promise<void> {
    const snapshot = this.#snapshot
    this.#snapshot = undefined
    this.#stopListening?.()
    // what the application has opened, it closes
    if (!('snapshot' in this.#options)) await snapshot?.close()
  }

  protected async evaluate(flagKey: string, context: EvaluationContext): Promise<FlagEvaluation> {
    if (!this.#snapshot) throw notReady()
    return this.#snapshot.evaluate(flagKey, context)
  }
}

class TenantsProvider extends FlagProvider {
  readonly metadata = { name: 'doublehull-tenants' }
  readonly #options: TenantsProviderOptions
  #snapshots: TenantSnapshots | undefined
  readonly #stopListening = new Map<FlagSnapshot, () => void>()
  readonly #stale = new Set<FlagSnapshot>()

  constructor(options: TenantsProviderOptions) {
    super(options)
    assertAtLeast('maxTenants', options.maxTenants, 1)
    assertAtLeast('retryMillis', options.retryMillis, 0)
    this.#options = options
  }

  async initialize(): Promise<void> {
    const {
      client,
      maxTenants = 100,
      retryMillis = 1_000,
      connectionString,
      pollMillis,
      heartbeatMillis,
    } = this.#options
    this.#snapshots ??= new TenantSnapshots({
      maxTenants,
      retryMillis,
      open: async (tenantId) =>
        openFlagSnapshot({
          db: client(parseTenantId(tenantId)),
          ...(connectionString === undefined ? {} : { connectionString }),
          ...(pollMillis === undefined ? {} : { pollMillis }),
          ...(heartbeatMillis === undefined ? {} : { heartbeatMillis }),
        }),
      onOpen: (snapshot) => this.#listen(snapshot),
      onClose: (snapshot) => this.#forget(snapshot),
    })
  }

  async onClose(): Promise<void> {
    const snapshots = this.#snapshots
    this.#snapshots = undefined
    await snapshots?.close()
  }

  protected async evaluate(flagKey: string, context: EvaluationContext): Promise<FlagEvaluation> {
    const tenantId = await this.#tenantOf(context)
    const snapshots = this.#snapshots
    if (!snapshots) throw notReady()
    try {
      return await snapshots.use(tenantId, (snapshot) => {
        // a client of another tenant than was asked for would answer with that one's flags
        if (snapshot.tenantId !== tenantId) throw new GeneralError('the client is another tenant’s')
        return snapshot.evaluate(flagKey, context)
      })
    } catch (cause) {
      if (cause instanceof GeneralError) throw cause
      throw new GeneralError('the flags of the tenant could not be fetched', { cause })
    }
  }

  async #tenantOf(context: EvaluationContext): Promise<TenantId> {
    if (!this.#snapshots) throw notReady()
    const given: unknown = await this.#options.tenantOf(context)
    let tenantId: TenantId
    try {
      tenantId = parseTenantId(given)
    } catch (cause) {
      throw new InvalidContextError('the application gives no tenant for the evaluation', { cause })
    }
    const attribute = context['tenantId']
    if (attribute !== undefined && !isTenant(attribute, tenantId)) {
      throw new InvalidContextError('the attribute tenantId is not the tenant of the evaluation')
    }
    return tenantId
  }

  #listen(snapshot: FlagSnapshot): void {
    const metadata = { tenantId: snapshot.tenantId }
    const stop = announce(snapshot, {
      changed: (flagsChanged) =>
        this.events.emit(ProviderEvents.ConfigurationChanged, { flagsChanged: [...flagsChanged], metadata }),
      ready: () => this.#isFresh(snapshot),
      stale: () => {
        this.#stale.add(snapshot)
        this.events.emit(ProviderEvents.Stale, { message: staleMessage, metadata })
      },
      failed: () => {
        this.#stale.add(snapshot)
        this.events.emit(ProviderEvents.Error, { message: errorMessage, metadata })
      },
    })
    this.#stopListening.set(snapshot, stop)
  }

  #forget(snapshot: FlagSnapshot): void {
    this.#stopListening.get(snapshot)?.()
    this.#stopListening.delete(snapshot)
    this.#isFresh(snapshot)
  }

  #isFresh(snapshot: FlagSnapshot): void {
    if (this.#stale.delete(snapshot) && this.#stale.size === 0) this.events.emit(ProviderEvents.Ready)
  }
}

/** Whether an attribute of unknown origin names the tenant, in whichever spelling. */
function isTenant(attribute: unknown, tenantId: TenantId): boolean {
  try {
    return parseTenantId(attribute) === tenantId
  } catch {
    return false
  }
}

const staleMessage = 'changes of the flags may have been missed; what was fetched last is served'
const errorMessage = 'the flags could not be fetched; what was fetched last is served'

interface Announcements {
  readonly changed: (keys: readonly string[]) => void
  readonly ready: () => void
  readonly stale: () => void
  readonly failed: () => void
}

/** @returns what ends it */
function announce(snapshot: FlagSnapshot, { changed, ready, stale, failed }: Announcements): () => void {
  const stops = [
    snapshot.on('change', ({ keys }) => changed(keys)),
    snapshot.on('ready', ready),
    snapshot.on('stale', stale),
    snapshot.on('error', failed),
    snapshot.on('closed', failed),
  ]
  // the SDK says that a provider is ready when it has been initialised, which is behind this
  const atFirst = setImmediate(() => {
    if (snapshot.state === 'stale') stale()
    else if (snapshot.state !== 'ready') failed()
  })
  return () => {
    clearImmediate(atFirst)
    for (const stop of stops) stop()
  }
}

async function opened(options: FlagSnapshotOptions): Promise<FlagSnapshot> {
  try {
    return await openFlagSnapshot(options)
  } catch (cause) {
    const message = 'the flags could not be fetched'
    // what the database refuses, another attempt will not mend
    if (isTenancyError(cause) && !cause.retryable) throw new ProviderFatalError(message, { cause })
    throw new GeneralError(message, { cause })
  }
}

function notReady(): ProviderNotReadyError {
  return new ProviderNotReadyError('the provider is not initialised, or was closed')
}

function assertAtLeast(option: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least)) return
  throw new TenancyError('DH506', `${option} must be a whole number from ${least}`, {
    details: { issues: [{ path: [option], message: `must be a whole number from ${least}` }] },
  })
}
