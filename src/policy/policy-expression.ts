/**
 * Reads the conditions of policies, as `policy.ts` writes them and as `pg_get_expr` prints them, into one form that is
 * equal where they mean the same. Invariant: two texts get one form only if they are the same condition but for
 * parentheses, aliases, quotes and the casts that PostgreSQL adds by itself. It knows no more of SQL than the package's
 * policies use, so it does not tell what an unknown condition means, nor that one written otherwise is equivalent.
 */

/** The table that a policy is on, and what PostgreSQL adds to its columns when it prints them. */
export interface PolicyTable {
  readonly schema: string
  readonly table: string
  /**
   * The types that a column may be cast to without a change of meaning: `text` for a varchar, the type below a domain.
   * By {@link columnKey}; a column that is not there is cast to nothing.
   */
  readonly casts?: ReadonlyMap<string, readonly string[]>
}

/** The key of a column in {@link PolicyTable.casts}. */
export function columnKey(schema: string, table: string, column: string): string {
  return JSON.stringify([schema, table, column])
}

/**
 * Reads a condition.
 *
 * @param text a condition in SQL; of `pg_get_expr`, with an empty search_path
 * @param table the table of the policy
 * @returns its form, to be compared with another's, or `undefined` for what no policy of the package says
 *
 * @example
 * ```ts
 * const table = { schema: 'public', table: 'note' }
 * policyExpression('"id" = 1 and true', table) // undefined: policies compare with no number
 * policyExpression('("id" = "id")', table) === policyExpression('id = id', table) // true
 * ```
 */
export function policyExpression(text: string, table: PolicyTable): string | undefined {
  try {
    return JSON.stringify(new Reader(tokensOf(text), table).read())
  } catch (error) {
    if (error instanceof Unreadable) return undefined
    throw error
  }
}

/** As a list, the first of which says what it is; so it compares as JSON, in which no name runs into the next. */
type Form = readonly (string | number | Form)[]

class Unreadable extends Error {}

interface Token {
  /** `word` is a name or a keyword without quotes, `name` one in quotes. */
  readonly kind: 'word' | 'name' | 'sign'
  readonly text: string
}

const keywords = new Set('and or not is null true false exists select from where as coalesce'.split(' '))

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = []
  const pattern = /\s*(?:([a-zA-Z_][\w$]*)|"((?:[^"]|"")+)"|(::|[().,=1]))/y
  const end = text.trimEnd().length
  while (pattern.lastIndex < end) {
    const match = pattern.exec(text)
    if (!match) throw new Unreadable()
    const [, word, name, sign] = match
    if (word !== undefined) tokens.push({ kind: 'word', text: wordOf(word) })
    else if (name !== undefined) tokens.push({ kind: 'name', text: name.replaceAll('""', '"') })
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign })
  }
  return tokens
}

/** A keyword in small letters, or a name. What else PostgreSQL prints in capitals is a function, such as SESSION_USER. */
function wordOf(text: string): string {
  const word = text.toLowerCase()
  if (word !== text && !keywords.has(word)) throw new Unreadable()
  return word
}

/** A table whose columns can be named: the policy's own, or the one of a sub-select. */
interface Source {
  readonly schema: string
  readonly table: string
  /** What its columns are called by in the text; the policy's own table may also be called by its whole name. */
  readonly alias: string
}

class Reader {
  readonly #tokens: readonly Token[]
  readonly #casts: ReadonlyMap<string, readonly string[]>
  /** The policy's table, and that of each sub-select around the place that is read. */
  readonly #sources: Source[]
  #next = 0

  constructor(tokens: readonly Token[], { schema, table, casts = new Map() }: PolicyTable) {
    this.#tokens = tokens
    this.#casts = casts
    this.#sources = [{ schema, table, alias: table }]
  }

  read(): Form {
    const form = this.#or()
    if (this.#next < this.#tokens.length) throw new Unreadable()
    return form
  }

  #or(): Form {
    return this.#list('or', () => this.#list('and', () => this.#comparison()))
  }

  /** What stands between `and`s or `or`s; one that stands in another of its kind is part of it. */
  #list(word: 'and' | 'or', operand: () => Form): Form {
    const operands = [operand()]
    while (this.#takeWord(word)) operands.push(operand())
    const [first] = operands
    if (operands.length === 1 && first) return first
    return [word, ...operands.flatMap((one) => (one[0] === word ? (one.slice(1) as Form[]) : [one]))]
  }

  #comparison(): Form {
    const left = this.#operand()
    if (this.#takeSign('=')) return ['=', left, this.#operand()]
    if (this.#takeWord('is')) {
      const is = this.#takeWord('not') ? 'is not null' : 'is null'
      this.#expectWord('null')
      return [is, left]
    }
    return left
  }

  #operand(): Form {
    const form = this.#uncast()
    if (!this.#takeSign('::')) return form
    const [kind, depth, column] = form
    const source = kind === 'column' ? this.#sources[Number(depth)] : undefined
    const key = source && columnKey(source.schema, source.table, String(column))
    const type = this.#type()
    if (key === undefined || !this.#casts.get(key)?.includes(type)) throw new Unreadable()
    return form
  }

  #uncast(): Form {
    if (this.#takeSign('(')) {
      const form = this.#takeWord('select') ? this.#scalar() : this.#or()
      this.#expectSign(')')
      return form
    }
    if (this.#takeWord('true')) return ['true']
    if (this.#takeWord('false')) return ['false']
    if (this.#takeWord('coalesce')) {
      this.#expectSign('(')
      const condition = this.#or()
      this.#expectSign(',')
      this.#expectWord('false')
      this.#expectSign(')')
      return ['coalesce', condition]
    }
    if (this.#takeWord('exists')) {
      this.#expectSign('(')
      this.#expectWord('select')
      const form = this.#rows()
      this.#expectSign(')')
      return form
    }
    return this.#column()
  }

  /** `select f()`, called once for a statement. */
  #scalar(): Form {
    const schema = this.#name()
    this.#expectSign('.')
    const name = this.#name()
    this.#expectSign('(')
    this.#expectSign(')')
    if (this.#takeWord('as')) this.#name()
    return ['call', schema, name]
  }

  /** `select 1 from a table where …`. */
  #rows(): Form {
    this.#expectSign('1')
    this.#expectWord('from')
    const schema = this.#name()
    this.#expectSign('.')
    const table = this.#name()
    const alias = this.#peekIsName() ? this.#name() : table
    this.#expectWord('where')
    this.#sources.push({ schema, table, alias })
    const condition = this.#or()
    this.#sources.pop()
    return ['exists', schema, table, condition]
  }

  /** A column, or a call. Columns are the same by how many sub-selects their table stands in, whatever it is called there. */
  #column(): Form {
    const path = [this.#name()]
    while (this.#takeSign('.')) path.push(this.#name())
    // not the same as a sub-select of it, which is called once
    if (path.length === 2 && this.#takeSign('(')) {
      this.#expectSign(')')
      return ['call in place', ...path]
    }
    const column = path.pop() ?? ''
    const depth = this.#sources.findLastIndex(({ schema, table, alias }, index) => {
      // inside a sub-select a bare column could be either table's
      if (path.length === 0) return index === 0 && this.#sources.length === 1
      if (path.length === 1) return path[0] === alias
      return index === 0 && path.length === 2 && path[0] === schema && path[1] === table
    })
    if (depth < 0) throw new Unreadable()
    return ['column', depth, column]
  }

  #type(): string {
    const words = [this.#name()]
    if (this.#takeSign('.')) words.push(this.#name())
    return words.join('.')
  }

  #peekIsName(): boolean {
    const token = this.#tokens[this.#next]
    return token?.kind === 'name' || (token?.kind === 'word' && !keywords.has(token.text))
  }

  #name(): string {
    const token = this.#tokens[this.#next]
    if (!token || !this.#peekIsName()) throw new Unreadable()
    this.#next += 1
    return token.text
  }

  #takeWord(text: string): boolean {
    return this.#take('word', text)
  }

  #takeSign(text: string): boolean {
    return this.#take('sign', text)
  }

  #take(kind: Token['kind'], text: string): boolean {
    const token = this.#tokens[this.#next]
    if (token?.kind !== kind || token.text !== text) return false
    this.#next += 1
    return true
  }

  #expectWord(text: string): void {
    if (!this.#takeWord(text)) throw new Unreadable()
  }

  #expectSign(text: string): void {
    if (!this.#takeSign(text)) throw new Unreadable()
  }
}
