import { randomUUID } from 'node:crypto'
import { defaultRoleNames } from '../../src/policy/roles.ts'
import type { Attack, Attempt } from './attack.ts'
import { type AttackScene, asOwner, inContext } from './attack-scene.ts'
import { bundledTables, clearBundledRows, plantBundledRows } from './bundled-rows.ts'
import { model, protectionOf } from './protection.ts'

const { app } = defaultRoleNames
const reveals =
  (sql: string): Attempt =>
  (scene) =>
    scene.reveals(sql)

/** What an administrator's blanket grant makes of tables that nobody thought of. */
const grantAll = `grant select, insert, update, delete on all tables in schema attacks to ${app}`

/** A function that tells of each value or row that it is called with, and is tried before everything else. */
const spy = asOwner(`
  create function attacks.spy(anyelement) returns boolean language plpgsql cost 0.0000001
    as $$ begin raise notice '%', $1; return false; end $$;
  grant execute on function attacks.spy(anyelement) to ${app};`)
const trusted = { 'no mark of LEAKPROOF': { take: 'alter function attacks.spy(anyelement) leakproof' } }

const spyPlaces: readonly string[] = [
  'select id from attacks.note where attacks.spy(secret)',
  'select id from attacks.note where attacks.spy(secret) for update',
  'select 1 where exists (select from attacks.note where attacks.spy(secret))',
  'select 1 from (values (1)) one (i) join attacks.note on attacks.spy(secret)',
  'select n.id from (select id, secret from attacks.note) n where attacks.spy(n.secret)',
  `update attacks.note set secret = secret where attacks.spy(secret)`,
  'delete from attacks.note where attacks.spy(secret)',
]

/** A condition for the planner to estimate. */
const leaks = `secret operator(attacks.<<<) ''`

/** Whether a function within a statement of tenant A's is called with something of tenant B's. */
const spies =
  (sql: string): Attempt =>
  (scene) =>
    scene.connected(async (client) => {
      const notices: (string | undefined)[] = []
      client.on('notice', ({ message }) => notices.push(message))
      await client.query('begin')
      await client.query(`select set_config('app.tenant_id', $1, true)`, [scene.a.tenantId])
      // an index on the tenant would keep the other rows from being looked at, mitigation or not
      await client.query('set local enable_indexscan = off; set local enable_bitmapscan = off')
      await client.query(sql)
      await client.query('rollback')
      return scene.isOfB(notices) || JSON.stringify(notices).includes(scene.b.tenantId)
    })

export const objectAttacks: readonly Attack[] = [
  {
    id: 'S9',
    claim: 'no partition and no child of a table is read or written past it',
    prepare: ({ b }) =>
      asOwner(`
        create table attacks.event (
          id uuid not null default gen_random_uuid(),
          tenant_id uuid not null,
          secret text,
          primary key (tenant_id, id)
        ) partition by hash (tenant_id);
        create table attacks.event_0 partition of attacks.event for values with (modulus 1, remainder 0);
        create table attacks.old_note () inherits (attacks.note);
        ${protectionOf({ Event: model('event', ['secret']) }).sql}
        insert into attacks.event (tenant_id, secret) values ('${b.tenantId}', '${b.secret}');
        insert into attacks.old_note (tenant_id, secret) values ('${b.tenantId}', '${b.secret}');`),
    attempts: {
      'reads a partition': reveals('select secret from attacks.event_0'),
      'reads a child': reveals('select secret from attacks.old_note'),
      'writes into a partition': (scene) =>
        scene.as(scene.a, async (client) => {
          await client.query(`insert into attacks.event_0 (tenant_id) values ('${scene.b.tenantId}')`)
          return true
        }),
    },
    without: { 'no grants on it': { take: grantAll } },
  },
  {
    id: 'S9',
    claim: 'a partition with row-level security of its own shows nothing, whatever is granted on it',
    prepare: ({ b }) =>
      asOwner(`
        create table attacks.event (
          id uuid not null default gen_random_uuid(),
          tenant_id uuid not null,
          secret text,
          primary key (tenant_id, id)
        ) partition by hash (tenant_id);
        create table attacks.event_0 partition of attacks.event for values with (modulus 1, remainder 0);
        alter table attacks.event_0 enable row level security, force row level security;
        ${protectionOf({ Event: model('event', ['secret']) }).sql}
        ${grantAll};
        insert into attacks.event (tenant_id, secret) values ('${b.tenantId}', '${b.secret}');`),
    attempts: { 'reads a partition': reveals('select secret from attacks.event_0') },
    without: {
      'row-level security of its own': { take: 'alter table attacks.event_0 disable row level security' },
    },
  },
  {
    id: 'S10',
    claim: 'a view asks as whoever queries it',
    prepare: asOwner(`
      create view attacks.note_list with (security_invoker = true) as select * from attacks.note;
      create view attacks.note_page with (security_invoker = true) as select * from attacks.note_list;
      grant select, update on attacks.note_list, attacks.note_page to ${app};`),
    attempts: {
      reads: reveals('select secret from attacks.note_list'),
      'reads through another view': reveals('select secret from attacks.note_page'),
      writes: async (scene) => {
        await scene.as(scene.a, (client) => client.query(`update attacks.note_list set secret = 'stolen'`))
        return scene.holds(`from attacks.note where id = '${scene.b.noteId}' and secret = 'stolen'`)
      },
    },
    without: { security_invoker: { take: 'alter view attacks.note_list reset (security_invoker)' } },
  },
  {
    id: 'S11',
    claim: 'copies that no policy can hold are granted to nobody',
    prepare: (scene) => {
      const url = new URL(scene.adminUrl)
      const option = (name: string, value: string) => `${name} '${decodeURIComponent(value)}'`
      return `
        create extension if not exists postgres_fdw;
        create server itself foreign data wrapper postgres_fdw
          options (${option('host', url.hostname)}, ${option('port', url.port)}, ${option('dbname', scene.database)});
        create user mapping for public server itself
          options (${option('user', url.username)}, ${option('password', url.password)});
        create foreign table attacks.note_afar (secret text)
          server itself options (schema_name 'attacks', table_name 'note');
        ${asOwner('create materialized view attacks.note_copy as select * from attacks.note')}`
    },
    cleanUp: 'drop server itself cascade',
    undone: true,
    attempts: {
      'reads a materialized view': reveals('select secret from attacks.note_copy'),
      'reads a foreign table': reveals('select secret from attacks.note_afar'),
    },
    without: { 'no grants on it': { take: grantAll } },
  },
  {
    id: 'S12',
    claim: 'functions that run as the owner are nobody’s to call unless it is said',
    prepare: asOwner(`
      create function attacks.find_notes() returns setof text language sql security definer
        set search_path = '' as 'select secret from attacks.note';`),
    attempts: { calls: reveals('select attacks.find_notes()') },
    without: {
      'no right to execute': { take: 'grant execute on function attacks.find_notes() to public' },
    },
  },
  {
    id: 'S12',
    claim: 'a function that runs as the owner reads no temporary table in the place of the one that it means',
    prepare: ({ database }) => `
      grant temporary on database "${database}" to ${app};
      ${asOwner(`
        create table attacks.auditor (tenant_id uuid);
        create function attacks.audit_notes() returns setof text language plpgsql security definer
          set search_path = attacks, pg_temp as $$
          begin
            if exists (select from auditor where tenant_id = tenancy.require_tenant_id()) then
              return query select secret from note;
            end if;
          end $$;
        grant execute on function attacks.audit_notes() to ${app};`)}`,
    cleanUp: ({ database }) => `revoke temporary on database "${database}" from ${app}`,
    attempts: {
      'makes itself an auditor': (scene) =>
        scene.as(scene.a, async (client) => {
          await client.query(
            'create temporary table auditor as select tenancy.require_tenant_id() as tenant_id',
          )
          await client.query('grant select on auditor to public')
          return scene.answersWithSecret(client, 'select attacks.audit_notes()')
        }),
    },
    without: {
      'a fixed search_path': {
        take: 'alter function attacks.audit_notes() set search_path = attacks',
      },
    },
  },
  {
    id: 'S13',
    claim: 'no function is called with a row before the policies have passed it',
    prepare: spy,
    undone: true,
    attempts: Object.fromEntries(spyPlaces.map((sql) => [sql, spies(sql)])),
    without: trusted,
  },
  {
    id: 'S13',
    claim:
      'no function is called with a row of any table of the bundled schema before its policies have passed it',
    prepare: ({ a, b }) => `${spy} ${plantBundledRows(a)} ${plantBundledRows(b)}`,
    cleanUp: clearBundledRows,
    undone: true,
    attempts: Object.fromEntries(
      bundledTables.map((table) => [
        table,
        // a whole row of a partition is converted first, which no mark of LEAKPROOF makes up for
        spies(
          `select from ${table} t where attacks.spy(${table === 'audit."audit_event"' ? 't.action' : 't'})`,
        ),
      ]),
    ),
    without: trusted,
  },
  {
    id: 'S14',
    claim: 'the planner hands no statistics of a protected table to an operator that may tell of them',
    prepare: ({ b }) => `
      ${asOwner(`
        create function attacks.spies(text, text) returns boolean language plpgsql immutable
          as $$ begin raise notice '%', $1; return true; end $$;
        create operator attacks.<<< (leftarg = text, rightarg = text, function = attacks.spies,
                                     restrict = scalarltsel, join = eqjoinsel);
        grant execute on function attacks.spies(text, text) to ${app};
        create table attacks.old_note () inherits (attacks.note);
        create view attacks.note_list with (security_invoker = true) as select * from attacks.note;
        grant select on attacks.note_list to ${app};
        create statistics attacks.note_statistics (mcv) on tenant_id, secret from attacks.note;`)}
      insert into attacks.note (tenant_id, secret)
        select '${b.tenantId}', '${b.secret}' from generate_series(1, 100);
      insert into attacks.old_note (tenant_id, secret)
        select '${b.tenantId}', '${b.secret}' from generate_series(1, 100);
      analyze attacks.note, attacks.old_note`,
    undone: true,
    attempts: {
      'of a table and its child': spies(`explain select from attacks.note where ${leaks}`),
      'of a view': spies(`explain select from attacks.note_list where ${leaks}`),
      'of two columns': spies(
        `explain select from only attacks.note where ${leaks} and tenant_id is not null`,
      ),
      'of a join': spies(
        'explain select from attacks.note m join attacks.note n on m.secret operator(attacks.<<<) n.secret',
      ),
    },
    without: { 'row-level security': { take: 'alter table attacks.note disable row level security' } },
  },
  {
    id: 'S17',
    claim: 'TRUNCATE, which no policy holds, is granted to nobody',
    attempts: {
      truncates: async (scene) => {
        await scene.as(scene.a, (client) => client.query('truncate attacks.note'))
        return !(await scene.holds(`from attacks.note where id = '${scene.b.noteId}'`))
      },
    },
    without: { 'no grant': { take: `grant truncate on attacks.note to ${app}` } },
  },
  {
    id: 'S17',
    claim: 'REFERENCES, which probes for any row, is granted to nobody',
    attempts: {
      probes: async (scene) => {
        await scene.as(scene.a, (client) =>
          client.query('create table playground.probe (note_id uuid references attacks.note (id))'),
        )
        return scene.differ(
          ...[scene.b.noteId, randomUUID()].map((id) => `insert into playground.probe values ('${id}')`),
        )
      },
    },
    without: { 'no grant': { take: `grant references on attacks.note to ${app}` } },
  },
  {
    id: 'S17',
    claim: 'TRIGGER, which runs code of one tenant’s in another’s transaction, is granted to nobody',
    attempts: {
      'waits for a row': async (scene) => {
        await scene.as(scene.a, (client) =>
          client.query(`
            create table playground.loot (secret text);
            create function playground.loots() returns trigger language plpgsql
              as $$ begin insert into playground.loot values (new.secret); return new; end $$;
            create trigger loots before insert on attacks.note
              for each row execute function playground.loots()`),
        )
        await insertsSecret(scene)
        return scene.reveals('select secret from playground.loot')
      },
    },
    without: { 'no grant': { take: `grant trigger on attacks.note to ${app}` } },
  },
  {
    id: 'S17',
    claim: 'MAINTAIN, which rewrites tables and indexes, is granted to nobody',
    majors: [18],
    attempts: {
      'rebuilds its indexes': (scene) =>
        scene.connected(async (client) => {
          await client.query('reindex table attacks.note')
          return true
        }),
    },
    without: { 'no grant': { take: `grant maintain on attacks.note to ${app}` } },
  },
  {
    id: 'S22',
    claim: 'what a trigger copies is held where it arrives',
    prepare: asOwner(`
      create table attacks.note_log (id uuid primary key default gen_random_uuid(), tenant_id uuid, secret text);
      create function attacks.log_note() returns trigger language plpgsql security definer set search_path = ''
        as $$ begin
          insert into attacks.note_log (tenant_id, secret) values (new.tenant_id, new.secret);
          return new;
        end $$;
      create trigger log_note after insert on attacks.note for each row execute function attacks.log_note();
      ${protectionOf({ NoteLog: model('note_log', ['secret']) }).sql}`),
    attempts: {
      'reads the copy': async (scene) => {
        await insertsSecret(scene)
        return scene.reveals('select secret from attacks.note_log')
      },
    },
    without: { 'its policies': { take: 'alter table attacks.note_log disable row level security' } },
  },
  {
    id: 'S23',
    claim: 'no temporary table stands in the place of the one that another tenant’s SQL means',
    attempts: {
      'waits on the same connection': (scene) =>
        scene.connected(async (client) => {
          const { a, b } = scene
          await client.query('set search_path = attacks')
          await inContext(client, a.tenantId, () =>
            client.query('create temporary table note (tenant_id uuid, secret text)'),
          ).catch(() => undefined)
          await inContext(client, b.tenantId, () =>
            client.query('insert into note (tenant_id, secret) values ($1, $2)', [b.tenantId, b.secret]),
          )
          return inContext(client, a.tenantId, () =>
            scene.answersWithSecret(client, 'select secret from note'),
          )
        }),
    },
    without: {
      'no right to make one': {
        take: ({ database }) => `grant temporary on database "${database}" to public`,
        putBack: ({ database }) => `revoke temporary on database "${database}" from public`,
      },
    },
  },
  {
    id: 'S24',
    claim: 'no tenant’s SQL leaves a copy of its rows that nothing protects',
    attempts: {
      'reads the copy': async (scene) => {
        await scene
          .as(scene.b, (client) => client.query('create table attacks.copy as select * from attacks.note'))
          .catch(() => undefined)
        return scene.reveals('select secret from attacks.copy')
      },
    },
    without: { 'no right to create': { take: `grant create on schema attacks to ${app}` } },
  },
  {
    id: 'S27',
    claim: 'a table and a partition that are made later are nobody’s until they are granted',
    prepare: asOwner(`
      create table attacks.event (tenant_id uuid not null, secret text) partition by list (tenant_id);
      ${protectionOf({ Event: model('event', ['secret'], undefined, { primaryKey: ['tenant_id'] }) }).sql}`),
    attempts: {
      'reads the table': async (scene) => {
        await scene.run(asOwner(`create table attacks.later as select secret from attacks.note`))
        return scene.reveals('select secret from attacks.later')
      },
      'reads the partition': async (scene) => {
        const { tenantId, secret } = scene.b
        await scene.run(
          asOwner(`create table attacks.event_b partition of attacks.event for values in ('${tenantId}');
                   insert into attacks.event values ('${tenantId}', '${secret}')`),
        )
        return scene.reveals('select secret from attacks.event_b')
      },
    },
    without: {
      'no default privileges': {
        take: `alter default privileges for role doublehull_owner in schema attacks grant select on tables to ${app}`,
      },
    },
  },
]

async function insertsSecret(scene: AttackScene): Promise<void> {
  const { b } = scene
  await scene.as(b, (client) =>
    client.query('insert into attacks.note (tenant_id, secret) values ($1, $2)', [b.tenantId, b.secret]),
  )
}
