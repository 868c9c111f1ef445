import { contextKeyVariable } from '../context/context-key.ts'
import { type ContextSigner, contextSigner } from '../context/context-signature.ts'
import {
  parseTenantContext,
  type TenantContext,
  type TenantContextInput,
  tenantIdTypeOf,
} from '../context/tenant-context.ts'
import { parseTenantId, type TenantIdType } from '../context/tenant-id.ts'
import { TenancyError } from '../errors.ts'
import { toTenancyError } from '../extension/prisma-error.ts'
import { type TenantTransactionOptions, type TransactionOptions, unlessAborted } from './run-transaction.ts'
import { contextOf, isSystemClient } from './tenant-client.ts'

/** A client that opens transactions: a tenant client, or a plain `PrismaClient` that logs in as the app role. */
export interface TransactionalClient<Tx> {
  // oxlint-disable-next-line typescript/no-explicit-any -- Prisma's overloads infer the result; only the callback form is used
  $transaction(work: (tx: Tx) => Promise<any>, options?: TransactionOptions): Promise<any>
}

interface RawClient {
  $queryRaw(query: TemplateStringsArray, ...values: unknown[]): PromiseLike<unknown>
}

/** How the context of a plain `PrismaClient` is made. A tenant client has all of it already. */
export interface PlainContextOptions {
  /** The person who acts: `app.user_id`, by the rule of `TenantContextInput`. */
  readonly userId?: NonNullable<TenantContextInput['userId']>
  /** The type of the tenants' ids, as the manifest says it; `uuid` unless told. */
  readonly tenantIdType?: TenantIdType
  /** Signs the context: 32 bytes or more, as hexadecimal digits or base64. `DOUBLEHULL_CONTEXT_KEY` unless told. */
  readonly contextKey?: string
}

/**
 * Runs raw SQL, or anything else, in one transaction that belongs to a tenant.
 *
 * @param client a tenant client of that tenant, or a plain `PrismaClient` whose role is held by row-level
 *   security
 * @param tenantId the tenant, as `parseTenantId` takes it
 * @param callback gets the transaction; what it returns is returned, and if it throws, all is rolled back
 * @param options Prisma's own, `statementTimeoutMillis`, `lockTimeoutMillis`, and `signal`, which ends the
 *   transaction early; what a plain client is just running goes on until it is answered and is then rolled back. For a
 *   plain client `userId`, `contextKey` and `tenantIdType` too, as {@link setRLSTenantContext} takes them
 * @throws {TenancyError} `DH101`, `DH102` for a missing or malformed id; `DH103` where the client is another
 *   tenant's; `DH204` for a system client, which no tenant's context would hold; the reason of the signal when that
 *   ends it
 *
 * @example
 * ```ts
 * const rows = await withTenantContext(db, tenantId, (tx) => tx.$queryRaw`select id, name from governance.config_package`)
 * ```
 */
export async function withTenantContext<Tx, Result>(
  client: TransactionalClient<Tx>,
  tenantId: TenantContextInput['tenantId'],
  callback: (tx: Tx) => Promise<Result>,
  { userId, contextKey, tenantIdType, ...options }: TenantTransactionOptions & PlainContextOptions = {},
): Promise<Result> {
  const context = contextOf(client)
  const id = parseTenantId(tenantId, context ? tenantIdTypeOf(context) : tenantIdType)
  if (context) {
    if (context.tenantId !== id) throw otherTenant()
    return client.$transaction((tx) => callback(tx), options)
  }
  assertMayBeHeld(client)
  const { signal, statementTimeoutMillis, lockTimeoutMillis, ...prismaOptions } = options
  const plain = {
    ...(userId === undefined ? {} : { userId }),
    ...(contextKey === undefined ? {} : { contextKey }),
    ...(tenantIdType === undefined ? {} : { tenantIdType }),
  }
  const limits = parseTenantContext(
    {
      tenantId,
      ...(statementTimeoutMillis === undefined ? {} : { statementTimeoutMillis }),
      ...(lockTimeoutMillis === undefined ? {} : { lockTimeoutMillis }),
    },
    tenantIdType,
  )
  signal?.throwIfAborted()
  const work = async (tx: Tx): Promise<Result> => {
    await setRLSTenantContext(tx as RawClient & Tx, id, plain)
    await setLimits(tx as RawClient & Tx, limits)
    return callback(tx)
  }
  return client.$transaction(signal ? (tx) => unlessAborted(() => work(tx), signal) : work, prismaOptions)
}

async function setLimits(
  tx: RawClient,
  { statementTimeoutMillis, lockTimeoutMillis }: TenantContext,
): Promise<void> {
  if (statementTimeoutMillis !== undefined)
    await tx.$queryRaw`select set_config('statement_timeout', ${String(statementTimeoutMillis)}, true)`
  if (lockTimeoutMillis !== undefined)
    await tx.$queryRaw`select set_config('lock_timeout', ${String(lockTimeoutMillis)}, true)`
}

/**
 * Sets the tenant of a transaction that is already open, for code that runs on a plain `PrismaClient`. The
 * context lasts exactly as long as the transaction. Where there is a key, it is signed.
 *
 * @param tx the client of an interactive transaction; a tenant client has its tenant already, and nothing is done
 * @param tenantId the tenant, as `parseTenantId` takes it
 * @param options `userId`; without it `app.user_id` is left alone, or, where the context is signed, emptied, for the
 *   signature is that of both. `contextKey`, the key to sign with, `DOUBLEHULL_CONTEXT_KEY` unless told. `tenantIdType`, the
 *   type of the tenants' ids, `uuid` unless told
 * @throws {TenancyError} `DH101`, `DH102` for a missing or malformed id; `DH408` for a malformed key; `DH103` where the transaction already
 *   has another tenant; `DH204` for a client that is no transaction, where a local setting would be lost, and for a
 *   system client
 *
 * @example
 * ```ts
 * await prisma.$transaction(async (tx) => {
 *   await setRLSTenantContext(tx, tenantId)
 *   return tx.configPackage.findMany()
 * })
 * ```
 */
export async function setRLSTenantContext(
  tx: object,
  tenantId: TenantContextInput['tenantId'],
  { userId, contextKey, tenantIdType }: PlainContextOptions = {},
): Promise<void> {
  const context = contextOf(tx)
  const identity = parseTenantContext(
    { tenantId, ...(userId === undefined ? {} : { userId }) },
    context ? tenantIdTypeOf(context) : tenantIdType,
  )
  const id = identity.tenantId
  if (context) {
    if (context.tenantId !== id) throw otherTenant()
    return
  }
  assertMayBeHeld(tx)
  if ('$connect' in tx || !('$queryRaw' in tx)) {
    throw new TenancyError(
      'DH204',
      'setRLSTenantContext needs the client of an interactive transaction; outside of one the setting is lost at once',
    )
  }
  const signature = signerOf(contextKey)?.signatureOf(identity)
  const user = identity.userId ?? (signature === undefined ? null : '')
  // sets nothing where the transaction already has another tenant: a tenant never changes within one; and of the rest
  // only what is given
  let rows: unknown
  try {
    rows = await (tx as RawClient).$queryRaw`
      select set_config('app.tenant_id', ${id}, true),
             case when ${user}::text is not null then set_config('app.user_id', ${user}, true) end,
             case when ${signature ?? null}::text is not null
                  then set_config('app.context_signature', ${signature ?? null}, true) end
       where coalesce(nullif(current_setting('app.tenant_id', true), ''), ${id}) = ${id}`
  } catch (error) {
    throw toTenancyError(error, { operation: 'setRLSTenantContext' })
  }
  if (!Array.isArray(rows) || rows.length === 0) throw otherTenant()
}

let kept: { readonly key: string | undefined; readonly signer: ContextSigner | undefined } | undefined

/** The environment's, or that of a key that is given; the last one is kept. */
function signerOf(contextKey: string | undefined): ContextSigner | undefined {
  const key = contextKey ?? process.env[contextKeyVariable]
  if (kept?.key !== key)
    kept = { key, signer: contextSigner(contextKey === undefined ? {} : { contextKey }, process.env) }
  return kept?.signer
}

/** The role of a system client passes the policies whatever the context says: its user would see all tenants. */
function assertMayBeHeld(client: object): void {
  if (!isSystemClient(client)) return
  throw new TenancyError(
    'DH204',
    'a system client cannot be held to one tenant; make a tenant client, or name the tenant in each query',
  )
}

function otherTenant(): TenancyError {
  return new TenancyError('DH103', 'the client or transaction already belongs to another tenant')
}
