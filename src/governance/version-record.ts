import type { BundledTransaction } from '../tenancy/bundled.ts'
import { conflict, illegalMove, notFound } from './governance-error.ts'
import type { JsonValue } from './json-content.ts'
import type { Actor, Permission } from './permissions.ts'

/** Where a version is in its life cycle. */
export type VersionStatus = 'DRAFT' | 'REVIEW' | 'APPROVED' | 'ACTIVE' | 'DEPRECATED'

/** A version without its content. */
export interface ConfigVersionSummary {
  readonly id: string
  readonly packageId: string
  /** Its number in the package, from 1. */
  readonly number: number
  readonly status: VersionStatus
  /** sha256 of the content as PostgreSQL writes it, in hex. */
  readonly contentHash: string
  /** Counts the edits; an editor names the one that they started from. */
  readonly lockVersion: number
  readonly authorId: string | null
  readonly submitterId: string | null
  /** Who changed its content beside the author. */
  readonly editorIds: readonly string[]
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** One state of a package's configuration. */
export interface ConfigVersion extends ConfigVersionSummary {
  readonly content: JsonValue
}

export const summarySelect = {
  id: true,
  packageId: true,
  number: true,
  status: true,
  contentHash: true,
  lockVersion: true,
  authorId: true,
  submitterId: true,
  editorIds: true,
  createdAt: true,
  updatedAt: true,
} as const

export const versionSelect = { ...summarySelect, content: true } as const

/** @throws {TenancyError} `DH507` */
export async function findVersion(tx: BundledTransaction, id: string): Promise<ConfigVersion> {
  const version = await tx.configVersion.findFirst({ where: { id }, select: versionSelect })
  if (!version) throw notFound('version')
  return version
}

/** What the content of a package is held to. */
export async function rulesOfPackage(
  tx: BundledTransaction,
  packageId: string,
): Promise<{ readonly key: string; readonly contentSchema: JsonValue | null }> {
  const select = { key: true, contentSchema: true } as const
  const found = await tx.configPackage.findFirst({ where: { id: packageId }, select })
  if (!found) throw notFound('package')
  return found
}

/**
 * Asked before the database is, which would say the same: after its refusal the caller's transaction would be of no
 * more use, and a content would have been checked for nothing.
 *
 * @throws {TenancyError} `DH501`
 */
export function assertStartsFrom(
  { status }: Pick<ConfigVersion, 'status'>,
  from: readonly VersionStatus[],
  to: VersionStatus,
  what: string,
): void {
  if (from.includes(status)) return
  throw illegalMove(`${what} starts from ${from.join(' or ')}, and this version is ${status}`, {
    from: status,
    to,
  })
}

/** Which permission it takes to stop the review of a version: less for those whose work it is. */
export function permissionToWithdraw(versionOf: (tx: BundledTransaction) => Promise<string | undefined>) {
  return async (tx: BundledTransaction, { userId }: Actor): Promise<Permission> => {
    const id = await versionOf(tx)
    const isOwn =
      id !== undefined &&
      (await tx.configVersion.findFirst({
        where: { id, OR: [{ authorId: userId }, { submitterId: userId }] },
        select: { id: true },
      })) !== null
    return isOwn ? 'config:submit' : 'config:review'
  }
}

/** `DH504`: the version has been edited since. */
export function editedMeanwhile(expected: number, actual: number) {
  return conflict('the lock version of the version', { expected, actual })
}
