/**
 * `@usebetterdev/tenant`, as its README says: row-level security with policies of its own, and each request in an
 * interactive transaction that sets its context. The tenant's row is not loaded, which would be one more query.
 */
import { betterTenant } from '@usebetterdev/tenant'
import { prismaDatabase } from '@usebetterdev/tenant/prisma'
import type pg from 'pg'
import { type Contender, type Database, inOrder, type OpenContender } from '../contenders/contender.ts'
import { openPrisma } from '../contenders/open-prisma.ts'

export const open: OpenContender = async ({ appUrl }, connections) => {
  const prisma = openPrisma(appUrl, connections)
  const tenants = betterTenant({
    // its type asks for less than it is given: the whole client of a transaction
    database: prismaDatabase(prisma as unknown as Parameters<typeof prismaDatabase>[0]),
    tenantResolver: { header: 'x-tenant-id' },
    loadTenant: false,
    telemetry: { enabled: false },
  })
  const runAs = <Answer>(tenantId: string, work: (db: Database) => Promise<Answer>): Promise<Answer> =>
    tenants.runAs(tenantId, (tx) => work(tx as unknown as Database))
  const contender: Contender = {
    name: '@usebetterdev/tenant',
    // a trigger of its would fill in the tenant, but the columns here have a default that comes first
    says: { where: false, data: true },
    one: (tenantId, operation) => runAs(tenantId, async (db) => await operation(db)),
    tick: (tenantId, operations) =>
      runAs(tenantId, (db) => Promise.all(operations.map((operation) => operation(db)))),
    transaction: (tenantId, operations) => runAs(tenantId, (db) => inOrder(db, operations)),
    close: () => prisma.$disconnect(),
  }
  return contender
}

/** Replaces the policies of the tables that are used with those that the package's own tool writes for them. */
export async function prepare(admin: pg.Client): Promise<void> {
  await admin.query(setTenantIdSql)
  for (const [schema, table] of [
    ['governance', 'config_package'],
    ['governance', 'feature_flag'],
    ['audit', 'audit_event'],
  ] as const) {
    const { rows } = await admin.query<{ name: string }>(
      'select policyname as name from pg_catalog.pg_policies where schemaname = $1 and tablename = $2',
      [schema, table],
    )
    for (const { name } of rows) await admin.query(`drop policy ${name} on ${schema}.${table}`)
    await admin.query(tableSql(schema, table))
  }
}

// What `npx @usebetterdev/tenant-cli@0.5.4 add-table <table>` prints, with the schema's name before the table's.
const setTenantIdSql = `
CREATE OR REPLACE FUNCTION set_tenant_id()
RETURNS TRIGGER AS $$
BEGIN
  IF NEW.tenant_id IS NULL AND current_setting('app.current_tenant', true) IS NOT NULL THEN
    NEW.tenant_id := current_setting('app.current_tenant', true)::uuid;
  END IF;
  RETURN NEW;
END;
$$ LANGUAGE plpgsql;`

function tableSql(schema: string, table: string): string {
  return `
ALTER TABLE ${schema}.${table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE ${schema}.${table} FORCE ROW LEVEL SECURITY;
CREATE POLICY rls_tenant_${table} ON ${schema}.${table}
  FOR ALL
  USING (
    (tenant_id)::text = current_setting('app.current_tenant', true)
    OR current_setting('app.bypass_rls', true) = 'true'
  )
  WITH CHECK (
    (tenant_id)::text = current_setting('app.current_tenant', true)
    OR current_setting('app.bypass_rls', true) = 'true'
  );
CREATE TRIGGER set_tenant_id_trigger
  BEFORE INSERT ON ${schema}.${table}
  FOR EACH ROW
  EXECUTE PROCEDURE set_tenant_id();`
}
