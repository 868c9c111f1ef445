import type { BundledTransaction } from '../tenancy/bundled.ts'
import type { ContentRules } from './content-rules.ts'
import {
  assertStartsFrom,
  type ConfigVersion,
  editedMeanwhile,
  findVersion,
  rulesOfPackage,
} from './version-record.ts'

const moves = [['DRAFT'], 'REVIEW', 'a submission'] as const

/**
 * Submits a draft with the content that was checked, and no other; the database opens its approval.
 *
 * @throws {TenancyError} `DH501` for what is no draft, `DH506` for content that is not valid, `DH504` where it is edited
 *   meanwhile
 */
export async function submitVersion(
  tx: BundledTransaction,
  version: ConfigVersion,
  rules: ContentRules,
): Promise<void> {
  assertStartsFrom(version, ...moves)
  await rules.assertValid(await rulesOfPackage(tx, version.packageId), version.content)
  const { id, lockVersion } = version
  const { count } = await tx.configVersion.updateMany({
    where: { id, lockVersion, status: 'DRAFT' },
    data: { status: 'REVIEW' },
  })
  if (count === 1) return
  const now = await findVersion(tx, id)
  assertStartsFrom(now, ...moves)
  throw editedMeanwhile(lockVersion, now.lockVersion)
}
