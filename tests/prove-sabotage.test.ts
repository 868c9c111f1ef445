import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyDatabase } from '../src/catalog/index.ts'
import type { Manifest, Scope } from '../src/manifest/manifest.ts'
import { grantSql } from '../src/policy/grant-sql.ts'
import { quoteIdentifier } from '../src/policy/identifier.ts'
import { policiesOf } from '../src/policy/policy.ts'
import { createPolicySql } from '../src/policy/policy-sql.ts'
import { defaultRoleNames } from '../src/policy/roles.ts'
import type { ProofReport } from '../src/prove/index.ts'
import { proveWith } from '../src/prove/prove-database.ts'
import { useFixtureDatabase } from './fixtures/fixture-database.ts'

const database = useFixtureDatabase<object>('sabotage', ['desk'])
/** An application's role of this file's own: the real one is every file's. */
const role = `desk_${randomBytes(4).toString('hex')}`
const roles = { ...defaultRoleNames, app: role }

beforeAll(async () => {
  await run(
    `create role ${role} nologin`,
    `grant usage on schema tenancy, desk to ${role}`,
    `do $$ begin execute format('revoke temporary on database %I from public', current_database()); end $$`,
    `revoke all on all tables in schema desk from doublehull_app, doublehull_system`,
    `set role doublehull_owner`,
    grantSql(database.manifest, roles),
    ...Object.keys(database.manifest.models).flatMap((model) => policiesFrom(database.manifest, model)),
    `create view desk.folder_name with (security_invoker = true) as select id, name from desk.folder`,
    `grant select on desk.folder_name to ${role}`,
  )
})
afterAll(() => run(`drop owned by ${role}`, `drop role ${role}`))

/** As one transaction. */
async function run(...statements: readonly string[]): Promise<void> {
  await database.admin.query(['begin', ...statements, 'reset role', 'commit'].join(';\n'))
}

/** Puts the policies of a manifest in the place of those that a model's table has. */
function policiesFrom(manifest: Manifest, model: string): string[] {
  const { schema, table } = manifest.models[model] ?? { schema: '', table: '' }
  const name = `${schema}.${table}`
  const policies = policiesOf(manifest, roles).find((found) => found.table === table)?.policies ?? []
  return [
    `do $$ declare p record; begin
       for p in select policyname from pg_policies where schemaname = '${schema}' and tablename = '${table}' loop
         execute format('drop policy %I on ${name}', p.policyname);
       end loop; end $$`,
    ...policies.map((policy) => createPolicySql(name, policy)),
  ]
}

function policyOf(model: string, kind: string): string {
  const { table } = database.manifest.models[model] ?? { table: '' }
  const policies = policiesOf(database.manifest, roles).find((found) => found.table === table)?.policies ?? []
  const found = policies.find(({ name }) => name.includes(kind))
  return quoteIdentifier(found?.name ?? kind)
}

function withScope(model: string, scope: Scope): Manifest {
  const { manifest } = database
  const changed = manifest.models[model]
  if (!changed) throw new Error(`no model ${model}`)
  return { ...manifest, models: { ...manifest.models, [model]: { ...changed, scope } } }
}

async function codesFound(): Promise<readonly string[]> {
  const report = await verifyDatabase({
    connectionString: database.adminUrl,
    manifest: database.manifest,
    roles,
  })
  return [...new Set(report.findings.filter(({ level }) => level !== 'info').map(({ code }) => code))].sort()
}

function prove(
  only: readonly string[] | undefined,
  more: { readonly manifest?: Manifest; readonly hullOneManifest?: Manifest } = {},
): Promise<ProofReport> {
  return proveWith({
    manifest: database.manifest,
    PrismaClient: database.PrismaClient,
    adminUrl: database.adminUrl,
    depth: 'quick',
    roles,
    ...(only && { only }),
    ...more,
  })
}

function leaksOf({ models }: ProofReport): readonly string[] {
  const leaks = models.flatMap(({ findings }) => findings.filter(({ kind }) => kind === 'leak'))
  return [...new Set(leaks.map(({ operation, hull }) => `${operation} behind ${hull}`))]
}

/** What of the schema as it is meant to be is found all the same. */
let known: readonly string[]

describe('a schema that both hulls hold', () => {
  it('gives verify nothing to say but of its one simple key', async () => {
    known = await codesFound()
    expect(known).toEqual(['DH330'])
  })

  it('is proven', { timeout: 300_000 }, async () => {
    const report = await prove(undefined)
    expect(report.models.flatMap(({ findings, unproven }) => [...findings, ...unproven])).toEqual([])
    expect(report.verdict).toBe('proven')
    const simple = report.models.flatMap(({ oracles }) => oracles)
    expect(simple).toEqual([{ model: 'Draft', kind: 'foreignKey', columns: ['author_id'], tells: ['two'] }])
  })
})

interface Sabotage {
  readonly what: string
  readonly apply: () => readonly string[]
  readonly undo: () => readonly string[]
  /** What verify says of it. */
  readonly codes: readonly string[]
  /** The model whose proof ends with this leak. */
  readonly model?: string
  readonly leak?: string
}

const folderPolicies = () => policiesFrom(database.manifest, 'Folder')
const sabotages: readonly Sabotage[] = [
  {
    what: 'a policy is dropped',
    apply: () => [`drop policy ${policyOf('Folder', 'guard')} on desk.folder`],
    undo: folderPolicies,
    codes: ['DH322'],
  },
  {
    what: 'policies let everything pass',
    apply: () =>
      ['guard', 'select'].map(
        (kind) => `alter policy ${policyOf('Folder', kind)} on desk.folder using (true)`,
      ),
    undo: folderPolicies,
    codes: ['DH323'],
    model: 'Folder',
    leak: 'findMany behind two',
  },
  {
    what: 'row-level security is not forced',
    apply: () => [`alter table desk.folder no force row level security`],
    undo: () => [`alter table desk.folder force row level security`],
    codes: ['DH321'],
  },
  {
    what: 'row-level security is off',
    apply: () => [`alter table desk.folder disable row level security`],
    undo: () => [`alter table desk.folder enable row level security`],
    codes: ['DH321'],
    model: 'Folder',
    leak: 'sql.update behind two',
  },
  {
    what: 'the application may truncate',
    apply: () => [`grant truncate on desk.paper to ${role}`],
    undo: () => [`revoke truncate on desk.paper from ${role}`],
    codes: ['DH350'],
    model: 'Paper',
    leak: 'sql.truncate behind two',
  },
  {
    what: 'the application’s role bypasses row-level security',
    apply: () => [`alter role ${role} bypassrls`],
    undo: () => [`alter role ${role} nobypassrls`],
    codes: ['DH310'],
  },
  {
    what: 'somebody’s own policy stands where the guard was',
    apply: () => [
      `drop policy ${policyOf('Folder', 'guard')} on desk.folder`,
      `create policy support on desk.folder using (true)`,
    ],
    undo: folderPolicies,
    codes: ['DH322', 'DH324'],
    model: 'Folder',
    leak: 'deleteMany behind two',
  },
  {
    what: 'a tenant may claim rows that it does not see',
    apply: () => [
      `drop policy ${policyOf('Draft', 'guard')} on desk.draft`,
      `alter policy ${policyOf('Draft', 'tenant_update')} on desk.draft using (true)`,
    ],
    undo: () => policiesFrom(database.manifest, 'Draft'),
    codes: ['DH322', 'DH323'],
    model: 'Draft',
    leak: 'sql.update behind two',
  },
  {
    what: 'a tenant may give its rows away',
    apply: () =>
      ['guard', 'tenant_update'].map(
        (kind) => `alter policy ${policyOf('Draft', kind)} on desk.draft with check (true)`,
      ),
    undo: () => policiesFrom(database.manifest, 'Draft'),
    codes: ['DH323'],
    model: 'Draft',
    leak: 'sql.update behind two',
  },
  {
    what: 'a view runs as its owner',
    apply: () => [`alter view desk.folder_name set (security_invoker = false)`],
    undo: () => [`alter view desk.folder_name set (security_invoker = true)`],
    codes: ['DH345'],
  },
]

describe('a schema that is damaged', () => {
  it.each(sabotages)('is found out when $what', { timeout: 120_000 }, async (sabotage) => {
    const { apply, undo, codes, model, leak } = sabotage
    await run(...apply())
    try {
      expect(await codesFound()).toEqual([...known, ...codes].sort())
      if (model !== undefined) expect(leaksOf(await prove([model]))).toContain(leak)
    } finally {
      await run(...undo())
    }
    expect(await codesFound()).toEqual(known)
  })

  it('is not called proven when policies let pass what no attack tries', { timeout: 120_000 }, async () => {
    const open = `(select pg_catalog.current_setting('app.debug', true)) = 'on'`
    const { rows } = await database.admin.query<{ name: string; condition: string }>(
      `select polname as name, pg_catalog.pg_get_expr(polqual, polrelid) as condition
         from pg_catalog.pg_policy where polrelid = 'desk.folder'::regclass and polname = any ($1)`,
      [['guard', 'select'].map((kind) => policyOf('Folder', kind).replaceAll('"', ''))],
    )
    await run(
      ...rows.map(
        ({ name, condition }) => `alter policy ${name} on desk.folder using (${condition} or ${open})`,
      ),
    )
    try {
      const [folder] = (await prove(['Folder'])).models
      expect(folder?.leaks).toBe(0)
      expect(folder?.verdict).toBe('unproven')
      expect(folder?.unproven.filter((reason) => reason.includes('DH323'))).toHaveLength(2)
    } finally {
      await run(...folderPolicies())
    }
  })

  it('is found out when hull one forgets a model', { timeout: 120_000 }, async () => {
    const report = await prove(['Folder'], { hullOneManifest: withScope('Folder', { kind: 'global' }) })
    const leaks = leaksOf(report)
    expect(leaks).toContain('findMany behind one')
    expect(leaks.filter((leak) => !leak.endsWith('one'))).toEqual([])
    const [finding] = report.models.flatMap(({ findings }) => findings)
    expect(finding?.call).toMatch(/^prisma[.]folder[.]/)
    expect(finding?.sql.join('\n')).toMatch(/from "desk"[.]"folder"/i)
  })

  it('is found out when a directive lies about the way to the tenant', { timeout: 120_000 }, async () => {
    const manifest = withScope('Draft', { kind: 'through', relation: 'author' })
    await run(...policiesFrom(manifest, 'Draft'))
    try {
      const [draft] = (await prove(['Draft'], { manifest })).models
      expect(draft?.verdict).toBe('leaks')
      expect(draft?.findings.map(({ reason }) => reason)).toContain(
        'the scope @tenancy.through(author) shows A a row whose companyId is B’s',
      )
    } finally {
      await run(...policiesFrom(database.manifest, 'Draft'))
    }
  })

  it('is found out when a foreign key loses the tenant', { timeout: 120_000 }, async () => {
    const key = 'paper_company_id_folder_id_fkey'
    await run(
      `alter table desk.paper drop constraint ${key}`,
      `alter table desk.paper add constraint ${key} foreign key (folder_id) references desk.folder (id)`,
    )
    try {
      const [paper] = (await prove(['Paper'])).models
      // hull one goes by the manifest, in which the key still carries the tenant
      expect(paper?.oracles).toEqual([
        { model: 'Paper', kind: 'foreignKey', columns: ['folder_id'], tells: ['one', 'two', 'both'] },
      ])
      expect(paper?.verdict).toBe('unproven')
      expect(paper?.unproven.join()).toContain('the foreign key (folder_id)')
    } finally {
      await run(
        `alter table desk.paper drop constraint ${key}`,
        `alter table desk.paper add constraint ${key} foreign key (company_id, folder_id) references desk.folder (company_id, id)`,
      )
    }
  })
})
