import { z } from 'zod'
import { TenancyError } from '../errors.ts'
import type { BundledTransaction } from '../tenancy/bundled.ts'
import {
  type Approval,
  approvalSelect,
  cancelApproval,
  newestApproval,
  toApproval,
} from './approval-record.ts'
import { checkedInput } from './checked-input.ts'
import { type ContentChange, diffContent } from './content-diff.ts'
import type { ContentRules } from './content-rules.ts'
import { conflict, notFound } from './governance-error.ts'
import type { GovernedScope } from './governed-scope.ts'
import { idSchema, limitSchema, reasonSchema } from './input-parts.ts'
import { type Page, pageOf } from './page.ts'
import { submitVersion } from './submit-version.ts'
import {
  assertStartsFrom,
  type ConfigVersion,
  type ConfigVersionSummary,
  editedMeanwhile,
  findVersion,
  permissionToWithdraw,
  rulesOfPackage,
  summarySelect,
  type VersionStatus,
  versionSelect,
} from './version-record.ts'

/** What a version holds. */
export interface DraftContent {
  /**
   * Any JSON but `null`: at most 1 MiB and 64 levels deep. A draft may break the rules of its package; they are asked
   * when it is submitted.
   */
  readonly content: unknown
}

/** Which versions are listed. */
export interface VersionListOptions {
  /** The `next` of the page before: the number of its last version. */
  readonly after?: number | undefined
  /** From 1 to 500; 50 unless told. */
  readonly limit?: number | undefined
  readonly status?: VersionStatus | undefined
}

/** Which part of a history is read. */
export interface HistoryOptions {
  /** The `next` of the page before: the `seq` of its last entry. */
  readonly after?: number | undefined
  /** From 1 to 500; 50 unless told. */
  readonly limit?: number | undefined
}

/** What happened to what is in force of a package: one row of the ledger. */
export interface HistoryEntry {
  /** Its place in the package's ledger, from 1. */
  readonly seq: number
  readonly kind: 'ACTIVATE' | 'ROLLBACK' | 'DEPRECATE' | 'BREAK_GLASS'
  readonly version: { readonly id: string; readonly number: number }
  /** What was in force until then. */
  readonly previous: { readonly id: string; readonly number: number } | null
  readonly actorId: string | null
  readonly reason: string | null
  readonly at: Date
  /** The approvals of the version with their votes, the oldest first. */
  readonly approvals: readonly Approval[]
}

/**
 * The versions of a tenant's packages. A call that changes something belongs to the user of the client's context, runs
 * in one transaction, and fails with `DH509` without a user and with `DH505` without the permission. It is never tried
 * again by itself: where PostgreSQL ends it for a deadlock or a write conflict, that is Prisma's `P2034`, and the whole
 * transaction may be tried again.
 */
export interface Versions {
  /**
   * Creates the next version of a package, as a draft of the user's. Needs `config:create`.
   *
   * @throws {TenancyError} `DH507` where the tenant has no such package, `DH501` where it is archived, `DH506` for
   *   content that cannot be stored
   *
   * @example
   * ```ts
   * const draft = await governance.versions.createDraft(packageId, { content: { limit: 5 } })
   * ```
   */
  createDraft(packageId: string, draft: DraftContent): Promise<ConfigVersion>
  /**
   * Gives a draft another content. Needs `config:edit`.
   *
   * @param expected `expectedLockVersion`: the `lockVersion` of the version that the edit started from
   * @throws {TenancyError} `DH504` where it has been edited since, `DH502` where it is no draft, `DH507` where the tenant
   *   has no such version, `DH506` for content that cannot be stored
   *
   * @example
   * ```ts
   * await governance.versions.updateDraft(draft.id, { content }, { expectedLockVersion: draft.lockVersion })
   * ```
   */
  updateDraft(
    id: string,
    draft: DraftContent,
    expected: { readonly expectedLockVersion: number },
  ): Promise<ConfigVersion>
  /**
   * Deletes a draft that was never submitted. Needs `config:edit`.
   *
   * @throws {TenancyError} `DH502` where it is no draft or was submitted before, `DH504` where it has been edited since,
   *   `DH507` where the tenant has no such version
   *
   * @example
   * ```ts
   * await governance.versions.deleteDraft(draft.id)
   * ```
   */
  deleteDraft(id: string, expected?: { readonly expectedLockVersion?: number | undefined }): Promise<void>
  /**
   * Submits a draft for review, which opens its approval. Needs `config:submit`.
   *
   * @throws {TenancyError} `DH506` where the content breaks the rules of its package, `DH501` where it is no draft, `DH504`
   *   where it is edited meanwhile, `DH507` where the tenant has no such version
   *
   * @example
   * ```ts
   * await governance.versions.submitForReview(draft.id)
   * ```
   */
  submitForReview(id: string): Promise<ConfigVersion>
  /**
   * Takes a version in review, or an approved one, back to a draft, and cancels its approval. Needs `config:submit` of
   * its author and of who submitted it, and `config:review` of anybody else.
   *
   * @throws {TenancyError} `DH501` where it is neither, `DH504` where its approval is decided meanwhile, `DH507` where the
   *   tenant has no such version
   *
   * @example
   * ```ts
   * await governance.versions.withdraw(version.id, { reason: 'a limit was forgotten' })
   * ```
   */
  withdraw(id: string, options?: { readonly reason?: string | undefined }): Promise<ConfigVersion>
  /**
   * Puts an approved version in force, instead of the one that is. Needs `config:activate`.
   *
   * @param expected `expectedActiveId`: the version that is in force until then, as the caller knows it; null where none
   *   is
   * @throws {TenancyError} `DH504` where another one is in force, `DH501` where it is not approved, `DH506` where the
   *   content breaks the rules of its package, `DH510` where the package wants somebody else to do it, `DH507` where the
   *   tenant has no such version
   *
   * @example
   * ```ts
   * const active = await governance.versions.getActive(packageId)
   * await governance.versions.activate(version.id, { expectedActiveId: active?.id ?? null })
   * ```
   */
  activate(id: string, expected: { readonly expectedActiveId: string | null }): Promise<ConfigVersion>
  /**
   * Puts a version in force again that was before. Its content is not held to the rules of today: it is known to work.
   * Needs `config:rollback`.
   *
   * @param options `expectedActiveId` is what is in force when it is called, unless told
   * @throws {TenancyError} `DH501` where it was never in force, or is; `DH504` where another one than expected is in force,
   *   `DH506` without a reason, `DH510` where the package wants somebody else to do it, `DH507` where the tenant has no
   *   such version
   *
   * @example
   * ```ts
   * await governance.versions.rollback(previous.id, { reason: 'checkout fails with the new limits' })
   * ```
   */
  rollback(
    toId: string,
    options: { readonly reason: string; readonly expectedActiveId?: string | null | undefined },
  ): Promise<ConfigVersion>
  /**
   * Takes the version that is in force out of it; nothing is in force then. Needs `config:activate`.
   *
   * @throws {TenancyError} `DH501` where it is not in force, `DH507` where the tenant has no such version
   *
   * @example
   * ```ts
   * await governance.versions.deprecate(active.id, { reason: 'the feature is gone' })
   * ```
   */
  deprecate(id: string, options?: { readonly reason?: string | undefined }): Promise<ConfigVersion>
  /**
   * Puts a version in force that nobody has approved, in an emergency; the audit event of it is the loudest there is. The
   * content is held to the rules of its package. Needs `config:break-glass`, and in the database the role of an owner or
   * an administrator.
   *
   * @param options `expectedActiveId` is what is in force when it is called, unless told
   * @throws {TenancyError} `DH506` without a reason, and where the content breaks the rules of its package; `DH501` where it
   *   is in force, or was; `DH504` where another one than expected is in force, `DH507` where the tenant has no such
   *   version
   *
   * @example
   * ```ts
   * await governance.versions.breakGlass(fix.id, { reason: 'payments are down, and no reviewer is awake' })
   * ```
   */
  breakGlass(
    id: string,
    options: { readonly reason: string; readonly expectedActiveId?: string | null | undefined },
  ): Promise<ConfigVersion>
  /**
   * The version that is in force, or null.
   *
   * @throws {TenancyError} `DH507` where the tenant has no such package
   *
   * @example
   * ```ts
   * const limits = (await governance.versions.getActive(packageId))?.content
   * ```
   */
  getActive(packageId: string): Promise<ConfigVersion | null>
  /**
   * @throws {TenancyError} `DH507` where the tenant has no such version
   *
   * @example
   * ```ts
   * const { status } = await governance.versions.get(versionId)
   * ```
   */
  get(id: string): Promise<ConfigVersion>
  /**
   * The versions of a package without their content, the newest first.
   *
   * @throws {TenancyError} `DH507` where the tenant has no such package
   *
   * @example
   * ```ts
   * const { items: drafts } = await governance.versions.list(packageId, { status: 'DRAFT' })
   * ```
   */
  list(packageId: string, options?: VersionListOptions): Promise<Page<ConfigVersionSummary, number>>
  /**
   * What is different between the contents of two versions.
   *
   * @throws {TenancyError} `DH507` where the tenant has not both
   *
   * @example
   * ```ts
   * console.log(formatDiff(await governance.versions.diff(active.id, draft.id)))
   * ```
   */
  diff(fromId: string, toId: string): Promise<readonly ContentChange[]>
  /**
   * What was put in force when, by whom, instead of what and why, and who had approved it: the newest first.
   *
   * @throws {TenancyError} `DH507` where the tenant has no such package
   *
   * @example
   * ```ts
   * const { items } = await governance.versions.history(packageId)
   * for (const { at, kind, version, actorId, reason } of items) { … }
   * ```
   */
  history(packageId: string, options?: HistoryOptions): Promise<Page<HistoryEntry, number>>
}

const draftSchema = z.strictObject({ content: z.unknown() })
const lockVersionSchema = z.int().min(1).max(2_147_483_647)
const numberSchema = z.int().min(0).max(2_147_483_647)
const optionalReason = z.strictObject({ reason: reasonSchema.optional() })
const activateInput = z.strictObject({ expectedActiveId: idSchema.nullable() })
const reasonInput = z.strictObject({ reason: reasonSchema, expectedActiveId: idSchema.nullable().optional() })
const listInput = z.strictObject({
  after: numberSchema.optional(),
  limit: limitSchema,
  status: z.enum(['DRAFT', 'REVIEW', 'APPROVED', 'ACTIVE', 'DEPRECATED']).optional(),
})
const historyInput = z.strictObject({ after: numberSchema.optional(), limit: limitSchema })

export function versionsOf(scope: GovernedScope, rules: ContentRules): Versions {
  return {
    async createDraft(packageInput, draft) {
      const packageId = checkedInput('versions.createDraft', idSchema, packageInput)
      const content = rules.parse(checkedInput('versions.createDraft', draftSchema, draft).content)
      const call = {
        action: 'config.version.create',
        permission: 'config:create',
        resource: { type: 'package', id: packageId },
      } as const
      return scope.mutate(call, async (tx) => {
        await rulesOfPackage(tx, packageId)
        return tx.configVersion.create({ data: { packageId, content }, select: versionSelect })
      })
    },

    async updateDraft(input, draft, expected) {
      const id = checkedInput('versions.updateDraft', idSchema, input)
      const content = rules.parse(checkedInput('versions.updateDraft', draftSchema, draft).content)
      const { expectedLockVersion: lockVersion } = checkedInput(
        'versions.updateDraft',
        z.strictObject({ expectedLockVersion: lockVersionSchema }),
        expected,
      )
      const call = {
        action: 'config.version.edit',
        permission: 'config:edit',
        resource: { type: 'version', id },
      } as const
      return scope.mutate(call, async (tx) => {
        const [edited] = await tx.configVersion.updateManyAndReturn({
          where: { id, lockVersion, status: 'DRAFT' },
          data: { content },
          select: versionSelect,
        })
        if (edited) return edited
        throw whyNotEdited(await findVersion(tx, id), lockVersion)
      })
    },

    async deleteDraft(input, expected = {}) {
      const id = checkedInput('versions.deleteDraft', idSchema, input)
      const { expectedLockVersion: lockVersion } = checkedInput(
        'versions.deleteDraft',
        z.strictObject({ expectedLockVersion: lockVersionSchema.optional() }),
        expected,
      )
      const call = {
        action: 'config.version.delete',
        permission: 'config:edit',
        resource: { type: 'version', id },
      } as const
      await scope.mutate(call, async (tx) => {
        const { count } = await tx.configVersion.deleteMany({
          where: { id, status: 'DRAFT', ...(lockVersion === undefined ? {} : { lockVersion }) },
        })
        if (count === 0) throw whyNotEdited(await findVersion(tx, id), lockVersion)
      })
    },

    async submitForReview(input) {
      const id = checkedInput('versions.submitForReview', idSchema, input)
      const call = {
        action: 'config.version.submit',
        permission: 'config:submit',
        resource: { type: 'version', id },
      } as const
      return scope.mutate(call, async (tx) => {
        await submitVersion(tx, await findVersion(tx, id), rules)
        return findVersion(tx, id)
      })
    },

    async withdraw(input, options = {}) {
      const id = checkedInput('versions.withdraw', idSchema, input)
      const { reason } = checkedInput('versions.withdraw', optionalReason, options)
      const call = {
        action: 'config.approval.cancel',
        permission: permissionToWithdraw(async () => id),
        resource: { type: 'version', id },
      } as const
      return scope.mutate(call, async (tx) => {
        assertStartsFrom(await findVersion(tx, id), ['REVIEW', 'APPROVED'], 'DRAFT', 'a withdrawal')
        const approval = await newestApproval(tx, id)
        if (!approval) throw notFound('approval')
        await cancelApproval(tx, approval, reason)
        return findVersion(tx, id)
      })
    },

    async activate(input, expected) {
      const id = checkedInput('versions.activate', idSchema, input)
      const { expectedActiveId } = checkedInput('versions.activate', activateInput, expected)
      const call = {
        action: 'config.version.activate',
        permission: 'config:activate',
        resource: { type: 'version', id },
      } as const
      return scope.mutate(call, async (tx) => {
        const version = await findVersion(tx, id)
        assertStartsFrom(version, ['APPROVED'], 'ACTIVE', 'an activation')
        await rules.assertValid(await rulesOfPackage(tx, version.packageId), version.content)
        return putInForce(tx, version, { kind: 'ACTIVATE', expectedActiveId })
      })
    },

    async rollback(input, options) {
      const id = checkedInput('versions.rollback', idSchema, input)
      const parsed = checkedInput('versions.rollback', reasonInput, options)
      const call = {
        action: 'config.version.rollback',
        permission: 'config:rollback',
        resource: { type: 'version', id },
      } as const
      return scope.mutate(call, async (tx) => {
        const version = await findVersion(tx, id)
        assertStartsFrom(version, ['DEPRECATED'], 'ACTIVE', 'a rollback')
        return putInForce(tx, version, { kind: 'ROLLBACK', ...parsed })
      })
    },

    async deprecate(input, options = {}) {
      const id = checkedInput('versions.deprecate', idSchema, input)
      const { reason } = checkedInput('versions.deprecate', optionalReason, options)
      const call = {
        action: 'config.version.deprecate',
        permission: 'config:activate',
        resource: { type: 'version', id },
      } as const
      return scope.mutate(call, async (tx) => {
        const version = await findVersion(tx, id)
        assertStartsFrom(version, ['ACTIVE'], 'DEPRECATED', 'a deprecation')
        return putInForce(tx, version, { kind: 'DEPRECATE', expectedActiveId: id, reason })
      })
    },

    async breakGlass(input, options) {
      const id = checkedInput('versions.breakGlass', idSchema, input)
      const parsed = checkedInput('versions.breakGlass', reasonInput, options)
      const call = {
        action: 'config.version.break_glass',
        permission: 'config:break-glass',
        resource: { type: 'version', id },
      } as const
      return scope.mutate(call, async (tx) => {
        const version = await findVersion(tx, id)
        assertStartsFrom(version, ['DRAFT', 'REVIEW', 'APPROVED'], 'ACTIVE', 'breaking the glass')
        await rules.assertValid(await rulesOfPackage(tx, version.packageId), version.content)
        return putInForce(tx, version, { kind: 'BREAK_GLASS', ...parsed })
      })
    },

    async getActive(input) {
      const packageId = checkedInput('versions.getActive', idSchema, input)
      const active = await findActive(scope.reader, packageId)
      if (!active) await rulesOfPackage(scope.reader, packageId)
      return active
    },

    async get(id) {
      return findVersion(scope.reader, checkedInput('versions.get', idSchema, id))
    },

    async list(input, options = {}) {
      const packageId = checkedInput('versions.list', idSchema, input)
      const { after, limit, status } = checkedInput('versions.list', listInput, options)
      const versions = await scope.reader.configVersion.findMany({
        where: {
          packageId,
          ...(after === undefined ? {} : { number: { lt: after } }),
          ...(status === undefined ? {} : { status }),
        },
        orderBy: { number: 'desc' },
        take: limit + 1,
        select: summarySelect,
      })
      if (versions.length === 0) await rulesOfPackage(scope.reader, packageId)
      return pageOf(versions, limit, ({ number }) => number)
    },

    async diff(fromId, toId) {
      const [from, to] = checkedInput('versions.diff', z.tuple([idSchema, idSchema]), [fromId, toId])
      const before = await findVersion(scope.reader, from)
      return diffContent(before.content, (await findVersion(scope.reader, to)).content)
    },

    async history(input, options = {}) {
      const packageId = checkedInput('versions.history', idSchema, input)
      const { after, limit } = checkedInput('versions.history', historyInput, options)
      const version = { select: { id: true, number: true } } as const
      const approvals = { select: approvalSelect, orderBy: { createdAt: 'asc' } } as const
      const rows = await scope.reader.activation.findMany({
        where: { packageId, ...(after === undefined ? {} : { seq: { lt: after } }) },
        orderBy: { seq: 'desc' },
        take: limit + 1,
        select: {
          seq: true,
          kind: true,
          actorId: true,
          reason: true,
          createdAt: true,
          version: { select: { ...version.select, approvals } },
          previousVersion: version,
        },
      })
      if (rows.length === 0) await rulesOfPackage(scope.reader, packageId)
      const entries = rows.map(
        ({ createdAt, version: { approvals, ...version }, previousVersion, ...entry }) => ({
          ...entry,
          version,
          previous: previousVersion,
          at: createdAt,
          approvals: approvals.map(toApproval),
        }),
      )
      return pageOf(entries, limit, ({ seq }) => seq)
    },
  }
}

interface LedgerRow {
  readonly kind: HistoryEntry['kind']
  readonly expectedActiveId?: string | null | undefined
  readonly reason?: string | undefined
}

/** Adds the row to the ledger by which the database moves the versions. */
async function putInForce(
  tx: BundledTransaction,
  { id, packageId }: ConfigVersion,
  { kind, expectedActiveId, reason }: LedgerRow,
): Promise<ConfigVersion> {
  // the database asks again, with the package locked
  const actual = (await findActive(tx, packageId))?.id ?? null
  if (expectedActiveId !== undefined && expectedActiveId !== actual) {
    throw conflict('what is in force of the package', { expected: expectedActiveId, actual })
  }
  await tx.activation.create({
    data: {
      packageId,
      versionId: id,
      previousVersionId: actual,
      kind,
      ...(reason === undefined ? {} : { reason }),
    },
    select: { id: true },
  })
  return findVersion(tx, id)
}

async function findActive(tx: BundledTransaction, packageId: string): Promise<ConfigVersion | null> {
  return tx.configVersion.findFirst({ where: { packageId, status: 'ACTIVE' }, select: versionSelect })
}

function whyNotEdited({ status, lockVersion }: ConfigVersion, expected: number | undefined): TenancyError {
  if (status !== 'DRAFT') {
    return new TenancyError('DH502', `only a draft may be edited or deleted; this version is ${status}`, {
      details: { from: status },
    })
  }
  // without an expectation it was no draft a moment ago, and is one now
  return editedMeanwhile(expected ?? lockVersion, lockVersion)
}
