import type { TenantContext } from '../context/tenant-context.ts'
import { assertSameTenant, currentWireScope, runInWireScope } from '../context/wire-scope.ts'
import { TenancyError } from '../errors.ts'
import type { Manifest } from '../manifest/manifest.ts'
import { toTenancyError } from './prisma-error.ts'
import { scopeOperation } from './scope-operation.ts'
import { isArgs, modelOf } from './scoping.ts'
import { unbatched } from './unbatched.ts'

/** How raw SQL is treated, which hull one cannot rewrite. */
export interface RawPolicy {
  /** Resolves when row-level security holds raw SQL; rejects with `DH205` when nothing would. */
  assertHeld(): Promise<void>
}

export interface TenantExtensionOptions {
  readonly manifest: Manifest
  readonly context: TenantContext
  readonly raw: RawPolicy
  /** Off only for the proof that the database alone keeps a tenant in. */
  readonly rewrite: boolean
}

/** What Prisma hands to a query extension's `$allOperations`; `__internalParams` is missing in its types. */
interface OperationCall {
  readonly model?: string
  readonly operation: string
  readonly args: unknown
  readonly query: (args: unknown, internalParams?: object) => PromiseLike<unknown>
  readonly __internalParams?: object
}

const rawOperations = new Set(['$queryRaw', '$executeRaw', '$queryRawTyped'])

/**
 * Hull one: a Prisma query extension that rewrites every operation of one tenant's client and sends it in
 * that tenant's scope.
 *
 * Invariants:
 * - The context is the one that the client was made with. An operation that is awaited elsewhere, in another
 *   tenant's scope or in a timer, still runs as the tenant that made it.
 * - What the manifest or this extension does not know is refused.
 *
 * What it does not protect: the text of raw SQL. That is held by row-level security alone, so it is refused
 * where the role of the connection bypasses it.
 */
export function tenantExtension(options: TenantExtensionOptions) {
  return {
    name: 'doublehull',
    query: { $allOperations: (call: OperationCall) => runOperation(options, call) },
  } as const
}

async function runOperation(options: TenantExtensionOptions, call: OperationCall): Promise<unknown> {
  const { context } = options
  const { model, operation } = call
  const ambient = currentWireScope()
  if (ambient?.inTransaction) assertSameTenant(ambient, context)
  if (ambient?.started) ambient.started.count++

  const query = model === undefined ? await rawQuery(options, call) : modelQuery(options, call, model)
  const scope = { context, inTransaction: ambient?.inTransaction ?? false, raw: model === undefined }
  try {
    return await runInWireScope(scope, query)
  } catch (error) {
    throw toTenancyError(error, { operation, ...(model === undefined ? {} : { model }) })
  }
}

type Query = () => PromiseLike<unknown>

function modelQuery(
  { manifest, context, rewrite }: TenantExtensionOptions,
  call: OperationCall,
  model: string,
): Query {
  const scoping = { manifest, context }
  const args = rewrite
    ? scopeOperation(scoping, model, call.operation, call.args)
    : isArgs(call.args)
      ? call.args
      : {}
  const alone = unbatched(modelOf(scoping, model), call.operation, args)
  return alone
    ? () => call.query(alone.args, { ...call.__internalParams, action: alone.action })
    : () => call.query(args)
}

async function rawQuery(
  { raw }: TenantExtensionOptions,
  { operation, args, query }: OperationCall,
): Promise<Query> {
  if (!rawOperations.has(operation)) {
    throw new TenancyError(
      'DH204',
      `${operation} is not reachable from a tenant client; write $queryRaw or $executeRaw with parameters`,
      { details: { operation } },
    )
  }
  await raw.assertHeld()
  return () => query(args)
}
