/** How large a schema is to be. */
export interface LargeSchemaSize {
  /** Models, at least 20. */
  readonly models: number
  /** Relations between them, at least as many as models: what the scopes need, and then more. */
  readonly relations: number
  /** The generator blocks; default none. */
  readonly generators?: string
}

/**
 * A Prisma schema of that size, as a product has it that grew for years: organizations with direct models, chains of
 * children, shared rows, people and memberships, global lists, composite keys, enums, arrays, self relations, implicit
 * many-to-many tables, and names of its own in the database. Every model is classified without a doubt with
 * `tenantModel = "Organization"` and `tenantField = "organizationId"`; the same size gives the same text.
 */
export function largeSchema({ models, relations, generators = '' }: LargeSchemaSize): string {
  const schema = new GrowingSchema()
  schema.model('Organization', '  name String')
  schema.model('Person', '  email String @unique', '@tenancy.member(memberships)')
  schema.tenantModel('Membership')
  schema.relation('Membership', 'Person', 'person', 'memberships')
  for (let index = 0; schema.size < models; index += 1) growBy(schema, index)
  // more of them between tenant models: nullable, so that they lead nobody to a tenant
  for (let index = 0; schema.relations < relations; index += 1) schema.extraRelation(index)
  return `${generators}
datasource db {
  provider = "postgresql"
}

enum Stage {
  NEW
  OPEN
  DONE
}

${schema.text()}`
}

/** One more model, each in its turn of another kind. */
function growBy(schema: GrowingSchema, index: number): void {
  const name = `Model${index}`
  const parent = schema.owned[Math.floor(schema.owned.length / 2)] ?? 'Membership'
  switch (index % 10) {
    case 0:
      schema.model(name, '  code String @unique', '@tenancy.global')
      break
    case 1:
      schema.model(name, '  key String', '@tenancy.shared')
      schema.tenantField(name, { isRequired: false })
      break
    case 2:
    case 3:
      // a chain as long as the turn allows: the parent is itself a child
      schema.model(name, '  position Int')
      schema.relation(name, parent, 'parent', `children${index}`)
      schema.owned.push(name)
      break
    case 4:
      schema.composite(name)
      break
    case 5:
      schema.tenantModel(name)
      schema.selfRelation(name)
      break
    case 6:
      schema.tenantModel(name)
      schema.manyToMany(name, parent)
      break
    case 7:
      schema.model(name, '  note String', '@tenancy.system')
      break
    default:
      schema.tenantModel(name)
  }
}

/** The lines of each model as it grows. */
class GrowingSchema {
  /** Models whose rows are a tenant's, with a key of one column. */
  readonly owned: string[] = []
  readonly #models = new Map<string, string[]>()
  #relations = 0

  get size(): number {
    return this.#models.size
  }

  get relations(): number {
    return this.#relations
  }

  model(name: string, field: string, directive?: string): void {
    this.#models.set(name, [
      ...(directive ? [`/// ${directive}`] : []),
      `model ${name} {`,
      '  id String @id @default(uuid(7)) @db.Uuid',
      field,
      '  createdAt DateTime @default(now()) @map("created_at") @db.Timestamptz(6)',
      `  @@map("${name.toLowerCase()}_rows")`,
    ])
  }

  tenantModel(name: string): void {
    this.model(name, '  title String\n  stage Stage @default(NEW)\n  labels String[]\n  data Json?')
    this.tenantField(name, { isRequired: true })
    this.owned.push(name)
  }

  tenantField(name: string, { isRequired }: { readonly isRequired: boolean }): void {
    const optional = isRequired ? '' : '?'
    this.#add(name, `  organizationId String${optional} @map("organization_id") @db.Uuid`)
    this.#add(
      name,
      `  organization Organization${optional} @relation(fields: [organizationId], references: [id], onDelete: Restrict)`,
    )
    this.#add(name, '  @@index([organizationId])')
    this.#add('Organization', `  of${name} ${name}[]`)
    this.#relations += 1
  }

  /** A model whose key carries the tenant, and a child whose foreign key does. */
  composite(name: string): void {
    this.#models.set(name, [
      `model ${name} {`,
      '  organizationId String @map("organization_id") @db.Uuid',
      '  number Int',
      '  previousNumber Int?',
      '  organization Organization @relation(fields: [organizationId], references: [id], onDelete: Restrict)',
      `  previous ${name}? @relation("${name}Previous", fields: [organizationId, previousNumber], references: [organizationId, number], onDelete: NoAction, onUpdate: NoAction)`,
      `  next ${name}[] @relation("${name}Previous")`,
      '  @@id([organizationId, number])',
    ])
    this.#add('Organization', `  of${name} ${name}[]`)
    this.#relations += 2
  }

  relation(child: string, parent: string, field: string, inverse: string): void {
    this.#add(child, `  ${field}Id String @map("${field}_id") @db.Uuid`)
    this.#add(
      child,
      `  ${field} ${parent} @relation("${child}_${field}", fields: [${field}Id], references: [id])`,
    )
    this.#add(parent, `  ${inverse} ${child}[] @relation("${child}_${field}")`)
    this.#relations += 1
  }

  selfRelation(name: string): void {
    this.#add(name, '  aboveId String? @map("above_id") @db.Uuid')
    this.#add(name, `  above ${name}? @relation("${name}Tree", fields: [aboveId], references: [id])`)
    this.#add(name, `  below ${name}[] @relation("${name}Tree")`)
    this.#relations += 1
  }

  manyToMany(name: string, other: string): void {
    this.#add(name, `  linked ${other}[] @relation("${name}Linked")`)
    this.#add(other, `  linkedBy${name} ${name}[] @relation("${name}Linked")`)
    this.#relations += 1
  }

  extraRelation(index: number): void {
    const from = this.owned[index % this.owned.length]
    const to = this.owned[(index * 7 + 3) % this.owned.length]
    if (from === undefined || to === undefined) return
    const field = `extra${index}`
    this.#add(from, `  ${field}Id String? @map("${field}_id") @db.Uuid`)
    this.#add(from, `  ${field} ${to}? @relation("${field}", fields: [${field}Id], references: [id])`)
    this.#add(to, `  ${field}Of ${from}[] @relation("${field}")`)
    this.#relations += 1
  }

  text(): string {
    return [...this.#models.values()].map((lines) => [...lines, '}', ''].join('\n')).join('\n')
  }

  #add(model: string, line: string): void {
    this.#models.get(model)?.push(line)
  }
}
