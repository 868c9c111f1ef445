import pg from 'pg'
import { parseContextKey } from '../src/context/context-key.ts'
import { ContextSigner } from '../src/context/context-signature.ts'
import { parseTenantContext } from '../src/context/tenant-context.ts'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { createTenancy } from '../src/index.ts'
import { operationsData, rowIdOf, tenantIdOf } from './load.ts'
import { interleave, median, type RoundsPlan, ratio } from './measure.ts'
import { workload } from './plan.ts'

/** What a signed context costs, as multiples of what a context that is believed as it is costs. */
export interface SigningCost {
  /** A point read through the tenant client, which signs for each client. */
  readonly pointRead: number
  /** The prepared statement alone, without Prisma: the database's part. */
  readonly statement: number
  readonly wrongRows: number
}

export interface SigningDatabases {
  readonly plain: string
  readonly signed: string
}

const block = 20

/**
 * Reads rows by id, in turns from a database that believes contexts and from one that verifies them.
 *
 * @param urls logins of the application's role
 */
export async function measureSigning(
  urls: SigningDatabases,
  contextKey: string,
  plan: RoundsPlan,
): Promise<SigningCost> {
  const readers = await Promise.all([
    openClientReader('plain', urls.plain, ''),
    openClientReader('signed', urls.signed, contextKey),
    openStatementReader('plain statement', urls.plain, contextKey),
    openStatementReader('signed statement', urls.signed, contextKey),
  ])
  try {
    const readBlock = async (reader: Reader) => {
      const times: number[] = []
      while (times.length < block) times.push(await reader.read())
      return median(times)
    }
    for (let warmUp = 0; warmUp < 10; warmUp++) for (const reader of readers) await readBlock(reader)
    const rounds = await interleave(readers, plan, readBlock)
    return {
      pointRead: ratio(rounds, 'signed', 'plain'),
      statement: ratio(rounds, 'signed statement', 'plain statement'),
      wrongRows: readers.reduce((sum, reader) => sum + reader.wrongRows(), 0),
    }
  } finally {
    for (const reader of readers) await reader.close()
  }
}

interface Reader {
  readonly name: string
  /** Reads a row at random, and tells the milliseconds. */
  read(): Promise<number>
  wrongRows(): number
  close(): Promise<void>
}

function randomRow(tenant: number): string {
  return rowIdOf(tenant, Math.floor(Math.random() * operationsData.rowsPerTenant), operationsData)
}

async function openClientReader(name: string, connectionString: string, contextKey: string): Promise<Reader> {
  const tenancy = createTenancy({
    PrismaClient,
    manifest,
    connectionString,
    contextKey,
    maxConnections: workload.connections,
  })
  let wrong = 0
  return {
    name,
    async read() {
      const tenant = Math.floor(Math.random() * operationsData.tenants)
      const tenantId = tenantIdOf(tenant)
      const id = randomRow(tenant)
      const start = performance.now()
      const row = await tenancy.client({ tenantId }).configPackage.findFirst({ where: { id } })
      const time = performance.now() - start
      if (row?.id !== id || row.tenantId !== tenantId) wrong++
      return time
    },
    wrongRows: () => wrong,
    close: () => tenancy.disconnect(),
  }
}

async function openStatementReader(
  name: string,
  connectionString: string,
  contextKey: string,
): Promise<Reader> {
  const tenantId = tenantIdOf(0)
  const client = new pg.Client({ connectionString })
  client.on('error', () => {})
  await client.connect()
  const day = 86_400
  const signature = new ContextSigner(parseContextKey(contextKey, 'the key'), day).signatureOf(
    parseTenantContext({ tenantId }),
  )
  await client.query(
    `select set_config('app.tenant_id', $1, false), set_config('app.context_signature', $2, false)`,
    [tenantId, signature],
  )
  let wrong = 0
  return {
    name,
    async read() {
      const id = randomRow(0)
      const start = performance.now()
      const { rows } = await client.query<{ id: string }>({
        name: 'point read',
        text: 'select * from governance.config_package where id = $1',
        values: [id],
      })
      const time = performance.now() - start
      if (rows[0]?.id !== id) wrong++
      return time
    },
    wrongRows: () => wrong,
    close: () => client.end(),
  }
}
