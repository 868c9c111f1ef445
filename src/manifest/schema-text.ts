/**
 * What a Prisma schema says and Prisma's DMMF doesn't: which lines are there at all. A scanner, not a parser: it runs
 * beside Prisma's own, which has refused what isn't valid, so it need only know blocks, comments and texts.
 */

/** A file of a schema: its path and its text. */
export type SchemaFile = readonly [path: string, text: string]

/** A block of a schema, such as a model. */
export interface SchemaBlock {
  readonly keyword: string
  readonly name: string
  /** Path of its file. */
  readonly file: string
  /** Number of its first line in the file, from 1. */
  readonly line: number
  readonly statements: readonly SchemaStatement[]
}

/** A field, a block attribute or a setting. */
export interface SchemaStatement {
  /** As written, without comments. */
  readonly text: string
  /** The same with blanks for what stands between quotes, so that a word found in it is no part of a text. */
  readonly bare: string
  /** Number of the line in the file, from 1. */
  readonly line: number
  /** Where the line begins in the text of its file. */
  readonly offset: number
}

/** The blocks of all files, in their order. */
export function schemaBlocks(files: readonly SchemaFile[]): readonly SchemaBlock[] {
  return files.flatMap(([path, text]) => blocksOf(path, text))
}

const blockStart = /^\s*(\w+)\s+(\w+)\s*\{/

function blocksOf(file: string, source: string): SchemaBlock[] {
  const { text, bare } = withoutComments(source)
  const blocks: SchemaBlock[] = []
  let open: { block: SchemaBlock; statements: SchemaStatement[] } | undefined
  let offset = 0
  let line = 0
  for (const length of source.split('\n').map((one) => one.length)) {
    line += 1
    const statement = {
      text: text.slice(offset, offset + length).trim(),
      bare: bare.slice(offset, offset + length),
      line,
      offset,
    }
    offset += length + 1
    if (open === undefined) {
      const [, keyword, name] = blockStart.exec(statement.bare) ?? []
      if (keyword === undefined || name === undefined) continue
      const statements: SchemaStatement[] = []
      const block = { keyword, name, file, line, statements }
      blocks.push(block)
      open = { block, statements }
    } else if (statement.bare.trim() === '}') open = undefined
    else if (statement.text !== '') open.statements.push({ ...statement, bare: statement.bare.trim() })
  }
  return blocks
}

/** The source with blanks for its comments, and the same with blanks for its texts too: of the same length, line by line. */
function withoutComments(source: string): { readonly text: string; readonly bare: string } {
  // one alternative after the other eats what begins first, so that no quote in a comment opens a text
  const parts = /"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g
  const blank = (part: string) => part.replace(/[^\n]/g, ' ')
  return {
    text: source.replace(parts, (part) => (part.startsWith('"') ? part : blank(part))),
    bare: source.replace(parts, blank),
  }
}

/** The text that an attribute such as `@@map("name")` is given first. */
export function attributeText(statement: SchemaStatement, attribute: string): string | undefined {
  const start = statement.text.search(new RegExp(`(?<![@\\w])${attribute}\\s*\\(`))
  if (start === -1) return undefined
  const [, quoted] = /\(\s*(?:\w+\s*:\s*)?("(?:[^"\\]|\\.)*")/.exec(statement.text.slice(start)) ?? []
  return quoted === undefined ? undefined : unquoted(quoted)
}

/** What a text in quotes says. */
export function unquoted(quoted: string): string {
  try {
    return String(JSON.parse(quoted))
  } catch {
    return quoted.slice(1, -1)
  }
}
