/**
 * The rows that are read. Their ids are computed, here and in SQL alike, so that nobody has to ask for them; they
 * sort by the time of their making, as the uuids of version 7 do that Prisma makes, and the tenants take turns,
 * as they do in life.
 */
import type pg from 'pg'
import { workload } from './plan.ts'

export interface DataSet {
  readonly tenants: number
  readonly rowsPerTenant: number
}

/** What the operations read and change: `rowsPerTenant` packages of each tenant. */
export const operationsData: DataSet = { tenants: workload.tenants, rowsPerTenant: workload.rowsPerTenant }

/** The two sizes that a point read is compared in. */
export const growthData = {
  small: { tenants: 10, rowsPerTenant: 1_000 },
  large: { tenants: 1_000, rowsPerTenant: 1_000 },
} as const satisfies Record<string, DataSet>

export function tenantIdOf(tenant: number): string {
  return `00000000-0000-4000-8000-${hex(tenant, 12)}`
}

export function rowIdOf(tenant: number, row: number, { tenants }: DataSet): string {
  return `${hex(row * tenants + tenant, 8)}-0000-7000-8000-000000000000`
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}

const tenantIdSql = `('00000000-0000-4000-8000-' || lpad(to_hex(n % $1::int), 12, '0'))::uuid`
const rowIdSql = `(lpad(to_hex(n), 8, '0') || '-0000-7000-8000-000000000000')::uuid`
const numbersSql = `pg_catalog.generate_series(0, $1::int * $2::int - 1) as n`

const tenantsSql = `
insert into tenancy.tenant (id, name, updated_at)
select ${tenantIdSql}, 'tenant ' || n, pg_catalog.now() from pg_catalog.generate_series(0, $1::int - 1) as n`

const packagesSql = `
insert into governance.config_package (id, tenant_id, key, name, description, updated_at)
select ${rowIdSql}, ${tenantIdSql}, 'package-' || n, 'Package ' || n, 'One of the packages of a tenant', pg_catalog.now()
  from ${numbersSql}`

// The narrowest of the tables that have an id, with the fewest indexes: the primary key, (tenant, id) and
// (tenant, number).
const brandingsSql = `
insert into governance.branding (id, tenant_id, number, updated_at)
select ${rowIdSql}, ${tenantIdSql}, n / $1::int, pg_catalog.now()
  from ${numbersSql}`

/** Plants the packages that operations work on, as a superuser. */
export async function loadPackages(admin: pg.Client, data: DataSet): Promise<void> {
  await load(admin, data, packagesSql, 'governance.config_package')
}

/** Plants the rows that point reads are compared on, as a superuser: a million of them take seconds. */
export async function loadBrandings(admin: pg.Client, data: DataSet): Promise<void> {
  const table = 'governance.branding'
  await withoutIndexes(admin, table, () => load(admin, data, brandingsSql, table))
  await admin.query(`vacuum (analyze) ${table}`)
}

/** Drops the indexes of a table while `work` fills it: to make one takes a third of the time to keep one up. */
async function withoutIndexes(admin: pg.Client, table: string, work: () => Promise<void>): Promise<void> {
  const { rows: keys } = await admin.query<{ name: string; definition: string }>(
    `select conname as name, pg_catalog.pg_get_constraintdef(oid) as definition
       from pg_catalog.pg_constraint where conrelid = $1::regclass and contype in ('p', 'u')`,
    [table],
  )
  for (const { name } of keys) await admin.query(`alter table ${table} drop constraint ${name}`)
  const { rows: indexes } = await admin.query<{ name: string; definition: string }>(
    `select indexrelid::regclass::text as name, pg_catalog.pg_get_indexdef(indexrelid) as definition
       from pg_catalog.pg_index where indrelid = $1::regclass`,
    [table],
  )
  for (const { name } of indexes) await admin.query(`drop index ${name}`)
  await work()
  await admin.query(`set maintenance_work_mem = '128MB'`)
  for (const { name, definition } of keys) {
    await admin.query(`alter table ${table} add constraint ${name} ${definition}`)
  }
  for (const { definition } of indexes) await admin.query(definition)
}

async function load(admin: pg.Client, data: DataSet, rowsSql: string, table: string): Promise<void> {
  // every row's tenant is there by construction: the foreign keys need not be checked a million times
  await admin.query(`set session_replication_role = replica`)
  await admin.query(tenantsSql, [data.tenants])
  await admin.query(rowsSql, [data.tenants, data.rowsPerTenant])
  await admin.query(`set session_replication_role = origin`)
  // what autovacuum would do later, in the middle of a measurement
  await admin.query(`vacuum (analyze) tenancy.tenant, ${table}`)
}
