import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { createTenancy } from '../src/index.ts'
import { type DataSet, growthData, rowIdOf, tenantIdOf } from './load.ts'
import { interleave, median, type RoundsPlan, ratio } from './measure.ts'
import { workload } from './plan.ts'

export interface Growth {
  /** A point read among a million rows of 1,000 tenants, divided by one among 10,000 rows of ten. */
  readonly pointRead: number
  /** Milliseconds of each. */
  readonly small: number
  readonly large: number
  readonly wrongRows: number
}

export type GrowthSize = keyof typeof growthData

const block = 20

/** Reads rows by id through the tenant client, in turns from the small and the large data set. */
export async function measureGrowth(
  urls: Readonly<Record<GrowthSize, string>>,
  plan: RoundsPlan,
): Promise<Growth> {
  const readers = (['small', 'large'] as const).map((name) => openReader(name, urls[name], growthData[name]))
  try {
    const readBlock = async (reader: Reader) => {
      const times: number[] = []
      while (times.length < block) times.push(await reader.read())
      return median(times)
    }
    // the first reads fetch pages and plans; a cache that is warm is the same for both
    for (let warmUp = 0; warmUp < 10; warmUp++) for (const reader of readers) await readBlock(reader)
    const rounds = await interleave(readers, plan, readBlock)
    return {
      pointRead: ratio(rounds, 'large', 'small'),
      small: median(rounds.get('small') ?? []),
      large: median(rounds.get('large') ?? []),
      wrongRows: readers.reduce((sum, reader) => sum + reader.wrongRows(), 0),
    }
  } finally {
    for (const reader of readers) await reader.close()
  }
}

type Reader = ReturnType<typeof openReader>

function openReader(name: GrowthSize, connectionString: string, data: DataSet) {
  const tenancy = createTenancy({
    PrismaClient,
    manifest,
    connectionString,
    maxConnections: workload.connections,
  })
  let wrong = 0
  return {
    name,
    /** Reads a row at random, and tells the milliseconds. */
    async read(): Promise<number> {
      const tenant = Math.floor(Math.random() * data.tenants)
      const tenantId = tenantIdOf(tenant)
      const id = rowIdOf(tenant, Math.floor(Math.random() * data.rowsPerTenant), data)
      const start = performance.now()
      const row = await tenancy.client({ tenantId }).branding.findFirst({ where: { id } })
      const time = performance.now() - start
      if (row?.id !== id || row.tenantId !== tenantId) wrong++
      return time
    },
    wrongRows: () => wrong,
    close: () => tenancy.disconnect(),
  }
}
