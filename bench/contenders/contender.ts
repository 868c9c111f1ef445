import type { PrismaClient } from '../../src/generated/prisma/client.ts'

/** What of a client is used here; every contender's has it. */
export type Database = Pick<PrismaClient, 'configPackage' | 'featureFlag' | 'auditEvent'>

/** One operation. It is called synchronously and does not await: Prisma's promises start when they are awaited. */
export type Operation<Answer> = (db: Database) => PromiseLike<Answer>

/** What an operation has to say of its tenant itself, because the contender does not. */
export interface Says {
  /** A tenant's rows are asked for by `tenantId`. */
  readonly where: boolean
  /** A new row is given its `tenantId`. */
  readonly data: boolean
}

/** A way to work for one tenant at a time in a database that many share. */
export interface Contender {
  readonly name: string
  readonly says: Says
  /** One operation of a tenant. */
  one<Answer>(tenantId: string, operation: Operation<Answer>): Promise<Answer>
  /** Several operations of a tenant, made in one tick. */
  tick<Answer>(tenantId: string, operations: readonly Operation<Answer>[]): Promise<readonly Answer[]>
  /** Several operations of a tenant, one after the other, all or none. */
  transaction<Answer>(tenantId: string, operations: readonly Operation<Answer>[]): Promise<readonly Answer[]>
  close(): Promise<void>
}

/** How to log in, each at the same distance. */
export interface Logins {
  /** Row-level security holds it. */
  readonly appUrl: string
  /** Row-level security does not. */
  readonly bypassUrl: string
}

/** Opens a contender with at most `connections` connections. */
export type OpenContender = (logins: Logins, connections: number) => Promise<Contender>

/** A Prisma client, extended or not. */
export type TransactionalDatabase = Database & {
  $transaction<Answer>(work: (tx: Database) => Promise<Answer>): Promise<Answer>
}

/** A contender that has a client for a tenant and uses it as one uses Prisma. */
export function clientContender(
  name: string,
  says: Says,
  clientOf: (tenantId: string) => TransactionalDatabase,
  close: () => Promise<void>,
): Contender {
  return {
    name,
    says,
    one: async (tenantId, operation) => await operation(clientOf(tenantId)),
    async tick(tenantId, operations) {
      const db = clientOf(tenantId)
      return await Promise.all(operations.map((operation) => operation(db)))
    },
    transaction: (tenantId, operations) => clientOf(tenantId).$transaction((tx) => inOrder(tx, operations)),
    close,
  }
}

/** Runs operations one after the other. */
export async function inOrder<Answer>(
  db: Database,
  operations: readonly Operation<Answer>[],
): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  for (const operation of operations) answers.push(await operation(db))
  return answers
}
