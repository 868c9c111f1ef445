import { TenancyError } from '../errors.ts'
import type { Manifest } from '../manifest/manifest.ts'
import { defaultRoleNames, type RoleNames } from '../policy/roles.ts'
import { type FindingRow, findingOf, withPrelude } from './ask-checks.ts'
import { catalogInput } from './catalog-input.ts'
import { loadChecks } from './check.ts'
import { serverFlaws } from './server-flaws.ts'

export type { RoleNames } from '../policy/roles.ts'

/** Asks the login's own connection, with rows as lists. */
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
 * ours. Its login is held by what `examineConnection` asks, as without these checks.
 *
 * @param roles names of the roles; undefined where nobody said any
 * @returns asks them; true when they were asked and found nothing, false when they were not asked
 */
export function startupChecks(
  manifest: Manifest,
  roles: Partial<RoleNames> | undefined,
): (ask: AskRows) => Promise<boolean> {
  let values: [input: string, isNamed: boolean] | undefined
  return async (ask) => {
    values ??= [catalogInput(manifest, { ...defaultRoleNames, ...roles }, serverFlaws), roles !== undefined]
    const { rows } = await ask({ text: statement(), values: [...values], rowMode: 'array' })
    const [first, ...others] = (rows as readonly Answer[]).filter(([code]) => code !== null)
    if (first) throw wayAround(first, others.length)
    return rows.length > 0
  }
}

type Answer = readonly [code: string | null, object: string, detail: string, remedy: string]

let text: string | undefined

// A row without a code says that the checks were asked. The gate is a sub-select without a reference to a row, so that
// behind a closed one PostgreSQL runs none of them.
function statement(): string {
  const checks = loadChecks().filter(({ startup }) => startup)
  text ??= withPrelude(`, gate as materialized (
  select $2::boolean
         or exists (select from expected_role e
                     where e.purpose in ('app', 'reader') and e.oid is not null
                       and pg_catalog.pg_has_role(session_user, e.oid, 'member')) as is_open
)
select null::text, null::text, null::text, null::text from gate where is_open
${checks
  .map(
    ({ code, sql }) => `union all
select '${code}', object, detail, remedy
  from (
${sql}
  ) as finding (object, detail, remedy)
 where (select is_open from gate)`,
  )
  .join('\n')}
 order by 1 nulls first, 2, 3`)
  return text
}

function wayAround([code, ...found]: Answer, others: number): TenancyError {
  const check = loadChecks().find((one) => one.code === code)
  const [object, detail, remedy] = found
  const row: FindingRow = { object, detail, remedy }
  const page = check ? findingOf(check, row).page : ''
  const more = others === 0 ? '' : `, and ${others} more`
  return new TenancyError(
    'DH307',
    `the database has a way around row-level security: ${code}, ${object} ${detail}${more}; see ${page}, and doublehull verify for all that there is`,
    { details: { check: code ?? '', object, page, hint: remedy } },
  )
}
