import { randomUUID } from 'node:crypto'
import type { AppSession } from './app-session.ts'
import type { Way } from './way.ts'

/** The life cycle by raw SQL, as the app role. */
export function sqlWay(session: AppSession, tenantId: string): Required<Way> {
  const ask = (user: string, text: string, values: readonly unknown[]) =>
    session.as(tenantId, user, () => session.query(text, values))
  const insert = (user: string, packageId: string, status: string, content: object) => {
    const id = randomUUID()
    return ask(
      user,
      `insert into governance.config_version (id, package_id, status, content, updated_at)
       values ($1, $2, $3, $4, now())`,
      [id, packageId, status, content],
    ).then(() => id)
  }
  const setStatus = (user: string, versionId: string, status: string) =>
    ask(user, 'update governance.config_version set status = $2, updated_at = now() where id = $1', [
      versionId,
      status,
    ])
  return {
    create: (user, packageId, content = { a: 1 }) => insert(user, packageId, 'DRAFT', content),
    createAs: (user, packageId, state) => insert(user, packageId, state, {}),
    edit: (user, versionId, content) =>
      ask(user, 'update governance.config_version set content = $2, updated_at = now() where id = $1', [
        versionId,
        content,
      ]),
    remove: (user, versionId) =>
      ask(user, 'delete from governance.config_version where id = $1', [versionId]),
    submit: (user, versionId) => setStatus(user, versionId, 'REVIEW'),
    setStatus,
    cancel: (user, approvalId, reason) =>
      ask(user, `update governance.approval set status = 'CANCELLED', reason = $2 where id = $1`, [
        approvalId,
        reason,
      ]),
    vote: (user, approvalId, decision, comment) =>
      ask(
        user,
        `insert into governance.approval_decision (approval_id, reviewer_id, decision, comment)
         values ($1, $2, $3, $4)`,
        [approvalId, user, decision, comment],
      ),
    step: (user, { packageId, versionId, previousVersionId, kind, reason }) =>
      ask(
        user,
        `insert into governance.activation (id, package_id, version_id, previous_version_id, kind, reason)
         values (gen_random_uuid(), $1, $2, $3, $4, $5)`,
        [packageId, versionId, previousVersionId, kind, reason],
      ),
  }
}
