import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest } from '../src/generated/tenancy.ts'
import { createTenancy, type Tenancy } from '../src/index.ts'
import { tenantIdOf } from './load.ts'
import { median } from './measure.ts'
import { workload } from './plan.ts'

export interface ClientCost {
  /** Microseconds to make one, the median of many. */
  readonly micros: number
  /** Heap that one takes while 10,000 are alive. */
  readonly bytes: number
}

const aliveAtOnce = 10_000

/**
 * What a tenant client costs. A client makes its models when they are first asked for, so that is part of it:
 * nobody makes a client and asks it for nothing.
 *
 * @param connectionString nothing is sent
 */
export async function measureClientCost(connectionString: string, clients: number): Promise<ClientCost> {
  const tenancy = createTenancy({ PrismaClient, manifest, connectionString })
  try {
    for (let warmUp = 0; warmUp < 2_000; warmUp++) makeClient(tenancy, warmUp)
    const times = Array.from({ length: clients }, (_, index) => {
      const start = performance.now()
      makeClient(tenancy, index)
      return performance.now() - start
    })
    return { micros: median(times) * 1_000, bytes: bytesOfClient(tenancy) }
  } finally {
    await tenancy.disconnect()
  }
}

function makeClient(tenancy: Tenancy<PrismaClient>, index: number) {
  const client = tenancy.client({ tenantId: tenantIdOf(index % workload.tenants) })
  return { client, model: client.configPackage }
}

function bytesOfClient(tenancy: Tenancy<PrismaClient>): number {
  const alive: unknown[] = Array.from({ length: aliveAtOnce })
  const before = heapInUse()
  for (let index = 0; index < aliveAtOnce; index++) alive[index] = makeClient(tenancy, index).client
  const bytes = (heapInUse() - before) / aliveAtOnce
  // an array that nobody reads any more could be gone by now
  if (alive.some((client) => client === undefined)) throw new Error('a client is missing')
  return bytes
}

function heapInUse(): number {
  const collect = collector()
  // what the first one finalizes, the second one frees
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

/** The garbage collector, as `node --expose-gc` would have given it. */
function collector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}
