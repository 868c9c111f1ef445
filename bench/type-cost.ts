import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Cleanup } from './cleanup.ts'
import { interleave, type RoundsPlan, ratio } from './measure.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')

/** What the compiler has to do for fifty queries of a tenant client, as multiples of the same ones of Prisma's. */
export interface TypeCost {
  /** Of the time that it checks types for. */
  readonly checkTime: number
  /** Of the types that it makes of generic ones, which is the same in each run. */
  readonly instantiations: number
}

const clients = [
  { name: 'plain', type: 'PrismaClient', from: './dist/bundled.js' },
  { name: 'tenant', type: 'BundledTenantClient', from: './dist/index.js' },
] as const

/**
 * Has the compiler check `type-queries.ts` with either client, in turns, against the declarations that an application
 * gets: with the package's sources it would check those as well.
 */
export async function measureTypeCost(plan: RoundsPlan, cleanup: Cleanup): Promise<TypeCost> {
  // below the repository, where the declarations find Prisma's, and ignored by git
  const parent = join(root, '.doublehull')
  mkdirSync(parent, { recursive: true })
  const folder = await cleanup.acquire(
    async () => mkdtempSync(join(parent, 'type-cost-')),
    async (made) => rmSync(made, { recursive: true, force: true }),
  )
  await compile(
    '-p',
    join(root, 'tsconfig.build.json'),
    '--emitDeclarationOnly',
    '--outDir',
    join(folder, 'dist'),
  )
  const queries = readFileSync(join(import.meta.dirname, 'type-queries.ts'), 'utf8')
  const projects = clients.map(({ name, type, from }) => {
    const source = queries.replace(
      /^import type .*$/m,
      () => `import type { ${type} as Client } from '${from}'`,
    )
    writeFileSync(join(folder, `${name}.ts`), source)
    const project = join(folder, `${name}.json`)
    const config = { extends: join(root, 'tsconfig.json'), include: [], files: [`${name}.ts`] }
    writeFileSync(project, JSON.stringify(config))
    return { name, project }
  })
  const counts = new Map<string, number[]>(projects.map(({ name }) => [name, []]))
  const times = await interleave(projects, plan, async ({ name, project }) => {
    const output = await compile('-p', project, '--extendedDiagnostics', '--singleThreaded')
    counts.get(name)?.push(figureOf(output, 'Instantiations'))
    return figureOf(output, 'Check time')
  })
  return {
    checkTime: ratio(times, 'tenant', 'plain'),
    instantiations: ratio(counts, 'tenant', 'plain'),
  }
}

/** @throws Error with what the compiler says, where the queries don't compile */
async function compile(...args: readonly string[]): Promise<string> {
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json')
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly bin: { readonly tsc: string } }
  try {
    const { stdout } = await run(process.execPath, [join(dirname(manifest), bin.tsc), ...args], {
      cwd: root,
      // the compiler's collector would run in the middle of one check and not of the other
      env: { ...process.env, GOGC: 'off' },
    })
    return stdout
  } catch (error) {
    throw new Error((error as { readonly stdout?: string }).stdout || 'the compiler failed', { cause: error })
  }
}

function figureOf(diagnostics: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+([\\d.]+)`, 'm').exec(diagnostics)?.[1])
}
