import { TenancyError, tenancyIsClosed } from '../errors.ts'
import type { PoolStatistics } from '../telemetry/pool-statistics.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import type { Answer, ExchangePlan } from './exchange.ts'
import { FairQueue, type Waiting } from './fair-queue.ts'
import { isOutdated, isUnprepared } from './unprepared.ts'

export interface ConnectionPoolOptions extends ConnectionOptions {
  /** Most connections to open. */
  readonly maxConnections: number
  /** How long to wait for a turn, in milliseconds. */
  readonly waitMillis: number
  /** How many may wait; whoever comes then is refused. */
  readonly maxWaiting: number
  /** After how many idle milliseconds a connection is closed. */
  readonly idleMillis: number
  /** Most connections' worth of work that one tenant may have under way; any number where it is left out. */
  readonly maxConcurrentPerTenant?: number
}

/** Whoever waits for a connection: to share it for one exchange, or to have it alone. */
class Request implements Waiting {
  isOver = false
  readonly tenant: string
  readonly grant: (connection: Connection) => void
  readonly #reject: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined
  #stopListening = (): void => {}

  constructor(tenant: string, grant: (connection: Connection) => void, reject: (error: unknown) => void) {
    this.tenant = tenant
    this.grant = grant
    this.#reject = reject
  }

  giveUpAfter(millis: number, onGiveUp: () => void): void {
    this.#timer = setTimeout(() => {
      this.refuse(tooLong(millis))
      onGiveUp()
    }, millis)
  }

  giveUpOn(signal: AbortSignal, onGiveUp: () => void): void {
    const onAbort = (): void => {
      this.refuse(aborted())
      onGiveUp()
    }
    signal.addEventListener('abort', onAbort)
    this.#stopListening = () => signal.removeEventListener('abort', onAbort)
  }

  settle(): void {
    this.isOver = true
    clearTimeout(this.#timer)
    this.#stopListening()
  }

  refuse(error: unknown): void {
    this.settle()
    this.#reject(error)
  }
}

/** A connection whose next answer has been due for longer than this is no place to wait behind. */
const stalledMillis = 20

/** After a connection could not be opened, the others carry on for so long before it is tried again. */
const reopenMillis = 1_000

/**
 * The connections of one login. Each is at any time either shared by single exchanges, several of which may be
 * under way at once, or owned by a transaction.
 *
 * - A single exchange goes to the connection with the fewest under way. Only when all are busy do exchanges
 *   share one, up to its depth; one that is held up by slow work is the last choice.
 * - A transaction gets an idle connection, a new one, or the least busy one, which then takes nothing more until
 *   it is empty.
 * - Whoever finds no room waits: tenants take turns, and not longer than `waitMillis`. So many may wait and no
 *   more.
 */
export class ConnectionPool {
  readonly #options: ConnectionPoolOptions
  readonly #connections = new Set<Connection>()
  /** Those that take nothing more, because a transaction waits for them to become idle. */
  readonly #reserved = new Set<Connection>()
  readonly #sharing = new FairQueue<Request>()
  readonly #owning = new FairQueue<Request>()
  readonly #running = new Map<string, number>()
  #waiting = 0
  #waitingToOwn = 0
  #opening = 0
  #isOver = false
  #reopenAt = 0
  #sweeper: NodeJS.Timeout | undefined
  #onDrained: (() => void) | undefined

  constructor(options: ConnectionPoolOptions) {
    this.#options = options
  }

  statistics(): PoolStatistics {
    const all = [...this.#connections]
    const loads = all.map(({ load }) => load)
    return {
      total: this.#connections.size,
      idle: all.filter(({ load, isOwned }) => load === 0 && !isOwned).length,
      owned: all.filter(({ isOwned }) => isOwned).length,
      waiting: this.#waiting,
      inFlight: loads.reduce((sum, load) => sum + load, 0),
      deepest: Math.max(0, ...loads),
    }
  }

  /**
   * Sends one exchange on a connection that others share. It must leave nothing behind on it: no transaction, no
   * setting, and no COPY, during which the server would swallow what others have sent.
   *
   * @throws {TenancyError} `DH106` when the connection is lost, `DH107` when there was no room in time
   */
  share(tenant: string, plan: ExchangePlan): Promise<Answer> {
    const connection = this.#shareAtOnce(tenant)
    if (connection) return this.#exchange(connection, tenant, plan)
    return new Promise((resolve, reject) => {
      // in the turn in which it is granted, so that the next in line finds it busy
      const send = (granted: Connection): void => resolve(this.#exchange(granted, tenant, plan))
      this.#wait(this.#sharing, new Request(tenant, send, reject))
    })
  }

  async #exchange(connection: Connection, tenant: string, plan: ExchangePlan): Promise<Answer> {
    try {
      const answer = await this.#askAgainIfUnprepared(connection, plan)
      if (answer.contextWasLeftBehind || answer.status !== 'I') connection.mustRetire = true
      return answer
    } finally {
      this.#leave(tenant)
      this.#settle(connection)
    }
  }

  /**
   * Gives a connection to one user until {@link release}.
   *
   * @param signal ends the wait
   * @throws {TenancyError} `DH107` when none became free in time, `DH105` when the signal came first
   */
  own(tenant: string, signal?: AbortSignal): Promise<Connection> {
    if (signal?.aborted) return Promise.reject(aborted())
    const connection = this.#ownAtOnce(tenant)
    if (connection) return Promise.resolve(connection)
    return new Promise((resolve, reject) =>
      this.#wait(this.#owning, new Request(tenant, resolve, reject), signal),
    )
  }

  /** Takes back a connection that was owned. */
  release(
    tenant: string,
    connection: Connection,
    { destroy, outdated = false }: { readonly destroy: boolean; readonly outdated?: boolean },
  ): void {
    if (outdated) this.#forgetStatements()
    connection.isOwned = false
    if (destroy && !connection.isLost) connection.destroy()
    this.#leave(tenant)
    this.#settle(connection)
  }

  /**
   * Closes all connections, once what waits and what is under way is done.
   *
   * @param timeoutMillis how long to wait for that; then what is left fails
   */
  async end(timeoutMillis?: number): Promise<void> {
    const drained = new Promise<void>((resolve) => {
      this.#onDrained = resolve
    })
    const timer = timeoutMillis === undefined ? undefined : setTimeout(() => this.#abandon(), timeoutMillis)
    this.#pump()
    await drained
    this.#isOver = true
    clearTimeout(timer)
    clearInterval(this.#sweeper)
    for (const connection of this.#connections) connection.close()
    this.#connections.clear()
  }

  #abandon(): void {
    for (const queue of [this.#sharing, this.#owning]) this.#refuseAll(queue, tenancyIsClosed())
    for (const connection of this.#connections) connection.destroy()
    // not for what is just being opened: that is closed when it comes
    this.#onDrained?.()
  }

  #wait(queue: FairQueue<Request>, request: Request, signal?: AbortSignal): void {
    const { maxWaiting, waitMillis } = this.#options
    if (this.#isOver) {
      request.refuse(tenancyIsClosed())
      return
    }
    const onGiveUp = (): void => {
      this.#countWaiting(queue, -1)
      // others may have waited for it only
      this.#pump()
    }
    request.giveUpAfter(waitMillis, onGiveUp)
    if (signal) request.giveUpOn(signal, onGiveUp)
    queue.push(request)
    this.#countWaiting(queue, 1)
    this.#pump()
    // those who wait may all be at their limits, and this one not
    if (request.isOver || this.#waiting <= maxWaiting) return
    this.#countWaiting(queue, -1)
    request.refuse(tooMany(maxWaiting))
  }

  #countWaiting(queue: FairQueue<Request>, change: number): void {
    this.#waiting += change
    if (queue !== this.#owning) return
    this.#waitingToOwn += change
    if (this.#waitingToOwn === 0) this.#reserved.clear()
  }

  #refuseAll(queue: FairQueue<Request>, error: unknown): void {
    for (const request of queue.drain()) {
      this.#countWaiting(queue, -1)
      request.refuse(error)
    }
  }

  /** Without waiting, unless somebody waits already. */
  #shareAtOnce(tenant: string): Connection | undefined {
    if (this.#waiting > 0 || !this.#mayGo(tenant)) return undefined
    const connection = this.#leastBusy({ reservedToo: false })
    if (!connection) return undefined
    if (connection.load > 0) this.#grow(1)
    this.#enter(tenant)
    return connection
  }

  #ownAtOnce(tenant: string): Connection | undefined {
    if (this.#waiting > 0 || !this.#mayGo(tenant)) return undefined
    const connection = this.#idle()
    if (!connection) return undefined
    this.#enter(tenant)
    connection.isOwned = true
    return connection
  }

  /** Grants what can be granted, turn by turn, and opens connections for the rest. */
  #pump(): void {
    while (this.#waiting > 0 && this.#grantNext()) {
      // one after the other, as long as there is room
    }
    if (this.#waiting > 0) this.#grow(this.#waiting)
    const isDrained = this.#waiting === 0 && this.#opening === 0
    if (isDrained && [...this.#connections].every(({ load, isOwned }) => load === 0 && !isOwned)) {
      this.#onDrained?.()
    }
  }

  #grantNext(): boolean {
    const mayGo = (tenant: string): boolean => this.#mayGo(tenant)
    const sharing = this.#sharing.peek(mayGo)
    const owning = this.#owning.peek(mayGo)
    const ownFirst =
      owning !== undefined && (!sharing || this.#owning.turnOf(owning) < this.#sharing.turnOf(sharing))
    const idle = ownFirst ? this.#idle() : undefined
    if (idle) {
      this.#reserved.delete(idle)
      idle.isOwned = true
      this.#grant(this.#owning, owning as Request, idle)
      return true
    }
    this.#reserve(owning ? this.#waitingToOwn : 0)
    const connection = sharing && this.#leastBusy({ reservedToo: !ownFirst })
    if (!sharing || !connection) return false
    this.#grant(this.#sharing, sharing, connection)
    return true
  }

  #grant(queue: FairQueue<Request>, request: Request, connection: Connection): void {
    queue.take(request)
    this.#countWaiting(queue, -1)
    request.settle()
    this.#enter(request.tenant)
    request.grant(connection)
  }

  /** Keeps connections from filling up again while transactions wait for one to become idle. */
  #reserve(count: number): void {
    for (const connection of [...this.#reserved].slice(count)) this.#reserved.delete(connection)
    while (this.#reserved.size < count) {
      const next = this.#leastBusy({ reservedToo: false })
      if (!next) return
      this.#reserved.add(next)
    }
  }

  #leastBusy({ reservedToo }: { readonly reservedToo: boolean }): Connection | undefined {
    let best: Connection | undefined
    let leastBusy = Number.POSITIVE_INFINITY
    for (const connection of this.#connections) {
      if (!this.#isOpen(connection) || (this.#reserved.has(connection) && !reservedToo)) continue
      const { load, pipelineDepth } = connection
      if (load >= pipelineDepth) continue
      const busy = load > 0 && connection.waitedFor > stalledMillis ? load + pipelineDepth : load
      if (busy < leastBusy) {
        best = connection
        leastBusy = busy
      }
      if (busy === 0) break
    }
    return best
  }

  #idle(): Connection | undefined {
    for (const connection of this.#connections) {
      if (connection.load === 0 && this.#isOpen(connection)) return connection
    }
    return undefined
  }

  #isOpen(connection: Connection): boolean {
    return !connection.isLost && !connection.mustRetire && !connection.isOwned
  }

  /**
   * Asks, and once more where the server turns out not to have what was prepared: somebody's SQL has deallocated
   * it, a migration has changed what it answers, or whoever was to prepare it has failed. Nothing has run then.
   */
  async #askAgainIfUnprepared(connection: Connection, plan: ExchangePlan): Promise<Answer> {
    try {
      return await connection.ask(plan)
    } catch (error) {
      if (!isUnprepared(error)) throw error
      if (isOutdated(error)) this.#forgetStatements()
      connection.forgetStatements()
      return connection.ask(plan)
    }
  }

  /** A migration outdates what all connections have prepared: a transaction must not fail once on each. */
  #forgetStatements(): void {
    for (const connection of this.#connections) connection.forgetStatements()
  }

  /** Opens up to `wanted` connections, in the background. */
  #grow(wanted: number): void {
    const { maxConnections } = this.#options
    if (this.#connections.size > 0 && performance.now() < this.#reopenAt) return
    while (this.#opening < wanted && this.#connections.size + this.#opening < maxConnections) {
      this.#opening++
      void this.#open()
    }
  }

  async #open(): Promise<void> {
    try {
      const connection = await Connection.open(this.#options)
      if (this.#isOver) {
        connection.close()
        return
      }
      connection.onLost = () => this.#settle(connection)
      this.#connections.add(connection)
      this.#opening--
      this.#sweepIdle()
    } catch (error) {
      this.#opening--
      this.#reopenAt = performance.now() + reopenMillis
      // nobody is left who could serve them
      if (this.#connections.size === 0 && this.#opening === 0) {
        for (const queue of [this.#sharing, this.#owning]) this.#refuseAll(queue, unreachable(error))
      }
    }
    this.#pump()
  }

  /** Looks at a connection that somebody is done with. */
  #settle(connection: Connection): void {
    if (connection.mustRetire && connection.load === 0 && !connection.isOwned) connection.close()
    if (connection.isLost) {
      this.#connections.delete(connection)
      this.#reserved.delete(connection)
    }
    if (this.#waiting > 0 || this.#onDrained) this.#pump()
  }

  #sweepIdle(): void {
    if (this.#sweeper) return
    const { idleMillis } = this.#options
    const sweep = (): void => {
      const before = performance.now() - idleMillis
      for (const connection of this.#connections) {
        if (connection.load > 0 || connection.isOwned || connection.idleSince > before) continue
        connection.close()
        this.#settle(connection)
      }
      if (this.#connections.size > 0) return
      clearInterval(this.#sweeper)
      this.#sweeper = undefined
    }
    this.#sweeper = setInterval(sweep, Math.max(idleMillis / 4, 1)).unref()
  }

  #mayGo(tenant: string): boolean {
    const { maxConcurrentPerTenant } = this.#options
    return maxConcurrentPerTenant === undefined || (this.#running.get(tenant) ?? 0) < maxConcurrentPerTenant
  }

  #enter(tenant: string): void {
    if (this.#options.maxConcurrentPerTenant === undefined) return
    this.#running.set(tenant, (this.#running.get(tenant) ?? 0) + 1)
  }

  #leave(tenant: string): void {
    const running = this.#running.get(tenant)
    if (running === undefined) return
    if (running > 1) this.#running.set(tenant, running - 1)
    else this.#running.delete(tenant)
  }
}

/** An error that says no more than that a socket was closed or a time was over gets a code and an advice. */
function unreachable(error: unknown): unknown {
  if (error instanceof TenancyError || (error as { readonly code?: unknown }).code !== undefined) return error
  return new TenancyError('DH106', 'no connection to the server could be opened; is it up, and reachable?', {
    cause: error,
  })
}

function tooLong(millis: number): TenancyError {
  return new TenancyError(
    'DH107',
    `no connection became free within ${millis} ms; try again, allow more connections or make transactions shorter`,
  )
}

function tooMany(most: number): TenancyError {
  return new TenancyError('DH107', `${most} operations are waiting for a connection already; try again later`)
}

function aborted(): TenancyError {
  return new TenancyError('DH105', 'the transaction was aborted before it began')
}
