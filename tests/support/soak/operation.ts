import type { Prisma } from '../../../src/bundled.ts'
import type { BundledTransaction } from '../../../src/index.ts'
import type { Planted } from '../test-database.ts'
import type { OwnRow } from './caller.ts'
import type { Findings } from './findings.ts'
import type { Write } from './ledger.ts'

/** What a tenant's client and the client of its transaction have in common. */
export type Models = Pick<
  BundledTransaction,
  'configPackage' | 'executionTrace' | 'featureFlag' | 'membership' | '$queryRaw' | '$executeRaw'
>

/** One operation of Prisma's that a tenant makes, and what has to be true of its answer. */
export interface Operation {
  readonly what: string
  readonly tenant: Planted
  /** Makes the promise; Prisma starts the operation when it is awaited. */
  readonly make: (db: Models) => Prisma.PrismaPromise<unknown>
  readonly verify: (answer: unknown) => void
  /** What it writes, for the ledger; absent where it only reads. */
  readonly effect?: Effect
}

export interface Effect {
  readonly writes: readonly Write[]
  /** The row as its caller may go on with it once the operation is answered. */
  readonly leaves?: OwnRow
  /** The row as its caller keeps it where the operation is refused. */
  readonly found?: OwnRow
  /** It raises its tenant's counter by one. */
  readonly counts?: true
}

/** An {@link Operation} whose answer has a type, until it stands among others. */
export function operation<Answer>(parts: {
  readonly what: string
  readonly tenant: Planted
  readonly make: (db: Models) => Prisma.PrismaPromise<Answer>
  readonly verify: (answer: Answer) => void
  readonly effect?: Effect
}): Operation {
  return { ...parts, verify: (answer) => parts.verify(answer as Answer) }
}

/** What a row that is looked at tells of itself. */
export interface AnsweredRow {
  readonly id: string
  readonly tenantId: string
  /** Begins with the secret of the tenant that wrote it. */
  readonly mark: string | null
}

/** Every row that was answered is the tenant's, by the database's word and by its writer's. */
export function verifyOwn(
  findings: Findings,
  { what, tenant }: Pick<Operation, 'what' | 'tenant'>,
  rows: readonly AnsweredRow[],
): void {
  for (const { id, tenantId, mark } of rows) {
    findings.unless(
      tenantId === tenant.tenantId && mark?.split('/')[0] === tenant.secret,
      'foreign row',
      () => `${what} of ${tenant.secret} answered ${mark} (row ${id})`,
    )
  }
}

/** A number that a tenant knows: more is somebody else's rows, less is another context or none. */
export function verifyNumber(findings: Findings, what: string, expected: number, answered: number): void {
  findings.unless(answered <= expected, 'foreign row', () => `${what} answered ${answered}, not ${expected}`)
  findings.unless(answered >= expected, 'missing row', () => `${what} answered ${answered}, not ${expected}`)
}
