import { randomUUID } from 'node:crypto'
import { manifest } from '../../src/generated/tenancy.ts'
import type { Party } from './attack-scene.ts'

/** Every table of the bundled schema. */
export const bundledTables: readonly string[] = Object.values(manifest.models).map(
  ({ schema, table }) => `${schema}."${table}"`,
)

/** SQL that puts a tenant's secret into a row of each of them. */
export function plantBundledRows({ tenantId, secret }: Party): string {
  const [row, packageId, versionId, approvalId, traceId, userId] = Array.from({ length: 6 }, () =>
    randomUUID(),
  )
  const insert = (table: string, columns: string, values: string) =>
    `insert into ${table} (tenant_id, ${columns}) values ('${tenantId}', ${values});`
  return [
    // the tenants themselves are there
    `insert into tenancy."user" (id, email, display_name) values ('${userId}', '${secret}', '${secret}');`,
    // the only text of a membership is the person's id
    insert('tenancy.membership', 'id, user_id', `'${row}', '${userId}'`),
    insert(
      'governance.config_package',
      'id, key, name, updated_at',
      `'${packageId}', 'key', '${secret}', now()`,
    ),
    insert(
      'governance.config_version',
      'id, package_id, number, content, updated_at',
      `'${versionId}', '${packageId}', 1, '"${secret}"', now()`,
    ),
    insert(
      'governance.approval',
      'id, version_id, content_hash',
      `'${approvalId}', '${versionId}', '${secret}'`,
    ),
    insert(
      'governance.approval_decision',
      'approval_id, reviewer_id, decision, comment',
      `'${approvalId}', '${userId}', 'APPROVE', '${secret}'`,
    ),
    insert(
      'governance.activation',
      'id, package_id, version_id, reason',
      `'${row}', '${packageId}', '${versionId}', '${secret}'`,
    ),
    insert('governance.feature_flag', 'id, key, updated_at', `'${row}', '${secret}', now()`),
    insert('governance.kill_switch', 'id, resource, updated_at', `'${row}', '${secret}', now()`),
    insert('governance.branding', 'id, tokens, updated_at', `'${row}', '{"name":"${secret}"}', now()`),
    insert(
      'governance.execution_trace',
      'id, version_id, request_id',
      `'${traceId}', '${versionId}', '${secret}'`,
    ),
    insert('governance.trace_step', 'id, trace_id, seq, name', `'${row}', '${traceId}', 1, '${secret}'`),
    insert('audit.audit_event', 'id, action', `'${row}', '${secret}'`),
    insert('audit.audit_checkpoint', 'id, seq, hash, key_id, signature', `'${row}', 1, '', '', '${secret}'`),
  ].join('\n')
}

/** SQL that empties them of all but the tenants. */
export const clearBundledRows = `
  set session_replication_role = replica;
  ${bundledTables
    .filter((table) => table !== 'tenancy."tenant"')
    .map((table) => `delete from ${table};`)
    .join('\n')}
  reset session_replication_role;`
