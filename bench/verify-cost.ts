import pg from 'pg'
import { verifyDatabase } from '../src/catalog/verify.ts'
import type { Manifest } from '../src/manifest/manifest.ts'
import { interleave, median, type RoundsPlan, ratio } from './measure.ts'

/** What it costs to verify a database of 500 tenants' tables, with all checks and the connection that they need. */
export interface VerifyCost {
  readonly seconds: number
  /** As a multiple of one plain query for every column of the same database, connection included. */
  readonly plainQuery: number
}

/** How many tables of tenants the measured database has besides the bundled ones. */
export const verifiedTables = 500

/** Verifies the database, and asks for its columns, in turns. */
export async function measureVerify(
  connectionString: string,
  manifest: Manifest,
  plan: RoundsPlan,
): Promise<VerifyCost> {
  const contenders = [
    { name: 'verify', run: () => verifyNothingFound(connectionString, manifest) },
    { name: 'plain', run: () => readColumns(connectionString) },
  ]
  // the first of each fills the server's caches
  for (const { run } of contenders) await run()
  const rounds = await interleave(contenders, plan, async ({ run }) => {
    const start = performance.now()
    await run()
    return performance.now() - start
  })
  return { seconds: median(rounds.get('verify') ?? []) / 1_000, plainQuery: ratio(rounds, 'verify', 'plain') }
}

async function verifyNothingFound(connectionString: string, manifest: Manifest): Promise<void> {
  const { findings } = await verifyDatabase({ connectionString, manifest })
  // what has findings takes another time
  const [found] = findings.filter(({ object }) => object.includes(' many.'))
  if (found) throw new Error(`${found.code} finds ${found.object} in a sound database`)
}

async function readColumns(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    await client.query(
      `select n.nspname, c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)
         from pg_catalog.pg_attribute a
         join pg_catalog.pg_class c on c.oid = a.attrelid
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace`,
    )
  } finally {
    await client.end()
  }
}
