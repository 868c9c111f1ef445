import { cases } from './cases.ts'
import type { Logins, OpenContender } from './contenders/contender.ts'
import { tenantIdOf } from './load.ts'
import { workload } from './plan.ts'
import { StatementTap } from './statement-tap.ts'

/**
 * How many SQL statements ten findUnique of one tenant in one tick cost, BEGIN and COMMIT included and the
 * statements that set the context left out. Counted on the wire, between the client and the server.
 */
export async function countStatementsOfTick(open: OpenContender, logins: Logins): Promise<number> {
  const { tap, urls } = await StatementTap.before({ appUrl: logins.appUrl, bypassUrl: logins.bypassUrl })
  const contender = await open(urls, workload.connections)
  try {
    // connections are made, and the login is examined, before the first answer
    await cases.findUniqueTick(contender, subjectOf(0))
    await cases.findUniqueTick(contender, subjectOf(1))
    tap.take()
    await cases.findUniqueTick(contender, subjectOf(2))
    return tap.take().filter((text) => !setsContext(text)).length
  } finally {
    await contender.close()
    await tap.close()
  }
}

function setsContext(text: string): boolean {
  return /^\s*select\b[^;]*\bset_config\s*\(\s*'app\.(tenant_id|current_tenant)'/i.test(text)
}

function subjectOf(tenant: number) {
  return { tenant, tenantId: tenantIdOf(tenant), row: 0 }
}
