import { randomUUID } from 'node:crypto'
import type { Attack } from './attack.ts'
import { type AttackScene, asOwner } from './attack-scene.ts'
import { model, notes, protectionOf } from './protection.ts'

const stolen = 'stolen'

/** Runs one statement of tenant A's, and says whether the database then holds the mark of a success. */
const leaves =
  (sql: (scene: AttackScene) => string, mark: (scene: AttackScene) => string) =>
  async (scene: AttackScene): Promise<boolean> => {
    await scene.as(scene.a, (client) => client.query(sql(scene))).catch(() => undefined)
    return scene.holds(mark(scene))
  }

const rowOfB = ({ b }: AttackScene) =>
  `from attacks.note where tenant_id = '${b.tenantId}' and secret = '${stolen}'`

const board = protectionOf({ Board: model('board', ['secret'], { kind: 'shared', field: 'tenant_id' }) })
const sharedId = randomUUID()
/** A table whose rows without a tenant are read by all tenants and written by none, with one such row. */
const boards = asOwner(`
  create table attacks.board (id uuid primary key default gen_random_uuid(), tenant_id uuid, secret text);
  ${board.sql}
  insert into attacks.board values ('${sharedId}', null, 'for all');`)
const writesShared: Attack['attempts'] = {
  updates: leaves(
    () => `update attacks.board set secret = '${stolen}'`,
    () => `from attacks.board where id = '${sharedId}' and secret = '${stolen}'`,
  ),
  claims: leaves(
    ({ a }) => `update attacks.board set tenant_id = '${a.tenantId}'`,
    () => `from attacks.board where id = '${sharedId}' and tenant_id is not null`,
  ),
  deletes: leaves(
    () => 'delete from attacks.board',
    () => `where not exists (select from attacks.board where id = '${sharedId}')`,
  ),
}

const project = { a: randomUUID(), b: randomUUID() }
const tag = { a: randomUUID(), b: randomUUID() }
const joined = protectionOf({ Project: model('project', []), Tag: model('tag', []) }, [
  { schema: 'attacks', table: '_ProjectToTag', a: 'Project', b: 'Tag' },
])

export const policyAttacks: readonly Attack[] = [
  {
    id: 'S7',
    claim: 'no row is made another tenant’s, because what may be written is what may be read',
    attempts: {
      // without a column read, no policy for reading is asked
      'moves its row': leaves(
        ({ b }) => `update attacks.note set tenant_id = '${b.tenantId}', secret = '${stolen}'`,
        rowOfB,
      ),
      'inserts one': leaves(
        ({ b }) => `insert into attacks.note (tenant_id, secret) values ('${b.tenantId}', '${stolen}')`,
        rowOfB,
      ),
    },
    without: {
      'with check': {
        take: () => `
          ${notes.open('note', 'tenant_guard', 'tenant_update').replaceAll('using (true)', '')}
          ${notes.open('note', 'tenant_insert')}`,
      },
    },
  },
  {
    id: 'S8',
    claim:
      'a careless policy beside the tenant’s own shows and gives away nothing, because a guard restricts them all',
    prepare: 'create policy careless on attacks.note using (true) with check (true)',
    attempts: {
      reads: (scene) => scene.reveals('select secret from attacks.note'),
      updates: leaves(() => `update attacks.note set secret = '${stolen}'`, rowOfB),
      deletes: leaves(
        () => 'delete from attacks.note',
        ({ b }) => `where not exists (select from attacks.note where tenant_id = '${b.tenantId}')`,
      ),
      inserts: leaves(
        ({ b }) => `insert into attacks.note (tenant_id, secret) values ('${b.tenantId}', '${stolen}')`,
        rowOfB,
      ),
    },
    without: { 'the guard': { take: () => notes.open('note', 'tenant_guard') } },
  },
  {
    id: 'S20',
    claim: 'what is written is not answered with unless it may be read',
    // what is written is checked by nobody here
    prepare: () => notes.open('note', 'tenant_insert'),
    attempts: {
      'INSERT … RETURNING': leaves(
        ({ b }) =>
          `insert into attacks.note (tenant_id, secret) values ('${b.tenantId}', '${stolen}') returning secret`,
        rowOfB,
      ),
    },
    without: {
      'the policies for reading': { take: () => notes.open('note', 'tenant_guard', 'tenant_select') },
    },
  },
  {
    id: 'S21',
    claim: 'rows of no tenant are read by every tenant and written by none',
    prepare: boards,
    attempts: {
      ...writesShared,
      broadcasts: leaves(
        () => `insert into attacks.board (secret) values ('${stolen}')`,
        () => `from attacks.board where tenant_id is null and secret = '${stolen}'`,
      ),
    },
    without: {
      'policies for writing that differ from that for reading': {
        take: () =>
          board
            .open(
              'board',
              'tenant_guard',
              'tenant_guard_update',
              'tenant_guard_delete',
              'tenant_insert',
              'tenant_update',
              'tenant_delete',
            )
            .replaceAll('(true)', '(tenant_id = (select tenancy.require_tenant_id()) or tenant_id is null)'),
      },
    },
  },
  {
    id: 'S21',
    claim: 'a careless policy lets no tenant write the rows of no tenant',
    prepare: `${boards} create policy careless on attacks.board using (true) with check (true)`,
    attempts: writesShared,
    without: {
      'the guards': {
        take: () => board.open('board', 'tenant_guard', 'tenant_guard_update', 'tenant_guard_delete'),
      },
    },
  },
  {
    id: 'S25',
    claim:
      'the table of an implicit many-to-many relation shows and takes links between a tenant’s own rows only',
    prepare: ({ a, b }) =>
      asOwner(`
        create table attacks.project (id uuid primary key, tenant_id uuid not null);
        create table attacks.tag (id uuid primary key, tenant_id uuid not null);
        create table attacks."_ProjectToTag" (
          "A" uuid not null references attacks.project (id) on delete cascade,
          "B" uuid not null references attacks.tag (id) on delete cascade,
          primary key ("A", "B")
        );
        ${joined.sql}
        insert into attacks.project values ('${project.a}', '${a.tenantId}'), ('${project.b}', '${b.tenantId}');
        insert into attacks.tag values ('${tag.a}', '${a.tenantId}'), ('${tag.b}', '${b.tenantId}');
        insert into attacks."_ProjectToTag" values ('${project.b}', '${tag.b}');`),
    attempts: {
      lists: (scene) =>
        scene.as(scene.a, async (client) => {
          const { rows } = await client.query('select from attacks."_ProjectToTag"')
          return rows.length > 0
        }),
      links: leaves(
        () => `insert into attacks."_ProjectToTag" values ('${project.b}', '${tag.a}')`,
        () => `from attacks."_ProjectToTag" where "B" = '${tag.a}'`,
      ),
      unlinks: leaves(
        () => 'delete from attacks."_ProjectToTag"',
        () => 'where not exists (select from attacks."_ProjectToTag")',
      ),
    },
    without: {
      'its policies': { take: 'alter table attacks."_ProjectToTag" disable row level security' },
    },
  },
  {
    id: 'S26',
    claim: 'the tenants’ own table shows a tenant one row',
    attempts: { lists: (scene) => scene.reveals('select name from tenancy.tenant') },
    without: {
      'its policies': {
        take: 'alter table tenancy.tenant disable row level security',
        putBack: 'alter table tenancy.tenant enable row level security',
      },
    },
  },
]
