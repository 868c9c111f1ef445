import { randomBytes } from 'node:crypto'
import type pg from 'pg'

/** A statement that a connection has prepared, or is about to. */
export interface PreparedStatement {
  readonly name: string
  readonly text: string
  /** Parse was sent. */
  sent: boolean
  /** The server has said that it parsed it. */
  parsed: boolean
  /** What its rows look like; known once it was described. */
  fields?: readonly pg.FieldDef[]
}

/** How many statements are remembered that were used once, before they are worth preparing. */
const rememberedTexts = 1_000

/**
 * What one connection has prepared under a name, the least recently used first. A statement is prepared when it
 * comes for the second time: the server then saves parsing, rewriting and planning it, which is more than
 * row-level security adds. The server keeps a plan of each, in each connection, so their number is bounded.
 */
export class StatementCache {
  /** Names of statements to close with the next exchange. */
  readonly toClose: string[] = []
  readonly #size: number
  readonly #prepared = new Map<string, PreparedStatement>()
  readonly #usedOnce = new Set<string>()
  // a pooler may lead to where another client has prepared its own; the names must not be the same
  readonly #prefix = `dh_${randomBytes(6).toString('base64url')}_`
  #names = 0

  /** @param size most statements to keep; 0 prepares none, as poolers need it that give each transaction another server connection */
  constructor(size: number) {
    this.#size = size
  }

  /**
   * The statement to use for a text, and one that must be closed in its favour.
   *
   * @returns `undefined` where the text is not to be prepared, this time
   */
  use(
    text: string,
  ): { readonly statement: PreparedStatement; readonly evicted?: PreparedStatement } | undefined {
    if (this.#size === 0) return undefined
    const known = this.#prepared.get(text)
    if (known) {
      this.#prepared.delete(text)
      this.#prepared.set(text, known)
      return { statement: known }
    }
    if (!this.#usedOnce.delete(text)) {
      if (this.#usedOnce.size === rememberedTexts) this.#usedOnce.clear()
      this.#usedOnce.add(text)
      return undefined
    }
    // a name is never used twice: one that is being closed or has failed can't be mistaken for another
    const statement: PreparedStatement = {
      name: this.#prefix + (++this.#names).toString(36),
      text,
      sent: false,
      parsed: false,
    }
    this.#prepared.set(text, statement)
    const [oldest] = this.#prepared.size > this.#size ? this.#prepared.values() : []
    if (!oldest) return { statement }
    this.#prepared.delete(oldest.text)
    return { statement, evicted: oldest }
  }

  /** Forgets a statement that the server did not come to parse. */
  forget(statement: PreparedStatement): void {
    if (this.#prepared.get(statement.text) === statement) this.#prepared.delete(statement.text)
  }

  /**
   * Forgets all: somebody's SQL has deallocated them, or a migration has changed what they answer. What the server
   * still has is closed with the next exchange; to close what it has not is no error.
   */
  clear(): void {
    for (const { name, sent } of this.#prepared.values()) if (sent) this.toClose.push(name)
    this.#prepared.clear()
    this.#usedOnce.clear()
  }
}
