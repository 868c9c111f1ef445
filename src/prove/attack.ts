/** The hulls that may stand between tenant A and tenant B's rows. */
export const hulls = ['one', 'two', 'both'] as const
export type Hull = (typeof hulls)[number]

/** One call of tenant A's that must not reach what is another's. */
export interface Attack {
  /** The model that the call begins with. */
  readonly model: string
  readonly operation: string
  /** What is tried, in words. */
  readonly form: string
  readonly args: object
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
