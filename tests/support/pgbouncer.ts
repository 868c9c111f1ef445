import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { withLogin } from '../../src/testing/index.ts'

/** How long PgBouncer may take to start, in milliseconds. */
const patience = 10_000

/** Said where there is no PgBouncer. */
export const pgBouncerIsMissing =
  'there is no program named pgbouncer: install the Debian package (apt-get install pgbouncer)'

/** The program, where it is installed. Debian puts it where only root's PATH leads. */
export function findPgBouncer(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return folders.map((folder) => join(folder, 'pgbouncer')).find((file) => existsSync(file))
}

/** A PgBouncer in transaction mode before one login of a server. */
export class PgBouncer {
  /** Such as `1.18.0`. */
  readonly version: string
  /** The login's connection string, through PgBouncer. */
  readonly url: string
  readonly #process: ChildProcess
  readonly #folder: string
  readonly #poolSize: number

  private constructor(
    started: ChildProcess,
    folder: string,
    { version, url, poolSize }: { readonly version: string; readonly url: string; readonly poolSize: number },
  ) {
    this.#process = started
    this.#folder = folder
    this.#poolSize = poolSize
    this.version = version
    this.url = url
  }

  /**
   * Starts one on a free port.
   *
   * @param connectionString whose password PgBouncer is told, so the login should be a temporary one
   * @param poolSize most connections that it opens to the server
   */
  static async start(program: string, connectionString: string, poolSize: number): Promise<PgBouncer> {
    const port = await freePort()
    const folder = mkdtempSync(join(tmpdir(), 'doublehull-pgbouncer-'))
    const settings = writeSettings(folder, connectionString, { port, poolSize })
    const child = spawn(program, [settings], {
      ...otherUser(),
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const url = new URL(connectionString)
    url.hostname = '127.0.0.1'
    url.port = String(port)
    // a run that is interrupted leaves none behind
    process.once('exit', () => child.kill('SIGKILL'))
    const bouncer = new PgBouncer(child, folder, { version: versionOf(program), url: url.href, poolSize })
    await bouncer.#untilItAnswers()
    return bouncer
  }

  /** The first row that each of the server connections answers; a transaction keeps one from the next client. */
  async askServerConnections(sql: string): Promise<readonly (readonly (string | null)[])[]> {
    const clients = Array.from(
      { length: this.#poolSize },
      () => new pg.Client({ connectionString: this.url }),
    )
    try {
      return await Promise.all(
        clients.map(async (client) => {
          await client.connect()
          await client.query('begin')
          const { rows } = await client.query<(string | null)[]>({ text: sql, rowMode: 'array' })
          return rows[0] ?? []
        }),
      )
    } finally {
      await Promise.all(clients.map((client) => client.end()))
    }
  }

  /** How many clients are connected, beside the one that asks. */
  async countClients(): Promise<number> {
    const client = new pg.Client({ connectionString: withLogin(this.url, { database: 'pgbouncer' }) })
    await client.connect()
    try {
      const { rows } = await client.query<{ database: string }>('show clients')
      return rows.filter(({ database }) => database !== 'pgbouncer').length
    } finally {
      await client.end()
    }
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = new Promise((resolve) => this.#process.once('exit', resolve))
      // at once, or, to versions from 1.23 on, when the clients are gone
      this.#process.kill('SIGTERM')
      await Promise.race([ended, sleep(2_000).then(() => this.#process.kill('SIGKILL'))])
      await ended
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #untilItAnswers(): Promise<void> {
    let said = ''
    let failure: Error | undefined
    this.#process.stderr?.on('data', (chunk: Buffer) => {
      said = `${said}${chunk.toString()}`.slice(-2_000)
    })
    this.#process.once('error', (error) => {
      failure = error
    })
    for (const end = Date.now() + patience; ; await sleep(50)) {
      const answers = await this.countClients().then(
        () => true,
        () => false,
      )
      if (answers) return
      if (!failure && this.#process.exitCode === null && Date.now() < end) continue
      await this.stop()
      throw new Error(`PgBouncer does not answer: ${failure?.message ?? said}`)
    }
  }
}

/** @returns the path of the file with the settings */
function writeSettings(
  folder: string,
  connectionString: string,
  { port, poolSize }: { readonly port: number; readonly poolSize: number },
): string {
  const target = new URL(connectionString)
  const user = decodeURIComponent(target.username)
  const users = join(folder, 'users.txt')
  const settings = join(folder, 'pgbouncer.ini')
  writeFileSync(users, `"${user}" "${decodeURIComponent(target.password)}"\n`)
  writeFileSync(
    settings,
    `[databases]
* = host=${target.hostname} port=${target.port || '5432'}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
admin_users = ${user}
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = 200
; a server connection that was terminated is replaced at once
server_login_retry = 1
log_connections = 0
log_disconnections = 0
log_stats = 0
`,
  )
  for (const file of [folder, users, settings]) giveToOtherUser(file)
  return settings
}

/** Who PgBouncer runs as where this process is root, which it refuses to run as. */
function otherUser(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const idOfNobody = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
  return { uid: idOfNobody('-u'), gid: idOfNobody('-g') }
}

function giveToOtherUser(path: string): void {
  const { uid, gid } = otherUser()
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid)
}

function versionOf(program: string): string {
  const said = execFileSync(program, ['--version'], { encoding: 'utf8' })
  return /PgBouncer ([\d.]+)/i.exec(said)?.[1] ?? 'of an unknown version'
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('there is no free port')
  return address.port
}
