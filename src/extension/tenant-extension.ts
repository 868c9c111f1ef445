import { currentTenantScope, runInWireScope, type TenantScope } from '../context/wire-scope.ts'
import { TenancyError } from '../errors.ts'
import { ModelOperations, type ModelOperationsOptions } from './model-operations.ts'
import type { OperationCall } from './operation-call.ts'
import { toTenancyError } from './prisma-error.ts'

/** How raw SQL is treated, which hull one cannot rewrite. */
export interface RawPolicy {
  /** Resolves when row-level security holds raw SQL; rejects with `DH205` when nothing would. */
  assertHeld(): Promise<void>
}

export interface TenantExtensionOptions extends ModelOperationsOptions {
  readonly raw: RawPolicy
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
  const models = new ModelOperations(options)
  return {
    name: 'doublehull',
    query: { $allOperations: (call: OperationCall) => runOperation(options, models, call) },
  } as const
}

async function runOperation(
  options: TenantExtensionOptions,
  models: ModelOperations,
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
    return await (model === undefined ? runRaw(options, call, scope) : models.run(call, model, scope))
  } catch (error) {
    throw toTenancyError(error, { operation, ...(model === undefined ? {} : { model }) })
  }
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
