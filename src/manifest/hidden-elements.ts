import type { HiddenElement } from './manifest.ts'
import { attributeText, type SchemaBlock, type SchemaFile, schemaBlocks } from './schema-text.ts'

/** What Prisma's DMMF doesn't tell of a schema. */
export interface SchemaElements {
  /** Names of the models that are views. */
  readonly views: ReadonlySet<string>
  readonly hidden: readonly HiddenElement[]
}

/** Finds the views of a schema, and what Prisma's client hides, in its text. */
export function schemaElements(files: readonly SchemaFile[]): SchemaElements {
  const blocks = schemaBlocks(files).filter(({ keyword }) => keyword === 'model' || keyword === 'view')
  const names = new Set(blocks.map(({ name }) => name))
  return {
    views: new Set(blocks.filter(({ keyword }) => keyword === 'view').map(({ name }) => name)),
    hidden: blocks.flatMap((block) => hiddenIn(block, names)),
  }
}

function hiddenIn({ name, statements }: SchemaBlock, models: ReadonlySet<string>): HiddenElement[] {
  const textOf = (attribute: string) =>
    statements
      .filter(({ bare }) => bare.startsWith('@@'))
      .map((statement) => attributeText(statement, attribute))
      .find((text) => text !== undefined)
  const place = { model: name, schema: textOf('@@schema') ?? 'public', table: textOf('@@map') ?? name }
  if (statements.some(({ bare }) => /^@@ignore\b/.test(bare))) return [{ kind: 'ignoredModel', ...place }]
  return statements.flatMap((statement): HiddenElement[] => {
    const [, field, type] = /^(\w+)\s+(\w+)/.exec(statement.bare) ?? []
    if (field === undefined || type === undefined) return []
    const column = attributeText(statement, '@map') ?? field
    if (type === 'Unsupported') return [{ kind: 'unsupportedField', ...place, column }]
    // a relation is no column: where its key is hidden, that is a field of its own
    const isIgnored = /(?<!@)@ignore\b/.test(statement.bare) && !models.has(type)
    return isIgnored ? [{ kind: 'ignoredField', ...place, column }] : []
  })
}
