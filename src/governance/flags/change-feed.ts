import pg from 'pg'
import type { OpenClient } from '../../wire/node-postgres.ts'

/** Where the database announces changes. A payload says what changed, and under which opaque topic; never whose it is. */
const channel = 'doublehull_changes'

/**
 * `up`: whatever is announced from now on is heard. `down`: the connection is lost, and another is tried for.
 * `impossible`: a pooler is in the way, which may give the connection to somebody else after each transaction.
 */
export type ChangeFeedState = 'up' | 'down' | 'impossible'

/** Whoever waits for changes. */
export interface ChangeListener {
  /** Something was announced under the payload that it listens for. */
  onChange(): void
  /** The state has changed. What was announced while it was not `up` is lost. */
  onState(state: ChangeFeedState): void
}

/** After an attempt to connect that failed, the next one waits for so long; after each more, for twice as long. */
const firstPause = 50
const longestPause = 30_000
/** How long the server may take to connect, and to answer. */
const longestAnswer = 5_000
const longestGoodbye = 1_000

const feeds = new Map<string, ChangeFeed>()

/**
 * Hears what the database announces: one connection for all who listen in this process with the same connection
 * string. It connects again whenever the connection is lost, and its heartbeat notices that where nobody says so.
 */
export class ChangeFeed {
  readonly #key: string
  readonly #connectionString: string
  readonly #heartbeatMillis: number
  readonly #listeners = new Map<string, Set<ChangeListener>>()
  readonly #firstAttempt: Promise<void>
  #state: ChangeFeedState = 'down'
  #members = 0
  #client: pg.Client | undefined
  #failures = 0
  #timer: NodeJS.Timeout | undefined

  private constructor(key: string, connectionString: string, heartbeatMillis: number) {
    this.#key = key
    this.#connectionString = connectionString
    this.#heartbeatMillis = heartbeatMillis
    this.#firstAttempt = this.#connect()
  }

  /**
   * The feed of a connection string, which whoever joins must {@link leave}. It resolves when the first attempt to
   * connect is over, however it went.
   *
   * @param connectionString of any login that may connect: to listen needs no privilege
   * @param heartbeatMillis how often the connection is tried
   */
  static async join(connectionString: string, heartbeatMillis: number): Promise<ChangeFeed> {
    const key = `${heartbeatMillis} ${connectionString}`
    const feed = feeds.get(key) ?? new ChangeFeed(key, connectionString, heartbeatMillis)
    feeds.set(key, feed)
    feed.#members += 1
    await feed.#firstAttempt
    return feed
  }

  get state(): ChangeFeedState {
    return this.#state
  }

  /** Who has left hears of nothing more; with the last one the connection ends. */
  async leave(): Promise<void> {
    this.#members -= 1
    if (this.#members > 0) return
    feeds.delete(this.#key)
    clearTimeout(this.#timer)
    const client = this.#client
    this.#client = undefined
    if (client) await goodbye(client)
  }

  /** @returns what takes the listener away again */
  listen(payload: string, listener: ChangeListener): () => void {
    const listeners = this.#listeners.get(payload) ?? new Set()
    this.#listeners.set(payload, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#listeners.get(payload) === listeners) this.#listeners.delete(payload)
    }
  }

  async #connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#connectionString,
      connectionTimeoutMillis: longestAnswer,
      query_timeout: Math.min(longestAnswer, this.#heartbeatMillis),
      keepAlive: true,
    })
    this.#client = client
    client.on('error', () => this.#lose(client))
    client.on('end', () => this.#lose(client))
    client.on('notification', ({ payload }) => {
      for (const listener of this.#listeners.get(payload ?? '') ?? []) listener.onChange()
    })
    try {
      await client.connect()
      await client.query(`listen ${channel}`)
      const isDirect = await this.#ask(client)
      if (client !== this.#client) return
      if (!isDirect) {
        this.#client = undefined
        this.#setState('impossible')
        await goodbye(client)
        return
      }
      this.#failures = 0
      this.#setState('up')
      this.#beat(client)
    } catch {
      this.#lose(client)
    }
  }

  /**
   * Whether the server answers in time, on the connection that was opened, and still listens. A pooler names a process
   * of its own, and forgets what a transaction has left behind.
   */
  async #ask(client: pg.Client): Promise<boolean> {
    const { rows } = await client.query<{ process: number; listens: boolean }>(
      `select pg_catalog.pg_backend_pid() as process,
              exists (select from pg_catalog.pg_listening_channels() c where c = $1) as listens`,
      [channel],
    )
    return rows[0]?.listens === true && rows[0].process === (client as unknown as OpenClient).processID
  }

  #beat(client: pg.Client): void {
    this.#timer = setTimeout(() => {
      this.#ask(client).then(
        (isFine) => {
          if (client !== this.#client) return
          if (isFine) this.#beat(client)
          else this.#lose(client)
        },
        () => this.#lose(client),
      )
    }, this.#heartbeatMillis)
  }

  #lose(client: pg.Client): void {
    if (client !== this.#client) return
    this.#client = undefined
    hangUp(client)
    clearTimeout(this.#timer)
    this.#failures += 1
    this.#setState('down')
    const pause = Math.min(firstPause * 2 ** (this.#failures - 1), longestPause)
    // not all at once, where many processes have lost the same server
    this.#timer = setTimeout(() => void this.#connect(), pause * (0.5 + Math.random() / 2))
  }

  #setState(state: ChangeFeedState): void {
    if (state === this.#state) return
    this.#state = state
    for (const listeners of this.#listeners.values()) for (const one of listeners) one.onState(state)
  }
}

/** Politely, unless the server is out of reach. */
async function goodbye(client: pg.Client): Promise<void> {
  const timer = setTimeout(() => hangUp(client), longestGoodbye)
  try {
    await client.end()
  } finally {
    clearTimeout(timer)
  }
}

function hangUp(client: pg.Client): void {
  ;(client as unknown as OpenClient).connection.stream.destroy()
}
