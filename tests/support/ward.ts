import type { Manifest, ModelManifest, RelationManifest } from '../../src/manifest/manifest.ts'

/** What a Prisma schema of a team's own might have become, before it knew of tenants: one of each awkward thing. */
export const wardSql = `
create schema billing;
create schema shared;
create type shared.status as enum ('open', 'done');
create type "Kind" as enum ('a', 'b');
create sequence ticket_number;
create function short_id() returns text language sql volatile as $$ select left(gen_random_uuid()::text, 8) $$;
create function touch() returns trigger language plpgsql as $$ begin return new; end $$;

create table tenant (id uuid primary key, name text not null);
create table note (
  id serial primary key,
  tenant_id uuid not null references tenant (id),
  number bigint not null default nextval('ticket_number'),
  code text not null default short_id(),
  status shared.status not null default 'open',
  kinds "Kind"[]
);
create index note_tenant_id_idx on note (tenant_id);
create trigger touch before update on note for each row execute function touch();
-- rows without a tenant are nobody's
create table import_job (id int generated always as identity primary key, tenant_id uuid references tenant (id) on delete set null);
create index import_job_tenant_id_idx on import_job (tenant_id);
create table reply (id uuid primary key, note_id int not null references note (id));
create table comment (id uuid primary key, reply_id uuid not null references reply (id));
create table reaction (id uuid primary key, comment_id uuid not null references comment (id), body text not null);
create index reply_note_id_idx on reply (note_id);
create index comment_reply_id_idx on comment (reply_id);
create index reaction_comment_id_idx on reaction (comment_id);
create table tag (id int primary key, name text not null);
create table "_NoteToTag" ("A" int not null references note (id) on delete cascade, "B" int not null references tag (id) on delete cascade);
create unique index "_NoteToTag_AB_unique" on "_NoteToTag" ("A", "B");
create index "_NoteToTag_B_index" on "_NoteToTag" ("B");
create table payment_event (id bigserial primary key, payload jsonb not null);
create table legacy (id int primary key, tenant_id uuid, secret text);
create table reading (tenant_id uuid not null references tenant (id), at date not null, value int, primary key (tenant_id, at))
  partition by range (at);
create table reading_2026 partition of reading for values from ('2026-01-01') to ('2027-01-01');
create table reading_other partition of reading default;
create table billing.invoice (id uuid primary key, tenant_id uuid not null references tenant (id), note_id int references note (id));
create index invoice_tenant_id_idx on billing.invoice (tenant_id);
create view note_summary as select tenant_id, count(*)::int as notes from note group by tenant_id;

-- what somebody tried before
alter table note enable row level security;
create policy everybody on note for select using (status = 'open' or code = 'x''y');
create policy no_drafts on note as restrictive for select using (status = 'open');
grant select on legacy, reading_2026, note_summary to public;
grant all on billing.invoice to public;
`

const everything = ['select', 'insert', 'update', 'delete'] as const

/** What the generator writes for {@link wardSql}. */
export function wardManifest(change: Readonly<Record<string, Partial<ModelManifest>>> = {}): Manifest {
  const one = (model: string, field: string, reference = 'id', required = true): RelationManifest => ({
    model,
    list: false,
    required,
    fields: [field],
    references: [reference],
    inverse: 'children',
  })
  const of = (
    table: string,
    scope: ModelManifest['scope'],
    columns: readonly string[],
    rest: Partial<ModelManifest> = {},
  ): ModelManifest => ({
    schema: 'public',
    table,
    isView: false,
    scope,
    readOnly: scope.kind === 'global',
    commands:
      scope.kind === 'global'
        ? ['select']
        : scope.kind === 'root'
          ? ['select', 'insert', 'update']
          : scope.kind === 'system'
            ? []
            : everything,
    appendOnly: false,
    columns: Object.fromEntries(columns.map((column) => [column, column])),
    jsonFields: [],
    primaryKey: ['id'],
    uniqueFields: ['id'],
    compoundUniques: {},
    relations: {},
    ...rest,
  })
  const direct = { kind: 'direct', field: 'tenant_id' } as const
  const tenant = { tenant: one('Tenant', 'tenant_id') }
  const models: Record<string, ModelManifest> = {
    Tenant: of('tenant', { kind: 'root', field: 'id' }, ['id', 'name']),
    Note: of('note', direct, ['id', 'tenant_id', 'number', 'code', 'status', 'kinds'], { relations: tenant }),
    ImportJob: of('import_job', direct, ['id', 'tenant_id'], { relations: tenant }),
    Reply: of('reply', { kind: 'through', relation: 'note' }, ['id', 'note_id'], {
      relations: { note: one('Note', 'note_id') },
    }),
    Comment: of('comment', { kind: 'through', relation: 'reply' }, ['id', 'reply_id'], {
      relations: { reply: one('Reply', 'reply_id') },
    }),
    Reaction: of('reaction', { kind: 'through', relation: 'comment' }, ['id', 'comment_id', 'body'], {
      relations: { comment: one('Comment', 'comment_id') },
    }),
    Tag: of('tag', { kind: 'global' }, ['id', 'name']),
    PaymentEvent: of('payment_event', { kind: 'system' }, ['id', 'payload']),
    Reading: of('reading', direct, ['tenant_id', 'at', 'value'], {
      primaryKey: ['tenant_id', 'at'],
      uniqueFields: [],
      relations: tenant,
    }),
    Invoice: of('invoice', direct, ['id', 'tenant_id', 'note_id'], {
      schema: 'billing',
      relations: { ...tenant, note: one('Note', 'note_id', 'id', false) },
    }),
    NoteSummary: of('note_summary', direct, ['tenant_id', 'notes'], {
      isView: true,
      readOnly: true,
      commands: ['select'],
      primaryKey: [],
      uniqueFields: [],
    }),
  }
  return {
    version: 1,
    tenantModel: 'Tenant',
    tenantIdType: 'uuid',
    models: Object.fromEntries(
      Object.entries(models).map(([name, model]) => [name, { ...model, ...change[name] }]),
    ),
    joinTables: [{ schema: 'public', table: '_NoteToTag', a: 'Note', b: 'Tag' }],
    hidden: [{ kind: 'ignoredModel', model: 'Legacy', schema: 'public', table: 'legacy' }],
  }
}
