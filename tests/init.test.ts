import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { withScript } from '../src/cli/init/package-script.ts'
import type { PlannedFile } from '../src/cli/init/planned-file.ts'
import { addDirectives } from '../src/cli/init/schema-edits.ts'
import { terminalOn } from '../src/cli/init/terminal.ts'
import { writeFiles } from '../src/cli/init/write-files.ts'
import { runInit } from '../src/cli/init.ts'
import type { Manifest } from '../src/manifest/manifest.ts'
import { runPrisma } from './fixtures/prisma-cli.ts'

const home = process.cwd()
const workshops: string[] = []

afterEach(() => {
  process.chdir(home)
  for (const folder of workshops.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A copy of one of the projects of `fixtures/init`, in which the commands of this test run. */
function enter(fixture: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'doublehull-init-'))
  workshops.push(folder)
  cpSync(join(import.meta.dirname, 'fixtures/init', fixture), folder, { recursive: true })
  process.chdir(folder)
  return folder
}

interface Run {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs the command as without a terminal, or with one into which somebody has typed these lines. */
async function init(args: readonly string[], typed?: readonly string[]): Promise<Run> {
  let out = ''
  let err = ''
  const input = new PassThrough()
  const opened = typed && terminalOn({ input, output: new PassThrough() })
  input.end(typed?.map((line) => `${line}\n`).join(''))
  const output = {
    stdout: (line: string) => void (out += `${line}\n`),
    stderr: (line: string) => void (err += `${line}\n`),
    colours: false,
  }
  const code = await runInit(args, output, opened?.terminal)
  opened?.close()
  return { code, out, err }
}

/** All files of a folder with their texts. */
function texts(folder: string): Readonly<Record<string, string>> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  return Object.fromEntries(
    names.map((entry) => {
      const path = join(entry.parentPath, entry.name)
      return [relative(folder, path).split(sep).join('/'), readFileSync(path, 'utf8')] as const
    }),
  )
}

function scopesIn(file: string): Readonly<Record<string, string>> {
  const { models } = JSON.parse(readFileSync(file, 'utf8')) as Manifest
  return Object.fromEntries(
    Object.entries(models).map(([name, { scope }]) => [
      name,
      'field' in scope
        ? `${scope.kind} ${scope.field}`
        : 'relation' in scope
          ? `${scope.kind} ${scope.relation}`
          : scope.kind,
    ]),
  )
}

const settled = [
  '--tenant-model',
  'Company',
  '--scope',
  'Payment=through(invoice)',
  '--scope',
  'WebhookCall=system',
  '--no-migration',
]

describe('a schema that leaves no doubt', () => {
  it('is set up, and is a schema that Prisma generates from', async () => {
    const folder = enter('plain')
    const run = await init(['--yes', '--no-migration'])
    expect(run).toMatchObject({ code: 0, err: '' })
    expect(scopesIn('src/generated/tenancy.json')).toEqual({
      Team: 'root id',
      Project: 'direct teamId',
      Task: 'through project',
    })
    const written = readFileSync('src/generated/tenancy.ts', 'utf8')
    const prisma = await runPrisma(folder, 'generate', '--no-hints')
    expect(prisma, prisma.output).toMatchObject({ code: 0 })
    expect(readFileSync('src/generated/tenancy.ts', 'utf8')).toBe(written)
  })

  it('gains the block of the generator, behind the others, and not another byte', async () => {
    const folder = enter('plain')
    const before = readFileSync('prisma/schema.prisma', 'utf8')
    await init(['--yes', '--no-migration'])
    const block = `

generator tenancy {
  provider    = "doublehull"
  output      = "../src/generated"
  tenantModel = "Team"
  tenantField = "teamId"
}`
    const after = texts(folder)['prisma/schema.prisma']
    expect(after).toBe(before.replace('} // the only one', `} // the only one${block}`))
  })

  it('shows as a diff exactly what it then changes', async () => {
    const folder = enter('plain')
    writeFileSync('package.json', '{\n  "name": "shop",\n  "files": ["a", "b"]\n}\n')
    const { out } = await init(['--dry-run', '--no-migration', '--whole-diff', '--ci', 'github'])
    const before = texts(folder)
    await init(['--yes', '--no-migration', '--ci', 'github'])
    const after = texts(folder)
    for (const path of readdirSync(folder)) rmSync(join(folder, path), { recursive: true })
    for (const [path, text] of Object.entries(before)) {
      cpSync(join(import.meta.dirname, 'fixtures/init/plain'), folder, { recursive: true })
      if (path === 'package.json') writeFileSync(path, text)
    }
    const applied = spawnSync('git', ['apply', '--whitespace=nowarn'], {
      input: out.slice(out.indexOf('--- ')),
    })
    expect(applied.stderr.toString()).toBe('')
    expect(texts(folder)).toEqual(after)
    expect(
      Object.keys(after)
        .filter((path) => before[path] !== after[path])
        .sort(),
    ).toEqual(
      [
        '.env.example',
        'package.json',
        '.github/workflows/tenancy.yml',
        'prisma/schema.prisma',
        'src/generated/tenancy.json',
        'src/generated/tenancy.ts',
      ].sort(),
    )
  })

  it('has nothing to do the second time, and proposes only what is new the third', async () => {
    const folder = enter('plain')
    await init(['--yes', '--no-migration'])
    const first = texts(folder)
    expect(await init(['--yes', '--no-migration'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/\nnothing to do\n$/) as string,
    })
    expect(texts(folder)).toEqual(first)

    writeFileSync('prisma/schema.prisma', `${first['prisma/schema.prisma']}\nmodel Plan {\n  id Int @id\n}\n`)
    const grown = await init(['--yes', '--no-migration'])
    expect(grown.code).toBe(2)
    expect(grown.err).toMatch(/^1 of 4 models need a scope/)
    expect(await init(['--yes', '--no-migration', '--scope', 'Plan=global'])).toMatchObject({ code: 0 })
    expect(texts(folder)['prisma/schema.prisma']).toBe(
      `${first['prisma/schema.prisma']}\n/// @tenancy.global\nmodel Plan {\n  id Int @id\n}\n`,
    )
    expect(scopesIn('src/generated/tenancy.json')).toMatchObject({ Plan: 'global' })
  })

  it('is left as it is by --dry-run, without --yes and without a terminal, and where the answer is no', async () => {
    const folder = enter('plain')
    const before = texts(folder)
    expect(await init(['--dry-run', '--no-migration'])).toMatchObject({ code: 0 })
    expect(await init(['--no-migration'])).toMatchObject({
      code: 2,
      err: 'doublehull init: nothing was written; give --yes to write it, or --dry-run to look at it\n',
    })
    expect(await init(['--no-migration'], ['', 'n'])).toMatchObject({ code: 1 })
    expect(texts(folder)).toEqual(before)
  })
})

describe('the first migrations', () => {
  it('are written where the tables have theirs, and are due no more the second time', {
    timeout: 120_000,
  }, async () => {
    const folder = enter('plain')
    const none = await init(['--yes'])
    expect(none).toMatchObject({ code: 0 })
    expect(none.out).toContain('note: no migration is written yet: DH401')

    const tables = ['--from-empty', '--to-schema', 'prisma/schema.prisma', '--script']
    const diff = await runPrisma(folder, 'migrate', 'diff', ...tables)
    expect(diff, diff.output).toMatchObject({ code: 0 })
    mkdirSync('prisma/migrations/0_init', { recursive: true })
    writeFileSync('prisma/migrations/0_init/migration.sql', diff.stdout)
    expect(await init(['--yes'])).toMatchObject({ code: 0, err: '' })
    const written = Object.entries(texts(join(folder, 'prisma/migrations')))
    expect(
      written.some(([path, sql]) => path.endsWith('_tenancy/migration.sql') && sql.includes('"Task"')),
    ).toBe(true)
    expect((await init(['--yes'])).out).toMatch(/\nnothing to do\n$/)
  })
})

describe('a schema in several files', () => {
  it('keeps its line endings, its indents and its remarks', async () => {
    const folder = enter('folder')
    const before = texts(folder)
    const run = await init([
      '--yes',
      '--no-migration',
      '--scope',
      'Person=member(seats)',
      '--scope',
      'Currency=global',
    ])
    expect(run).toMatchObject({ code: 0, err: '' })
    const after = texts(folder)
    const [people, orders] = ['prisma/schema/people.prisma', 'prisma/schema/shop/orders.prisma']
    expect(after[people]).toBe(
      before[people]?.replace('model Person', '/// @tenancy.member(seats)\r\nmodel Person'),
    )
    expect(after[orders]).toBe(
      before[orders]?.replace('  model Currency', '  /// @tenancy.global\n  model Currency'),
    )
    expect(after['prisma/schema/main.prisma']).toContain('output      = "../../generated"')
    const prisma = await runPrisma(folder, 'validate', '--schema', 'prisma/schema')
    expect(prisma, prisma.output).toMatchObject({ code: 0 })
  })
})

describe('nullable keys', () => {
  it('are asked about, and each answer settles its model', async () => {
    enter('mapped')
    const run = await init(['--no-migration', '--ci', 'none'], ['', '1', '2', 'y'])
    expect(run).toMatchObject({ code: 0, err: '' })
    expect(scopesIn('generated/tenancy.json')).toEqual({
      Workspace: 'root id',
      Document: 'direct workspaceId',
      Template: 'shared workspaceId',
    })
    expect(readFileSync('prisma/schema.prisma', 'utf8')).toContain(
      '/// Ready-made ones belong to no workspace.\n/// @tenancy.shared\nmodel Template {',
    )
  })

  it('go into doublehull.json where the schema is not to be edited', async () => {
    const folder = enter('mapped')
    const before = texts(folder)
    const args = [
      '--config',
      '--yes',
      '--no-migration',
      '--scope',
      'Document=key(workspaceId)',
      '--scope',
      'Template=shared',
    ]
    expect(await init(args)).toMatchObject({ code: 0, err: '' })
    expect(texts(folder)['prisma/schema.prisma']).toBe(before['prisma/schema.prisma'])
    expect(JSON.parse(readFileSync('doublehull.json', 'utf8'))).toEqual({
      schema: 'prisma/schema.prisma',
      output: 'generated',
      tenantModel: 'Workspace',
      tenantField: ['workspaceId'],
      models: { Document: ['key(workspaceId)'], Template: ['shared'] },
    })
    expect(await init(['--yes', '--no-migration'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('nothing to do') as string,
    })
  })
})

describe('what cannot be known', () => {
  it('is told with the flags that settle it, and nothing is written', async () => {
    const folder = enter('doubtful')
    const before = texts(folder)
    const tenants = await init(['--yes'])
    expect(tenants).toMatchObject({ code: 2, out: '' })
    expect(tenants.err).toMatch(
      /^DH304: several models may be the tenant; choose with --tenant-model Company .* or --tenant-model Account/,
    )
    const scopes = await init(['--yes', '--tenant-model', 'Company'])
    expect(scopes.code).toBe(2)
    expect(scopes.err).toContain("--scope 'Payment=through(account)'")
    expect(scopes.err).toContain("--scope 'Payment=through(invoice)'")
    expect(scopes.err).toContain('--scope WebhookCall=system')
    expect(scopes.err).not.toContain('Receipt')
    expect(texts(folder)).toEqual(before)
  })

  it('is asked one after the other, so that one answer settles those that hang on it', async () => {
    enter('doubtful')
    const run = await init(['--no-migration'], ['1', '2', '1', 'y'])
    expect(run).toMatchObject({ code: 0, err: '' })
    expect(scopesIn('generated/tenancy.json')).toMatchObject({
      Payment: 'through invoice',
      Receipt: 'through payment',
      WebhookCall: 'system',
    })
  })

  it('ends the command where the terminal goes away, or asks again where the answer is none', async () => {
    const folder = enter('doubtful')
    const before = texts(folder)
    expect(await init(['--no-migration'], ['9', 'Company', '1', '1'])).toMatchObject({
      code: 2,
      err: '\nstopped; nothing was written\n',
    })
    expect(texts(folder)).toEqual(before)
  })

  it('never waits without a terminal', () => {
    const folder = enter('doubtful')
    const cli = join(home, 'src/cli/main.ts')
    const run = spawnSync(join(home, 'node_modules/.bin/tsx'), [cli, 'init'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
      timeout: 25_000,
    })
    expect(run).toMatchObject({ status: 2, signal: null })
    expect(run.stderr).toContain('--tenant-model Company')
  })

  it.each([
    [['--scope', 'Nobody=system'], 'names no model of the schema'],
    [['--scope', 'Payment'], 'takes Model=directive for --scope'],
    [['--tenant-model', 'Nobody'], '--tenant-model Nobody names no model of the schema'],
    [['--schema', 'missing.prisma'], 'missing.prisma cannot be read'],
    [['--ci', 'jenkins'], 'takes github, gitlab or none for --ci'],
    [['--frobnicate'], 'does not know --frobnicate'],
  ])('%j is refused in one sentence', async (args, sentence) => {
    const folder = enter('doubtful')
    const before = texts(folder)
    const run = await init(['--tenant-model', 'Company', ...args, '--yes'])
    expect(run).toMatchObject({ code: 2, out: '' })
    expect(run.err).toContain(sentence)
    expect(run.err.trim().split('\n')).toHaveLength(1)
    expect(texts(folder)).toEqual(before)
  })

  it('a schema that is invalid, has no model, or is of another database is refused', async () => {
    enter('plain')
    for (const [text, sentence] of [
      ['model A {\n  id Nothing\n}\n', 'is no valid Prisma schema'],
      ['datasource db {\n  provider = "postgresql"\n}\n', 'has no model'],
      ['datasource db {\n  provider = "mysql"\n}\nmodel A {\n  id Int @id\n}\n', 'PostgreSQL'],
      [
        'datasource db {\n  provider = "postgresql"\n}\nmodel A {\n  id Int @id\n}\n',
        'no model looks like a tenant; name it with --tenant-model',
      ],
    ] as const) {
      writeFileSync('prisma/schema.prisma', text)
      const run = await init(['--yes'])
      expect(run).toMatchObject({ code: 2, out: '' })
      expect(run.err).toContain(sentence)
    }
  })
})

describe('a schema of Prisma 6', () => {
  it('is told what Prisma 7 needs, and keeps its addresses unless told otherwise', async () => {
    enter('doubtful')
    const kept = await init(['--yes', ...settled])
    expect(kept).toMatchObject({ code: 0 })
    expect(kept.out).toContain('the datasource has url, which Prisma 7 refuses there')
    expect(readFileSync('prisma/schema.prisma', 'utf8')).toContain('url      = env("DATABASE_URL")')
  })

  it('is one of Prisma 7 with --prisma-7', async () => {
    const folder = enter('doubtful')
    // as an application has it: its prisma.config.ts imports Prisma's
    symlinkSync(join(home, 'node_modules'), 'node_modules')
    expect(await init(['--yes', '--prisma-7', ...settled])).toMatchObject({ code: 0, err: '' })
    const prisma = await runPrisma(folder, 'validate')
    expect(prisma, prisma.output).toMatchObject({ code: 0 })
    expect(prisma.output).toContain('prisma.config.ts')
  })

  it('keeps an address that is no variable, and says so', async () => {
    const folder = enter('doubtful')
    const schema = readFileSync('prisma/schema.prisma', 'utf8').replace(
      'env("DATABASE_URL")',
      '"postgresql://localhost/app"',
    )
    writeFileSync('prisma/schema.prisma', schema)
    const run = await init(['--yes', '--prisma-7', ...settled])
    expect(run).toMatchObject({ code: 2 })
    expect(run.err).toContain('--prisma-7 moves addresses that are variables')
    expect(texts(folder)).toEqual({ 'prisma/schema.prisma': schema })
  })
})

describe('--json', () => {
  it('prints one object, with the proposal and the changes', async () => {
    const folder = enter('plain')
    const before = texts(folder)
    const run = await init(['--json', '--dry-run', '--no-migration'])
    expect(run).toMatchObject({ code: 0, err: '' })
    expect(JSON.parse(run.out)).toMatchObject({
      written: false,
      tenantModel: 'Team',
      tenantField: ['teamId'],
      models: [
        { model: 'Team', scope: 'root(id)' },
        { model: 'Project', scope: 'direct(teamId)' },
        { model: 'Task', scope: 'through(project)' },
      ],
      files: [
        { path: 'prisma/schema.prisma', isNew: false },
        { path: 'src/generated/tenancy.ts', isNew: true },
        {},
        { path: '.env.example' },
      ],
    })
    expect(texts(folder)).toEqual(before)
  })
})

describe('writing', () => {
  const file = (path: string, before: string | undefined, after: string): PlannedFile => ({
    path,
    before,
    after,
    isGenerated: false,
  })

  it('leaves everything as it was where one file cannot be written', () => {
    const folder = enter('plain')
    writeFileSync('blocked', '')
    const before = texts(folder)
    const schema = before['prisma/schema.prisma'] ?? ''
    expect(() =>
      writeFiles([
        file('prisma/schema.prisma', schema, 'changed'),
        file('new/folder/a.txt', undefined, 'a'),
        file('blocked/b.txt', undefined, 'b'),
      ]),
    ).toThrow(/blocked/)
    expect(texts(folder)).toEqual(before)
    expect(existsSync('new')).toBe(false)
  })

  it('puts back what had taken its place already', () => {
    const folder = enter('plain')
    const before = texts(folder)
    const schema = before['prisma/schema.prisma'] ?? ''
    expect(() =>
      writeFiles([
        file('prisma/schema.prisma', schema, 'changed'),
        file('prisma', undefined, 'no folder any more'),
      ]),
    ).toThrow(/prisma/)
    expect(texts(folder)).toEqual(before)
  })

  it('does not overwrite what was changed in the meantime', () => {
    const folder = enter('plain')
    const before = texts(folder)
    expect(() => writeFiles([file('prisma/schema.prisma', 'as it was', 'changed')])).toThrow(
      /was changed in the meantime/,
    )
    expect(texts(folder)).toEqual(before)
  })

  it('keeps who may read and write a file', () => {
    enter('plain')
    writeFileSync('secret', 'a')
    chmodSync('secret', 0o600)
    writeFiles([file('secret', 'a', 'b')])
    expect(spawnSync('stat', ['-c', '%a', 'secret'], { encoding: 'utf8' }).stdout.trim()).toBe('600')
  })
})

describe('a script in package.json', () => {
  it.each([
    [
      '{\n  "scripts": {\n    "build": "tsc"\n  }\n}\n',
      '{\n  "scripts": {\n    "build": "tsc",\n    "t": "x"\n  }\n}\n',
    ],
    [
      '{\n\t"scripts": {},\n\t"files": ["a"]\n}\n',
      '{\n\t"scripts": {\n\t\t"t": "x"\n\t},\n\t"files": ["a"]\n}\n',
    ],
    ['{\r\n  "name": "a"\r\n}\r\n', '{\r\n  "scripts": {\r\n    "t": "x"\r\n  },\r\n  "name": "a"\r\n}\r\n'],
    ['{}', '{\n  "scripts": {\n    "t": "x"\n  }\n}'],
    ['{"name":"a","scripts":{"b":"c"}}', '{"name":"a","scripts":{"b":"c","t":"x"}}'],
    ['{"name":"a","scripts":{}}', '{"name":"a","scripts":{"t":"x"}}'],
    ['{"name":"a"}\n', '{"scripts":{"t":"x"},"name":"a"}\n'],
    ['{ "name": "a" }', '{ "scripts": { "t": "x" }, "name": "a" }'],
    ['{\n  "scripts": { "b": "c" }\n}\n', '{\n  "scripts": { "b": "c", "t": "x" }\n}\n'],
    ['{\n  "tool": { "scripts": { "t": "}" } },\n  "scripts": { "a": "}" }\n}', undefined],
    ['{\n  "scripts": { "t": "mine" }\n}', '{\n  "scripts": { "t": "mine" }\n}'],
    ['no json', 'no json'],
  ])('is added to %j', (before, after) => {
    const edited = withScript(before, 't', 'x')
    if (after !== undefined) expect(edited).toBe(after)
    else expect(JSON.parse(edited)).toEqual({ tool: { scripts: { t: '}' } }, scripts: { a: '}', t: 'x' } })
  })
})

describe('directives', () => {
  it('are written above models, and nowhere else that looks like one', () => {
    const text =
      '// model A {\nmodel B {\n  a String @default("\\" model A {")\n}\n/* model A {\n} */\n\tview A {\n}\nmodel AB {\n}'
    expect(addDirectives(text, new Map([['A', ['@tenancy.key(x)', '@tenancy.shared']]]))).toBe(
      text.replace('\tview A', '\t/// @tenancy.key(x)\n\t/// @tenancy.shared\n\tview A'),
    )
  })
})
