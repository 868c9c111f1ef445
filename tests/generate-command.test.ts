import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { generateCommand } from '../src/cli/generate.ts'
import { isTenancyError, type TenancyError } from '../src/errors.ts'
import { parseManifest } from '../src/manifest/parse-manifest.ts'
import { readProject } from '../src/manifest/project.ts'

const schema = `generator client {
  provider = "prisma-client"
  output   = "../src/client"
}

datasource db {
  provider = "postgresql"
}

model Team {
  id String @id

  notes Note[]
}

model Note {
  id     String @id
  teamId String
  team   Team   @relation(fields: [teamId], references: [id])
}

/// @tenancy.global
model Country {
  id String @id
}
`
const config = { tenantModel: 'Team', tenantField: 'teamId' }

const home = process.cwd()
let project: string

beforeEach(() => {
  // as the command sees it, where the folder for temporary files is a link
  project = realpathSync(mkdtempSync(join(tmpdir(), 'doublehull-generate-')))
  write({ 'package.json': '{}', 'prisma/schema.prisma': schema, 'doublehull.json': JSON.stringify(config) })
  mkdirSync(join(project, 'src'))
  process.chdir(project)
})
afterEach(() => {
  process.chdir(home)
  rmSync(project, { recursive: true, force: true })
})

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(project, name)), { recursive: true })
    writeFileSync(join(project, name), text)
  }
}

async function generate(
  ...args: readonly string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const lines = { stdout: '', stderr: '' }
  const code = await generateCommand.run(args, {
    stdout: (line) => {
      lines.stdout += `${line}\n`
    },
    stderr: (line) => {
      lines.stderr += `${line}\n`
    },
    colours: false,
  })
  return { code, ...lines }
}

describe('doublehull generate', () => {
  it('writes both files, and tells what a person should know of them', async () => {
    expect(await generate()).toEqual({
      code: 0,
      stdout: 'written src/generated/tenancy.ts\nwritten src/generated/tenancy.json\n',
      stderr:
        'tenancy: 3 models: 1 root, 1 direct, 1 global\n  global, every tenant reads every row: Country\n',
    })
    const { manifest } = (await import(join(project, 'src/generated/tenancy.ts'))) as { manifest: unknown }
    expect(readProject('src/generated/tenancy.json')).toEqual({
      manifest,
      schema: join(project, 'prisma/schema.prisma'),
      client: { provider: 'prisma-client', path: join(project, 'src/client') },
    })
  })

  it('writes what a manifest is to those who know nothing of schema and client', async () => {
    await generate()
    const text = readFileSync('src/generated/tenancy.json', 'utf8')
    expect(JSON.parse(text)).toMatchObject({
      schema: '../../prisma/schema.prisma',
      client: { provider: 'prisma-client', path: '../client' },
    })
    expect(Object.keys(parseManifest(text, 'tenancy.json'))).toEqual([
      'version',
      'tenantModel',
      'tenantIdType',
      'models',
      'joinTables',
      'hidden',
    ])
  })

  it('tells with --check whether the files are up to date, and writes nothing', async () => {
    expect(await generate('--check')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        'not up to date: src/generated/tenancy.ts, src/generated/tenancy.json',
      ) as string,
    })
    await generate()
    expect(await generate('--check')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('up to date') as string,
    })
    write({ 'prisma/schema.prisma': schema.replace('model Country', 'model Land') })
    const before = readFileSync('src/generated/tenancy.ts', 'utf8')
    expect((await generate('--check')).code).toBe(1)
    expect(readFileSync('src/generated/tenancy.ts', 'utf8')).toBe(before)
  })

  it('takes paths from its flags before those of doublehull.json, and those before the generator block’s', async () => {
    const block = `generator tenancy {\n  provider = "doublehull"\n  output = "../block"\n  tenantModel = "Team"\n  tenantField = "teamId"\n}\n`
    write({ 'other/schema.prisma': schema + block })
    expect((await generate('--schema', 'other/schema.prisma')).stdout).toContain('written block/tenancy.ts')
    write({ 'doublehull.json': JSON.stringify({ schema: 'other/schema.prisma', output: 'elsewhere' }) })
    expect((await generate()).stdout).toContain('written elsewhere/tenancy.ts')
    expect((await generate('--output', 'flag')).stdout).toContain('written flag/tenancy.ts')
  })

  it('answers with 1 and the lines to write where a model has no scope, and as JSON with what is known of each', async () => {
    write({ 'prisma/schema.prisma': schema.replace('/// @tenancy.global', '') })
    expect(await generate()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        '  - Country: nothing leads to a tenant; add a tenant field; write /// @tenancy.system or /// @tenancy.global',
      ) as string,
    })
    const { code, stdout } = await generate('--json')
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      manifest: null,
      models: [
        { model: 'Team', scope: { kind: 'root' }, severity: 'settled' },
        { model: 'Note', scope: { kind: 'direct' }, severity: 'settled' },
        {
          model: 'Country',
          severity: 'problem',
          suggestions: ['/// @tenancy.system', '/// @tenancy.global'],
        },
      ],
    })
    write({ 'doublehull.json': JSON.stringify({ ...config, strict: false }) })
    expect(await generate()).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('guessed for Country: /// @tenancy.system') as string,
    })
  })

  it.each<readonly [string, string, string]>([
    ['no JSON', '{', 'doublehull.json is no JSON'],
    [
      'settings that there are not',
      '{ "tenant": "Team" }',
      'doublehull.json has settings that there are not (tenant)',
    ],
    [
      'a directive that is no list',
      '{ "models": { "Country": "global" } }',
      'is not understood at models.Country',
    ],
    ['no tenant', '{}', 'doublehull.json does not name the tenant; write "tenantModel": "Tenant"'],
  ])('answers with 2 to a doublehull.json with %s', async (_, text, message) => {
    write({ 'doublehull.json': text })
    expect(await generate()).toMatchObject({ code: 2, stderr: expect.stringContaining(message) as string })
  })

  it('answers with 2 where block and doublehull.json contradict', async () => {
    const block = `generator tenancy {\n  provider = "doublehull"\n  tenantModel = "Country"\n}\n`
    write({ 'prisma/schema.prisma': schema + block })
    expect(await generate()).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('each have a tenantModel, and not the same; keep one') as string,
    })
  })

  it('answers with 2 where a file stands in the place of the folder', async () => {
    write({ generated: '' })
    const { code, stderr } = await generate('--output', 'generated')
    expect(stderr).toMatch(/^DH304: .*generated\/tenancy\.ts cannot be written; may you write there\?\n$/)
    expect(code).toBe(2)
  })

  it('answers with 2 where there is no schema, and to a call that it does not understand', async () => {
    rmSync(join(project, 'prisma'), { recursive: true })
    expect(await generate()).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no Prisma schema in prisma/schema.prisma') as string,
    })
    expect((await generate('--write')).code).toBe(2)
    expect(await generate('--help')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('--check') as string,
    })
  })

  it('a tenancy.json of the time before tells that it must be written anew', async () => {
    await generate()
    const path = join(project, 'src/generated/tenancy.json')
    const { schema: _, ...rest } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
    writeFileSync(path, JSON.stringify(rest))
    let refusal: unknown
    try {
      readProject(path)
    } catch (error) {
      refusal = error
    }
    expect(isTenancyError(refusal, 'DH304')).toBe(true)
    expect((refusal as TenancyError).message).toContain('write it anew with prisma generate')
  })
})
