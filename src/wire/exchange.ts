import pg from 'pg'
import { TenancyError } from '../errors.ts'
import { type ContextStep, lookForPlanted, type Step } from './context-step.ts'
import { type Protocol, prepareValue, type TransactionStatus } from './node-postgres.ts'
import type { PreparedStatement, StatementCache } from './statement-cache.ts'
import { noteReused } from './unprepared.ts'

/** What goes to the server under one Sync: a query, and what must go before and behind it. */
export interface ExchangePlan {
  readonly opening?: readonly Step[]
  readonly context?: ContextStep
  readonly query: pg.QueryConfig
  /**
   * The query begins, ends or marks a transaction. Like what goes before and behind a query, it is never prepared:
   * what the server has lost must not be why a transaction can't end, and costs next to nothing to parse.
   */
  readonly isControl?: boolean
  readonly closing?: readonly Step[]
}

/** The server's answer to an {@link ExchangePlan}. */
export interface Answer {
  readonly result: pg.QueryArrayResult
  /** The connection came with a tenant that an earlier user had set for the whole session. */
  readonly contextWasLeftBehind: boolean
  /** Somebody's SQL has prepared statements of its own. */
  readonly hasPlanted: boolean
  readonly status: TransactionStatus
}

type Parser = (value: string) => unknown

/** node-postgres's interface, with the type of an id as the server gives it. */
interface TypeParsers {
  getTypeParser(id: number, format: 'text'): Parser
}

/** One statement within an exchange. */
interface Part {
  readonly step: Step | pg.QueryConfig
  readonly values: readonly (string | Buffer | null)[]
  statement?: PreparedStatement
  readonly mayBePrepared: boolean
  /** The statement was prepared by an earlier exchange. */
  isReused?: boolean
}

/**
 * One exchange with the server: Parse, Bind and Execute of each of its statements and one Sync. PostgreSQL treats
 * all of it as one implicit transaction, so a context that is set locally holds for exactly this query, and it
 * costs one round trip.
 *
 * Invariants:
 * - The query never runs without what goes before it, and nothing of it stays without what goes behind: if any
 *   of them fails, PostgreSQL skips everything up to the Sync and undoes the rest.
 * - It is the extended protocol, in which stacked SQL is a syntax error (42601).
 * - Rows are handed out only when the server has named the tenant and the ticket that this exchange gave it.
 *
 * What it does not do: keep the query itself from changing `app.tenant_id` (SECURITY.md).
 */
export class Exchange {
  readonly answer: Promise<Answer>
  readonly #plan: ExchangePlan
  readonly #parts: Part[]
  readonly #contextAt: number
  readonly #queryAt: number
  #at = 0
  #resolve!: (answer: Answer) => void
  #reject!: (error: unknown) => void
  #statements: StatementCache | undefined
  #error: unknown
  #contextWasLeftBehind = false
  #hasPlanted = false
  /** The server has named the tenant and the ticket that go before this query. */
  #isOurs: boolean
  #isForeign = false
  #fields: readonly pg.FieldDef[] = []
  #parsers: Parser[] = []
  #rows: unknown[][] = []
  #tag = ''

  /** @throws what node-postgres throws for a parameter that it can't write; nothing was sent then */
  constructor(plan: ExchangePlan) {
    const { opening = [], context, query, closing = [] } = plan
    this.#plan = plan
    this.#contextAt = context ? opening.length : -1
    this.#queryAt = opening.length + (context ? 1 : 0)
    this.#isOurs = context === undefined
    const toPart = (step: Step): Part => ({ step, values: step.values, mayBePrepared: false })
    const values = (query.values ?? []).map(prepareValue)
    this.#parts = [
      ...opening.map(toPart),
      ...(context ? [{ ...toPart(context), mayBePrepared: true }] : []),
      { step: query, values, mayBePrepared: plan.isControl !== true },
      ...closing.map(toPart),
    ]
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** Writes all of it, statements that the connection has prepared by their names. */
  send(protocol: Protocol, statements: StatementCache): void {
    this.#statements = statements
    // at the front: behind a part that fails the server would skip it
    for (const name of statements.toClose.splice(0)) protocol.close({ type: 'S', name })
    for (const part of this.#parts) {
      const { text } = part.step
      const use = part.mayBePrepared ? statements.use(text) : undefined
      if (use?.evicted) statements.toClose.push(use.evicted.name)
      const statement = use?.statement
      if (statement) part.statement = statement
      part.isReused = statement?.sent ?? false
      if (!statement?.sent) protocol.parse({ text, name: statement?.name ?? '', types: [] })
      if (statement) statement.sent = true
      protocol.bind({ portal: '', statement: statement?.name ?? '', values: part.values })
      if (part === this.#parts[this.#queryAt] && !statement?.fields)
        protocol.describe({ type: 'P', name: '' })
      protocol.execute({ portal: '', rows: 0 })
    }
    protocol.sync()
  }

  onParseComplete(): void {
    const statement = this.#parts[this.#at]?.statement
    if (statement) statement.parsed = true
  }

  onRowDescription(fields: readonly pg.FieldDef[]): void {
    if (this.#at !== this.#queryAt) return
    const statement = this.#parts[this.#at]?.statement
    if (statement) statement.fields = fields
    this.#describe(fields)
  }

  #describe(fields: readonly pg.FieldDef[]): void {
    this.#fields = fields
    const types = (this.#plan.query.types ?? pg.types) as unknown as TypeParsers
    this.#parsers = fields.map(({ dataTypeID }) => types.getTypeParser(dataTypeID, 'text'))
  }

  onDataRow(values: readonly (string | null)[]): void {
    if (this.#at === this.#contextAt) {
      const [leftBehind, tenantId, ticket] = values
      const { context } = this.#plan
      this.#isOurs = tenantId === context?.context.tenantId && ticket === context?.ticket
      this.#isForeign = !this.#isOurs
      this.#contextWasLeftBehind = leftBehind !== null && leftBehind !== ''
    } else if (this.#parts[this.#at]?.step === lookForPlanted) {
      this.#hasPlanted = values[0] === 't'
    } else if (this.#at === this.#queryAt && this.#error === undefined) {
      if (this.#rows.length === 0) this.#useKnownFields()
      try {
        this.#rows.push(
          values.map((value, column) => (value === null ? null : this.#parsers[column]?.(value))),
        )
      } catch (error) {
        this.#error = error
      }
    }
  }

  /** A statement that was described before is not described again. */
  #useKnownFields(): void {
    const fields = this.#parts[this.#queryAt]?.statement?.fields
    if (this.#fields.length === 0 && fields) this.#describe(fields)
  }

  onCommandComplete(tag: string): void {
    if (this.#at === this.#queryAt) this.#tag = tag
    this.#at++
  }

  onEmptyQuery(): void {
    this.#at++
  }

  onCopyIn(protocol: Protocol): void {
    protocol.sendCopyFail('COPY FROM STDIN has no source here')
    // while it waits for data the server ignores a Sync, the one that was sent included
    if (this.#at === this.#parts.length - 1) protocol.sync()
  }

  onError(error: unknown): void {
    this.#error ??= error
    if (this.#parts[this.#at]?.isReused) noteReused(error as object)
    // what comes after it was skipped, Parse included
    for (const { statement } of this.#parts.slice(this.#at)) {
      if (statement && !statement.parsed) this.#statements?.forget(statement)
    }
  }

  /**
   * The server is ready for the next exchange.
   *
   * @returns false where the answer was not this exchange's: the connection can't be believed any more
   */
  onReadyForQuery(status: TransactionStatus): boolean {
    // an error may quote a row as well
    if (
      this.#isForeign ||
      (this.#error === undefined && !(this.#isOurs && this.#at === this.#parts.length))
    ) {
      this.#reject(
        new TenancyError('DH106', 'the connection answered another query than it was asked; try again'),
      )
      return false
    }
    if (this.#error !== undefined) {
      this.#reject(this.#error)
      return true
    }
    this.#useKnownFields()
    this.#resolve({
      result: { ...parseTag(this.#tag), fields: [...this.#fields], rows: this.#rows },
      contextWasLeftBehind: this.#contextWasLeftBehind,
      hasPlanted: this.#hasPlanted,
      status,
    })
    return true
  }

  /** The connection is gone, and the answer with it. */
  fail(error: unknown): void {
    this.#reject(error)
  }
}

/** Reads a command tag such as `INSERT 0 5`. */
function parseTag(tag: string): {
  readonly command: string
  readonly rowCount: number | null
  readonly oid: number
} {
  const space = tag.indexOf(' ')
  if (space < 0) return { command: tag, rowCount: null, oid: 0 }
  const count = Number(tag.slice(tag.lastIndexOf(' ') + 1))
  return { command: tag.slice(0, space), rowCount: Number.isNaN(count) ? null : count, oid: 0 }
}
