import {
  type PoliciesBase,
  type PoliciesFinding,
  type PoliciesPlan,
  planPolicies,
} from '../migrations/plan-policies.ts'
import { defaultRoleNames, type RoleNames } from '../policy/roles.ts'
import { type FlagTable, flagHelp, parseFlags } from './arguments.ts'
import type { Command, CommandOutput } from './command.ts'
import { loadEnvironment } from './environment.ts'
import { printFailure, refuseCall } from './failure.ts'
import { findMigrations } from './find-migrations.ts'
import { findManifest } from './manifest-file.ts'
import { writePolicies } from './write-policies.ts'

const flags = {
  manifest: {
    type: 'string',
    value: 'FILE',
    help: 'the tenancy.json of the schema; default src/generated/tenancy.json and the like',
  },
  migrations: {
    type: 'string',
    value: 'DIR',
    help: 'folder of <name>/migration.sql; default where Prisma has it',
  },
  'from-migrations': {
    type: 'boolean',
    help: 'compare with what the migrations make of an empty database; so it is unless --database-url is given',
  },
  'database-url': {
    type: 'string',
    value: 'URL',
    help: 'compare with this database instead, which must have all migrations of the folder',
  },
  name: { type: 'string', value: 'NAME', help: 'what the migration is called; default tenancy' },
  adopt: {
    type: 'boolean',
    help: 'drop permissive policies that are not the package’s; their definitions stay as comments',
  },
  'composite-keys': {
    type: 'boolean',
    help: 'let foreign keys between tenants’ tables carry the tenant, and lead an index of each with it',
  },
  denormalise: {
    type: 'string',
    multiple: true,
    value: 'MODEL',
    help: 'give a model that is several parents from its tenant a tenant column; may be repeated',
  },
  role: {
    type: 'string',
    multiple: true,
    value: 'KIND=NAME',
    help: 'a role with a name of its own, as in app=billing_app; may be repeated',
  },
  'dry-run': { type: 'boolean', help: 'write nothing, and print the SQL' },
  check: { type: 'boolean', help: 'write nothing, and exit with 1 where a migration is due' },
  json: {
    type: 'boolean',
    help: 'print one JSON object: the migrations and findings, or { "error": { code, message, details } }',
  },
  quiet: { type: 'boolean', help: 'print nothing but errors and problems' },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies FlagTable

/**
 * `doublehull policies`: what {@link planPolicies} finds to be due, written by {@link writePolicies}.
 *
 * @example
 * ```ts
 * process.exitCode = await policiesCommand.run(['--check'], output)
 * ```
 */
export const policiesCommand: Command = {
  summary: 'write the next migration, with exactly the policies and grants that are missing',
  help: [
    'doublehull policies: compares what the manifest wants of row-level security with what the migrations make of an',
    'empty database, or with what a database has, and writes the difference as the next migration. The first time it',
    'also writes what policies stand on: roles, the context, the record of system work, keys of signed contexts.',
    '',
    'Usage: doublehull policies [flags]',
    '',
    ...flagHelp(flags),
    '',
    'In package.json: "migrate": "prisma migrate dev && doublehull policies && prisma migrate dev"',
    '',
    'Exit code: 0 done or nothing to do, 1 a migration is due (--check), or something stays unprotected, 2 not',
    'understood, or nothing to compare with.',
  ].join('\n'),
  run,
}

type Parsed = Exclude<ReturnType<typeof parseFlags<typeof flags>>, string>

async function run(args: readonly string[], output: CommandOutput): Promise<number> {
  const parsed = parseFlags(flags, args)
  if (typeof parsed === 'string') return refuseCall('policies', parsed, output)
  if (parsed.help) {
    output.stdout(policiesCommand.help)
    return 0
  }
  const roles = rolesOf(parsed.role ?? [])
  if (typeof roles === 'string') return refuseCall('policies', roles, output)
  if (parsed['from-migrations'] && parsed['database-url'] !== undefined)
    return refuseCall('policies', 'takes --from-migrations or --database-url, and not both', output)
  const quiet = parsed.json || parsed.quiet
  try {
    loadEnvironment()
    const directory = parsed.migrations ?? findMigrations()
    const base: PoliciesBase =
      parsed['database-url'] === undefined
        ? { kind: 'history' }
        : { kind: 'database', connectionString: parsed['database-url'] }
    const plan = await planPolicies({
      manifest: findManifest(parsed.manifest).manifest,
      directory,
      base,
      roles,
      ...(parsed.name !== undefined && { name: parsed.name }),
      adopt: parsed.adopt ?? false,
      compositeKeys: parsed['composite-keys'] ?? false,
      denormalise: parsed.denormalise ?? [],
      ...(!quiet && { log: output.stderr }),
    })
    const isDry = parsed['dry-run'] || parsed.check
    const written = isDry ? [] : writePolicies(directory, plan)
    if (parsed.json) output.stdout(JSON.stringify({ ...plan, written }))
    else tell(plan, written, parsed, output)
    if (parsed.check && plan.migrations.length > 0) return 1
    return plan.findings.some(isProblem) ? 1 : 0
  } catch (error) {
    printFailure(error, output, { json: parsed.json ?? false })
    return 2
  }
}

function rolesOf(given: readonly string[]): Partial<RoleNames> | string {
  const roles: Partial<Record<keyof RoleNames, string>> = {}
  for (const one of given) {
    const [, kind, name] = /^(\w+)=(.+)$/s.exec(one) ?? []
    const purpose = purposes.find((known) => known === kind)
    if (purpose === undefined || name === undefined)
      return `takes KIND=NAME for --role, with a kind of ${purposes.join(', ')}`
    roles[purpose] = name
  }
  return roles
}

const purposes = Object.keys(defaultRoleNames) as (keyof RoleNames)[]

function tell(
  { migrations, findings }: PoliciesPlan,
  written: readonly string[],
  { 'dry-run': isDry, check, quiet }: Parsed,
  { stdout, stderr }: CommandOutput,
): void {
  if (isDry && !quiet) for (const { name, sql } of migrations) stdout(`-- ${name}/migration.sql\n${sql}`)
  for (const { severity, message } of findings) {
    if (severity === 'problem') stderr(`problem: ${message}`)
    // a policy's name may have the end of a line in it, behind which the comment would be SQL
    else if (!quiet)
      stdout(isDry ? `-- ${severity}: ${message.replace(/[\r\n]/g, ' ')}` : `${severity}: ${message}`)
  }
  if (quiet) return
  const prefix = isDry ? '-- ' : ''
  if (migrations.length === 0) stdout(`${prefix}nothing to do: the migrations have every policy and grant`)
  else if (check)
    stdout(`${prefix}due: ${migrations.map(({ name }) => name).join(', ')}; run doublehull policies`)
  else for (const path of written) stdout(`wrote ${path}`)
  if (written.length === 0) return
  stdout(
    'apply it with prisma migrate dev or doublehull migrate; on a database in use, see doublehull protect',
  )
  if (migrations.some(({ sql }) => /^alter table .* owner to /m.test(sql)))
    stdout(
      'tables change hands: a login that is their owner now, an application’s too, has no right on them then',
    )
  stdout('what lies beside the tables, such as views and functions of others, doublehull verify finds')
}

function isProblem({ severity }: PoliciesFinding): boolean {
  return severity === 'problem'
}
