import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { inject } from 'vitest'
import { type VerifyReport, verifyDatabase } from '../../src/catalog/index.ts'
import { writePolicies } from '../../src/cli/write-policies.ts'
import type { Manifest } from '../../src/manifest/manifest.ts'
import {
  type PoliciesFinding,
  type PoliciesOptions,
  planPolicies,
} from '../../src/migrations/plan-policies.ts'
import { runMigrations } from '../../src/migrations/runner.ts'
import { quoteIdentifier } from '../../src/policy/identifier.ts'
import { type ProofReport, proveDatabase } from '../../src/prove/index.ts'
import { loadClient } from '../../src/prove/load-client.ts'
import { withLogin } from '../../src/testing/index.ts'
import { runPrisma } from '../fixtures/prisma-cli.ts'

/** A project that has its schema and its manifest, and no migration yet. */
export interface FlowStart {
  /** Where the schema is, and where the migrations go. */
  readonly folder: string
  readonly schema: string
  /** The folder of the client, or the package that has it. */
  readonly client: string
  readonly manifest: Manifest
  /** What the team wrote into its first migration beside what Prisma writes. */
  readonly moreSql?: string
  readonly policies?: Partial<PoliciesOptions>
  readonly depth?: 'quick' | 'full'
}

/** What a user of the package sees, from the schema to the proof. */
export interface FlowEnd {
  readonly findings: readonly PoliciesFinding[]
  readonly verified: VerifyReport
  readonly report: ProofReport
}

/**
 * Goes the way of a user: Prisma's client and first migration, `policies`, `migrate`, `verify`, `prove`.
 *
 * @throws where a command fails
 */
export async function proveProject(start: FlowStart): Promise<FlowEnd> {
  const { folder, schema, manifest } = start
  const directory = join(folder, 'migrations')
  const [, tableSql] = await Promise.all([
    prisma(folder, 'generate', '--no-hints', '--schema', schema),
    prisma(folder, 'migrate', 'diff', '--from-empty', '--to-schema', schema, '--script'),
  ])
  mkdirSync(join(directory, '20260101000000_init'), { recursive: true })
  writeFileSync(
    join(directory, '20260101000000_init', 'migration.sql'),
    `${tableSql}\n${start.moreSql ?? ''}`,
  )
  const serverUrl = inject('adminUrl')
  const plan = await planPolicies({
    manifest,
    directory,
    base: { kind: 'history', serverUrl },
    ...start.policies,
  })
  writePolicies(directory, plan)
  const { PrismaClient } = await loadClient(start.client)
  return withDatabase(serverUrl, async (adminUrl) => {
    await runMigrations({ connectionString: adminUrl, directory, environment: {} })
    const verified = await verifyDatabase({ connectionString: adminUrl, manifest })
    const report = await proveDatabase({ manifest, PrismaClient, adminUrl, depth: start.depth ?? 'quick' })
    return { findings: plan.findings, verified, report }
  })
}

/** What verify has against a database, but for what it only mentions. */
export function faultsOf({ findings }: VerifyReport): readonly string[] {
  return findings.filter(({ level }) => level !== 'info').map(({ code, object }) => `${code} ${object}`)
}

/** What got through, and of what nothing is known, by model. */
export function gapsOf({ models }: ProofReport): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    models.flatMap(({ name, unproven, findings }) => {
      const leaks = findings
        .filter(({ kind }) => kind === 'leak')
        .map(({ operation, hull, form, reason }) => `LEAK ${operation} behind ${hull}, ${form}: ${reason}`)
      const gaps = [...leaks, ...unproven]
      return gaps.length === 0 ? [] : [[name, gaps]]
    }),
  )
}

async function withDatabase<Result>(
  serverUrl: string,
  work: (url: string) => Promise<Result>,
): Promise<Result> {
  const name = `doublehull_${inject('run')}_${randomBytes(4).toString('hex')}`
  const server = new pg.Client({ connectionString: serverUrl })
  await server.connect()
  try {
    await server.query(`create database ${quoteIdentifier(name)}`)
    return await work(withLogin(serverUrl, { database: name }))
  } finally {
    await server.query(`drop database if exists ${quoteIdentifier(name)} with (force)`)
    await server.end()
  }
}

async function prisma(folder: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, output } = await runPrisma(folder, ...args)
  if (code !== 0) throw new Error(`prisma ${args[0]} failed:\n${output}`)
  return stdout
}
