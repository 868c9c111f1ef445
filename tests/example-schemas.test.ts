import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generateCommand } from '../src/cli/generate.ts'
import type { ModelClassification } from '../src/manifest/classification.ts'
import { readProject } from '../src/manifest/project.ts'
import { type FlowEnd, faultsOf, gapsOf, proveProject } from './support/project-flow.ts'

// Public schemas, as data beside the repository; the traps they have are in classification.test.ts too
const folder = process.env['DOUBLEHULL_EXAMPLES'] ?? join(import.meta.dirname, '../../shared/examples')

/** What a schema's own facts say of it. */
interface Facts {
  readonly root: readonly string[]
  readonly direct: readonly { readonly model: string; readonly nullable: boolean }[]
  readonly indirect: readonly { readonly model: string; readonly via: readonly string[] }[]
  readonly global: readonly { readonly model: string }[]
  readonly ignored: readonly string[]
}

const home = process.cwd()
let project: string

afterAll(() => process.chdir(home))

/** Runs the command in the project, and returns its exit code and what it printed. */
async function generate(
  ...args: readonly string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  let stdout = ''
  let stderr = ''
  const code = await generateCommand.run(args, {
    stdout: (line) => {
      stdout += `${line}\n`
    },
    stderr: (line) => {
      stderr += `${line}\n`
    },
    colours: false,
  })
  return { code, stdout, stderr }
}

async function classified(): Promise<Readonly<Record<string, ModelClassification>>> {
  const { stdout } = await generate('--json')
  const { models } = JSON.parse(stdout) as { models: readonly ModelClassification[] }
  return Object.fromEntries(models.map((model) => [model.model, model]))
}

const memberships: Readonly<Record<string, string>> = { umami: 'teams', 'saas-starter-kit': 'teamMembers' }

/** What a tenant learns by the keys that a schema has without the tenant in them. */
const keysOf: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  umami: { Link: [tells('slug')], Pixel: [tells('slug')] },
  'saas-starter-kit': { ApiKey: [tells('hashedKey')], Invitation: [tells('token')] },
}

function tells(column: string): string {
  return `the unique key (${column}) answers otherwise for another tenant’s value than for a new one: let the tenant be part of it (DH333)`
}

for (const [name, membership] of Object.entries(memberships)) {
  const example = join(folder, name)
  const isMissing = !existsSync(join(example, 'schema.prisma'))
  const reason = `, skipped: there is no ${name}/schema.prisma in ../shared/examples or DOUBLEHULL_EXAMPLES`
  it.skipIf(isMissing)(`the schema of ${name} is there to be tried${isMissing ? reason : ''}`, () => {
    expect(existsSync(join(example, 'facts.json'))).toBe(true)
  })
  if (isMissing) continue
  describe(`the schema of ${name}`, () => {
    const facts = JSON.parse(readFileSync(join(example, 'facts.json'), 'utf8')) as Facts

    beforeAll(() => {
      // below the repository, where a client finds its runtime
      const parent = join(home, '.doublehull')
      mkdirSync(parent, { recursive: true })
      project = mkdtempSync(join(parent, 'example-'))
      // Prisma 7 has the URL elsewhere
      const text = readFileSync(join(example, 'schema.prisma'), 'utf8').replace(/^ *url .*$/m, '')
      mkdirSync(join(project, 'prisma'))
      writeFileSync(join(project, 'prisma/schema.prisma'), text)
      writeFileSync(join(project, 'package.json'), '{}')
      declare({})
      process.chdir(project)
      return () => {
        process.chdir(home)
        rmSync(project, { recursive: true, force: true })
      }
    })

    function declare(models: Readonly<Record<string, readonly string[]>>): void {
      const config = { tenantModel: facts.root[0], tenantField: 'teamId', output: 'generated', models }
      writeFileSync(join(project, 'doublehull.json'), JSON.stringify(config))
    }

    it('is refused, each model in doubt with its reason and the lines to write', async () => {
      const { code, stderr } = await generate()
      expect(code).toBe(1)
      expect(existsSync(join(project, 'generated'))).toBe(false)
      const doubtful = [
        ...facts.direct.filter(({ nullable }) => nullable).map(({ model }) => model),
        ...facts.global.map(({ model }) => model),
      ]
      const lines = stderr.split('\n').filter((line) => line.startsWith('  - '))
      expect(lines).toHaveLength(doubtful.length)
      expect(new Set(lines.map((line) => line.slice(4).split(':')[0]))).toEqual(new Set(doubtful))
      for (const line of lines) expect(line).toContain('; write /// @tenancy.')
    })

    it('has its traps told', async () => {
      const models = await classified()
      const whys =
        name === 'umami'
          ? {
              Website: '"teamId" is nullable',
              Session: '"websiteId" looks like the key of Website',
              WebsiteEvent: '"websiteId" looks like the key of Website',
              Share: 'has columns that look like keys without a relation: entityId',
            }
          : { Subscription: 'has columns that look like keys without a relation: customerId' }
      for (const [model, why] of Object.entries(whys)) expect(models[model]?.why).toContain(why)
      expect(models['User']?.suggestions[0]).toBe(`/// @tenancy.member(${membership})`)
    })

    it('is classified as its facts say once it is declared', async () => {
      declare(
        Object.fromEntries([
          ...facts.direct.flatMap(({ model, nullable }) => (nullable ? [[model, ['key(teamId)']]] : [])),
          ...facts.global.map(({ model }) => [
            model,
            [model === 'User' ? `member(${membership})` : 'global'],
          ]),
        ]),
      )
      const { code, stderr } = await generate()
      expect(stderr).not.toContain('guessed')
      expect(code).toBe(0)
      const { manifest, schema, client } = readProject(join(project, 'generated/tenancy.json'))
      expect(schema).toBe(join(project, 'prisma/schema.prisma'))
      expect(client?.path ?? null).toBe(name === 'umami' ? join(project, 'src/generated/prisma') : null)
      const scopes = Object.fromEntries(
        Object.entries(manifest.models).map(([model, { scope }]) => [model, scope]),
      )
      expect(scopes).toEqual(
        Object.fromEntries([
          ...facts.root.map((model) => [model, { kind: 'root', field: 'id' }]),
          ...facts.direct.map(({ model, nullable }) => [
            model,
            { kind: 'direct', field: 'teamId', ...(nullable && { nullable }) },
          ]),
          ...facts.indirect.map(({ model, via }) => [
            model,
            { kind: 'through', relation: via[0]?.split(':')[0] },
          ]),
          ...facts.global.map(({ model }) => [
            model,
            model === 'User' ? { kind: 'member', relation: membership } : { kind: 'global' },
          ]),
        ]),
      )
      expect(manifest.hidden.map(({ model }) => model)).toEqual(facts.ignored)
      expect(manifest.tenantIdType).toBe(name === 'umami' ? 'uuid' : 'text')
    })

    describe('with what no tenant may see declared as the system’s', () => {
      let end: FlowEnd

      beforeAll(async () => {
        declare(
          Object.fromEntries([
            ...facts.direct.flatMap(({ model, nullable }) => (nullable ? [[model, ['key(teamId)']]] : [])),
            ...facts.global.map(({ model }) => [
              model,
              [model === 'User' ? `member(${membership})` : 'system'],
            ]),
          ]),
        )
        const { code, stderr } = await generate()
        if (code !== 0) throw new Error(`generate failed:\n${stderr}`)
        const { manifest, schema, client } = readProject(join(project, 'generated/tenancy.json'))
        if (client?.path === null) installClient(project)
        end = await proveProject({
          folder: project,
          schema,
          client: client?.path ?? '@prisma/client',
          manifest,
        })
      }, 300_000)

      it('is verified without a fault', () => {
        expect(faultsOf(end.verified)).toEqual([])
      })

      it('is proven, but for what is told', () => {
        expect(gapsOf(end.report)).toEqual(keysOf[name])
        expect(end.report.leaks).toBe(0)
      })
    })
  })
}

/** The package that a client without an output is generated into, as an installation has it: for PostgreSQL alone. */
function installClient(folder: string): void {
  cpSync(join(home, 'node_modules/@prisma/client'), join(folder, 'node_modules/@prisma/client'), {
    recursive: true,
    filter: (path) => !/(mysql|sqlite|sqlserver|cockroachdb)|\.map$/.test(path),
  })
  // Prisma takes a client for the project's only where its command line stands beside it
  symlinkSync(join(home, 'node_modules/prisma'), join(folder, 'node_modules/prisma'))
}
