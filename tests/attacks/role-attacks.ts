import type { Attack } from './attack.ts'
import { type AttackScene, inContext } from './attack-scene.ts'

const readNotes = 'select secret from attacks.note'
const reads = (scene: AttackScene) => scene.reveals(readNotes)

/** Reads the notes after a statement that should be refused, and undoes both. */
const readsAfter = (statement: string) => (scene: AttackScene) =>
  scene.connected(async (client) => {
    await client.query('begin')
    await client.query(`select set_config('app.tenant_id', $1, true)`, [scene.a.tenantId])
    await client.query(statement)
    return scene.answersWithSecret(client, readNotes)
  })

/** Copies the whole server over the replication protocol, and looks for B's row in it. */
async function findsInBackup(scene: AttackScene): Promise<boolean> {
  const client = await scene.connect({ replication: 'database' })
  const secret = Buffer.from(scene.b.secret)
  let end = Buffer.alloc(0)
  let found = false
  const { connection } = client as unknown as {
    connection: {
      on(event: 'copyData', listener: (message: { chunk: Buffer }) => void): void
      stream: { destroy(): void }
    }
  }
  connection.on('copyData', ({ chunk }) => {
    const part = Buffer.concat([end, chunk])
    found ||= part.includes(secret)
    end = part.subarray(-secret.length)
  })
  try {
    await client.query(`BASE_BACKUP (CHECKPOINT 'fast', WAL false)`)
  } finally {
    await client.end()
  }
  return found
}

/** Tenant B's data in the text of a statement, run by the role that works across tenants. */
async function readsStatementOfSystem(scene: AttackScene): Promise<boolean> {
  await scene.admin.query('set session authorization doublehull_system')
  try {
    await scene.admin.query(`select from attacks.note where secret = '${scene.b.secret}'`)
    return await scene.connected(async (client) => {
      await client.query('set role pg_monitor').catch(() => undefined)
      return scene.answersWithSecret(client, 'select query from pg_catalog.pg_stat_activity')
    })
  } finally {
    await scene.admin.query('reset session authorization')
  }
}

export const roleAttacks: readonly Attack[] = [
  {
    id: 'R1',
    claim: 'the application reads every row only as a superuser or with BYPASSRLS',
    attempts: { reads },
    without: {
      nobypassrls: {
        take: 'alter role doublehull_app bypassrls',
        putBack: 'alter role doublehull_app nobypassrls',
      },
      nosuperuser: {
        take: 'alter role doublehull_app superuser',
        putBack: 'alter role doublehull_app nosuperuser',
      },
    },
  },
  {
    id: 'R2',
    claim: 'an owner reads its table through the policies as long as they are forced',
    prepare: 'alter table attacks.note owner to doublehull_app',
    attempts: { reads },
    without: { force: { take: 'alter table attacks.note no force row level security' } },
  },
  {
    id: 'R2',
    claim: 'whoever owns nothing takes row-level security off nothing',
    undone: true,
    attempts: {
      'disables it': readsAfter('alter table attacks.note disable row level security'),
      'adds a policy and drops the guard': readsAfter(`do $$
        declare one name;
        begin
          for one in select polname from pg_catalog.pg_policy
                      where polrelid = 'attacks.note'::regclass and not polpermissive loop
            execute format('drop policy %I on attacks.note', one);
          end loop;
          create policy careless on attacks.note using (true);
        end $$`),
    },
    without: { 'another owner': { take: 'alter table attacks.note owner to doublehull_app' } },
  },
  {
    id: 'R3',
    claim: 'the application cannot become the owner with SET ROLE',
    attempts: { 'set role': readsAfter('set role doublehull_owner') },
    without: {
      'no membership': {
        take: 'grant doublehull_owner to doublehull_app',
        putBack: 'revoke doublehull_owner from doublehull_app',
      },
    },
  },
  {
    id: 'R4',
    claim: 'RESET ROLE leads nowhere, because the application’s role is the login',
    attempts: {
      'reset role': (scene) =>
        scene.connected(async (client) => {
          await client.query('set role doublehull_app')
          return inContext(client, scene.a.tenantId, async () => {
            await client.query('reset role')
            return scene.answersWithSecret(client, readNotes)
          })
        }),
    },
    without: {
      'a login of its own': {
        take: 'grant doublehull_app to doublehull_migrator',
        putBack: 'revoke doublehull_app from doublehull_migrator',
        logsInAsMigrator: true,
      },
    },
  },
  {
    id: 'R5',
    claim: 'the application cannot grant itself the owner without CREATEROLE',
    majors: [15],
    attempts: { 'grants itself': readsAfter(grantOwner()) },
    without: {
      nocreaterole: {
        take: 'alter role doublehull_app createrole',
        putBack: 'alter role doublehull_app nocreaterole',
      },
    },
  },
  {
    id: 'R5',
    claim: 'from PostgreSQL 16 on, CREATEROLE grants nobody the owner without the admin option',
    majors: [18],
    prepare: 'alter role doublehull_app createrole',
    cleanUp: 'alter role doublehull_app nocreaterole',
    attempts: { 'grants itself': readsAfter(grantOwner()) },
    without: {
      'no admin option': {
        take: 'grant doublehull_owner to doublehull_app with admin true, inherit false, set false',
        putBack: 'revoke doublehull_owner from doublehull_app',
      },
    },
  },
  {
    id: 'R6',
    claim: 'the application runs no program on the server, which would read the table’s file',
    attempts: {
      'copy to program': (scene) =>
        scene.connected(async (client) => {
          await scene.admin.query('checkpoint')
          const { rows } = await client.query<{ path: string }>(
            `select pg_catalog.pg_relation_filepath('attacks.note') as path`,
          )
          await client.query('set role pg_execute_server_program').catch(() => undefined)
          // grep fails where it finds nothing
          await client.query(
            `copy (select) to program 'cat > /dev/null; grep -aq ${scene.b.secret} ${rows[0]?.path}'`,
          )
          return true
        }),
    },
    without: {
      'no membership': {
        take: 'grant pg_execute_server_program to doublehull_app',
        putBack: 'revoke pg_execute_server_program from doublehull_app',
      },
    },
  },
  {
    id: 'R6',
    claim: 'the application sees no statement of other roles',
    attempts: { 'reads pg_stat_activity': readsStatementOfSystem },
    without: {
      'no membership': {
        take: 'grant pg_monitor to doublehull_app',
        putBack: 'revoke pg_monitor from doublehull_app',
      },
    },
  },
  {
    id: 'R8',
    claim: 'the application copies no server over the replication protocol',
    attempts: { 'base backup': findsInBackup },
    without: {
      noreplication: {
        take: 'alter role doublehull_app replication',
        putBack: 'alter role doublehull_app noreplication',
      },
    },
  },
]

function grantOwner(): string {
  return `do $$ begin
    grant doublehull_owner to doublehull_app;
    set local role doublehull_owner;
  end $$`
}
