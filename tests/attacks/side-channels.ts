import { once } from 'node:events'
import type { Attack, KnownLeak } from './attack.ts'
import { type AttackScene, asOwner, inContext } from './attack-scene.ts'
import { model, protectionOf } from './protection.ts'

const invoices = protectionOf({ Invoice: model('invoice', []) })

/** How far apart two keys are that tenant A is given while tenant B is given three. */
async function distance(scene: AttackScene): Promise<number> {
  const insert = async (party: 'a' | 'b') => {
    const { rows } = await scene.as(scene[party], (client) =>
      client.query<{ id: string }>('insert into attacks.invoice default values returning id::text'),
    )
    return Number(rows[0]?.id)
  }
  const before = await insert('a')
  for (let i = 0; i < 3; i++) await insert('b')
  return (await insert('a')) - before
}

/** What tenant A sees of the statement of a connection on which tenant B is idle. */
const seesStatement =
  (text: (scene: AttackScene) => string, values: (scene: AttackScene) => readonly string[]) =>
  (scene: AttackScene) =>
    scene.connected(async (client) => {
      await client.query(text(scene), [...values(scene)])
      return scene.reveals(`select query from pg_catalog.pg_stat_activity where usename = 'doublehull_app'`)
    })

export const sideChannelAttacks: readonly Attack[] = [
  {
    id: 'X1',
    claim: 'keys tell nothing of how many rows other tenants add, because they come from no sequence',
    prepare: asOwner(`
      create table attacks.invoice (
        id uuid primary key default gen_random_uuid(),
        tenant_id uuid not null default tenancy.require_tenant_id()
      );
      ${invoices.sql}`),
    attempts: {
      counts: async (scene) => (await distance(scene)) === 4,
      'finds a sequence, in the bundled schema too': (scene) =>
        scene.as(scene.a, async (client) => {
          const { rowCount } = await client.query(`select from pg_catalog.pg_class where relkind = 'S'`)
          return rowCount !== 0
        }),
    },
    without: {
      uuids: {
        take: asOwner(`
          alter table attacks.invoice drop column id;
          alter table attacks.invoice add column id bigint generated always as identity primary key`),
      },
    },
  },
  {
    id: 'X9',
    claim: 'no extension leads back into the server as somebody else',
    attempts: {
      installs: (scene) =>
        scene.as(scene.a, async (client) => {
          await client.query('create extension dblink schema playground')
          return true
        }),
    },
    without: {
      'no superuser': {
        take: 'alter role doublehull_app superuser',
        putBack: 'alter role doublehull_app nosuperuser; drop extension if exists dblink',
      },
    },
  },
]

export const knownLeaks: readonly KnownLeak[] = [
  {
    id: 'G11',
    claim: 'a cursor WITH HOLD keeps its rows for the next tenant of its connection',
    attempt: (scene) => holdsCursor(scene, 'with hold'),
    avoided: (scene) => holdsCursor(scene, 'without hold').catch(() => false),
  },
  {
    id: 'S15',
    claim: 'EXPLAIN estimates by the rows of all tenants',
    prepare: ({ b }) => `
      insert into attacks.note (tenant_id, secret)
        select '${b.tenantId}', '${b.secret}' from generate_series(1, 1000);
      analyze attacks.note`,
    attempt: (scene) =>
      scene.differ(
        ...[scene.b.secret, 'secret-of-nobody-at-all'].map(
          (secret) => `explain (format json) select from attacks.note where secret = '${secret}'`,
        ),
      ),
  },
  {
    id: 'X2',
    claim: 'a notification is heard by all tenants, who learn nothing from an opaque id',
    attempt: (scene) => hears(scene, scene.b.secret),
    avoided: (scene) => hears(scene, scene.b.noteId),
  },
  {
    id: 'X3',
    claim: 'a running statement is seen by all tenants, but not the values that are bound to it',
    attempt: seesStatement(
      ({ b }) => `select '${b.secret}'::text`,
      () => [],
    ),
    avoided: seesStatement(
      () => 'select $1::text',
      ({ b }) => [b.secret],
    ),
  },
  {
    id: 'X4',
    claim: 'a large object is read by all tenants',
    attempt: async (scene) => {
      const { rows } = await scene.as(scene.b, (client) =>
        client.query<{ id: number }>('select lo_from_bytea(0, $1) as id', [Buffer.from(scene.b.secret)]),
      )
      const id = rows[0]?.id ?? 0
      const seen = await scene.reveals(`select convert_from(lo_get(${id}), 'utf8')`)
      await scene.run(`select lo_unlink(${id})`)
      return seen
    },
  },
  {
    id: 'X5',
    claim: 'an advisory lock is held against all tenants',
    attempt: (scene) =>
      scene.as(scene.b, async (other) => {
        await other.query('select pg_advisory_xact_lock(17)')
        return scene.as(scene.a, async (client) => {
          const { rows } = await client.query<{ free: boolean }>(
            'select pg_try_advisory_xact_lock(17) as free',
          )
          return rows[0]?.free === false
        })
      }),
  },
  {
    id: 'X6',
    claim: 'the size of a table tells how much all tenants have in it',
    attempt: async (scene) => {
      const size = async () => {
        const { rows } = await scene.as(scene.a, (client) =>
          client.query<{ size: string }>(`select pg_catalog.pg_relation_size('attacks.note') as size`),
        )
        return rows[0]?.size
      }
      const before = await size()
      await scene.as(scene.b, (client) =>
        client.query(`insert into attacks.note (tenant_id, secret)
          select tenancy.require_tenant_id(), repeat('x', 100) from generate_series(1, 1000)`),
      )
      return (await size()) !== before
    },
  },
  {
    id: 'X8',
    claim: 'a tenant’s raw SQL locks a table against all tenants, and ends their connections',
    attempt: (scene) =>
      scene.as(scene.a, async (client) => {
        await client.query('set local statement_timeout = 0')
        await client.query('lock table attacks.note in access exclusive mode')
        return scene.connected(async (other) => {
          const locked = await inContext(other, scene.b.tenantId, () =>
            other.query('lock table attacks.note in access share mode nowait'),
          ).then(
            () => false,
            () => true,
          )
          const { rows } = await other.query<{ pid: number }>('select pg_backend_pid() as pid')
          other.on('error', () => undefined)
          const ended = new Promise<void>((resolve) => {
            other.once('end', () => resolve())
          })
          await client.query('select pg_terminate_backend($1)', [rows[0]?.pid])
          await ended
          return locked
        })
      }),
  },
]

/** Whether tenant A, who listens, hears something of what tenant B says. */
function hears(scene: AttackScene, payload: string): Promise<boolean> {
  return scene.connected(async (client) => {
    const heard = once(client, 'notification')
    await client.query('listen attacks')
    await scene.as(scene.b, (other) => other.query(`select pg_notify('attacks', $1)`, [payload]))
    // a notification comes with the next answer at the latest
    await client.query('select')
    return scene.isOfB(await heard)
  })
}

/** Whether tenant A reads on with a cursor that tenant B has left on the connection. */
function holdsCursor(scene: AttackScene, hold: string): Promise<boolean> {
  return scene.connected(async (client) => {
    await inContext(client, scene.b.tenantId, () =>
      client.query(`declare kept cursor ${hold} for select secret from attacks.note`),
    )
    return inContext(client, scene.a.tenantId, () => scene.answersWithSecret(client, 'fetch all from kept'))
  })
}
