import { currentTenantScope, runInWireScope, type TenantScope } from '../context/wire-scope.ts'
import { TenancyError } from '../errors.ts'
import type { Manifest } from '../manifest/manifest.ts'
import { toTenancyError } from './prisma-error.ts'
import { scopeOperation } from './scope-operation.ts'
import { type Args, isArgs, modelOf } from './scoping.ts'
import { unbatched, unmerged } from './unbatched.ts'
import { type GlobalOmit, type InternalParams, UniqueBatches } from './unique-batch.ts'

/** How raw SQL is treated, which hull one cannot rewrite. */
export interface RawPolicy {
  /** Resolves when row-level security holds raw SQL; rejects with `DH205` when nothing would. */
  assertHeld(): Promise<void>
}

export interface TenantExtensionOptions {
  readonly manifest: Manifest
  readonly raw: RawPolicy
  /** Off only for the proof that the database alone keeps a tenant in. */
  readonly rewrite: boolean
  /** The client's own `omit`: which fields of which model its results lack. */
  readonly globalOmit?: GlobalOmit
}

/** What Prisma hands to a query extension's `$allOperations`; `__internalParams` is missing in its types. */
interface OperationCall {
  readonly model?: string
  readonly operation: string
  readonly args: unknown
  readonly query: (args: unknown, internalParams?: object) => PromiseLike<unknown>
  readonly __internalParams?: InternalParams
}

const rawOperations = new Set(['$queryRaw', '$executeRaw', '$queryRawTyped'])

/**
 * Hull one: a Prisma query extension that rewrites every operation to its tenant. It belongs to the client that
 * all tenants of a process share; whose an operation is says the scope that the tenant client starts it in.
 *
 * Invariants:
 * - No operation passes without a scope.
 * - What the manifest or this extension does not know is refused.
 *
 * What it does not protect: the text of raw SQL. That is held by row-level security alone, so it is refused
 * where the role of the connection bypasses it.
 */
export function tenantExtension(options: TenantExtensionOptions) {
  const batches = new UniqueBatches(options.globalOmit)
  return {
    name: 'doublehull',
    query: { $allOperations: (call: OperationCall) => runOperation(options, batches, call) },
  } as const
}

async function runOperation(
  options: TenantExtensionOptions,
  batches: UniqueBatches,
  call: OperationCall,
): Promise<unknown> {
  const { model, operation } = call
  const scope = currentTenantScope()
  if (!scope) {
    throw new TenancyError(
      'DH101',
      'an operation was started without a tenant; make it with a tenant client',
      {
        details: { operation, ...(model === undefined ? {} : { model }) },
      },
    )
  }
  try {
    return await (model === undefined
      ? runRaw(options, call, scope)
      : runModelOperation(options, batches, call, model, scope))
  } catch (error) {
    throw toTenancyError(error, { operation, ...(model === undefined ? {} : { model }) })
  }
}

function runModelOperation(
  { manifest, rewrite }: TenantExtensionOptions,
  batches: UniqueBatches,
  call: OperationCall,
  model: string,
  scope: TenantScope,
): PromiseLike<unknown> {
  const scoping = { manifest, context: scope.context }
  const scoped = (operation: string, args: unknown): Args =>
    rewrite ? scopeOperation(scoping, model, operation, args) : isArgs(args) ? args : {}
  const args = scoped(call.operation, call.args)
  const alone = unbatched(modelOf(scoping, model), call.operation, args)
  if (!alone) return call.query(unmerged(call.operation, args))
  const internal = call.__internalParams
  return batches.join({
    scope,
    model: modelOf(scoping, model),
    modelName: model,
    args: call.args,
    orThrow: call.operation === 'findUniqueOrThrow',
    internal: internal ?? {},
    findAlone: () => call.query(alone.args, { ...internal, action: alone.action }),
    findMany: (many) =>
      call.query(scoped('findMany', many), { ...internal, action: 'findMany', dataPath: [] }),
  })
}

async function runRaw(
  { raw }: TenantExtensionOptions,
  { operation, args, query }: OperationCall,
  scope: TenantScope,
): Promise<unknown> {
  if (!rawOperations.has(operation)) {
    throw new TenancyError(
      'DH204',
      `${operation} is not reachable from a tenant client; write $queryRaw or $executeRaw with parameters`,
      { details: { operation } },
    )
  }
  await raw.assertHeld()
  return runInWireScope({ ...scope, raw: true }, () => query(args))
}
