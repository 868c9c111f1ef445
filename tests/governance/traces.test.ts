import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import fc from 'fast-check'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createGovernance, type Governance } from '../../src/governance/index.ts'
import { boundedPayload } from '../../src/governance/trace-payload.ts'
import { isSampled } from '../../src/governance/trace-sampling.ts'
import type { BundledTenantClient } from '../../src/index.ts'
import { type Planted, plantTwoTenants, useTestDatabase } from '../support/test-database.ts'

const database = useTestDatabase()

interface Scene extends Planted {
  readonly db: BundledTenantClient
  readonly governance: Governance
}

let a: Scene
let b: Scene
beforeEach(async () => {
  const planted = await plantTwoTenants(database)
  const sceneOf = (one: Planted): Scene => {
    const db = database.both.client({ tenantId: one.tenantId, userId: one.userId })
    return { ...one, db, governance: createGovernance(db, { can: () => true }) }
  }
  a = sceneOf(planted.a)
  b = sceneOf(planted.b)
})

const open: pg.Client[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.end()))
})

/** A connection with the rights of the application, in a transaction of the tenant. */
async function inContext({ tenantId, userId }: Planted): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: database.appUrl })
  open.push(client)
  await client.connect()
  await client.query('begin')
  await client.query(`select set_config('app.tenant_id', $1, true), set_config('app.user_id', $2, true)`, [
    tenantId,
    userId,
  ])
  return client
}

const countOf = async ({ tenantId }: Planted, table = 'governance.execution_trace') => {
  const { rows } = await database.admin.query<{ count: number }>(
    `select count(*)::int as count from ${table} where tenant_id = $1`,
    [tenantId],
  )
  return rows[0]?.count
}

describe('a run', () => {
  it('is kept with its steps in order, its times and what went in and out', async () => {
    const { traces } = a.governance
    const run = await traces.start({
      versionId: a.versionId,
      name: 'pricing',
      input: { amount: 100 },
      requestId: 'request-1',
    })
    expect(await traces.get(run.id)).toMatchObject({
      outcome: 'RUNNING',
      finishedAt: null,
      durationMicros: null,
      steps: [],
    })
    const at = new Date('2026-01-01T00:00:00.000Z')
    await run.step({
      name: 'discount',
      outcome: 'SUCCEEDED',
      payload: [1, { percent: 5 }],
      startedAt: at,
      finishedAt: new Date(at.getTime() + 250),
    })
    await run.step({ name: 'tax', outcome: 'SKIPPED' })
    await traces.step(run.id, { name: 'rounding', outcome: 'SUCCEEDED' })
    await run.finish({ outcome: 'SUCCEEDED', output: { total: 95 } })

    const trace = await traces.get(run.id)
    expect(trace).toMatchObject({
      id: run.id,
      versionId: a.versionId,
      name: 'pricing',
      requestId: 'request-1',
      outcome: 'SUCCEEDED',
      input: { amount: 100 },
      output: { total: 95 },
    })
    expect(trace.steps.map(({ seq, name, outcome, payload }) => [seq, name, outcome, payload])).toEqual([
      [1, 'discount', 'SUCCEEDED', [1, { percent: 5 }]],
      [2, 'tax', 'SKIPPED', null],
      [3, 'rounding', 'SUCCEEDED', null],
    ])
    // microseconds
    expect(trace.steps[0]?.durationMicros).toBe(250_000)
    // a step begins where the one before it ended
    expect(trace.steps[1]?.startedAt).toEqual(trace.steps[0]?.finishedAt)
    expect(trace.durationMicros).toBe(
      ((trace.finishedAt?.getTime() ?? 0) - trace.startedAt.getTime()) * 1_000,
    )
  })

  it('takes no further step or end when it is over, by whatever way', async () => {
    const { traces } = a.governance
    const run = await traces.start({ versionId: a.versionId, name: 'pricing' })
    await run.finish({ outcome: 'FAILED' })
    const step = { name: 'late', outcome: 'SUCCEEDED' } as const
    const over = { code: 'DH501' }
    await expect(run.step(step)).rejects.toMatchObject(over)
    await expect(run.finish({ outcome: 'SUCCEEDED' })).rejects.toMatchObject(over)
    const said = { code: 'DH501', details: { from: 'FAILED' } }
    await expect(traces.step(run.id, step)).rejects.toMatchObject(said)
    await expect(traces.finish(run.id, { outcome: 'SUCCEEDED' })).rejects.toMatchObject(said)
    await expect(
      a.db.traceStep.create({ data: { traceId: run.id, seq: 7, name: 'late' } }),
    ).rejects.toMatchObject(over)
    await expect(
      a.db.executionTrace.update({ where: { id: run.id }, data: { outcome: 'RUNNING' } }),
    ).rejects.toMatchObject(over)
    const app = await inContext(a)
    await expect(
      app.query(
        `insert into governance.trace_step (id, trace_id, seq, name) values (gen_random_uuid(), $1, 1, 'late')`,
        [run.id],
      ),
    ).rejects.toMatchObject(over)
    expect((await traces.get(run.id)).outcome).toBe('FAILED')
  })

  it('keeps its steps when it is over, until it is pruned with them', async () => {
    const { traces } = a.governance
    const [over, running] = [
      await traces.start({ versionId: a.versionId, name: 'pricing' }),
      await traces.start({ versionId: a.versionId, name: 'pricing' }),
    ]
    for (const run of [over, running]) await run.step({ name: 'one', outcome: 'SUCCEEDED' })
    await over.finish({ outcome: 'SUCCEEDED' })
    const remove = (traceId: string) => a.db.traceStep.deleteMany({ where: { traceId } })
    await expect(remove(over.id)).rejects.toMatchObject({ code: 'DH501' })
    for (const data of [{ traceId: running.id, seq: 2 }, { seq: 9 }]) {
      await expect(a.db.traceStep.updateMany({ where: { traceId: over.id }, data })).rejects.toMatchObject({
        code: 'DH503',
      })
    }
    expect((await traces.get(over.id)).steps).toHaveLength(1)
    expect(await remove(running.id)).toEqual({ count: 1 })
    await a.db.$transaction(async (tx) => {
      await tx.traceStep.deleteMany({ where: { traceId: over.id } })
      await tx.executionTrace.delete({ where: { id: over.id } })
    })
  })

  it('counts the steps of those who add them at once one after the other', async () => {
    const run = await a.governance.traces.start({ versionId: a.versionId, name: 'pricing' })
    const [first, second] = [await inContext(a), await inContext(a)]
    const insert = (client: pg.Client, name: string) =>
      // the number that is given is not believed
      client.query(
        'insert into governance.trace_step (id, trace_id, seq, name) values (gen_random_uuid(), $1, 1, $2)',
        [run.id, name],
      )
    await insert(first, 'one')
    const waiting = insert(second, 'two')
    const pid = (first as unknown as { readonly processID: number }).processID
    const isBlocked = 'select from pg_locks where not granted and $1 = any (pg_blocking_pids(pid))'
    while ((await database.admin.query(isBlocked, [pid])).rowCount === 0) await pause(5)
    await first.query('commit')
    await waiting
    await second.query('commit')
    expect((await a.governance.traces.get(run.id)).steps.map(({ seq, name }) => [seq, name])).toEqual([
      [1, 'one'],
      [2, 'two'],
    ])
  })

  it('has 1,000 steps at most, the last of which says that there were more', async () => {
    const { traces } = a.governance
    const run = await traces.start({ versionId: a.versionId, name: 'loop', sampling: { rate: 0 } })
    for (let n = 0; n < 1_500; n += 1) await run.step({ name: `step ${n}`, outcome: 'SUCCEEDED' })
    await run.finish({ outcome: 'FAILED' })
    const { steps } = await traces.get(run.id)
    expect(steps).toHaveLength(1_000)
    expect(steps.at(-2)).toMatchObject({ seq: 999, name: 'step 998' })
    expect(steps.at(-1)).toMatchObject({ seq: 1_000, outcome: 'SKIPPED', payload: { $truncated: true } })
    await database.admin.query(`update governance.execution_trace set outcome = 'RUNNING' where id = $1`, [
      run.id,
    ])
    // by its id, too, without an error
    await traces.step(run.id, { name: 'one more', outcome: 'SUCCEEDED' })
    expect(await countOf(a, 'governance.trace_step')).toBe(1_000)
    await expect(
      a.db.traceStep.create({ data: { traceId: run.id, seq: 0, name: 'one more' } }),
    ).rejects.toThrow(/trace_step_seq|constraint/)
  }, 60_000)

  it('of another tenant is not found, word for word like one of nobody’s', async () => {
    const { traces } = a.governance
    const run = await b.governance.traces.start({ versionId: b.versionId, name: 'pricing' })
    const step = { name: 's', outcome: 'SUCCEEDED' } as const
    const attempts: readonly [(id: string) => Promise<unknown>, string][] = [
      [(id) => traces.get(id), run.id],
      [(id) => traces.step(id, step), run.id],
      [(id) => traces.finish(id, { outcome: 'SUCCEEDED' }), run.id],
      [(versionId) => traces.start({ versionId, name: 'x' }), b.versionId],
    ]
    for (const [attempt, foreign] of attempts) {
      const theirs = await attempt(foreign).catch((error: unknown) => String(error))
      const nobodys = await attempt(randomUUID()).catch((error: unknown) => String(error))
      expect(theirs).toMatch(/DH507/)
      expect(theirs).toBe(nobodys)
    }
    expect((await traces.list()).items).toEqual([])
    expect((await traces.list({ versionId: b.versionId })).items).toEqual([])
    const app = await inContext(a)
    await expect(
      app.query(
        `insert into governance.trace_step (id, trace_id, seq, name) values (gen_random_uuid(), $1, 1, 'x')`,
        [run.id],
      ),
    ).rejects.toMatchObject({ code: '23503' })
    expect(await b.governance.traces.get(run.id)).toMatchObject({ outcome: 'RUNNING', steps: [] })
  })

  it('is written by whoever may, and writes no event', async () => {
    const events = () => countOf(a, 'audit.audit_event')
    const before = await events()
    const run = await a.governance.traces.start({ versionId: a.versionId, name: 'pricing' })
    await run.step({ name: 's', outcome: 'SUCCEEDED' })
    await run.finish({ outcome: 'SUCCEEDED' })
    expect(await events()).toBe(before)
    const { traces } = createGovernance(a.db, { can: () => false })
    await expect(traces.start({ versionId: a.versionId, name: 'x' })).rejects.toMatchObject({ code: 'DH505' })
    await expect(traces.prune({ olderThan: new Date() })).rejects.toMatchObject({ code: 'DH505' })
  })
})

describe('sampling', () => {
  it('is decided by the request alone, and a higher rate keeps what a lower one keeps', () => {
    fc.assert(
      fc.property(fc.string(), fc.double({ min: 0, max: 1, noNaN: true }), (key, rate) => {
        expect(isSampled(key, rate)).toBe(isSampled(key, rate))
        if (isSampled(key, rate)) expect(isSampled(key, Math.min(1, rate * 2))).toBe(true)
        expect(isSampled(key, 1)).toBe(true)
        expect(isSampled(key, 0)).toBe(false)
      }),
    )
    const kept = Array.from({ length: 10_000 }, (_, n) => isSampled(`request ${n}`, 0.1)).filter(Boolean)
    // another hash would part the runs of requests that are under way
    expect(kept.length).toBe(973)
  })

  it('writes nothing of a run that is left out, but for one that fails', async () => {
    const { traces } = a.governance
    const leftOut = { versionId: a.versionId, name: 'pricing', sampling: { rate: 0 } }
    for (const outcome of ['SUCCEEDED', 'FAILED'] as const) {
      const run = await traces.start({ ...leftOut, input: { outcome } })
      expect(run.sampled).toBe(false)
      await run.step({ name: 'one', outcome: 'SUCCEEDED', payload: { n: 1 } })
      await run.step({ name: 'two', outcome })
      expect(await countOf(a)).toBe(0)
      await run.finish({ outcome, output: { outcome } })
      if (outcome === 'SUCCEEDED') expect(await countOf(a)).toBe(0)
      else {
        expect(await traces.get(run.id)).toMatchObject({
          outcome: 'FAILED',
          input: { outcome: 'FAILED' },
          output: { outcome: 'FAILED' },
          steps: [
            { seq: 1, name: 'one', payload: { n: 1 } },
            { seq: 2, name: 'two', outcome: 'FAILED' },
          ],
        })
      }
    }
    const never = await traces.start({ ...leftOut, sampling: { rate: 0, always: [] } })
    await never.finish({ outcome: 'FAILED' })
    expect(await countOf(a)).toBe(1)
  })

  it('holds at most so much in memory', async () => {
    const { traces } = a.governance
    const run = await traces.start({ versionId: a.versionId, name: 'large', sampling: { rate: 0 } })
    const payload = { text: 'x'.repeat(15_000) }
    for (let n = 0; n < 100; n += 1) await run.step({ name: `step ${n}`, outcome: 'SUCCEEDED', payload })
    await run.finish({ outcome: 'FAILED' })
    const { steps } = await traces.get(run.id)
    expect(steps).toHaveLength(100)
    const whole = steps.filter((step) => 'text' in (step.payload as object))
    expect(whole).toHaveLength(Math.floor(1_048_576 / JSON.stringify(payload).length))
    expect(steps.at(-1)?.payload).toEqual({ $truncated: true, bytes: JSON.stringify(payload).length })
  })
})

describe('a payload', () => {
  it('that is too large, too deep or no JSON becomes a marker, and never an error', async () => {
    const { traces } = a.governance
    const circular: Record<string, unknown> = {}
    circular['self'] = circular
    let deep: unknown = 1
    for (let n = 0; n < 1_000; n += 1) deep = [deep]
    const cases: readonly [unknown, unknown][] = [
      [
        { text: 'y'.repeat(20_000) },
        { $truncated: true, bytes: 20_011, start: `{"text":"${'y'.repeat(991)}` },
      ],
      [circular, { $unserializable: true }],
      [deep, { $truncated: true, bytes: 2_001, start: '['.repeat(1_000) }],
      // PostgreSQL writes each with 309 digits
      [Array.from({ length: 100 }, () => 1e308), { $truncated: true, bytes: 701, start: expect.any(String) }],
      [
        { nul: 'a\0b', half: '\uD800', key: '\\u0000', big: 12n },
        { nul: 'a\uFFFDb', half: '\uFFFD', key: '\\u0000', big: '12' },
      ],
      [{ '\0': 1 }, { '\uFFFD': 1 }],
      [null, null],
      [undefined, null],
      [() => 1, null],
      ['text', 'text'],
      [0, 0],
      [false, false],
    ]
    const run = await traces.start({ versionId: a.versionId, name: 'odd', input: circular })
    for (const [payload] of cases) await run.step({ name: 's', outcome: 'SUCCEEDED', payload })
    await run.finish({ outcome: 'SUCCEEDED', output: { text: 'z'.repeat(1_000_000) } })
    const trace = await traces.get(run.id)
    expect(trace.steps.map(({ payload }) => payload)).toEqual(cases.map(([, kept]) => kept))
    expect(trace.input).toEqual({ $unserializable: true })
    expect(trace.output).toMatchObject({ $truncated: true })
  })

  it('is bounded by the database, too', async () => {
    const large = { text: 'x'.repeat(20_000) }
    const run = await a.governance.traces.start({ versionId: a.versionId, name: 'large' })
    await expect(
      a.db.traceStep.create({ data: { traceId: run.id, seq: 0, name: 's', payload: large } }),
    ).rejects.toThrow(/constraint/)
    await expect(
      a.db.executionTrace.update({ where: { id: run.id }, data: { output: large } }),
    ).rejects.toThrow(/constraint/)
    await expect(
      a.db.executionTrace.create({ data: { versionId: a.versionId, name: 'x'.repeat(201) } }),
    ).rejects.toThrow(/constraint/)
  })

  it('of any JSON fits into what PostgreSQL makes of it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.jsonValue({ maxDepth: 6 }),
        fc.integer({ min: 1, max: 400 }),
        async (value, times) => {
          const payload = boundedPayload(Array.from({ length: times }, () => value))
          const { rows } = await database.admin.query<{ fits: boolean }>(
            'select octet_length($1::jsonb::text) <= 16384 as fits',
            [JSON.stringify(payload)],
          )
          expect(rows).toEqual([{ fits: true }])
        },
      ),
      { numRuns: 300 },
    )
  }, 60_000)
})

describe('a list', () => {
  /** Runs that began a second apart and took 0, 10, 20 … milliseconds. */
  async function plantRuns(count: number): Promise<readonly string[]> {
    const ids: string[] = []
    for (let n = 0; n < count; n += 1) {
      const startedAt = new Date(Date.UTC(2026, 0, 1, 0, 0, n))
      const { id } = await a.db.executionTrace.create({
        data: {
          versionId: a.versionId,
          startedAt,
          finishedAt: new Date(startedAt.getTime() + ((n * 7) % count) * 10),
          outcome: n % 3 === 0 ? 'FAILED' : 'SUCCEEDED',
        },
      })
      ids.push(id)
    }
    return ids
  }

  it('gives the last or the longest first, page by page, each once', async () => {
    const { traces } = a.governance
    const ids = await plantRuns(11)
    await traces.start({ versionId: a.versionId, name: 'under way' })
    for (const orderBy of ['startedAt', 'duration'] as const) {
      const seen = []
      let after: string | undefined
      do {
        const page = await traces.list({
          orderBy,
          limit: 4,
          to: new Date(Date.UTC(2026, 0, 2)),
          ...(after ? { after } : {}),
        })
        expect(page.items.length).toBeLessThanOrEqual(4)
        seen.push(...page.items)
        after = page.next ?? undefined
      } while (after)
      expect(seen.map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
      const values = seen.map(
        (trace) => (orderBy === 'duration' ? trace.durationMicros : trace.startedAt.getTime()) ?? -1,
      )
      expect(values).toEqual(values.toSorted((one, other) => other - one))
    }
  })

  it('tells apart runs that began in one millisecond', async () => {
    const app = await inContext(a)
    for (let n = 0; n < 6; n += 1) {
      await app.query(
        `insert into governance.execution_trace (id, version_id, started_at)
         values (gen_random_uuid(), $1, timestamptz '2026-01-01 00:00:00.0001Z' + $2 * interval '1 microsecond')`,
        [a.versionId, n],
      )
    }
    await app.query('commit')
    const { traces } = a.governance
    const first = await traces.list({ limit: 3 })
    const second = await traces.list({ limit: 3, after: first.next ?? '' })
    expect(new Set([...first.items, ...second.items].map(({ id }) => id)).size).toBe(6)
    expect(second.next).toBeNull()
  })

  it('filters by version, outcome, time and duration', async () => {
    const { traces } = a.governance
    await plantRuns(9)
    const count = async (input: Parameters<typeof traces.list>[0]) => (await traces.list(input)).items.length
    expect(await count({ outcome: 'FAILED' })).toBe(3)
    expect(await count({ versionId: a.versionId })).toBe(9)
    expect(await count({ versionId: b.versionId })).toBe(0)
    expect(await count({ minDurationMillis: 50 })).toBe(4)
    expect(await count({ from: new Date(Date.UTC(2026, 0, 1, 0, 0, 7)) })).toBe(2)
    expect(await count({ to: new Date(Date.UTC(2026, 0, 1, 0, 0, 7)) })).toBe(7)
    await expect(traces.list({ limit: 501 })).rejects.toMatchObject({
      code: 'DH506',
      details: { issues: [{ path: ['limit'] }] },
    })
  })
})

describe('pruning', () => {
  it('deletes what is older in batches, each with one event that counts, and nothing of another tenant', async () => {
    const old = new Date('2020-01-01T00:00:00Z')
    for (const { db, versionId } of [a, b]) {
      for (let n = 0; n < 5; n += 1) {
        await db.executionTrace.create({
          data: {
            versionId,
            startedAt: old,
            steps: {
              create: [
                { seq: 0, name: 's' },
                { seq: 1, name: 't' },
              ],
            },
          },
        })
      }
    }
    const { traces } = a.governance
    const kept = await traces.start({ versionId: a.versionId, name: 'new' })
    expect(await traces.prune({ olderThan: new Date('2021-01-01'), batchSize: 2 })).toEqual({ count: 5 })
    expect((await traces.list()).items.map(({ id }) => id)).toEqual([kept.id])
    expect(await countOf(a, 'governance.trace_step')).toBe(0)
    expect(await countOf(b)).toBe(5)
    expect(await traces.prune({ olderThan: new Date('2021-01-01') })).toEqual({ count: 0 })
    const { rows } = await database.admin.query<{
      metadata: { count: number }
      actor_id: string
      origin: string
    }>(
      `select metadata, actor_id, origin from audit.audit_event
        where tenant_id = $1 and action = 'trace.prune' order by seq, occurred_at`,
      [a.tenantId],
    )
    expect(rows.map(({ metadata, origin }) => [metadata.count, origin])).toEqual([
      [2, 'DATABASE'],
      [2, 'DATABASE'],
      [1, 'DATABASE'],
      [0, 'APPLICATION'],
    ])
    expect(new Set(rows.map(({ actor_id }) => actor_id))).toEqual(new Set([a.userId]))
  })

  it('is recorded also where plain SQL does it', async () => {
    await a.governance.traces.start({ versionId: a.versionId, name: 'x' })
    const app = await inContext(a)
    await app.query('delete from governance.execution_trace')
    await app.query('commit')
    const { rows } = await database.admin.query(
      `select metadata ->> 'count' as count from audit.audit_event where tenant_id = $1 and action = 'trace.prune'`,
      [a.tenantId],
    )
    expect(rows).toEqual([{ count: '1' }])
  })
})
