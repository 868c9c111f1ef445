/** One block of a Prisma schema, as offsets into its text. */
export interface SchemaBlock {
  readonly keyword: 'model' | 'view' | 'generator' | 'datasource'
  readonly name: string
  /** The first character of the line that opens it. */
  readonly start: number
  /** Behind its opening brace. */
  readonly body: number
  /** Its closing brace. */
  readonly close: number
}

/**
 * The blocks of a Prisma schema that `init` writes above, behind or into. What stands in comments and in strings is
 * none of them.
 *
 * @example
 * ```ts
 * schemaBlocks('model A {\n  id Int @id\n}\n') // [{ keyword: 'model', name: 'A', start: 0, body: 9, close: 22 }]
 * ```
 */
export function schemaBlocks(text: string): readonly SchemaBlock[] {
  const code = withoutComments(text)
  const blocks: SchemaBlock[] = []
  for (const match of code.matchAll(/^[ \t]*(model|view|generator|datasource)[ \t]+(\w+)[ \t]*\{/gm)) {
    const [opening, keyword, name = ''] = match
    const body = match.index + opening.length
    const close = code.indexOf('}', body)
    if (close === -1) continue
    blocks.push({ keyword: keyword as SchemaBlock['keyword'], name, start: match.index, body, close })
  }
  return blocks
}

/** The text with comments and strings blanked out, so that what is left stands where it stood. */
function withoutComments(text: string): string {
  // in the order of precedence: a quote in a comment opens no string, and a slash in a string no comment
  return text.replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"/g, (part) =>
    part.replace(/[^\r\n]/g, ' '),
  )
}
