import { z } from 'zod'
import { TenancyError } from '../errors.ts'
import type { BundledTransaction } from '../tenancy/bundled.ts'
import {
  type Approval,
  approvalSelect,
  cancelApproval,
  findApproval,
  newestApproval,
  toApproval,
} from './approval-record.ts'
import { checkedInput } from './checked-input.ts'
import type { ContentRules } from './content-rules.ts'
import { illegalMove, isTaken, notFound } from './governance-error.ts'
import type { GovernedScope } from './governed-scope.ts'
import { idSchema, limitSchema, reasonSchema } from './input-parts.ts'
import { type Page, pageOf } from './page.ts'
import type { Actor } from './permissions.ts'
import { submitVersion } from './submit-version.ts'
import { findVersion, permissionToWithdraw, rulesOfPackage } from './version-record.ts'

/** Which approvals are listed. */
export interface PendingListOptions {
  /** The `next` of the page before. */
  readonly after?: string | undefined
  /** From 1 to 500; 50 unless told. */
  readonly limit?: number | undefined
}

/**
 * The approvals of a tenant's versions. A call that changes something belongs to the user of the client's context, runs
 * in one transaction, and fails with `DH509` without a user and with `DH505` without the permission. It is never tried
 * again by itself: where PostgreSQL ends it for a deadlock or a write conflict, that is Prisma's `P2034`, and the whole
 * transaction may be tried again.
 */
export interface Approvals {
  /**
   * Submits a version for review, where it is not in review yet. Needs `config:submit`.
   *
   * @returns the approval that is pending; the same one however often it is requested
   * @throws {TenancyError} `DH506` where the content breaks the rules of its package, `DH501` where the version is neither
   *   a draft nor in review, `DH504` where it is edited meanwhile, `DH507` where the tenant has no such version
   *
   * @example
   * ```ts
   * const approval = await governance.approvals.request(draft.id)
   * ```
   */
  request(versionId: string): Promise<Approval>
  /**
   * @throws {TenancyError} `DH507` where the tenant has no such approval
   *
   * @example
   * ```ts
   * const { status, votes } = await governance.approvals.get(approvalId)
   * ```
   */
  get(id: string): Promise<Approval>
  /**
   * Votes for a version. The vote that completes the quorum approves it. Needs `config:approve`.
   *
   * @param options `comment`: at most 2000 characters
   * @throws {TenancyError} `DH510` where the user wrote, edited or submitted the version, `DH501` where the approval has
   *   ended, `DH504` where the user has voted already, `DH506` where the content breaks the rules of its package, `DH507`
   *   where the tenant has no such approval
   *
   * @example
   * ```ts
   * const { status } = await governance.approvals.approve(approval.id, { comment: 'as agreed' })
   * ```
   */
  approve(id: string, options?: { readonly comment?: string | undefined }): Promise<Approval>
  /**
   * Votes against a version, which takes it back to a draft at once. Needs `config:review`.
   *
   * @param options `comment`: why; at most 2000 characters
   * @throws {TenancyError} as {@link Approvals.approve}, and `DH506` without a comment
   *
   * @example
   * ```ts
   * await governance.approvals.reject(approval.id, { comment: 'the limit is too low for Fridays' })
   * ```
   */
  reject(id: string, options: { readonly comment: string }): Promise<Approval>
  /**
   * Cancels an approval that is pending, or whose approved version is not in force yet; the version is a draft again.
   * Needs `config:submit` of the author of the version and of who submitted it, and `config:review` of anybody else.
   *
   * @throws {TenancyError} `DH501` where it has ended, `DH504` where it is decided meanwhile, `DH507` where the tenant has
   *   no such approval
   *
   * @example
   * ```ts
   * await governance.approvals.cancel(approval.id, { reason: 'the reviewers are gone' })
   * ```
   */
  cancel(id: string, options?: { readonly reason?: string | undefined }): Promise<Approval>
  /**
   * The approvals that wait for votes, the oldest first.
   *
   * @example
   * ```ts
   * const { items, next } = await governance.approvals.listPending()
   * const more = next === null ? undefined : await governance.approvals.listPending({ after: next })
   * ```
   */
  listPending(options?: PendingListOptions): Promise<Page<Approval>>
}

const approveInput = z.strictObject({ comment: reasonSchema.optional() })
const rejectInput = z.strictObject({ comment: reasonSchema })
const cancelInput = z.strictObject({ reason: reasonSchema.optional() })
const listInput = z.strictObject({ after: idSchema.optional(), limit: limitSchema })

export function approvalsOf(scope: GovernedScope, rules: ContentRules): Approvals {
  return {
    async request(input) {
      const versionId = checkedInput('approvals.request', idSchema, input)
      const call = {
        action: 'config.version.submit',
        permission: 'config:submit',
        resource: { type: 'version', id: versionId },
      } as const
      return scope.mutate(call, async (tx) => {
        const version = await findVersion(tx, versionId)
        if (version.status !== 'REVIEW') await submitVersion(tx, version, rules)
        const approval = await newestApproval(tx, versionId)
        if (!approval) throw notFound('approval')
        return approval
      })
    },

    async get(id) {
      return findApproval(scope.reader, checkedInput('approvals.get', idSchema, id))
    },

    async approve(input, options = {}) {
      const id = checkedInput('approvals.approve', idSchema, input)
      const { comment } = checkedInput('approvals.approve', approveInput, options)
      const call = {
        action: 'config.approval.approve',
        permission: 'config:approve',
        resource: { type: 'approval', id },
      } as const
      return scope.mutate(call, async (tx, actor) => {
        const approval = await findPending(tx, id, 'APPROVED')
        const { packageId, content } = await findVersion(tx, approval.versionId)
        await rules.assertValid(await rulesOfPackage(tx, packageId), content)
        return vote(tx, actor, { approvalId: id, decision: 'APPROVE', comment })
      })
    },

    async reject(input, options) {
      const id = checkedInput('approvals.reject', idSchema, input)
      const { comment } = checkedInput('approvals.reject', rejectInput, options)
      const call = {
        action: 'config.approval.reject',
        permission: 'config:review',
        resource: { type: 'approval', id },
      } as const
      return scope.mutate(call, async (tx, actor) => {
        await findPending(tx, id, 'REJECTED')
        return vote(tx, actor, { approvalId: id, decision: 'REJECT', comment })
      })
    },

    async cancel(input, options = {}) {
      const id = checkedInput('approvals.cancel', idSchema, input)
      const { reason } = checkedInput('approvals.cancel', cancelInput, options)
      const call = {
        action: 'config.approval.cancel',
        permission: permissionToWithdraw(async (tx) => {
          const row = await tx.approval.findFirst({ where: { id }, select: { versionId: true } })
          return row?.versionId
        }),
        resource: { type: 'approval', id },
      } as const
      return scope.mutate(call, async (tx) => {
        await cancelApproval(tx, await findApproval(tx, id), reason)
        return findApproval(tx, id)
      })
    },

    async listPending(options = {}) {
      const { after, limit } = checkedInput('approvals.listPending', listInput, options)
      const rows = await scope.reader.approval.findMany({
        where: { status: 'PENDING' },
        orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
        // not with `skip: 1`: where the last one of the page before is decided by now, that would skip another
        ...(after === undefined ? {} : { cursor: { id: after } }),
        take: limit + (after === undefined ? 1 : 2),
        select: approvalSelect,
      })
      const behind = rows.filter(({ id }) => id !== after).map(toApproval)
      return pageOf(behind, limit, ({ id }) => id)
    },
  }
}

async function findPending(
  tx: BundledTransaction,
  id: string,
  to: 'APPROVED' | 'REJECTED',
): Promise<Approval> {
  const approval = await findApproval(tx, id)
  if (approval.status === 'PENDING') return approval
  throw illegalMove(`an approval that is ${approval.status} takes no more votes`, {
    from: approval.status,
    to,
  })
}

interface Ballot {
  readonly approvalId: string
  readonly decision: 'APPROVE' | 'REJECT'
  readonly comment: string | undefined
}

async function vote(
  tx: BundledTransaction,
  { userId }: Actor,
  { approvalId, decision, comment }: Ballot,
): Promise<Approval> {
  try {
    await tx.approvalDecision.create({
      data: { approvalId, reviewerId: userId, decision, ...(comment === undefined ? {} : { comment }) },
      select: { approvalId: true },
    })
  } catch (error) {
    if (!isTaken(error)) throw error
    throw new TenancyError('DH504', 'the user has voted on this approval already, and a vote is for good', {
      cause: error,
    })
  }
  return findApproval(tx, approvalId)
}
