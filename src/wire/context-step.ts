import type { ContextSigner } from '../context/context-signature.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import type { WorkContext } from '../context/wire-scope.ts'

/** A statement of the package's own that travels with a query, under the same Sync. */
export interface Step {
  readonly text: string
  readonly values: readonly (string | null)[]
}

/** A {@link Step} that sets the context; the first row it answers with says whose turn it is. */
export interface ContextStep extends Step {
  readonly context: TenantContext
  readonly ticket: string
}

const setContext = `select pg_catalog.current_setting('app.tenant_id', true), pg_catalog.set_config('app.tenant_id', $1, true), $3::text, pg_catalog.set_config('app.user_id', $2, true)`

const setSignature = `, pg_catalog.set_config('app.context_signature', $4, true)`

// a limit that is not given stays what the role or the server says
const setLimits = (first: number) =>
  (['statement_timeout', 'lock_timeout'] as const)
    .map(
      (name, index) =>
        `, pg_catalog.set_config('${name}', coalesce($${index + first}, pg_catalog.current_setting('${name}')), true)`,
    )
    .join('')

// few texts, and always the same ones: each is prepared once on a connection
const texts = {
  plain: { without: setContext, limited: setContext + setLimits(4) },
  signed: { without: setContext + setSignature, limited: setContext + setSignature + setLimits(5) },
} as const

let tickets = 0

/**
 * The statement that sets the context, and the limits in it, for one transaction.
 *
 * Its answer begins with what an earlier user of the connection may have left behind (a local setting is gone with
 * its transaction, so anything there was set for the session), and with the tenant and the ticket that it was
 * given: the rows that follow are handed out only to whom they were made for.
 */
function contextStep(context: TenantContext, signer: ContextSigner | undefined): ContextStep {
  const { tenantId, userId, statementTimeoutMillis, lockTimeoutMillis } = context
  tickets = (tickets + 1) % Number.MAX_SAFE_INTEGER
  const ticket = tickets.toString(36)
  const identity = [tenantId, userId ?? '', ticket]
  if (signer) identity.push(signer.signatureOf(context))
  const text = signer ? texts.signed : texts.plain
  if (statementTimeoutMillis === undefined && lockTimeoutMillis === undefined) {
    return { text: text.without, values: identity, context, ticket }
  }
  const limits = [statementTimeoutMillis, lockTimeoutMillis].map((limit) => limit?.toString() ?? null)
  return { text: text.limited, values: [...identity, ...limits], context, ticket }
}

/**
 * What of an exchange sets its context: nothing in that of the system, whose role the policies let pass.
 *
 * @param signer where the tenancy has a key
 */
export function contextOfExchange(
  context: WorkContext,
  signer: ContextSigner | undefined,
): { readonly context?: ContextStep } {
  return context.tenantId === undefined ? {} : { context: contextStep(context, signer) }
}

/**
 * The statement that takes away a context that somebody's SQL set for the whole session, and the claims of a token too,
 * which a database in plain mode believes, and what audit events say of a request. It goes behind the end of a transaction, and not before: triggers that are
 * deferred to the end need the context. Destroying the connection would not be enough behind a pooler, which keeps the
 * server's end of it for the next client.
 */
export const contextReset: Step = {
  text: `select ${[
    'app.tenant_id',
    'app.user_id',
    'app.context_signature',
    'app.audit_context',
    'request.jwt.claims',
  ]
    .map((setting) => `pg_catalog.set_config('${setting}', '', false)`)
    .join(', ')}`,
  values: [],
}

/**
 * The question whether somebody's SQL has prepared statements of its own: one may stand under the name of another,
 * and would run for whoever comes next.
 */
export const lookForPlanted: Step = {
  text: 'select exists (select from pg_catalog.pg_prepared_statement() where from_sql)',
  values: [],
}

/**
 * Goes before a statement of the package's own that nobody has asked for. To print a policy, PostgreSQL locks its table,
 * and a migration may hold that; and it prints names without their schema where the search_path leads to them.
 */
export const ownStatement: Step = {
  text: `select pg_catalog.set_config('lock_timeout', '100ms', true), pg_catalog.set_config('search_path', '', true)`,
  values: [],
}

export const begin: Step = { text: 'begin', values: [] }

export const commit: Step = { text: 'commit', values: [] }

export const rollback: Step = { text: 'rollback', values: [] }
