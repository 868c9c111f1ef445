import { type SchemaBlock, schemaBlocks } from './schema-blocks.ts'

/**
 * Writes lines of comment directly above models, so that what stood there before stays above them. Not another byte of
 * the text changes.
 *
 * @param directives for each model its lines, such as `@tenancy.global`; models of other files are passed over
 *
 * @example
 * ```ts
 * addDirectives('model Plan {\n  id Int @id\n}\n', new Map([['Plan', ['@tenancy.global']]]))
 * // '/// @tenancy.global\nmodel Plan {\n…'
 * ```
 */
export function addDirectives(text: string, directives: ReadonlyMap<string, readonly string[]>): string {
  const ending = lineEnding(text)
  return schemaBlocks(text)
    .filter(({ keyword }) => keyword === 'model' || keyword === 'view')
    .toReversed()
    .reduce((edited, { name, start }) => {
      const indent = /^[ \t]*/.exec(text.slice(start))?.[0] ?? ''
      const lines = (directives.get(name) ?? []).map((line) => `${indent}/// ${line}${ending}`)
      return edited.slice(0, start) + lines.join('') + edited.slice(start)
    }, text)
}

/** What the block of the generator says. */
export interface GeneratorSettings {
  readonly output: string
  readonly tenantModel: string
  readonly tenantFields: readonly string[]
}

/**
 * Writes the generator's block behind the last generator of a text, or, where it has none, before all else.
 *
 * @example
 * ```ts
 * addGenerator(schema, { output: '../src/generated', tenantModel: 'Team', tenantFields: ['teamId'] })
 * ```
 */
export function addGenerator(text: string, settings: GeneratorSettings): string {
  const ending = lineEnding(text)
  const generators = schemaBlocks(text).filter(({ keyword }) => keyword === 'generator')
  const last = generators.at(-1)
  const isTaken = generators.some(({ name }) => name === 'tenancy')
  const block = generatorLines(isTaken ? 'doublehull' : 'tenancy', settings).join(ending)
  if (!last) return `${block}${ending}${text === '' ? '' : ending}${text}`
  // behind the whole line, which may end with a comment
  const line = text.indexOf('\n', last.close)
  const end = line === -1 ? text.length : line - (text[line - 1] === '\r' ? 1 : 0)
  return `${text.slice(0, end)}${ending}${ending}${block}${text.slice(end)}`
}

function generatorLines(name: string, settings: GeneratorSettings): readonly string[] {
  const { output, tenantModel, tenantFields } = settings
  const [field = 'tenantId'] = tenantFields
  return [
    `generator ${name} {`,
    '  provider    = "doublehull"',
    `  output      = ${JSON.stringify(output)}`,
    `  tenantModel = ${JSON.stringify(tenantModel)}`,
    `  tenantField = ${tenantFields.length > 1 ? `[${tenantFields.map((one) => JSON.stringify(one)).join(', ')}]` : JSON.stringify(field)}`,
    '}',
  ]
}

/** Lines of the datasource that Prisma 7 refuses: it reads addresses from `prisma.config.ts`. */
const addressLine = /^[ \t]*(url|directUrl|shadowDatabaseUrl)[ \t]*=[ \t]*(.*?)[ \t]*\r?(?:\n|$)/gm

/** Where the datasource of a Prisma 6 schema finds its databases, as it says it. */
export interface DatasourceAddresses {
  readonly url?: string
  readonly directUrl?: string
  readonly shadowDatabaseUrl?: string
}

/** The addresses in the datasource of a text, which Prisma 7 refuses there; `undefined` where there are none. */
export function datasourceAddresses(text: string): DatasourceAddresses | undefined {
  const block = datasourceOf(text)
  if (!block) return undefined
  const found = [...text.slice(block.body, block.close).matchAll(addressLine)]
  if (found.length === 0) return undefined
  return Object.fromEntries(found.map(([, name, value]) => [name, value]))
}

/** A text whose datasource has no addresses any more. */
export function withoutAddresses(text: string): string {
  const block = datasourceOf(text)
  if (!block) return text
  const body = text.slice(block.body, block.close).replace(addressLine, '')
  return text.slice(0, block.body) + body + text.slice(block.close)
}

function datasourceOf(text: string): SchemaBlock | undefined {
  return schemaBlocks(text).find(({ keyword }) => keyword === 'datasource')
}

function lineEnding(text: string): '\n' | '\r\n' {
  return text.includes('\r\n') ? '\r\n' : '\n'
}
