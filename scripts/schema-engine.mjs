#!/usr/bin/env node
/**
 * Prisma's schema engine without its download.
 *
 * The Prisma CLI delegates `migrate` and `db` to a `schema-engine` binary that it fetches from Prisma's own
 * host, which fails offline and behind many proxies. This program takes the binary's place
 * (`PRISMA_SCHEMA_ENGINE_BINARY`): it speaks the same line-delimited JSON-RPC on stdin and stdout and hands
 * every call to the WebAssembly build of the same engine, from the npm registry.
 *
 * Plain JavaScript, because the CLI spawns it as an executable. Only JSON-RPC goes to stdout. Nothing is
 * logged but the failure of a `cli` subcommand, and no error carries a query's parameters or a row.
 */
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

/** How long the end of the process waits for shadow databases to be dropped, in milliseconds. */
const gracePeriod = 3000

/** Every open pool and shadow database, so that nothing is left behind however the process ends. */
const resources = new Set()

// The CLI closes stdin and sends SIGTERM at once: ending well is part of the protocol, a death by signal is
// reported as a crash of the engine. Hence the handlers stand before anything slow is loaded.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void exit(0))

// The CLI parses stderr as JSON lines: a deprecation warning of a dependency must not get between.
process.removeAllListeners('warning')

const { default: pg } = await import('pg')
const { PrismaPg } = await import('@prisma/adapter-pg')
const { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum, DriverAdapterError } = await import(
  '@prisma/driver-adapter-utils'
)

/** An error that reaches the CLI with one of Prisma's documented codes, or as a plain message without. */
class EngineError extends Error {
  constructor(message, code, meta = {}) {
    super(message)
    this.code = code
    this.meta = meta
  }
}

// ---- the database ----------------------------------------------------------------------------------------

/** Parameters of a Prisma connection URL that pg would pass on or misread. */
const prismaOnlyParameters = [
  'schema',
  'connection_limit',
  'pool_timeout',
  'pgbouncer',
  'connect_timeout',
  'socket_timeout',
  'statement_cache_size',
  'single_use_connections',
  'sslaccept',
  'sslidentity',
  'sslpassword',
]

/** Reads a Prisma connection URL. `schema` stays undefined where the URL names none, as PostgreSQL's default. */
function parseUrl(text) {
  let url
  try {
    url = new URL(text)
  } catch {
    throw new EngineError('The provided database string is invalid: it is not a URL.', 'P1013')
  }
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') {
    throw new EngineError(
      'The URL of the datasource must start with `postgresql://` or `postgres://`.',
      'P1013',
    )
  }
  const schema = url.searchParams.get('schema') ?? undefined
  const seconds = Number(url.searchParams.get('connect_timeout') ?? 5)
  for (const name of prismaOnlyParameters) url.searchParams.delete(name)
  return {
    connectionString: url.href,
    schema,
    connectionTimeoutMillis: Number.isFinite(seconds) ? seconds * 1000 : 5000,
    host: url.searchParams.get('host') ?? (url.hostname || 'localhost'),
    port: Number(url.port || 5432),
    user: decodeURIComponent(url.username),
    database: decodeURIComponent(url.pathname.slice(1)) || decodeURIComponent(url.username),
  }
}

/** The same server and role, another database. */
function withDatabase(target, database) {
  const url = new URL(target.connectionString)
  url.pathname = `/${encodeURIComponent(database)}`
  return { ...target, connectionString: url.href, database }
}

const quoteIdentifier = (name) => `"${name.replaceAll('"', '""')}"`

/** `"char"`, the type of many catalog columns. */
const catalogCharOid = 18
const bpcharOid = 1042

/** One session, as the native engine has: the advisory lock and the search path belong to the session. */
class SessionPool extends pg.Pool {
  /** The columns of the last result that were `"char"`. One session runs one query at a time. */
  catalogCharColumns = []

  constructor({ connectionString, connectionTimeoutMillis, schema }) {
    super({
      connectionString,
      connectionTimeoutMillis,
      max: 1,
      idleTimeoutMillis: 0,
      fallback_application_name: 'prisma-schema-engine',
      // A startup parameter would do it too, but poolers refuse `options`.
      // oxlint-disable-next-line typescript/no-misused-promises -- the pool waits for what the hook returns
      onConnect: (client) =>
        schema === undefined ? undefined : client.query(`set search_path = ${quoteIdentifier(schema)}`),
    })
    this.on('error', () => {}) // an idle connection that breaks is reported by the next query
  }

  async query(...query) {
    const result = await super.query(...query)
    const fields = result.fields ?? []
    this.catalogCharColumns = fields.flatMap(({ dataTypeID }, index) =>
      dataTypeID === catalogCharOid ? [index] : [],
    )
    // adapter-pg refuses the type; as bpchar it lets the text through.
    for (const index of this.catalogCharColumns) fields[index].dataTypeID = bpcharOid
    return result
  }
}

/** Runs `release` once, whoever asks for it first: the engine, or the end of the process. */
function registerResource(release) {
  let released
  const dispose = () => {
    released ??= release().finally(() => resources.delete(dispose))
    return released
  }
  resources.add(dispose)
  return dispose
}

/**
 * An adapter for the engine: adapter-pg's, but `"char"` is a character, scripts are sent whole (adapter-pg
 * splits them at every `;`, also within the body of a function), and a failed script is remembered in
 * `failures` for {@link describeFailure}.
 */
async function openAdapter(target, failures, release = async () => {}) {
  const pool = new SessionPool(target)
  const dispose = registerResource(async () => {
    await pool.end()
    await release()
  })
  try {
    // PrismaPg connects lazily; connecting here gives the failure one of Prisma's codes.
    await pool.query('select 1')
  } catch (error) {
    await dispose()
    throw connectionError(error, target)
  }
  const adapter = await new PrismaPg(pool, { schema: target.schema ?? 'public' }).connect()
  const queryRaw = adapter.queryRaw.bind(adapter)
  adapter.queryRaw = async (query) => {
    const result = await queryRaw(query)
    for (const index of pool.catalogCharColumns) result.columnTypes[index] = ColumnTypeEnum.Character
    return result
  }
  adapter.executeScript = async (script) => {
    try {
      await pool.query(script)
    } catch (error) {
      failures.script = { script, error }
      // A script with a BEGIN of its own leaves an aborted transaction, in which the engine could not even
      // record that the migration failed.
      await pool.query('rollback').catch(() => {})
      throw new DriverAdapterError({
        kind: 'postgres',
        code: error.code ?? 'N/A',
        severity: error.severity ?? 'ERROR',
        message: error.message,
      })
    }
  }
  if (process.env.PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK) skipAdvisoryLock(adapter)
  adapter.dispose = dispose
  return adapter
}

/** The native engine's switch for databases and poolers that know no advisory locks. */
function skipAdvisoryLock(adapter) {
  const answers = {
    queryRaw: { columnNames: [], columnTypes: [], rows: [] },
    executeRaw: 0,
    executeScript: undefined,
  }
  for (const [method, answer] of Object.entries(answers)) {
    const original = adapter[method].bind(adapter)
    adapter[method] = async (query) => {
      const sql = typeof query === 'string' ? query : query.sql
      return /^\s*select pg_advisory_lock\(\d+\)\s*;?\s*$/i.test(sql) ? answer : original(query)
    }
  }
}

/**
 * Stands in for a database where none is needed (`migrate diff` between schema files): it answers the only
 * question the engine asks on opening, and refuses everything else.
 */
function offlineAdapter() {
  const refuse = async () => {
    throw new Error('This command was not expected to need a database.')
  }
  return {
    provider: 'postgres',
    adapterName: '@prisma/adapter-pg',
    queryRaw: async () => ({
      columnNames: ['exists', 'version', 'numeric_version'],
      columnTypes: [ColumnTypeEnum.Boolean, ColumnTypeEnum.Text, ColumnTypeEnum.Int32],
      rows: [[true, 'PostgreSQL', 180000]],
    }),
    executeRaw: refuse,
    executeScript: refuse,
    startTransaction: refuse,
    getConnectionInfo: () => ({ schemaName: 'public', supportsRelationJoins: true }),
    dispose: async () => {},
  }
}

/** The databases of one engine: the main one, already open, and a shadow database on demand. */
class Databases {
  provider = 'postgres'
  adapterName = '@prisma/adapter-pg'
  #adapter
  #url
  #shadowUrl
  #failures

  constructor({ adapter, url, shadowUrl, failures }) {
    this.#adapter = adapter
    this.#url = url
    this.#shadowUrl = shadowUrl
    this.#failures = failures
  }

  async connect() {
    return this.#adapter
  }

  async connectToShadowDb() {
    try {
      return await (this.#shadowUrl === undefined ? this.#createShadow() : this.#resetShadow())
    } catch (error) {
      this.#failures.shadow = error
      throw error
    }
  }

  async #createShadow() {
    if (this.#url === undefined) throw new Error('Migrations can only be read with a database: set its URL.')
    const main = parseUrl(this.#url)
    const name = `prisma_migrate_shadow_db_${crypto.randomUUID()}`
    await withClient(main, (client) => client.query(`create database ${quoteIdentifier(name)}`))
    // WITH (FORCE): through a pooler the database can have connections that are no longer ours to close.
    const drop = registerResource(() =>
      withClient(main, (client) =>
        client.query(`drop database if exists ${quoteIdentifier(name)} with (force)`),
      ),
    )
    try {
      return await openAdapter(withDatabase(main, name), this.#failures, drop)
    } catch (error) {
      await drop()
      throw error
    }
  }

  /**
   * Empties the shadow database of the configuration. Every schema goes, not only those of the Prisma schema:
   * migrations create others by hand, and would find them already there the next time.
   */
  async #resetShadow() {
    const shadow = parseUrl(this.#shadowUrl)
    const main = this.#url === undefined ? undefined : parseUrl(this.#url)
    if (main && main.host === shadow.host && main.port === shadow.port && main.database === shadow.database) {
      throw new EngineError(
        'The shadow database is the database itself, and would be emptied. Set `shadowDatabaseUrl` to another one.',
      )
    }
    const adapter = await openAdapter(shadow, this.#failures)
    await adapter.executeScript(`
      do $$
      declare
        schema_name text;
      begin
        for schema_name in
          select nspname from pg_catalog.pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'
        loop
          execute pg_catalog.format('drop schema %I cascade', schema_name);
        end loop;
        create schema public;
      end
      $$`)
    return adapter
  }
}

/** One short connection for what cannot run on the engine's. */
async function withClient(target, use) {
  const client = new pg.Client(target)
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    throw connectionError(error, target)
  }
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

/** What the native engine says when it cannot connect. */
function connectionError(failure, { host, port, user, database }) {
  if (failure instanceof EngineError) return failure
  // Node reports a host name with several addresses as one error over the attempts.
  const error = failure instanceof AggregateError ? (failure.errors[0] ?? failure) : failure
  const server = `${host}:${port}`
  switch (error.code) {
    case '28P01':
      return new EngineError(
        `Authentication failed against database server, the provided database credentials for \`${user}\` are not valid.\n\nPlease make sure to provide valid database credentials for the database server at \`${server}\`.`,
        'P1000',
      )
    case '28000':
    case '42501':
      return new EngineError(`User \`${user}\` was denied access on the database \`${database}\``, 'P1010')
    case '3D000':
      return new EngineError(
        `Database \`${database}\` does not exist on the database server at \`${server}\`.`,
        'P1003',
      )
    case '53300':
      return new EngineError(`Too many database connections opened: ${error.message}`, 'P2037')
  }
  if (/timeout/i.test(error.message)) {
    return new EngineError(`The database server at \`${server}\` was reached but timed out.`, 'P1002')
  }
  if (error.severity !== undefined) return new EngineError(`${error.severity}: ${error.message}`)
  if (error.syscall !== undefined || /terminated|getaddrinfo/i.test(error.message)) {
    return new EngineError(
      `Can't reach database server at \`${server}\`\n\nPlease make sure your database server is running at \`${server}\`.`,
      'P1001',
    )
  }
  if (/ssl|tls|certificate/i.test(`${error.code} ${error.message}`)) {
    return new EngineError(`Error opening a TLS connection: ${error.message}`, 'P1011')
  }
  return new EngineError(error.message)
}

/** Creates the database that a URL names, from one that every server has, and the URL's schema in it. */
async function createDatabase(url) {
  const target = parseUrl(url)
  const create = (client) => client.query(`create database ${quoteIdentifier(target.database)}`)
  const maintenanceDatabases = ['postgres', 'template1', 'defaultdb']
  for (const maintenance of maintenanceDatabases) {
    try {
      await withClient(withDatabase(target, maintenance), create)
      break
    } catch (error) {
      if (error.code === '42P04') {
        throw new EngineError(
          `Database \`${target.database}\` already exists on the database server`,
          'P1009',
        )
      }
      const closed = error.code === 'P1003' || error.code === 'P1010'
      if (!closed || maintenance === maintenanceDatabases.at(-1)) throw error
    }
  }
  if (target.schema !== undefined) {
    await withClient(target, (client) =>
      client.query(`create schema if not exists ${quoteIdentifier(target.schema)}`),
    )
  }
  return target.database
}

// ---- the engine ------------------------------------------------------------------------------------------

let wasm

/** Instantiates the engine; Node 20 cannot import a `.wasm` file without a flag. */
async function loadEngine() {
  if (wasm !== undefined) return wasm
  const specifier = '@prisma/schema-engine-wasm/schema_engine_bg'
  const bindings = await import(specifier)
  const module = readFileSync(new URL('schema_engine_bg.wasm', import.meta.resolve(specifier)))
  const { instance } = await WebAssembly.instantiate(module, { './schema_engine_bg.js': bindings })
  bindings.__wbg_set_wasm(instance.exports)
  instance.exports.__wbindgen_start()
  wasm = bindings
  return wasm
}

let panicMessage
globalThis.PRISMA_WASM_PANIC_REGISTRY = {
  set_message: (message) => {
    panicMessage = message
  },
}

/**
 * Rejects when the engine panics. That arrives as an uncaught exception, and the promise of the call never
 * settles: without this the process would end and the CLI wait for an answer.
 */
function panic() {
  process.removeAllListeners('uncaughtException')
  return new Promise((_, reject) => process.once('uncaughtException', reject))
}

/** One engine for each database URL, opened by the first call that needs it. */
class Engines {
  #datamodels
  #shadowUrl
  #opened = new Map()

  constructor(datamodels, shadowUrl) {
    this.#datamodels = datamodels
    this.#shadowUrl = shadowUrl
  }

  /** `offline` connects to no main database, but can still create a shadow database beside it. */
  async open(url, { offline = false } = {}) {
    if (url === undefined && !offline)
      throw new EngineError('The datasource of the Prisma config has no URL.')
    const key = `${offline ? 'offline' : 'online'} ${url}`
    const known = this.#opened.get(key)
    if (known !== undefined) return known

    // What the driver said last: the engine keeps a message, and loses its code.
    const failures = {}
    // Connected here and not by the engine, for the same reason.
    const adapter = offline ? offlineAdapter() : await openAdapter(parseUrl(url), failures)
    const databases = new Databases({ adapter, url, shadowUrl: this.#shadowUrl, failures })
    const { SchemaEngine } = await loadEngine()
    // The engine's trace contains SQL: it goes nowhere.
    const engine = await SchemaEngine.new(
      { datamodels: this.#datamodels },
      () => {},
      bindMigrationAwareSqlAdapterFactory(databases),
    )
    const opened = { engine, failures }
    this.#opened.set(key, opened)
    return opened
  }
}

/** The JSON-RPC methods that the WebAssembly engine has under the same name. */
const passedOn = new Set([
  'applyMigrations',
  'devDiagnostic',
  'diagnoseMigrationHistory',
  'introspect',
  'introspectSql',
  'markMigrationApplied',
  'markMigrationRolledBack',
  'reset',
  'schemaPush',
])

async function callMethod(method, params, { engines, url, print }) {
  const call = async (databaseUrl, name, options) => {
    const { engine, failures } = await engines.open(databaseUrl, options)
    failures.script = undefined
    failures.shadow = undefined
    try {
      return await Promise.race([engine[name](params), panic()])
    } catch (error) {
      throw describeFailure(error, method, params, failures)
    }
  }
  const urlOf = (datasource) => (datasource?.tag === 'ConnectionString' ? datasource.url : url)

  if (passedOn.has(method)) return (await call(url, method)) ?? {}
  switch (method) {
    case 'createMigration':
    case 'evaluateDataLoss':
      try {
        return await call(url, method)
      } catch (error) {
        if (!/provided through an external factory/.test(error.message)) throw error
        // These two read the history's schema from the engine's cache and cannot fill it. `migrate dev` asks
        // them after migrations were applied that the cache has not seen; this call replays and caches those.
        const { engine } = await engines.open(url)
        const { migrationsList, filters } = params
        await engine.diagnoseMigrationHistory({ migrationsList, filters, optInToShadowDatabase: true })
        return call(url, method)
      }
    case 'diff': {
      const connected = [params.from, params.to].some(({ tag }) => tag === 'schemaDatasource')
      const { stdout, ...result } = await call(url, 'diff', { offline: !connected })
      // The native engine prints through the CLI, one line end short.
      if (stdout) await print(stdout.replace(/\n$/, ''))
      return { ...result, stdout: null }
    }
    case 'dbExecute':
      return (await call(params.datasourceType?.url ?? url, method)) ?? null
    case 'ensureConnectionValidity':
      return call(urlOf(params?.datasource), method)
    case 'getDatabaseVersion':
      return call(urlOf(params?.datasource), 'version')
    case 'createDatabase':
      return { databaseName: await createDatabase(urlOf(params?.datasource)) }
    default:
      throw Object.assign(new Error(`The schema engine has no method ${method}.`), { rpcCode: -32601 })
  }
}

/**
 * Gives a failure of the WebAssembly engine the code and the text of the native one, which knows what its own
 * driver said. A panic is reported as a plain error: the CLI would offer to send a crash report.
 */
function describeFailure(error, method, params, failures) {
  if (error instanceof WebAssembly.RuntimeError) {
    // The first line says where. What follows can hold the catalog rows that it stumbled over.
    const [where = error.message] = panicMessage?.split('\n') ?? []
    return new EngineError(`The schema engine failed: ${where}`)
  }
  if (failures.shadow !== undefined) {
    const { code, message } = failures.shadow
    const reason = code === undefined ? message : `Error code: ${code}\n${message}`
    return new EngineError(
      `Prisma Migrate could not create the shadow database. Please make sure the database user has permission to create databases. Read more about the shadow database (and workarounds) at https://pris.ly/d/migrate-shadow\n\nOriginal error: ${reason}`,
      'P3014',
    )
  }
  // The spans of the engine's Rust code say nothing to the reader of a migration.
  const message = error.message
    .replace(/\n\s+0: [\w:]+\n[\s\S]*$/, '')
    .replace(/^external connector error\n/, '')
  const failed = failures.script
  if (failed === undefined) return new EngineError(message, error.code)

  const sqlState = failed.error.code ?? 'none'
  if (method === 'applyMigrations' && error.code === undefined) {
    const migration = params.migrationsList.migrationDirectories.find(
      ({ migrationFile }) => migrationFile.content.value === failed.script,
    )
    const name = migration?.path ?? 'unknown'
    return new EngineError(
      `A migration failed to apply. New migrations cannot be applied before the error is recovered from. Read more about how to resolve migration issues in a production database: https://pris.ly/d/migrate-resolve\n\nMigration name: ${name}\n\nDatabase error code: ${sqlState}\n\nDatabase error:\n${describeScriptError(failed)}`,
      'P3018',
      { migration_name: name, database_error_code: sqlState },
    )
  }
  if (error.code === 'P3006') {
    const [summary] = message.split('\nError')
    return new EngineError(
      `${summary}\nError code: ${sqlState}\nError:\n${describeScriptError(failed)}`,
      error.code,
    )
  }
  return new EngineError(message, error.code)
}

/**
 * A driver's error in a script, with the line it points at. DETAIL is left out: it quotes rows
 * (`Key (email)=(…) already exists`), and this text ends in the logs of a build.
 */
function describeScriptError({ script, error }) {
  const lines = [`${error.severity ?? 'ERROR'}: ${error.message}`]
  if (error.hint) lines.push(`HINT: ${error.hint}`)
  const position = Number(error.position)
  if (position > 0) {
    // The position counts characters, from 1, and not UTF-16 units.
    const before = [...script].slice(0, position - 1).join('')
    const line = before.split('\n').length
    const text = script.split('\n')
    lines.push('', 'Position:')
    for (let number = Math.max(1, line - 4); number <= line; number++) {
      lines.push(`${number === line ? '>' : ' '}${String(number).padStart(4)} ${text[number - 1]}`)
    }
  }
  return lines.join('\n')
}

// ---- the two ways the CLI talks to the engine ------------------------------------------------------------

/** JSON-RPC over stdio. Calls run one after the other: they share one session. */
async function serve(context) {
  const prints = new Map()
  let nextPrint = 1
  const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  const print = (content) =>
    new Promise((resolve) => {
      const id = nextPrint++
      prints.set(id, resolve)
      send({ id, method: 'print', params: { content } })
    })
  const answer = async ({ id, method, params }) => {
    try {
      send({ id, result: await callMethod(method, params, { ...context, print }) })
    } catch (error) {
      send({ id, error: rpcError(error) })
    }
  }

  let previous = Promise.resolve()
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() === '') continue
    const message = JSON.parse(line)
    if (message.method === undefined) {
      prints.get(message.id)?.()
      prints.delete(message.id)
    } else {
      previous = previous.then(() => answer(message))
    }
  }
  // The CLI has its answers, or is dead: either way nobody waits for a call that still runs.
}

function rpcError(error) {
  if (error.rpcCode !== undefined) return { code: error.rpcCode, message: error.message }
  return {
    code: 4466,
    message: 'An error happened. Check the data field for details.',
    data: {
      is_panic: false,
      message: error.message,
      meta: error.meta ?? {},
      ...(isPrismaCode(error.code) ? { error_code: error.code } : {}),
    },
  }
}

function isPrismaCode(code) {
  return typeof code === 'string' && /^P\d{4}$/.test(code)
}

/** `schema-engine cli <command>`: success is the exit code, a failure one JSON line on stderr. */
async function runCommand(command, url) {
  const log = (level, target, fields) =>
    process.stderr.write(
      `${JSON.stringify({ timestamp: new Date().toISOString(), level, fields, target })}\n`,
    )
  // The CLI skips the first line unread.
  log('INFO', 'schema_engine', { message: 'Starting schema engine CLI' })
  try {
    if (command === 'can-connect-to-database') await withClient(parseUrl(url), async () => {})
    else if (command === 'create-database') await createDatabase(url)
    else throw new Error(`The schema engine has no command ${command}.`)
    return 0
  } catch (error) {
    const code = isPrismaCode(error.code) ? error.code : ''
    log('ERROR', 'schema_engine::logger', { is_panic: false, error_code: code, message: error.message })
    return 1
  }
}

async function exit(code) {
  // A statement that still runs keeps its pool open; the server notices by itself that nobody reads it.
  await Promise.race([Promise.allSettled([...resources].map((dispose) => dispose())), sleep(gracePeriod)])
  process.exit(code)
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  strict: false,
  options: {
    datamodels: { type: 'string', short: 'd', multiple: true },
    datasource: { type: 'string' },
    'enabled-preview-features': { type: 'string' },
    'extension-types': { type: 'string' },
    version: { type: 'boolean', short: 'V' },
  },
})

if (values.version) {
  const { version } = await loadEngine()
  process.stdout.write(`schema-engine-wasm ${version()}\n`)
  await exit(0)
} else {
  const { url, shadowDatabaseUrl } = JSON.parse(values.datasource ?? '{}')
  if (positionals[0] === 'cli') {
    await exit(await runCommand(positionals[1], url))
  } else {
    const datamodels = values.datamodels?.map((path) => [path, readFileSync(path, 'utf8')])
    await serve({ engines: new Engines(datamodels, shadowDatabaseUrl), url })
    await exit(0)
  }
}
