/**
 * Finds the statements of a SQL file that begin or end a transaction.
 *
 * A migration runs inside a transaction that also holds its row of the history. A `commit` in the file would
 * end that transaction half-way, and nothing could undo the first half. So the file is read before anything
 * is run. The reader knows PostgreSQL's lexical rules and nothing else: a statement's first words decide.
 * It follows `src/backend/parser/scan.l`, and psql's `psqlscan.l` for `begin atomic` bodies.
 *
 * It assumes `standard_conforming_strings = on`, which the runner sets. A file that switches it off changes
 * nothing for itself: PostgreSQL reads the whole text before it runs the first statement.
 */

/** One statement that begins or ends a transaction. */
export interface TransactionStatement {
  /** Its first words as PostgreSQL names them, such as `COMMIT` or `PREPARE TRANSACTION`. */
  readonly command: string
  /** The line of its first word, counted from 1. */
  readonly line: number
}

/**
 * Lists the statements that begin or end a transaction, outside of strings, comments, quoted names, dollar
 * quotes and function bodies. `SAVEPOINT`, `RELEASE` and `ROLLBACK TO` stay inside and are not listed.
 *
 * @param sql the text of a file, with any number of statements
 * @returns the statements in the order of the file
 *
 * @example
 * ```ts
 * findTransactionControl('create table t ();\ncommit;') // [{ command: 'COMMIT', line: 2 }]
 * ```
 */
export function findTransactionControl(sql: string): readonly TransactionStatement[] {
  const found: TransactionStatement[] = []
  let statement = emptyStatement()
  const finish = () => {
    const command = transactionCommand(statement.words)
    if (command !== undefined) found.push({ command, line: lineAt(sql, statement.start) })
    statement = emptyStatement()
  }
  for (const token of tokens(sql)) {
    if (token.kind === 'word') addWord(statement, token.text.toLowerCase(), token.start)
    else if (token.text === '(') statement.parentheses += 1
    else if (token.text === ')') statement.parentheses = Math.max(0, statement.parentheses - 1)
    else if (token.text === ';' && statement.parentheses === 0 && statement.body === 0) finish()
    // whatever else a statement begins with, it is no transaction command
    else if (statement.words.length === 0) statement.words.push('')
    statement.previous = token.text.toLowerCase()
  }
  finish()
  return found
}

interface Statement {
  /** The first words, lower case; enough of them to tell the command. */
  readonly words: string[]
  start: number
  /** The token before, in lower case. */
  previous: string
  /** Semicolons in parentheses belong to the actions of `create rule`. */
  parentheses: number
  /** How many `begin atomic` and `case` are open: semicolons in there do not end the statement. */
  body: number
}

function emptyStatement(): Statement {
  return { words: [], start: 0, previous: '', parentheses: 0, body: 0 }
}

function addWord(statement: Statement, word: string, start: number): void {
  if (statement.words.length === 0) statement.start = start
  if (statement.words.length < 4) statement.words.push(word)
  // behind a dot or `as`, a keyword is a column's name
  const isName = statement.previous === '.' || statement.previous === 'as'
  if (isName || statement.parentheses > 0 || !createsRoutine(statement.words)) return
  if (statement.body > 0 ? word === 'case' : statement.previous === 'begin' && word === 'atomic') {
    statement.body += 1
  } else if (word === 'end' && statement.body > 0) {
    statement.body -= 1
  }
}

function createsRoutine([first, second, third, fourth]: readonly string[]): boolean {
  const kind = second === 'or' && third === 'replace' ? fourth : second
  return first === 'create' && (kind === 'function' || kind === 'procedure')
}

function transactionCommand([first = '', second = '', third = '']: readonly string[]): string | undefined {
  switch (first) {
    case 'begin':
    case 'commit':
    case 'end':
    case 'abort':
      return first.toUpperCase()
    case 'rollback': {
      // `rollback to savepoint` stays inside the transaction
      const target = second === 'work' || second === 'transaction' ? third : second
      return target === 'to' ? undefined : 'ROLLBACK'
    }
    case 'start':
      return second === 'transaction' ? 'START TRANSACTION' : undefined
    case 'prepare':
      return second === 'transaction' ? 'PREPARE TRANSACTION' : undefined
    default:
      return undefined
  }
}

interface Token {
  readonly kind: 'word' | 'other'
  readonly text: string
  readonly start: number
}

const space = /[ \t\n\r\f\v]+/y
const lineComment = /--[^\n\r]*/y
const word = /[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*/y
const parameterOrNumber = /\$?[0-9][0-9A-Za-z_.]*/y
const dollarTag = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y
// after its closing quote a string goes on where the next line begins with another quote
// (a comment must reach its line's end in one go, or a line of dashes takes exponential time)
const stringContinues = /(?:[ \t\f\v]|--[^\n\r]*(?![^\n\r]))*[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*'/y

function* tokens(sql: string): Generator<Token> {
  let at = 0
  while (at < sql.length) {
    const start = at
    const skipped = match(space, sql, at) ?? match(lineComment, sql, at)
    if (skipped !== undefined) {
      at += skipped.length
      continue
    }
    if (sql.startsWith('/*', at)) {
      at = endOfComment(sql, at)
      continue
    }
    const escaped = /^e'/i.test(sql.slice(at, at + 2))
    const tag = match(dollarTag, sql, at)
    const name = match(word, sql, at)
    if (escaped || sql[at] === "'") {
      at = endOfString(sql, at + (escaped ? 2 : 1), escaped)
    } else if (sql[at] === '"') {
      at = endOfQuotes(sql, at + 1, '"')
    } else if (tag !== undefined) {
      const end = sql.indexOf(tag, at + tag.length)
      at = end === -1 ? sql.length : end + tag.length
    } else if (name !== undefined) {
      at += name.length
      yield { kind: 'word', text: name, start }
      continue
    } else {
      at += match(parameterOrNumber, sql, at)?.length ?? 1
    }
    yield { kind: 'other', text: at - start === 1 ? (sql[start] ?? '') : 'constant', start }
  }
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}

/** Comments nest in PostgreSQL, other than in the SQL standard. */
function endOfComment(sql: string, start: number): number {
  const edge = /\/\*|\*\//g
  edge.lastIndex = start
  let depth = 0
  for (let found = edge.exec(sql); found !== null; found = edge.exec(sql)) {
    depth += found[0] === '/*' ? 1 : -1
    if (depth === 0) return edge.lastIndex
  }
  return sql.length
}

function endOfString(sql: string, start: number, escaped: boolean): number {
  let at = start
  for (;;) {
    at = endOfQuotes(sql, at, "'", escaped)
    // the continuation is of the same kind: a backslash in it escapes exactly if it did in the first part
    const continuation = match(stringContinues, sql, at)
    if (continuation === undefined) return at
    at += continuation.length
  }
}

/** The place behind the closing quote; a doubled quote does not close. */
function endOfQuotes(sql: string, start: number, quote: string, escaped = false): number {
  for (let at = start; at < sql.length; at += 1) {
    if (escaped && sql[at] === '\\') at += 1
    else if (sql[at] === quote && sql[at + 1] === quote) at += 1
    else if (sql[at] === quote) return at + 1
  }
  return sql.length
}

function lineAt(sql: string, at: number): number {
  return sql.slice(0, at).split(/\r\n|\n|\r/).length
}
