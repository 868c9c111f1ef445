import { currentTenantScope, runInWireScope, type TenantScope } from '../context/wire-scope.ts'
import { TenancyError } from '../errors.ts'
import type { ComputedFields } from './computed-fields.ts'
import { ModelOperations, type ModelOperationsOptions } from './model-operations.ts'
import type { OperationCall } from './operation-call.ts'
import { toTenancyError } from './prisma-error.ts'
import { attachTicket, currentTicket, numberOperations, type Ticket, ticketOf } from './ticket.ts'

/** How raw SQL is treated, which hull one cannot rewrite. */
export interface RawPolicy {
  /** Resolves when row-level security holds raw SQL; rejects with `DH205` when nothing would. */
  assertHeld(): Promise<void>
}

export interface TenantExtensionOptions extends ModelOperationsOptions {
  readonly raw: RawPolicy
  /** `$queryRawUnsafe` and `$executeRawUnsafe` run as `$queryRaw` does. */
  readonly allowUnsafeRaw?: boolean
  /** Extensions of the application stand before this one: operations come with a {@link Ticket}. */
  readonly computed?: ComputedFields
  /** Stands around what they send. */
  readonly observe?: Observe
}

/** Runs an operation that has come through all extensions, and may look at what it writes. */
export type Observe = (
  call: OperationCall,
  ticket: Ticket,
  send: (call: OperationCall) => Promise<unknown>,
) => Promise<unknown>

const rawOperations: ReadonlySet<string> = new Set(['$queryRaw', '$executeRaw', '$queryRawTyped'])
const unsafeRawOperations: ReadonlySet<string> = new Set(['$queryRawUnsafe', '$executeRawUnsafe'])

/**
 * Hull one: a Prisma query extension that rewrites every operation to its tenant. It belongs to the client that
 * all tenants of a process share; whose an operation is says the scope that the tenant client starts it in, or,
 * behind extensions of the application, the ticket that it comes with.
 *
 * Invariants:
 * - No operation passes without a scope.
 * - What the manifest or this extension does not know is refused.
 * - It is the last extension of its client, and so the innermost: no other one sees what it has made.
 *
 * What it does not protect: the text of raw SQL. That is held by row-level security alone, so it is refused
 * where the role of the connection bypasses it.
 */
export function tenantExtension(options: TenantExtensionOptions) {
  const models = new ModelOperations(options)
  const run = (call: OperationCall, scope: TenantScope | undefined) =>
    runOperation(options, models, call, scope)
  return {
    name: 'doublehull',
    query: {
      $allOperations: options.computed
        ? (call: OperationCall) => runTicketed(run, call, options.observe)
        : (call: OperationCall) => run(call, currentTenantScope()),
    },
  } as const
}

/**
 * Stands before the extensions of the application and gives each operation its ticket: here nobody has changed the
 * async context yet that the tenant client started the operation in.
 */
export const ticketExtension = {
  name: 'doublehull ticket',
  query: {
    $allOperations: ({ args, query, __internalParams: params }: OperationCall) => {
      const ticket = currentTicket()
      if (ticket && params) attachTicket(params, ticket)
      return query(args, params)
    },
  },
} as const

/** Runs an operation in the scope of its ticket: an extension may have gone on in another tenant's async context. */
async function runTicketed(
  run: (call: OperationCall, scope: TenantScope | undefined) => Promise<unknown>,
  call: OperationCall,
  observe: Observe = (call, _ticket, send) => send(call),
): Promise<unknown> {
  const params = call.__internalParams
  const ticket = ticketOf(params)
  if (!ticket) return run(call, undefined)
  ticket.arrive()
  const { query } = call
  // Prisma computes fields by the arguments in its own parameters: those are the caller's, and not hull one's
  const unseen = { ...call, query: (args: unknown, own = params) => query(args, { ...own }) }
  try {
    const result = await ticket.run(() => observe(unseen, ticket, (own) => run(own, ticket.scope)))
    // Prisma answers with nothing what it has not run, because another operation of the turn had failed
    if (result !== undefined) ticket.answer()
    return result
  } catch (error) {
    ticket.fail(error)
    throw error
  }
}

async function runOperation(
  options: TenantExtensionOptions,
  models: ModelOperations,
  call: OperationCall,
  scope: TenantScope | undefined,
): Promise<unknown> {
  const { model, operation } = call
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
    if (model === undefined) return await runRaw(options, call, scope)
    if (!options.computed || numberOperations.has(operation)) return await models.run(call, model, scope)
    return await models.run({ ...call, args: options.computed.withNeeds(model, call.args) }, model, scope)
  } catch (error) {
    throw toTenancyError(error, { operation, ...(model === undefined ? {} : { model }) })
  }
}

async function runRaw(
  { raw, allowUnsafeRaw = false }: TenantExtensionOptions,
  { operation, args, query }: OperationCall,
  scope: TenantScope,
): Promise<unknown> {
  if (!rawOperations.has(operation) && !(allowUnsafeRaw && unsafeRawOperations.has(operation))) {
    throw new TenancyError(
      'DH204',
      `${operation} is not reachable from a tenant client; write $queryRaw or $executeRaw with parameters`,
      { details: { operation } },
    )
  }
  await raw.assertHeld()
  return runInWireScope({ ...scope, raw: true }, () => query(args))
}
