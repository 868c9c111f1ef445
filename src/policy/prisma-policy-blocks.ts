import { TenancyError } from '../errors.ts'
import type { Manifest } from '../manifest/manifest.ts'
import { type Policy, type ProtectedTable, policiesOf } from './policy.ts'
import { defaultRoleNames, type RoleNames } from './roles.ts'

/**
 * The policies of a schema as Prisma 8 writes them in `contract.prisma`: `policy_…` blocks, for who lets Prisma's own
 * migrations create them. Prisma 7 knows no such blocks: there the text of `policySql` goes into a migration.
 *
 * Each model that a block names needs `@@rls`. What the language has no word for is left to a migration of one's own:
 * FORCE, the grants, and the policies of implicit many-to-many tables, which have no model; a comment names those.
 *
 * @param manifest the schema
 * @param roles names of the roles that the policies are for
 * @returns one `namespace` for each PostgreSQL schema and one for the roles, in a fixed order
 * @throws {TenancyError} `DH304` for a name that the language can't hold as it is
 *
 * @example
 * ```ts
 * appendFileSync('src/prisma/contract.prisma', prismaPolicyBlocks(manifest))
 * ```
 */
export function prismaPolicyBlocks(manifest: Manifest, roles: RoleNames = defaultRoleNames): string {
  const models = new Map(
    Object.entries(manifest.models).map(([name, { schema, table }]) => [keyOf(schema, table), name]),
  )
  const tables = policiesOf(manifest, roles)
  const schemas = [...new Set(tables.map(({ schema }) => schema))]
  const namespaces = schemas.map((schema) => {
    const blocks = tables
      .filter((table) => table.schema === schema)
      .flatMap((table) => tableBlocks(table, models.get(keyOf(table.schema, table.table))))
    return `namespace ${identifier(schema)} {\n${blocks.join('\n\n')}\n}\n`
  })
  const named = [...new Set(tables.flatMap(({ policies }) => policies.flatMap((policy) => policy.roles)))]
  // roles are the cluster's, and Prisma refuses to have them in a schema
  const declared = named.map((role) => `  role ${identifier(role)} {}\n`).join('')
  return [...namespaces, `namespace unbound {\n${declared}}\n`].join('\n')
}

function tableBlocks(table: ProtectedTable, model: string | undefined): readonly string[] {
  if (model !== undefined) return table.policies.map((policy) => block(model, policy))
  return [`  // ${table.table} has no model: create its policies in a migration`]
}

function block(model: string, policy: Policy): string {
  const entries = [
    ['target', identifier(model)],
    ['roles', `[${policy.roles.map(identifier).join(', ')}]`],
    ...(policy.using === undefined ? [] : [['using', sqlLiteral(policy.using)]]),
    ...(policy.withCheck === undefined ? [] : [['withCheck', sqlLiteral(policy.withCheck)]]),
    ...(policy.as === 'restrictive' ? [['permissive', 'false']] : []),
  ] as const
  const width = Math.max(...entries.map(([key = '']) => key.length))
  return [
    // within a namespace each block has a name of its own, and policies of two tables may share one
    `  policy_${policy.command} ${identifier(`${model}_${policy.name}`)} {`,
    ...entries.map(([key = '', value = '']) => `    ${key.padEnd(width)} = ${value}`),
    // the name as it is: Prisma would otherwise add a hash of its own
    `    @@map("${identifier(policy.name)}")`,
    '  }',
  ].join('\n')
}

function identifier(name: string): string {
  if (/^[A-Za-z]\w*$/.test(name)) return name
  throw unwritable(`the name ${JSON.stringify(name)} of a schema, model or role`)
}

function sqlLiteral(sql: string): string {
  // how the language reads these two within a literal is left to it
  if (!/[`\\]/.test(sql)) return `sql\`${sql}\``
  throw unwritable('a column whose name has a backtick or a backslash')
}

function unwritable(what: string): TenancyError {
  return new TenancyError(
    'DH304',
    `${what} cannot be written in contract.prisma; create the policies in a migration, with policySql`,
  )
}

function keyOf(schema: string, table: string): string {
  return JSON.stringify([schema, table])
}
