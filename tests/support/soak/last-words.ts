import type { BundledTenantClient } from '../../../src/index.ts'
import type { Caller } from './caller.ts'
import type { Operation } from './operation.ts'
import { setForTheSession } from './reads.ts'
import { refusedWith } from './soak.ts'

/**
 * Ways in which a caller's last operation on a connection may leave a context on it: its own, or one that its SQL
 * sets for the session. During a run the next user of the connection takes it away.
 */
export const lastWords: readonly ((caller: Caller) => Promise<unknown>)[] = [
  (caller) => {
    const { tenantId, userId } = caller.anyTenant()
    const db = caller.soak.clientOf({ tenantId, userId, lockTimeoutMillis: 40_000 })
    return caller.soak.ask('a query', db.featureFlag.count())
  },
  sayLast('alone', (db, { make }) => make(db)),
  sayLast('in an array', (db, { make }) => db.$transaction([make(db)])),
  sayLast('in a transaction', (db, { make }) => db.$transaction((tx) => make(tx))),
  (caller) => {
    const tenant = caller.anyTenant()
    const db = caller.clientOf(tenant)
    // what a statement that fails has set is undone with it
    const failing = db.$queryRaw`select set_config('app.tenant_id', ${tenant.tenantId}, false), 1 / 0`
    return caller.soak.ask('a context for the session that fails', failing, refusedWith('P2010'))
  },
]

function sayLast(
  where: string,
  say: (db: BundledTenantClient, operation: Operation) => PromiseLike<unknown>,
) {
  return (caller: Caller): Promise<unknown> => {
    const operation = setForTheSession(caller, caller.anyTenant())
    const said = say(caller.clientOf(operation.tenant), operation)
    return caller.soak.ask(`a context for the session, ${where}`, said)
  }
}
