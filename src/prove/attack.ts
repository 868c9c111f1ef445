/** The hulls that may stand between tenant A and tenant B's rows. */
export const hulls = ['one', 'two', 'both'] as const
export type Hull = (typeof hulls)[number]

/** A statement that an attack sends by itself, without Prisma. */
export interface SqlCall {
  readonly text: string
  readonly values: readonly unknown[]
  /** It is sent without a tenant's context. */
  readonly withoutContext?: true
}

/** One call of tenant A's that must not reach what is another's. */
export interface Attack {
  /** The model that the call begins with, or the table of an implicit many-to-many relation. */
  readonly model: string
  /** Prisma's name of it, or `sql.<command>`. */
  readonly operation: string
  /** What is tried, in words. */
  readonly form: string
  readonly args: object
  /** What is sent in Prisma's place. Hull one has no part in it. */
  readonly sql?: SqlCall
  /** The relation that is followed by the fluent API. */
  readonly fluent?: string
  /** A read is asked in both worlds, and the answers must be equal; a write must leave B's rows as they are. */
  readonly kind: 'read' | 'write'
  /** The write depends on what B's rows say: that it does anything is the answer. */
  readonly isConditional?: true
  /** The write answers with a number or an order of B's: it is made in both worlds, and the answers must be equal. */
  readonly isCompared?: true
  /** Why the database stops it without any hull: it proves nothing, and is listed. */
  readonly heldBySchema?: string
  /** Why one hull alone can't keep a key from naming B's row, as is documented: the others must, and it shows nothing. */
  readonly limit?: { readonly hull: Hull; readonly reason: string }
}

export function titleOf({ model, operation, form, fluent }: Attack): string {
  return `${model}.${operation}${fluent ? `().${fluent}` : ''}: ${form}`
}

/** Whether a choice of hulls has a part in an attack: hull one never sees SQL. */
export function concerns(hull: Hull, { sql }: Attack): boolean {
  return sql === undefined || hull === 'two'
}
