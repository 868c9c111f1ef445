import type { TestDatabase } from '../../support/test-database.ts'
import type { Way } from './way.ts'

/** The life cycle by plain Prisma, through a tenant client. */
export function prismaWay({ both }: Pick<TestDatabase, 'both'>, tenantId: string): Required<Way> {
  const clientOf = (userId: string) => both.client({ tenantId, userId })
  return {
    create: async (user, packageId, content = { a: 1 }) =>
      (await clientOf(user).configVersion.create({ data: { packageId, content } })).id,
    createAs: (user, packageId, status) =>
      clientOf(user).configVersion.create({ data: { packageId, status, content: {} } }),
    edit: (user, id, content) => clientOf(user).configVersion.update({ where: { id }, data: { content } }),
    remove: (user, id) => clientOf(user).configVersion.delete({ where: { id } }),
    submit: (user, id) => clientOf(user).configVersion.update({ where: { id }, data: { status: 'REVIEW' } }),
    setStatus: (user, id, status) => clientOf(user).configVersion.update({ where: { id }, data: { status } }),
    cancel: (user, id, reason = '') =>
      clientOf(user).approval.update({ where: { id }, data: { status: 'CANCELLED', reason } }),
    vote: (user, approvalId, decision, comment = '') =>
      clientOf(user).approvalDecision.create({ data: { approvalId, reviewerId: user, decision, comment } }),
    step: (user, { packageId, versionId, previousVersionId, kind, reason = null }) =>
      clientOf(user).activation.create({ data: { packageId, versionId, previousVersionId, kind, reason } }),
  }
}
