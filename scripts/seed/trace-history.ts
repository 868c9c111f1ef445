import { jsonbText } from './jsonb-text.ts'
import { type TenantHistory, timeText } from './tenant-history.ts'

const runners = ['checkout.total', 'order.route', 'signup.score', 'refund.decide', 'search.rank']
const steps = ['load', 'match', 'evaluate', 'apply', 'store', 'notify']

/** One run of a version's rules, with at most that many steps: one row each, and one for the run. */
export function addTrace(history: TenantHistory, versionId: string, mostSteps: number): void {
  const { random, tenantId } = history
  const started = history.tick()
  const traceId = random.uuid(started)
  const count = random.below(mostSteps + 1)
  const fate = random.below(100)
  const outcome = fate < 92 ? 'SUCCEEDED' : fate < 98 ? 'FAILED' : 'RUNNING'
  let at = started + random.below(2000)
  for (let seq = 1; seq <= count; seq++) {
    const isLast = seq === count
    const stepOutcome = isLast ? outcome : random.chance(0.05) ? 'SKIPPED' : 'SUCCEEDED'
    const duration = stepOutcome === 'RUNNING' ? null : 50 + random.below(40_000)
    history.add('governance.trace_step', {
      id: random.uuid(at),
      tenant_id: tenantId,
      trace_id: traceId,
      seq,
      name: random.of(steps),
      outcome: stepOutcome,
      payload: random.chance(0.3)
        ? jsonbText({ matched: random.below(9), rule: `rule-${1 + random.below(4)}` })
        : null,
      started_at: timeText(at),
      finished_at: duration === null ? null : timeText(at + duration),
      duration,
    })
    at += (duration ?? 0) + random.below(300)
  }
  const duration = outcome === 'RUNNING' ? null : at - started + random.below(900)
  history.add('governance.execution_trace', {
    id: traceId,
    tenant_id: tenantId,
    version_id: versionId,
    name: random.of(runners),
    outcome,
    request_id: `req-${random.bits().toString(36)}`,
    input: jsonbText({ amount: random.below(100_000) / 100, country: random.of(['DE', 'FR', 'US', 'JP']) }),
    output: outcome === 'SUCCEEDED' ? jsonbText({ discount: random.below(50) / 2 }) : null,
    started_at: timeText(started),
    finished_at: duration === null ? null : timeText(started + duration),
    duration,
  })
}
