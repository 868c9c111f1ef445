import { quoteIdentifier } from '../policy/identifier.ts'
import type { RoleNames } from '../policy/roles.ts'
import type { MigrationSession } from './session.ts'

/**
 * Which grants of the database and its schemas are not yet as they are to be. Only reads.
 *
 * The owner creates schemas, and temporary tables in migrations; the others connect and use the schema `public`;
 * everybody creates nothing anywhere, because an object that the application could create would shadow or copy a protected one.
 *
 * @returns one statement for each deviation, in a fixed order; none when all is well
 */
export async function missingGrants(session: MigrationSession, names: RoleNames): Promise<readonly string[]> {
  const { database, schemas } = await readTargets(session)
  const present = new Set((await readGrants(session)).map(grantKey))
  const { owner, migrator, app, reader, system } = names
  const wanted: Grant[] = [
    ...['create', 'temporary'].map((privilege) => grant('database', database, owner, privilege)),
    ...[migrator, app, reader, system].map((role) => grant('database', database, role, 'connect')),
    ...schemas.flatMap((schema) =>
      ['usage', 'create'].map((privilege) => grant('schema', schema, owner, privilege)),
    ),
    // an application may have its tables there, and the owner could not pass on what it was only granted
    ...(schemas.includes('public') ? [app, reader, system] : []).map((role) =>
      grant('schema', 'public', role, 'usage'),
    ),
  ]
  const unwanted: Grant[] = [
    ...['create', 'temporary'].map((privilege) => grant('database', database, null, privilege)),
    ...['usage', 'create'].map((privilege) => grant('schema', 'public', null, privilege)),
  ]
  return [
    ...wanted.filter((one) => !present.has(grantKey(one))).map((one) => grantSql('grant', 'to', one)),
    ...unwanted.filter((one) => present.has(grantKey(one))).map((one) => grantSql('revoke', 'from', one)),
  ]
}

interface Grant {
  readonly kind: 'database' | 'schema'
  readonly object: string
  /** A role, or null for `public`, which is everybody. */
  readonly grantee: string | null
  /** In lower case, as PostgreSQL's grammar has it. */
  readonly privilege: string
}

function grant(kind: Grant['kind'], object: string, grantee: string | null, privilege: string): Grant {
  return { kind, object, grantee, privilege }
}

function grantKey({ kind, object, grantee, privilege }: Grant): string {
  return JSON.stringify([kind, object, grantee, privilege])
}

function grantSql(command: 'grant' | 'revoke', preposition: 'to' | 'from', one: Grant): string {
  const grantee = one.grantee === null ? 'public' : quoteIdentifier(one.grantee)
  return `${command} ${one.privilege} on ${one.kind} ${quoteIdentifier(one.object)} ${preposition} ${grantee}`
}

async function readTargets({ client, schema }: MigrationSession) {
  const { rows } = await client.query<{ database: string; schemas: string[] }>(
    `select pg_catalog.current_database()::text as database,
            array(select nspname::text from pg_catalog.pg_namespace
                  where nspname in ('public', $1) order by nspname) as schemas`,
    [schema],
  )
  return rows[0] ?? { database: '', schemas: [] }
}

async function readGrants({ client, schema }: MigrationSession): Promise<readonly Grant[]> {
  // an acl that is null stands for the default privileges of its kind of object
  const { rows } = await client.query<Grant>(
    `select 'database' as kind, d.datname as object, r.rolname as grantee, lower(a.privilege_type) as privilege
     from pg_catalog.pg_database d
     cross join pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a
     left join pg_catalog.pg_roles r on r.oid = a.grantee
     where d.datname = pg_catalog.current_database()
     union all
     select 'schema', n.nspname, r.rolname, lower(a.privilege_type)
     from pg_catalog.pg_namespace n
     cross join pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a
     left join pg_catalog.pg_roles r on r.oid = a.grantee
     where n.nspname in ('public', $1)`,
    [schema],
  )
  return rows
}
