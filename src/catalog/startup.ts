import { TenancyError } from '../errors.ts'
import type { Manifest } from '../manifest/manifest.ts'
import { defaultRoleNames, type RoleNames } from '../policy/roles.ts'
import { findingsOf, withPrelude } from './ask-checks.ts'
import { catalogInput } from './catalog-input.ts'
import { type Check, loadChecks } from './check.ts'
import type { Finding } from './finding.ts'

export type { RoleNames } from '../policy/roles.ts'

/** Asks on a connection of the login, with rows as lists. */
type AskRows = (config: {
  readonly text: string
  readonly values: unknown[]
  readonly rowMode: 'array'
}) => Promise<{ readonly rows: readonly unknown[] }>

/**
 * The checks that are asked whenever a client connects, as one statement: those that say `startup: yes`.
 *
 * The checks speak of the roles by name. Where no names were given, they are asked only of a login that is one of the
 * default roles, or a member of one: a database whose roles have names of their own would else be refused for lacking
 * ours. Its login is held to what `examineConnection` asks, as without these checks.
 *
 * @param roles names of the roles; undefined where nobody said any
 * @returns asks them, until they have passed; true when they were asked and found nothing, false when they were not asked
 */
export function startupChecks(
  manifest: Manifest,
  roles: Partial<RoleNames> | undefined,
): (ask: AskRows) => Promise<boolean> {
  let question:
    | { readonly checks: readonly Check[]; readonly text: string; readonly input: string }
    | undefined
  let isVerified: boolean | undefined
  return async (ask) => {
    // once for a pool: a health check comes every few seconds, and this costs what the schema has of policies
    if (isVerified !== undefined) return isVerified
    if (!question) {
      const checks = loadChecks().filter(({ startup }) => startup)
      question = {
        checks,
        text: statement(checks),
        // the guards hold whatever the other policies say, and are a seventh of them
        input: catalogInput(manifest, { ...defaultRoleNames, ...roles }, { guardsOnly: true }),
      }
    }
    const { checks, text, input } = question
    const answer = await ask({ text, values: [input, roles !== undefined], rowMode: 'array' }).catch(
      unlessLocked,
    )
    // a migration is at work on one of the tables: a client does not wait for it, and only the next
    // `checkDatabaseHealth` asks again
    if (!answer) return false
    const { rows } = answer
    const [first, ...others] = (rows as readonly Answer[]).flatMap((row) => findingsIn(row, checks))
    if (first) throw wayAround(first, others.length)
    isVerified = rows.length > 0
    return isVerified
  }
}

function unlessLocked(error: unknown): undefined {
  if ((error as { readonly code?: unknown }).code !== '55P03') throw error
}

type Answer = readonly [
  code: string | null,
  object: string,
  detail: string,
  remedy: string,
  evidence: unknown,
]

// A row without a code says that the checks were asked. The gate is a sub-select without a reference to a row, so that
// behind a closed one PostgreSQL runs none of them.
function statement(checks: readonly Check[]): string {
  const asked = checks.map(
    ({ code, sql }) => `union all
select '${code}', object, detail, remedy, pg_catalog.to_jsonb(finding) -> 'evidence'
  from (
${sql}
  ) as finding (object, detail, remedy)
 where (select is_open from gate)`,
  )
  return withPrelude(`, gate as materialized (
  select $2::boolean
         or exists (select from expected_role e
                     where e.purpose in ('app', 'reader') and e.oid is not null
                       and pg_catalog.pg_has_role(session_user, e.oid, 'member')) as is_open
)
select null::text, null::text, null::text, null::text, null::jsonb from gate where is_open
${asked.join('\n')}
 order by 1 nulls first, 2, 3`)
}

function findingsIn(
  [code, object, detail, remedy, evidence]: Answer,
  checks: readonly Check[],
): readonly Finding[] {
  const check = checks.find((one) => one.code === code)
  return check ? findingsOf(check, { object, detail, remedy, evidence }) : []
}

function wayAround({ code, object, detail, remedy, page }: Finding, others: number): TenancyError {
  const more = others === 0 ? '' : `, and ${others} more`
  return new TenancyError(
    'DH307',
    `the database has a way around row-level security: ${code}, ${object} ${detail}${more}; see ${page}, and doublehull verify for all that there is`,
    { details: { hint: remedy } },
  )
}
