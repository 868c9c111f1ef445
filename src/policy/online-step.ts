/** What a step does to a schema; each kind takes one sort of lock, see {@link lockOf}. */
export type OnlineStepKind =
  | 'schemaGrants'
  | 'dropInvalidIndex'
  | 'uniqueIndex'
  | 'index'
  | 'addForeignKey'
  | 'validateForeignKey'
  | 'dropForeignKey'
  | 'protectTable'

/** One step of an online protection: statements that succeed or fail together. */
export interface OnlineStep {
  readonly kind: OnlineStepKind
  /** Empty where the step is about no table. */
  readonly schema: string
  readonly table: string
  /** The index or the constraint; of a table's protection, the table. */
  readonly object: string
  /** Whole statements, without a semicolon. */
  readonly statements: readonly string[]
  /** `create index concurrently` and its likes run outside of any transaction, one statement at a time. */
  readonly transaction: boolean
  /** The step that must have succeeded before: the object of another step of the same table. */
  readonly needs?: string
  /** Puts right what a failed attempt left, before the next one. */
  readonly cleanUp?: string
  /** What the Prisma schema must say of it, so that its next migration does not take it away. */
  readonly schemaLine?: string
  /** Counts the rows that keep a foreign key from being valid, as a column `rows`; selects no value. */
  readonly violations?: string
}

/** Something that the plan leaves alone, and says so. */
export interface OnlineFinding {
  /** A `problem` leaves something unprotected; a `notice` is for whoever knows the schema to judge. */
  readonly severity: 'problem' | 'notice'
  readonly kind:
    | 'missingTable'
    | 'notATable'
    | 'partitioned'
    | 'hiddenRows'
    | 'blindOwner'
    | 'noForeignKey'
    | 'otherForeignKey'
    | 'nullableTenant'
    | 'updateAction'
    | 'foreignPolicy'
    | 'violatingRows'
    | 'failedStep'
  readonly schema: string
  readonly table: string
  readonly object?: string
  /** How many rows, where rows are the matter. */
  readonly rows?: number
  /** What is left, where, and what to do; never a value. */
  readonly message: string
}

/** What is to be done, in order, and what is not. */
export interface OnlinePlan {
  readonly steps: readonly OnlineStep[]
  readonly findings: readonly OnlineFinding[]
}

/** The strongest lock that each kind of step takes on a table, and what goes on meanwhile. */
export const lockOf: Readonly<Record<OnlineStepKind, string>> = {
  schemaGrants: 'no lock on a table',
  dropInvalidIndex: 'share update exclusive: reads and writes go on',
  uniqueIndex: 'share update exclusive: reads and writes go on',
  index: 'share update exclusive: reads and writes go on',
  addForeignKey: 'share row exclusive on both tables, for a moment: reads go on',
  validateForeignKey: 'share update exclusive: reads and writes go on',
  dropForeignKey: 'access exclusive on both tables, for a moment',
  protectTable: 'access exclusive, for a moment',
}
