import type pg from 'pg'
import type { Manifest, ModelManifest } from '../../src/manifest/manifest.ts'

/** Tenants of a shop, by their number from 1. */
export function shopTenant(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
}

const everything = ['select', 'insert', 'update', 'delete'] as const

/** What `prisma generate` would write for the tables of {@link createShop}, whose keys don't carry the tenant. */
export function shopManifest(schema: string): Manifest {
  const model = (
    table: string,
    scope: ModelManifest['scope'],
    columns: readonly string[],
    relations: ModelManifest['relations'] = {},
  ): ModelManifest => ({
    schema,
    table,
    isView: false,
    scope,
    readOnly: false,
    commands: scope.kind === 'root' ? ['select', 'insert', 'update'] : everything,
    appendOnly: false,
    columns: Object.fromEntries(columns.map((column) => [column, column])),
    jsonFields: [],
    primaryKey: ['id'],
    uniqueFields: ['id'],
    compoundUniques: {},
    relations,
  })
  const one = (other: string, field: string, inverse: string, required = true) => ({
    model: other,
    list: false,
    required,
    fields: [field],
    references: ['id'],
    inverse,
  })
  const many = (other: string, inverse: string) => ({
    model: other,
    list: true,
    required: true,
    fields: [],
    references: [],
    inverse,
  })
  return {
    version: 1,
    tenantModel: 'Shop',
    tenantIdType: 'uuid',
    hidden: [],
    models: {
      Line: model('line', { kind: 'through', relation: 'order' }, ['id', 'order_id'], {
        order: one('Order', 'order_id', 'lines'),
      }),
      Order: model(
        'order',
        { kind: 'direct', field: 'tenant_id' },
        ['id', 'tenant_id', 'customer_id', 'agent_id'],
        {
          shop: one('Shop', 'tenant_id', 'orders'),
          customer: one('Customer', 'customer_id', 'orders'),
          agent: one('Customer', 'agent_id', 'agentOf', false),
          lines: many('Line', 'order'),
        },
      ),
      Customer: model('customer', { kind: 'direct', field: 'tenant_id' }, ['id', 'tenant_id', 'name'], {
        shop: one('Shop', 'tenant_id', 'customers'),
        orders: many('Order', 'customer'),
        agentOf: many('Order', 'agent'),
      }),
      Shop: model('shop', { kind: 'root', field: 'id' }, ['id'], {
        orders: many('Order', 'shop'),
        customers: many('Customer', 'shop'),
      }),
    },
    joinTables: [],
  }
}

/**
 * A schema of an application that has no second hull: simple keys, no policies, and a role that may do too much.
 * Each tenant has ten customers; customer `n` of tenant `t` is `t * 1000 + n`.
 */
export async function createShop(
  admin: pg.Client,
  schema: string,
  { tenants = 3, orders = 30 }: { readonly tenants?: number; readonly orders?: number } = {},
): Promise<void> {
  await admin.query(`
    create schema ${schema} authorization doublehull_owner;
    grant usage on schema ${schema} to doublehull_app;
    set role doublehull_owner;
    create table ${schema}.shop (id uuid primary key);
    create table ${schema}.customer (
      id int primary key,
      tenant_id uuid not null references ${schema}.shop (id),
      name text not null
    );
    create table ${schema}."order" (
      id int primary key,
      tenant_id uuid not null references ${schema}.shop (id),
      customer_id int not null,
      agent_id int,
      constraint order_customer_id_fkey foreign key (customer_id) references ${schema}.customer (id)
        on delete cascade on update cascade,
      constraint order_agent_id_fkey foreign key (agent_id) references ${schema}.customer (id)
        on delete set null on update cascade
    );
    create table ${schema}.line (
      id int primary key,
      order_id int not null references ${schema}."order" (id) on delete cascade
    );
    grant select, insert, update, delete, truncate on all tables in schema ${schema} to doublehull_app;
    reset role;
    -- the rows are right, and to look up each key of each takes longer than all the rest
    set session_replication_role = replica;
    insert into ${schema}.shop
      select ('00000000-0000-4000-8000-' || lpad(t::text, 12, '0'))::uuid from generate_series(1, ${tenants}) t;
    insert into ${schema}.customer
      select t * 1000 + n, ('00000000-0000-4000-8000-' || lpad(t::text, 12, '0'))::uuid, 'customer'
        from generate_series(1, ${tenants}) t, generate_series(1, 10) n;
    insert into ${schema}."order"
      select i, ('00000000-0000-4000-8000-' || lpad(t::text, 12, '0'))::uuid, t * 1000 + 1 + i % 10, t * 1000 + 1
        from generate_series(1, ${orders}) i, lateral (select 1 + i % ${tenants} as t) of_tenant;
    insert into ${schema}.line select id, id from ${schema}."order" where id <= 1000;
    reset session_replication_role;
    analyze ${schema}.shop, ${schema}.customer, ${schema}."order", ${schema}.line;`)
}
