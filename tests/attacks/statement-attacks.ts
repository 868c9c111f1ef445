import type pg from 'pg'
import type { Attack, Attempt } from './attack.ts'
import { type AttackScene, inContext } from './attack-scene.ts'

/** Row-level security itself is what stops these, so without it each of them must succeed. */
const rowSecurity = {
  'row-level security': { take: 'alter table attacks.note disable row level security' },
}

const note = 'attacks.note'

/** Ways of asking, each of which answers with the tenant's own row; `set …` is told apart by its semicolon. */
const questions: Readonly<Record<string, string | readonly [string, string]>> = {
  'a select': `select secret from ${note}`,
  'a select that names the other tenant': `select secret from ${note} where tenant_id <> tenancy.require_tenant_id() or true`,
  'the row’s place': `select secret from ${note} where ctid = any (array['(0,1)', '(0,2)']::tid[])`,
  'a sample': `select secret from ${note} tablesample system (100)`,
  'the whole row': `select n from ${note} n`,
  'a lock': `select secret from ${note} for update`,
  'a lateral join': `select t.secret from (values (1)) v left join lateral (select secret from ${note}) t on true`,
  'a recursive query': `with recursive r as (select secret from ${note} union select secret from r) select * from r`,
  'an aggregate': `select string_agg(secret, ',') from ${note}`,
  'a union': `select 'x' union all select secret from ${note}`,
  'XML of a query': `select query_to_xml('select secret from ${note}', true, true, '')::text`,
  'XML of a table': `select table_to_xml('${note}', true, true, '')::text`,
  'text search statistics': `select word from ts_stat('select to_tsvector(''simple'', secret) from ${note}')`,
  'an update that returns': `update ${note} set secret = secret returning secret`,
  'a delete that returns': `delete from ${note} returning secret`,
  'a copy within SQL': `with t as (insert into ${note} (tenant_id, secret)
    select tenancy.require_tenant_id(), secret from ${note} returning secret) select * from t`,
  'a parallel worker': ['set local debug_parallel_query = on', `select secret from ${note}`],
  'a scan of the index': [
    'set local enable_seqscan = off',
    `select secret from ${note} where id is not null`,
  ],
  'joins in another order': [
    'set local join_collapse_limit = 1',
    `select n.secret from ${note} m cross join ${note} n`,
  ],
}

const asks =
  (question: string | readonly [string, string]): Attempt =>
  (scene) =>
    scene.connected(async (client) => {
      const [setting, sql] = typeof question === 'string' ? ['', question] : question
      await client.query('begin')
      await client.query(`select set_config('app.tenant_id', $1, true)`, [scene.a.tenantId])
      if (setting) await client.query(named(setting, scene))
      const { rows } = await client.query(sql)
      // one that found nothing at all would prove nothing
      if (!JSON.stringify(rows).includes(scene.a.secret)) throw new Error(`does not work: ${sql}`)
      return scene.isOfB(rows)
    })

/** Settings have other names in other versions. */
function named(setting: string, { major }: AttackScene): string {
  return major < 16 ? setting.replace('debug_parallel_query', 'force_parallel_mode') : setting
}

/** Whether the text of an error, its detail, its hint or its context has something of tenant B's in it. */
const complains =
  (sql: (scene: AttackScene) => string): Attempt =>
  (scene) =>
    scene.as(scene.a, (client) =>
      client.query(sql(scene)).then(
        () => false,
        (error: pg.DatabaseError) =>
          scene.isOfB([error.message, error.detail, error.hint, error.where, error.internalQuery]),
      ),
    )

const mark = 'stolen'
const writes =
  (sql: (scene: AttackScene) => string): Attempt =>
  async (scene) => {
    await scene.as(scene.a, (client) => client.query(sql(scene))).catch(() => undefined)
    const row = `from attacks.note where id = '${scene.b.noteId}'`
    return (await scene.holds(`${row} and secret = '${mark}'`)) || !(await scene.holds(row))
  }

export const statementAttacks: readonly Attack[] = [
  {
    id: 'Q1',
    claim: 'however a tenant’s SQL asks, its own rows answer',
    undone: true,
    attempts: Object.fromEntries(Object.entries(questions).map(([name, sql]) => [name, asks(sql)])),
    without: rowSecurity,
  },
  {
    id: 'Q2',
    claim: 'whoever turns row_security off gets an error and no rows',
    attempts: {
      reads: (scene) =>
        scene.as(scene.a, async (client) => {
          await client.query('set local row_security = off')
          return scene.answersWithSecret(client, 'select secret from attacks.note')
        }),
    },
    without: rowSecurity,
  },
  {
    id: 'Q3',
    claim: 'COPY sends the tenant’s own rows, from a table and from a query',
    undone: true,
    attempts: Object.fromEntries(
      ['attacks.note', '(select secret from attacks.note)'].map((source) => [
        source,
        (scene: AttackScene) =>
          scene.as(scene.a, async (client) => {
            const { connection } = client as unknown as {
              connection: { on(event: 'copyData', listener: (message: { chunk: Buffer }) => void): void }
            }
            const chunks: Buffer[] = []
            connection.on('copyData', ({ chunk }) => chunks.push(chunk))
            await client.query(`copy ${source} to stdout`)
            const text = String(Buffer.concat(chunks))
            if (!text.includes(scene.a.secret)) throw new Error('nothing was copied')
            return scene.isOfB(text)
          }),
      ]),
    ),
    without: rowSecurity,
  },
  {
    id: 'Q4',
    claim: 'no error says anything of a row that the policies have not passed',
    undone: true,
    attempts: {
      'a cast in a condition': complains(() => 'select from attacks.note where secret::int = 1'),
      'a cast in a join': complains(
        () => 'select from attacks.note n join (values (1)) v (i) on v.i = n.secret::int',
      ),
      'a cast in an update': complains(
        () => 'update attacks.note set secret = secret where secret::uuid is null',
      ),
      'a date': complains(
        ({ a }) => `select from attacks.note where tenant_id <> '${a.tenantId}' and secret::date < now()`,
      ),
    },
    // its own secret is no number either: the error must come from the other row
    prepare: ({ a, b }) => `
      update attacks.note set secret = null where tenant_id = '${a.tenantId}';
      delete from attacks.note where tenant_id = '${b.tenantId}';
      insert into attacks.note (tenant_id, secret) values ('${b.tenantId}', '${b.secret}')`,
    without: rowSecurity,
  },
  {
    id: 'Q5',
    claim: 'however a tenant’s SQL writes, another tenant’s row stays as it is',
    attempts: {
      'an update by id': writes(
        ({ b }) => `update attacks.note set secret = '${mark}' where id = '${b.noteId}'`,
      ),
      'an update from a join': writes(
        ({ b }) =>
          `update attacks.note set secret = '${mark}' from (values ('${b.noteId}'::uuid)) v (id) where note.id = v.id`,
      ),
      'a delete': writes(() => 'delete from attacks.note'),
      'DO UPDATE on its id': writes(
        ({ a, b }) => `
          insert into attacks.note values ('${b.noteId}', '${a.tenantId}')
          on conflict (id) do update set secret = '${mark}'`,
      ),
      'a MERGE': writes(
        ({ b }) => `
          merge into attacks.note n using (values ('${b.noteId}'::uuid)) v (id) on n.id = v.id
          when matched then update set secret = '${mark}'`,
      ),
      'a cursor': writes(
        ({ b }) => `
          do $$
          declare one cursor for select * from attacks.note where id = '${b.noteId}' for update;
          begin
            open one;
            move one;
            update attacks.note set secret = '${mark}' where current of one;
          end $$`,
      ),
    },
    without: rowSecurity,
  },
  {
    id: 'Q5',
    claim: 'what PostgreSQL 17 and 18 added to writes reaches no other tenant’s row',
    majors: [18],
    attempts: {
      'a MERGE by what is missing in its source': writes(
        () => `
          merge into attacks.note n using (values (1)) v (i) on false
          when not matched by source then update set secret = '${mark}'`,
      ),
      'the old row of an update': (scene) =>
        scene.reveals(`update attacks.note set secret = '${mark}' returning old.secret`),
    },
    without: rowSecurity,
  },
  {
    id: 'Q6',
    claim: 'no lock on a row shows that another tenant holds it',
    attempts: {
      'FOR UPDATE NOWAIT': (scene) =>
        scene.connected(async (other) =>
          inContext(other, scene.b.tenantId, async () => {
            await other.query('select from attacks.note where id = $1 for update', [scene.b.noteId])
            return scene.as(scene.a, (client) =>
              client.query('select from attacks.note for update nowait').then(
                () => false,
                (error: pg.DatabaseError) => error.code === '55P03',
              ),
            )
          }),
        ),
    },
    without: rowSecurity,
  },
  {
    id: 'Q7',
    claim: 'the statistics of a protected table are hidden',
    prepare: (scene) => `${manyNotes(scene)} analyze attacks.note`,
    attempts: {
      pg_stats: (scene) =>
        scene.reveals(`select most_common_vals::text from pg_catalog.pg_stats where tablename = 'note'`),
    },
    without: rowSecurity,
  },
  {
    id: 'Q7',
    claim: 'extended statistics are hidden even from an owner whom row-level security holds',
    prepare: (scene) => `
      ${manyNotes(scene)}
      create statistics attacks.note_statistics (mcv) on tenant_id, secret from attacks.note;
      analyze attacks.note;
      alter table attacks.note owner to doublehull_app;
      alter statistics attacks.note_statistics owner to doublehull_app`,
    attempts: {
      pg_stats_ext: (scene) =>
        scene.reveals(`select most_common_vals::text from pg_catalog.pg_stats_ext where tablename = 'note'`),
    },
    without: rowSecurity,
  },
]

function manyNotes({ b }: AttackScene): string {
  return `insert into attacks.note (tenant_id, secret)
    select '${b.tenantId}', '${b.secret}' from generate_series(1, 100);`
}
