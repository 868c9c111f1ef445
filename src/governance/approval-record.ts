import type { BundledTransaction } from '../tenancy/bundled.ts'
import { conflict, illegalMove, notFound } from './governance-error.ts'

/** Where an approval is. All but `PENDING` are for good, but an approved one is cancelled with its version. */
export type ApprovalStatus = 'PENDING' | 'APPROVED' | 'REJECTED' | 'CANCELLED'

/** One reviewer's vote. */
export interface ApprovalVote {
  readonly reviewerId: string
  readonly decision: 'APPROVE' | 'REJECT'
  readonly comment: string | null
  readonly createdAt: Date
}

/** A request to approve one version with exactly one content. */
export interface Approval {
  readonly id: string
  readonly versionId: string
  readonly status: ApprovalStatus
  /** The hash of the content that it is about. */
  readonly contentHash: string
  /** How many reviewers must approve. */
  readonly quorum: number
  readonly requesterId: string | null
  /** Who gave the last vote, or cancelled it, and why. */
  readonly closedById: string | null
  readonly reason: string | null
  readonly createdAt: Date
  readonly decidedAt: Date | null
  /** In the order in which they were given. */
  readonly votes: readonly ApprovalVote[]
}

const votes = {
  select: { reviewerId: true, decision: true, comment: true, createdAt: true },
  orderBy: { createdAt: 'asc' },
} as const

export const approvalSelect = {
  id: true,
  versionId: true,
  status: true,
  contentHash: true,
  quorum: true,
  requesterId: true,
  closedById: true,
  reason: true,
  createdAt: true,
  decidedAt: true,
  decisions: votes,
} as const

/** An approval as {@link approvalSelect} reads it. */
export type ApprovalRow = Omit<Approval, 'votes'> & { readonly decisions: readonly ApprovalVote[] }

export function toApproval({ decisions, ...approval }: ApprovalRow): Approval {
  return { ...approval, votes: decisions }
}

/** @throws {TenancyError} `DH507` */
export async function findApproval(tx: BundledTransaction, id: string): Promise<Approval> {
  const row = await tx.approval.findFirst({ where: { id }, select: approvalSelect })
  if (!row) throw notFound('approval')
  return toApproval(row)
}

/** The newest approval of a version, if it has one; of that the version's status speaks. */
export async function newestApproval(
  tx: BundledTransaction,
  versionId: string,
): Promise<Approval | undefined> {
  const row = await tx.approval.findFirst({
    where: { versionId },
    orderBy: { createdAt: 'desc' },
    select: approvalSelect,
  })
  return row === null ? undefined : toApproval(row)
}

/**
 * Cancels an approval that is pending, or whose approved version is not in force yet; the database takes the version
 * back to DRAFT.
 *
 * @throws {TenancyError} `DH501` for one that has ended, `DH504` for one that ends meanwhile
 */
export async function cancelApproval(
  tx: BundledTransaction,
  { id, status }: Pick<Approval, 'id' | 'status'>,
  reason: string | undefined,
): Promise<void> {
  if (status !== 'PENDING' && status !== 'APPROVED') {
    throw illegalMove(`an approval that is ${status} has ended`, { from: status, to: 'CANCELLED' })
  }
  const { count } = await tx.approval.updateMany({
    // what it was when it was read, or a vote came in between
    where: { id, status },
    data: { status: 'CANCELLED', ...(reason === undefined ? {} : { reason }) },
  })
  if (count === 1) return
  const { status: actual } = await findApproval(tx, id)
  throw conflict('the status of the approval', { expected: status, actual })
}
