import { createGovernance } from '../../../src/governance/index.ts'
import type { TestDatabase } from '../../support/test-database.ts'
import type { Way } from './way.ts'

/** The life cycle through the repositories. */
export function repositoryWay({ both }: Pick<TestDatabase, 'both'>, tenantId: string): Way {
  const of = (userId: string) => createGovernance(both.client({ tenantId, userId }))
  return {
    create: async (user, packageId, content = { a: 1 }) =>
      (await of(user).versions.createDraft(packageId, { content })).id,
    edit: async (user, id, content) => {
      const { versions } = of(user)
      const { lockVersion } = await versions.get(id)
      return versions.updateDraft(id, { content }, { expectedLockVersion: lockVersion })
    },
    remove: (user, id) => of(user).versions.deleteDraft(id),
    submit: (user, id) => of(user).versions.submitForReview(id),
    cancel: (user, id, reason) => of(user).approvals.cancel(id, { reason }),
    vote: (user, id, decision, comment) =>
      decision === 'APPROVE'
        ? of(user).approvals.approve(id, { comment })
        : of(user).approvals.reject(id, { comment: comment ?? 'no' }),
    step: async (user, { packageId, versionId, previousVersionId, kind, reason = '' }) => {
      const { versions } = of(user)
      // it has no words for another package than the version's own
      if ((await versions.get(versionId)).packageId !== packageId) {
        throw Object.assign(new Error('a version is in one package'), { code: 'DH507' })
      }
      switch (kind) {
        case 'ACTIVATE':
          return versions.activate(versionId, { expectedActiveId: previousVersionId })
        case 'ROLLBACK':
          return versions.rollback(versionId, { reason, expectedActiveId: previousVersionId })
        case 'DEPRECATE':
          return versions.deprecate(versionId, { reason })
        case 'BREAK_GLASS':
          return versions.breakGlass(versionId, { reason, expectedActiveId: previousVersionId })
      }
    },
  }
}
