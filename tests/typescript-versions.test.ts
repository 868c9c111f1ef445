import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { classify } from '../src/manifest/classify.ts'
import { renderManifest } from '../src/manifest/manifest-files.ts'
import { readSchema } from '../src/manifest/read-schema.ts'
import { buildPackage } from './support/built-package.ts'
import { largeSchema } from './support/large-schema.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
// not by its name in `.bin`: of several compilers one alone has it
const compilers: readonly (readonly [name: string, version: string])[] = [
  'typescript-5.4',
  'typescript-5.9',
  'typescript',
].map((name) => [name, versionOf(name)])

function versionOf(name: string): string {
  const text = readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** An application's own module. Of a client that is any, the expected errors are missing, which is an error. */
const use = `import { createTenancy } from 'doublehull'
import { createTestDatabases } from 'doublehull/testing'
import { PrismaClient } from './generated/prisma/client.ts'
import { manifest } from './generated/tenancy.ts'
import { manifest as large } from './large/tenancy.ts'

type IsAny<T> = 0 extends 1 & T ? true : false
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

const tenancy = createTenancy({ PrismaClient, manifest, connectionString: '' })
const db = tenancy.client({ tenantId: '' })
export const clientIsAny: IsAny<typeof db> = false
export const delegateIsAny: IsAny<typeof db.configPackage> = false
export const names = () => db.configPackage.findMany({ select: { name: true } })
export const infers: Equal<Awaited<ReturnType<typeof names>>, { name: string }[]> = true
export const inTransaction = () => db.$transaction((tx) => tx.configVersion.count())
export const infersCount: Equal<Awaited<ReturnType<typeof inTransaction>>, number> = true
export const tenantModel: Equal<typeof manifest.tenantModel, 'Tenant'> = true
export const ofLarge: Parameters<typeof createTenancy>[0]['manifest'] = large
export const databases = () => createTestDatabases({ PrismaClient, manifest })
type OfTests = ReturnType<Awaited<ReturnType<Awaited<ReturnType<typeof databases>>['clone']>>['tenancy']['client']>
export const clientOfTestsIsAny: IsAny<OfTests['configPackage']> = false
// @ts-expect-error no model of the schema
export const nothing = db.nothing
// @ts-expect-error no field of the model
export const wrong = () => db.configPackage.findMany({ where: { nothing: 1 } })
`

const options = {
  strict: true,
  noEmit: true,
  target: 'es2022',
  module: 'nodenext',
  moduleResolution: 'nodenext',
  allowImportingTsExtensions: true,
  // as in most applications; this package itself is compiled with it
  exactOptionalPropertyTypes: false,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  types: ['node'],
}

describe('an application with the package and what it generates', () => {
  let project: string

  beforeAll(() => {
    project = join(buildPackage('typescript-versions'), 'application')
    mkdirSync(join(project, 'large'), { recursive: true })
    cpSync(join(root, 'src/generated'), join(project, 'generated'), { recursive: true })
    writeFileSync(join(project, 'schema.prisma'), largeSchema({ models: 150, relations: 200 }))
    const { datamodel, files } = readSchema(join(project, 'schema.prisma'))
    const naming = { tenantModel: 'Organization', tenantFields: ['organizationId'], files }
    writeFileSync(join(project, 'large/tenancy.ts'), renderManifest(classify(datamodel, naming)))
    writeFileSync(join(project, 'use.ts'), use)
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: options, files: ['use.ts'] }),
    )
  }, 300_000)

  it.each(compilers)(
    'is understood by %s, which is %s, and no client of it is any',
    async (name) => {
      const compiler = join(root, 'node_modules', name, 'bin/tsc')
      const run = promisify(execFile)(process.execPath, [compiler, '-p', project])
      const { stdout } = await run.catch((error: { readonly stdout: string }) => error)
      expect(stdout).toBe('')
    },
    300_000,
  )
})
