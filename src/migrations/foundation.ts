/**
 * What policies stand on, as migrations: the roles, the context, the record of system work, and the keys of signed
 * contexts. Their texts are those of the package's own migrations, read from where they are.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { TenantIdType } from '../manifest/manifest.ts'
import { contextMigrationSql } from '../policy/context-sql.ts'
import type { DatabaseFacts } from '../policy/database-facts.ts'
import { quoteIdentifier, quoteLiteral } from '../policy/identifier.ts'
import { defaultRoleNames, type RoleNames } from '../policy/roles.ts'

/** A migration without its timestamp. */
export interface NamedSql {
  readonly name: string
  readonly sql: string
}

/**
 * The migrations of what a database lacks, in order.
 *
 * @param facts which of it is there
 */
export function foundationMigrations(
  { foundation }: DatabaseFacts,
  { roles, tenantIdType }: { readonly roles: RoleNames; readonly tenantIdType: TenantIdType },
): readonly NamedSql[] {
  const isMissing = foundation.missingFunctions.length > 0
  const due = [
    {
      name: 'doublehull_roles',
      due: !foundation.schema || foundation.missingRoles.length > 0,
      sql: rolesSql,
    },
    { name: 'doublehull_context', due: isMissing, sql: () => contextMigrationSql(tenantIdType) },
    {
      name: 'doublehull_system_work',
      due: !foundation.systemWork,
      sql: () => bundled('20261121000600_system_work'),
    },
    {
      name: 'doublehull_context_key',
      due: !foundation.contextKey,
      sql: () => bundled('20261121000700_context_key'),
    },
  ]
  return due.filter((one) => one.due).map(({ name, sql }) => ({ name, sql: withRoleNames(sql(), roles) }))
}

/** The same place seen from `src/migrations` and from `dist/migrations`. */
const directory = new URL('../../prisma/migrations/', import.meta.url)

/** The text of a migration of the package. */
function bundled(name: string): string {
  return readFileSync(fileURLToPath(new URL(`${name}/migration.sql`, directory)), 'utf8')
}

/** The roles, and the schemas that a project's own needs: `governance` is the bundled one's. */
function rolesSql(): string {
  const lines = bundled('20261121000000_roles_and_schemas').split('\n')
  const kept = lines.filter((line) => !/^(create|alter) schema .*\bgovernance\b/.test(line))
  return `set local role none;\n\n${kept.join('\n')}${handOverSql}`
}

/** An administrator who is no superuser must be a member of the owner to give it what is theirs. */
const handOverSql = `
-- Whoever runs migrations and is no superuser hands over what they own, which only a member of the owner may.
do $member$
begin
  if exists (select from pg_catalog.pg_roles where rolname = session_user and rolcreaterole and not rolsuper)
     and not pg_catalog.pg_has_role(session_user, 'doublehull_owner',
               case when current_setting('server_version_num')::integer >= 160000 then 'set' else 'member' end)
  then
    execute format('grant doublehull_owner to %I', session_user);
  end if;
end
$member$;
`

/** The text with other names of the roles, each in the place of the default one. */
function withRoleNames(sql: string, roles: RoleNames): string {
  return sql.replace(
    /^--.*$|'(role=)?doublehull_(owner|migrator|app|reader|system)'|\bdoublehull_(owner|migrator|app|reader|system)\b/gm,
    (text, prefix: string | undefined, inText?: keyof RoleNames, bare?: keyof RoleNames) => {
      const purpose = inText ?? bare
      if (purpose === undefined || roles[purpose] === defaultRoleNames[purpose]) return text
      return inText === undefined
        ? quoteIdentifier(roles[purpose])
        : quoteLiteral(`${prefix ?? ''}${roles[purpose]}`)
    },
  )
}
