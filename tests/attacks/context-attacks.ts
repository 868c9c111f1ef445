import type { Attack } from './attack.ts'
import { type AttackScene, inContext } from './attack-scene.ts'
import { notes } from './protection.ts'

const readNotes = 'select secret from attacks.note'

const readsWithoutContext = (scene: AttackScene) =>
  scene.connected((client) => scene.answersWithSecret(client, readNotes))

/** A statement is planned for tenant B and kept, and the next transaction of the connection is tenant A's. */
const reusesPlan = (prepare: string, execute: string) => (scene: AttackScene) =>
  scene.connected(async (client) => {
    await client.query('set plan_cache_mode = force_generic_plan')
    await inContext(client, scene.b.tenantId, async () => {
      await client.query(prepare)
      await client.query(execute)
    })
    return inContext(client, scene.a.tenantId, () => scene.answersWithSecret(client, execute))
  })

export const contextAttacks: readonly Attack[] = [
  {
    id: 'G7',
    claim: 'a query without a context gets an error, because no policy has a branch for it',
    undone: true,
    attempts: { reads: readsWithoutContext },
    without: {
      'policies without such a branch': {
        take: () =>
          notes
            .open('note', 'tenant_guard', 'tenant_select')
            .replaceAll(
              'using (true)',
              'using (tenant_id = (select tenancy.current_tenant_id()) or (select tenancy.current_tenant_id()) is null)',
            ),
      },
    },
  },
  {
    id: 'G10',
    claim: 'a new connection belongs to no tenant, because neither a role nor the database sets one',
    attempts: { reads: readsWithoutContext },
    without: {
      'no setting of the role': {
        take: ({ b }) => `alter role doublehull_app set app.tenant_id = '${b.tenantId}'`,
        putBack: 'alter role doublehull_app reset app.tenant_id',
      },
      'no setting of the database': {
        take: ({ b, database }) => `alter database "${database}" set app.tenant_id = '${b.tenantId}'`,
        putBack: ({ database }) => `alter database "${database}" reset app.tenant_id`,
      },
    },
  },
  {
    id: 'G12',
    claim: 'a plan that was made for one tenant serves no other, because the tenant’s function is stable',
    attempts: {
      'a prepared statement': reusesPlan(`prepare read as ${readNotes}`, 'execute read'),
      'a function': reusesPlan(
        `create or replace function playground.read() returns setof text language plpgsql
           as $$ begin return query ${readNotes}; end $$`,
        'select playground.read()',
      ),
    },
    without: {
      stable: {
        take: 'alter function tenancy.require_tenant_id() immutable; alter function tenancy.claimed_tenant_id() immutable',
        putBack:
          'alter function tenancy.require_tenant_id() stable; alter function tenancy.claimed_tenant_id() stable',
      },
    },
  },
  {
    id: 'S23',
    claim: 'no temporary type makes the tenant’s functions answer with another tenant',
    prepare: ({ database }) => `grant temporary on database "${database}" to doublehull_app`,
    cleanUp: ({ database }) => `revoke temporary on database "${database}" from doublehull_app`,
    attempts: {
      // PostgreSQL looks for types among the temporary ones first, whatever the search_path
      'a cast of its own': (scene) =>
        scene.connected(async (client) => {
          const { a, b } = scene
          await client.query(`
            create type pg_temp.uuid as enum ('${b.tenantId}');
            create function pg_temp.lie(pg_catalog.text) returns pg_temp.uuid language sql immutable
              as $$ select '${b.tenantId}'::pg_temp.uuid $$;
            create cast (pg_catalog.text as pg_temp.uuid) with function pg_temp.lie(pg_catalog.text)`)
          return inContext(client, a.tenantId, () => scene.answersWithSecret(client, readNotes))
        }),
    },
    without: {
      'types that are named with their schema': {
        take: ['require', 'claimed']
          .map(
            (which) => `
              create or replace function tenancy.${which}_tenant_id() returns uuid
                language plpgsql stable parallel safe set search_path = ''
              as $$ begin return nullif(current_setting('app.tenant_id', true), '')::uuid; end $$;`,
          )
          .join(''),
        putBack: ({ tenantFunctions }) => tenantFunctions,
      },
    },
  },
]
