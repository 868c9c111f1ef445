export const states = ['DRAFT', 'REVIEW', 'APPROVED', 'ACTIVE', 'DEPRECATED'] as const
export type State = (typeof states)[number]

type Kind = 'ACTIVATE' | 'ROLLBACK' | 'DEPRECATE' | 'BREAK_GLASS'

/** What is put in force, or out of it. */
export interface Step {
  readonly packageId: string
  readonly versionId: string
  /** What is in force until then, and is expected to be. */
  readonly previousVersionId: string | null
  readonly kind: Kind
  readonly reason?: string
}

/**
 * One way to write to the life cycle, each call in a transaction of its own. All of them must be allowed and refused the
 * same: a refused call rejects with a `code`.
 */
export interface Way {
  /** Creates a draft, and answers with its id. */
  create(user: string, packageId: string, content?: object): Promise<string>
  edit(user: string, versionId: string, content: object): Promise<unknown>
  remove(user: string, versionId: string): Promise<unknown>
  submit(user: string, versionId: string): Promise<unknown>
  cancel(user: string, approvalId: string, reason?: string): Promise<unknown>
  vote(user: string, approvalId: string, decision: 'APPROVE' | 'REJECT', comment?: string): Promise<unknown>
  step(user: string, step: Step): Promise<unknown>
  /** Creates a version as something else than a draft; missing where the way has no words for it. */
  createAs?(user: string, packageId: string, state: State): Promise<unknown>
  /** Sets a status, and nothing else; missing where the way has no words for it. */
  setStatus?(user: string, versionId: string, state: State): Promise<unknown>
}
