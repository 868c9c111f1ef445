/**
 * The difference between what a manifest wants of hull two and what a database has of it, as the text of one
 * migration. Invariant: where nothing is to be done there is no text, and behind the migration there is none.
 */
import type { Manifest, Scope } from '../manifest/manifest.ts'
import { type DatabaseFacts, factsOf, type TableFacts } from './database-facts.ts'
import { denormalisation, tenantDistance } from './denormalise.ts'
import { contextFunctions } from './grant-sql.ts'
import { qualified, quoteIdentifier } from './identifier.ts'
import { keySteps } from './online-keys.ts'
import { inOrder } from './online-steps.ts'
import { type ProtectedTable, protectedTables } from './policy.ts'
import { foreignPolicies, protectionsOf, releaseOf } from './protection.ts'
import type { RoleNames } from './roles.ts'

export interface NextMigrationOptions {
  readonly manifest: Manifest
  readonly roles: RoleNames
  readonly facts: DatabaseFacts
  /** Drop permissive policies that are not the package's. */
  readonly adopt: boolean
  /** Let the foreign keys carry the tenant. */
  readonly compositeKeys: boolean
  /** Models that get a tenant column of their own. */
  readonly denormalise: readonly string[]
}

/** Something that the migration leaves alone, or that it takes a flag for. */
export interface PoliciesFinding {
  /** A `problem` leaves something unprotected; an `offer` is taken with its flag; a `notice` is for whoever knows the schema. */
  readonly severity: 'problem' | 'notice' | 'offer'
  readonly kind:
    | 'notATable'
    | 'foreignPolicy'
    | 'adoptedPolicy'
    | 'hiddenTable'
    | 'leftTable'
    | 'ownSchema'
    | 'compositeKeys'
    | 'compositeKey'
    | 'denormalise'
    | 'schemaLine'
  readonly schema: string
  readonly table: string
  /** What is left, where, and what to do; never a value of a row. */
  readonly message: string
}

export interface NextMigration {
  /** The whole text, or `undefined` where there is nothing to do. */
  readonly sql: string | undefined
  readonly findings: readonly PoliciesFinding[]
}

/**
 * Writes down what a database lacks of a manifest's policies and grants, and of what they need.
 *
 * @param options the manifest, and what `readFacts` found; every table of the manifest must be there
 */
export function nextMigration(options: NextMigrationOptions): NextMigration {
  const { manifest, roles, facts, adopt } = options
  const tables = inOrder(manifest, protectedTables(manifest, roles))
  const owner = quoteIdentifier(roles.owner)
  const foundation = [...ownership(tables, facts, roles), ...schemaGrants(facts, roles)]
  const hidden = new Set(manifest.hidden.map(({ schema, table }) => qualified(schema, table)))
  const sections = [
    section('What policies, defaults and checks call', functionGrants(facts, roles)),
    ...protectionsOf(tables, facts, roles, { adopt }).map(({ table, statements }) =>
      section(titleOf(table, manifest, hidden), statements),
    ),
    ...facts.left.map((one) =>
      section(`${one.schema}.${one.table}: it is no model any more`, releaseOf(one, roles)),
    ),
    ...keySections(options),
    ...options.denormalise.map((model) => {
      const { schema, table, statements } = denormalisation(manifest, model, facts)
      return section(`${schema}.${table}: the tenant of ${model}, out of its parents`, statements)
    }),
  ].filter((text) => text !== '')
  const findings = findingsOf(tables, options, hidden)
  if (foundation.length === 0 && sections.length === 0) return { sql: undefined, findings }
  const text = [
    heading,
    ...(foundation.length === 0
      ? []
      : [
          section(
            `What is there belongs to whoever ran the migrations so far. A superuser hands it over, or its owner, who must be\n-- a member of ${roles.owner}; as ${roles.migrator} these say what is so already`,
            ['set local role none', ...foundation],
          ),
        ]),
    `set local role ${owner};`,
    ...sections,
  ]
  return { sql: `${text.join('\n\n')}\n`, findings }
}

const heading = `-- Written by doublehull policies: what row-level security still lacks of what the manifest says. Each statement takes
-- the lock of its table for a moment, and all are held to the end; on a database that is in use, doublehull protect does
-- the same table by table.
set local lock_timeout = '5s';`

function section(title: string, statements: readonly string[]): string {
  if (statements.length === 0) return ''
  // a name may have the end of a line in it, behind which the comment would be SQL
  const comment = title.replace(/[\r\n](?!-- )/g, ' ')
  return [`-- ${comment}.`, ...statements.map((statement) => `${statement};`)].join('\n')
}

const scopeWords: Readonly<Record<Scope['kind'], string>> = {
  root: 'a tenant sees its own row',
  direct: 'rows belong to the tenant in their column',
  shared: 'rows belong to the tenant in their column, or to everybody',
  through: 'rows belong to the tenant of their parent',
  member: 'rows are seen through a membership',
  global: 'every tenant reads every row',
  system: 'no tenant sees a row',
}

function titleOf({ schema, table, isView }: ProtectedTable, manifest: Manifest, hidden: ReadonlySet<string>) {
  const name = `${schema}.${table}`
  if (hidden.has(qualified(schema, table)))
    return `${name}: Prisma's client does not have it (@@ignore), so nobody reaches it but its owner`
  const found = Object.entries(manifest.models).find(
    ([, one]) => one.schema === schema && one.table === table,
  )
  if (found === undefined) return `${name}: links belong to the tenant of the rows that they link`
  if (isView) return `${name}: the view ${found[0]} asks its tables as whoever queries it`
  return `${name}: ${found[0]}; ${scopeWords[found[1].scope.kind]}`
}

/**
 * Hull two's objects belong to the owner's role, so that later migrations may change them and no login of the
 * application may. Of a table that is protected for the first time this is said whoever owns it: the migrations may run
 * elsewhere as somebody else.
 */
function ownership(
  tables: readonly ProtectedTable[],
  facts: DatabaseFacts,
  roles: RoleNames,
): readonly string[] {
  const owner = quoteIdentifier(roles.owner)
  const isForeign = (one: { readonly owner: string }) => one.owner !== roles.owner
  const isNew = (one: TableFacts | TableFacts['parts'][number]) =>
    (one.kind === 'view' ? !one.securityInvoker : !one.rowSecurity) || isForeign(one)
  const present = tables.flatMap(({ schema, table }) => {
    const found = factsOf(facts, schema, table)
    return found === undefined ? [] : [found]
  })
  const all = present.flatMap((one) => [one, ...one.parts])
  const kinds = { table: 'table', partitioned: 'table', view: 'view', other: undefined } as const
  const sequences = new Map(
    present
      .flatMap((one) => one.sequences)
      .filter((one) => !one.ownedByTable && isForeign(one))
      .map((one) => [qualified(one.schema, one.name), one]),
  )
  return [
    ...facts.schemas
      .filter((one) => isForeign(one) && one.name !== 'public' && one.name !== 'tenancy')
      .map(({ name }) => `alter schema ${quoteIdentifier(name)} owner to ${owner}`),
    // before anything in it is handed over
    ...facts.schemas.filter(({ name }) => name === 'public').flatMap((one) => publicGrants(one, roles)),
    ...facts.support
      .filter((one) => isForeign(one) && !one.definer)
      .map(({ kind, name }) => `alter ${kind} ${name} owner to ${owner}`),
    ...[...sequences.keys()].sort().map((name) => `alter sequence ${name} owner to ${owner}`),
    ...all
      .filter((one) => kinds[one.kind] !== undefined && isNew(one))
      .sort((one, other) =>
        qualified(one.schema, one.table) < qualified(other.schema, other.table) ? -1 : 1,
      )
      .map((one) => `alter ${kinds[one.kind]} ${qualified(one.schema, one.table)} owner to ${owner}`),
  ]
}

/** The schema `public` is its database's, so it is not handed over. */
function publicGrants(
  { owner, grants }: DatabaseFacts['schemas'][number],
  roles: RoleNames,
): readonly string[] {
  if (owner === roles.owner) return []
  const has = grants.filter(({ role }) => role === roles.owner).map(({ privilege }) => privilege)
  const lacking = ['usage', 'create'].filter((privilege) => !has.includes(privilege))
  return lacking.length === 0
    ? []
    : [`grant ${lacking.join(', ')} on schema public to ${quoteIdentifier(roles.owner)}`]
}

/** Who may use a schema, by name: what everybody may is taken away one day, by this package too. */
function schemaGrants({ schemas }: DatabaseFacts, roles: RoleNames): readonly string[] {
  const names = schemas.some(({ name }) => name === 'tenancy')
    ? schemas
    : [...schemas, { name: 'tenancy', owner: roles.owner, grants: [] }]
  const users = [roles.app, roles.reader, roles.system]
  return names.flatMap(({ name, grants }) => {
    const has = (role: string, privilege: string) =>
      grants.some((one) => one.role === role && one.privilege === privilege)
    const lacking = users.filter((role) => !has(role, 'usage')).map(quoteIdentifier)
    const creators = [...users, 'public'].filter((role) => has(role, 'create'))
    const schema = quoteIdentifier(name)
    return [
      ...creators.map(
        (role) =>
          `revoke create on schema ${schema} from ${role === 'public' ? role : quoteIdentifier(role)}`,
      ),
      ...(has('public', 'usage') && name !== 'public'
        ? [`revoke usage on schema ${schema} from public`]
        : []),
      ...(lacking.length === 0 ? [] : [`grant usage on schema ${schema} to ${lacking.join(', ')}`]),
    ]
  })
}

function functionGrants(facts: DatabaseFacts, roles: RoleNames): readonly string[] {
  const users = [roles.app, roles.reader, roles.system]
  const callersOf = (name: string) =>
    facts.usable.filter(({ object }) => object === name).map(({ role }) => role)
  const called = [
    ...contextFunctions.map((name) => ({ name, callers: callersOf(name) })),
    ...facts.support.flatMap(({ name, callers }) => (callers === null ? [] : [{ name, callers }])),
  ]
  const byRoles = new Map<string, string[]>()
  for (const { name, callers } of called) {
    const lacking = users.filter((role) => !callers.includes(role)).map(quoteIdentifier)
    if (lacking.length > 0)
      byRoles.set(lacking.join(', '), [...(byRoles.get(lacking.join(', ')) ?? []), name])
  }
  return [...byRoles].map(([to, names]) => `grant execute on function ${names.join(', ')} to ${to}`)
}

function keySections({ manifest, facts, compositeKeys }: NextMigrationOptions): readonly string[] {
  if (!compositeKeys) return []
  const statements = keySteps(manifest, facts)
    .steps.flatMap((step) => step.statements)
    // within the migration's transaction; the online way is doublehull protect
    .map((statement) => statement.replace(/^((?:create(?: unique)?|drop) index) concurrently /, '$1 '))
  return [section('Keys that carry the tenant', statements)]
}

function findingsOf(
  tables: readonly ProtectedTable[],
  { manifest, facts, adopt, compositeKeys, denormalise }: NextMigrationOptions,
  hidden: ReadonlySet<string>,
): readonly PoliciesFinding[] {
  const findings: PoliciesFinding[] = []
  const say = (
    severity: PoliciesFinding['severity'],
    kind: PoliciesFinding['kind'],
    { schema, table }: { readonly schema: string; readonly table: string },
    message: string,
  ) => findings.push({ severity, kind, schema, table, message })
  for (const wanted of tables) {
    const found = factsOf(facts, wanted.schema, wanted.table)
    if (found === undefined) continue
    const name = `${wanted.schema}.${wanted.table}`
    if (
      found.kind === 'other' ||
      (found.kind === 'view' && !wanted.isView && !hidden.has(qualified(wanted.schema, wanted.table)))
    ) {
      say(
        'problem',
        'notATable',
        wanted,
        `${name}: it is no table, and no policy can hold it, so nobody is granted it`,
      )
    }
    if (wanted.isView && found.kind !== 'view' && found.kind !== 'other') {
      say(
        'problem',
        'notATable',
        wanted,
        `${name}: the schema calls it a view and the database has a table; nobody is let in`,
      )
    }
    if (hidden.has(qualified(wanted.schema, wanted.table)) && found.policies.length === 0) {
      say(
        'notice',
        'hiddenTable',
        wanted,
        `${name}: Prisma's client does not have it (@@ignore); row-level security closes it for everybody but its owner`,
      )
    }
    for (const one of [found, ...found.parts]) {
      for (const policy of foreignPolicies(one)) {
        const where = `${one.schema}.${one.table}: the policy ${policy.name}`
        const rows = policy.using === null ? 'any row' : shortened(`rows where ${policy.using}`)
        const what = `${policy.command === 'all' ? 'every command' : policy.command} for ${policy.roles.join(', ')}, ${rows}`
        if (!policy.permissive)
          say('notice', 'foreignPolicy', one, `${where} is restrictive and stays: it holds ${what}`)
        else if (adopt)
          say(
            'notice',
            'adoptedPolicy',
            one,
            `${where} is dropped; its definition stays in the migration as a comment`,
          )
        else
          say(
            'notice',
            'foreignPolicy',
            one,
            `${where} stays and permits ${what}; the guard holds tenants beside it, and nobody else; --adopt drops it`,
          )
      }
    }
  }
  for (const one of facts.left) {
    say(
      'notice',
      'leftTable',
      one,
      `${one.schema}.${one.table}: it is no model any more; its policies and grants go, and row-level security stays on`,
    )
  }
  const own = Object.values(manifest.models).find(({ schema }) => schema === 'tenancy' || schema === 'audit')
  const known = new Set(manifest.hidden.map(({ schema, table }) => `${schema}.${table}`))
  if (own !== undefined && !(known.has('audit.system_work') && known.has('tenancy.context_key'))) {
    say(
      'notice',
      'ownSchema',
      own,
      `the schema ${own.schema} is the package's too: declare audit.system_work and tenancy.context_key as models with @@ignore, as its own schema does, or prisma migrate dev drops them`,
    )
  }
  for (const line of schemaLines()) findings.push(line)
  return findings

  function schemaLines(): readonly PoliciesFinding[] {
    const keys = keySteps(manifest, facts)
    const due = keys.steps.filter(({ kind }) => kind === 'addForeignKey')
    const [first] = due
    const lines: PoliciesFinding[] = []
    if (compositeKeys) {
      for (const { schema, table, schemaLine } of keys.steps)
        if (schemaLine !== undefined)
          lines.push({
            severity: 'notice',
            kind: 'schemaLine',
            schema,
            table,
            message: `put into the Prisma schema, or its next migration takes it away: ${schemaLine}`,
          })
      for (const { schema, table, message } of keys.findings)
        lines.push({ severity: 'notice', kind: 'compositeKey', schema, table, message })
    } else if (first !== undefined) {
      const message = `${due.length} foreign ${due.length === 1 ? 'key' : 'keys'} between tenants' tables ${due.length === 1 ? 'does' : 'do'} not carry the tenant, so a tenant may refer to another's row, and learn that it is there; --composite-keys puts the tenant in`
      lines.push({
        severity: 'offer',
        kind: 'compositeKeys',
        schema: first.schema,
        table: first.table,
        message,
      })
    }
    for (const [name, { schema, table }] of Object.entries(manifest.models)) {
      if (denormalise.includes(name)) {
        for (const line of denormalisation(manifest, name, facts).schemaLines)
          lines.push({
            severity: 'notice',
            kind: 'schemaLine',
            schema,
            table,
            message: `put into the Prisma schema: ${line}`,
          })
        continue
      }
      const distance = tenantDistance(manifest, name)
      if (distance < 3) continue
      lines.push({
        severity: 'offer',
        kind: 'denormalise',
        schema,
        table,
        message: `${schema}.${table}: its tenant is ${distance} parents away, each of which a query asks for each row; --denormalise ${name} gives it a tenant column (measure with explain (analyze, buffers) as the application's role, before and behind it)`,
      })
    }
    return lines
  }
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ')
  return line.length <= 200 ? line : `${line.slice(0, 199)}…`
}
