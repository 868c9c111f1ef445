import { randomUUID } from 'node:crypto'
import type { Attack } from './attack.ts'
import { type AttackScene, asOwner } from './attack-scene.ts'
import { model, protectionOf } from './protection.ts'

const ids = { folderA: randomUUID(), folderB: randomUUID(), document: randomUUID() }

/** Folders of both tenants, and documents that refer to them by `key`. */
const folders =
  (document: string, key: string, shared = false) =>
  ({ a, b }: AttackScene) =>
    asOwner(`
      create table attacks.folder (
        id uuid primary key default gen_random_uuid(),
        tenant_id uuid not null,
        unique (tenant_id, id)
      );
      create table attacks.document (
        id uuid primary key default gen_random_uuid(),
        ${document},
        folder_id uuid,
        secret text,
        constraint document_folder ${key}
      );
      ${
        protectionOf({
          Folder: model('folder', []),
          Document: model('document', ['folder_id', 'secret'], {
            kind: shared ? 'shared' : 'direct',
            field: 'tenant_id',
          }),
        }).sql
      }
      insert into attacks.folder values ('${ids.folderA}', '${a.tenantId}'), ('${ids.folderB}', '${b.tenantId}');`)

const simpleKey = (action = '') => `
  alter table attacks.document drop constraint document_folder;
  alter table attacks.document add constraint document_folder
    foreign key (folder_id) references attacks.folder (id) ${action}`

const document = 'tenant_id uuid not null'
const composite = 'foreign key (tenant_id, folder_id) references attacks.folder (tenant_id, id)'

const linksTo = (scene: AttackScene, folder: string) =>
  `insert into attacks.document (tenant_id, folder_id) values ('${scene.a.tenantId}', '${folder}')`

/** A table with a key that a row of tenant B's has a value in. */
const sites = ({ b }: AttackScene) =>
  asOwner(`
    create table attacks.site (
      id uuid primary key default gen_random_uuid(),
      tenant_id uuid not null default tenancy.require_tenant_id(),
      slug text not null,
      constraint site_slug unique (tenant_id, slug)
    );
    ${protectionOf({ Site: model('site', ['slug']) }).sql}
    insert into attacks.site (tenant_id, slug) values ('${b.tenantId}', 'taken');`)

const probesSlug = (end: string) => (scene: AttackScene) =>
  scene.differ(
    ...['taken', 'free'].map((slug) => `insert into attacks.site (slug) values ('${slug}') ${end}`),
  )

/** How many rows a query looks at and then throws away. */
async function removedRows(scene: AttackScene, secret: string): Promise<number> {
  return scene.as(scene.a, async (client) => {
    await client.query('set local enable_seqscan = off; set local enable_bitmapscan = off')
    const { rows } = await client.query<{ 'QUERY PLAN': unknown }>(
      `explain (analyze, costs off, timing off, summary off, format json)
       select count(*) from attacks.note where secret = '${secret}'`,
    )
    const removed = JSON.stringify(rows).matchAll(/"Rows Removed by Filter":(\d+)/g)
    return Array.from(removed, ([, count]) => Number(count)).reduce((sum, count) => sum + count, 0)
  })
}

export const keyAttacks: readonly Attack[] = [
  {
    id: 'S1',
    claim: 'no foreign key leads to another tenant’s row, or tells that it is there',
    prepare: folders(document, composite),
    attempts: {
      links: (scene) =>
        scene.as(scene.a, async (client) => {
          await client.query(linksTo(scene, ids.folderB))
          return true
        }),
      probes: (scene) => scene.differ(linksTo(scene, ids.folderB), linksTo(scene, randomUUID())),
    },
    without: { 'the tenant in the key': { take: simpleKey() } },
  },
  {
    id: 'S2',
    claim: 'no delete is handed on to another tenant’s row',
    prepare: folders(document, `${composite} on delete cascade`),
    attempts: {
      'cascades into a planted row': async (scene) => {
        const planted = { text: 'insert into attacks.document values ($1, $2, $3)' }
        await scene.admin
          .query({ ...planted, values: [ids.document, scene.b.tenantId, ids.folderA] })
          // where no such row can be, one without a folder stands for it
          .catch(() => scene.admin.query({ ...planted, values: [ids.document, scene.b.tenantId, null] }))
        await scene.as(scene.a, (client) => client.query('delete from attacks.folder'))
        return !(await scene.holds(`from attacks.document where id = '${ids.document}'`))
      },
    },
    without: { 'the tenant in the key': { take: simpleKey('on delete cascade') } },
  },
  {
    id: 'S3',
    claim: 'no key goes unasked because the tenant in it is null',
    prepare: folders(
      `${document}, folder_tenant_id uuid not null`,
      'foreign key (folder_tenant_id, folder_id) references attacks.folder (tenant_id, id)',
    ),
    attempts: {
      'links with a null': (scene) =>
        scene.as(scene.a, async (client) => {
          await client.query(
            `insert into attacks.document (tenant_id, folder_id) values ('${scene.a.tenantId}', '${ids.folderB}')`,
          )
          return true
        }),
    },
    without: {
      'not null': { take: 'alter table attacks.document alter column folder_tenant_id drop not null' },
    },
  },
  {
    id: 'S4',
    claim: 'a row whose parent is deleted does not become everybody’s',
    prepare: (scene) =>
      `${folders('tenant_id uuid', `${composite} on delete set null (folder_id)`, true)(scene)}
       insert into attacks.document (tenant_id, folder_id, secret)
         values ('${scene.b.tenantId}', '${ids.folderB}', '${scene.b.secret}')`,
    attempts: {
      'reads it then': async (scene) => {
        await scene.as(scene.b, (client) => client.query('delete from attacks.folder'))
        return scene.reveals('select secret from attacks.document')
      },
    },
    without: {
      'on delete set null (folder_id)': {
        take: `alter table attacks.document drop constraint document_folder;
               alter table attacks.document add constraint document_folder ${composite} on delete set null`,
      },
    },
  },
  {
    id: 'S5',
    claim: 'no unique key tells that another tenant has a value',
    prepare: sites,
    undone: true,
    attempts: {
      'by an error': probesSlug(''),
      'by the count of DO NOTHING': probesSlug('on conflict do nothing'),
      'by the refusal of DO UPDATE': probesSlug(
        'on conflict on constraint site_slug do update set slug = excluded.slug',
      ),
    },
    without: {
      'the tenant in the key': {
        take: `alter table attacks.site drop constraint site_slug;
               alter table attacks.site add constraint site_slug unique (slug)`,
      },
    },
  },
  {
    id: 'S6',
    claim: 'no exclusion constraint tells that another tenant has a row in the way',
    prepare: ({ b }) => `
      create extension if not exists btree_gist;
      ${asOwner(`
        create table attacks.booking (
          id uuid primary key default gen_random_uuid(),
          tenant_id uuid not null default tenancy.require_tenant_id(),
          during int4range not null,
          constraint booking_during exclude using gist (tenant_id with =, during with &&)
        );
        ${protectionOf({ Booking: model('booking', ['during']) }).sql}
        insert into attacks.booking (tenant_id, during) values ('${b.tenantId}', '[10,20)');`)}`,
    undone: true,
    attempts: {
      probes: (scene) =>
        scene.differ(
          ...['[12,13)', '[30,31)'].map(
            (during) => `insert into attacks.booking (during) values ('${during}')`,
          ),
        ),
    },
    without: {
      'the tenant in the constraint': {
        take: `alter table attacks.booking drop constraint booking_during;
               alter table attacks.booking add constraint booking_during exclude using gist (during with &&)`,
      },
    },
  },
  {
    id: 'S16',
    claim:
      'how much work a query is does not depend on another tenant’s rows where the index begins with the tenant',
    prepare: ({ b }) => `
      insert into attacks.note (tenant_id, secret)
        select '${b.tenantId}', '${b.secret}' from generate_series(1, 500);
      create index note_secret on attacks.note (tenant_id, secret);
      analyze attacks.note`,
    attempts: {
      'counts the rows that are looked at': async (scene) =>
        (await removedRows(scene, scene.b.secret)) !== (await removedRows(scene, 'of nobody')),
    },
    without: {
      'the tenant in the index': {
        take: 'drop index attacks.note_secret; create index note_secret on attacks.note (secret)',
      },
    },
  },
]
