import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { context, metrics, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { PrismaInstrumentation, registerInstrumentations } from '@prisma/instrumentation'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Prisma } from '../src/generated/prisma/client.ts'
import { isTenancyError, TenancyError } from '../src/index.ts'
import { errorTypeOf } from '../src/telemetry/error-type.ts'
import type { PoolStatistics, PoolStatisticsSource } from '../src/telemetry/pool-statistics.ts'
import { createTelemetry, type ObservedOperation, type Telemetry } from '../src/telemetry/telemetry.ts'
import { type Planted, plantTwoTenants, useTestDatabase } from './support/test-database.ts'

const idle: PoolStatistics = { total: 1, idle: 1, owned: 0, waiting: 0, inFlight: 0, deepest: 0 }
const idlePool: PoolStatisticsSource = { statistics: () => idle }
const findMany: ObservedOperation = {
  model: 'ConfigPackage',
  operation: 'findMany',
  tenantId: '0d1f7d0c-8a5b-4a53-9d5c-1f0f6f0b9a11',
}
const caller = () => trace.getTracer('the application')

describe('without an SDK', () => {
  it('just runs an operation', async () => {
    const telemetry = createTelemetry(idlePool)
    const answer = Promise.resolve('the answer')
    expect(telemetry.operation(findMany, () => answer)).toBe(answer)
    const refusal = new TenancyError('DH203', 'read-only')
    await expect(telemetry.operation(findMany, () => Promise.reject(refusal))).rejects.toBe(refusal)
    telemetry.shutdown()
  })
})

describe('an operation', () => {
  const sdk = useSdk()
  let telemetry: Telemetry
  beforeEach(() => {
    telemetry = createTelemetry(idlePool)
  })
  afterEach(() => telemetry.shutdown())

  it('is a span below the span of its caller, which says what it is and whose', async () => {
    await caller().startActiveSpan('request', async (request) => {
      await telemetry.operation(findMany, async () => 1)
      request.end()
    })
    const span = sdk.span('findMany ConfigPackage')
    expect(span.kind).toBe(SpanKind.INTERNAL)
    expect(span.attributes).toEqual({
      'db.system.name': 'postgresql',
      'db.operation.name': 'findMany',
      'db.collection.name': 'ConfigPackage',
      'doublehull.tenant.id': findMany.tenantId,
    })
    expect(span.parentSpanContext?.spanId).toBe(sdk.span('request').spanContext().spanId)
  })

  it('is named without a model where there is none', async () => {
    await telemetry.operation({ operation: '$queryRaw', tenantId: findMany.tenantId }, async () => [])
    expect(sdk.span('$queryRaw').attributes).not.toHaveProperty('db.collection.name')
    expect(await sdk.points('db.client.operation.duration')).toMatchObject([
      { attributes: { 'db.system.name': 'postgresql', 'db.operation.name': '$queryRaw' } },
    ])
  })

  it('is no tenant’s where it is the system’s', async () => {
    await telemetry.operation({ ...findMany, tenantId: undefined }, async () => [])
    expect(sdk.span('findMany ConfigPackage').attributes).not.toHaveProperty('doublehull.tenant.id')
  })

  it('has what runs in it below it, even where that starts when it is awaited', async () => {
    const lazy = {
      // oxlint-disable-next-line unicorn/no-thenable -- as a PrismaPromise is
      then(resolve: (value: string) => void) {
        caller().startSpan('statement').end()
        resolve('rows')
      },
    } as Promise<string>
    expect(await telemetry.operation(findMany, () => lazy)).toBe('rows')
    const { traceId, spanId } = sdk.span('findMany ConfigPackage').spanContext()
    expect(sdk.span('statement').parentSpanContext).toMatchObject({ traceId, spanId })
  })

  it('is recorded with its duration in seconds', async () => {
    await telemetry.operation(findMany, () => new Promise((resolve) => setTimeout(resolve, 30)))
    await telemetry.operation(findMany, async () => 1)
    const [metric] = await sdk.metrics('db.client.operation.duration')
    expect(metric?.descriptor).toMatchObject({ unit: 's' })
    expect(metric?.dataPoints).toHaveLength(1)
    expect(metric?.dataPoints[0]?.attributes).toEqual({
      'db.system.name': 'postgresql',
      'db.operation.name': 'findMany',
      'db.collection.name': 'ConfigPackage',
    })
    const value = metric?.dataPoints[0]?.value
    expect(value).toMatchObject({
      count: 2,
      buckets: { boundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10] },
    })
    const { max } = value as { readonly max: number }
    expect(max).toBeGreaterThan(0.025)
    expect(max).toBeLessThan(10)
  })

  it('that fails says which kind of error it was and nothing of the message', async () => {
    const error = Object.assign(new Error('no row where name = planted-secret'), { code: 'P2025' })
    await expect(telemetry.operation(findMany, () => Promise.reject(error))).rejects.toBe(error)
    const span = sdk.span('findMany ConfigPackage')
    expect(span.status).toEqual({ code: SpanStatusCode.ERROR })
    expect(span.attributes).toMatchObject({ 'error.type': 'P2025' })
    expect(span.events).toEqual([])
    expect(await sdk.points('db.client.operation.duration')).toMatchObject([
      { attributes: { 'error.type': 'P2025' } },
    ])
    expect(await sdk.points('doublehull.refusals')).toEqual([])
    expect(linesWith('planted-secret', await sdk.everything())).toEqual([])
  })

  it('that is refused is counted by its code, once for all that it passes through', async () => {
    const refuse = (code: 'DH202' | 'DH203') => () =>
      telemetry.operation(findMany, () => Promise.reject(new TenancyError(code, 'refused')))
    const transaction = { operation: '$transaction', tenantId: findMany.tenantId }
    await expect(telemetry.operation(transaction, refuse('DH203'))).rejects.toThrow('DH203')
    await expect(refuse('DH203')()).rejects.toThrow('DH203')
    await expect(refuse('DH202')()).rejects.toThrow('DH202')
    expect(await sdk.points('doublehull.refusals')).toMatchObject([
      { attributes: { 'error.type': 'DH203' }, value: 2 },
      { attributes: { 'error.type': 'DH202' }, value: 1 },
    ])
  })

  it('is found by an SDK that was registered after the tenancy was made', async () => {
    sdk.unregister()
    await telemetry.operation(findMany, async () => 1)
    sdk.register()
    await telemetry.operation(findMany, async () => 1)
    expect(sdk.spans()).toHaveLength(1)
    expect(await sdk.points('db.client.operation.duration')).toMatchObject([{ value: { count: 1 } }])
    expect(await sdk.points('doublehull.pipeline.depth')).toHaveLength(1)
  })

  it.each([
    ['DH301', new TenancyError('DH301', 'refused')],
    ['P2002', Object.assign(new Error('unique'), { code: 'P2002' })],
    ['P1001', Object.assign(new Error('unreachable'), { errorCode: 'P1001' })],
    ['ECONNREFUSED', Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })],
    ['TypeError', new TypeError('planted-secret')],
    ['Error', Object.assign(new Error('no code'), { code: 'planted-secret', name: 'planted-secret' })],
    ['_OTHER', 'planted-secret'],
    ['_OTHER', undefined],
  ])('calls an error %s', (type, error) => {
    expect(errorTypeOf(error)).toBe(type)
  })
})

describe('a pool', () => {
  const sdk = useSdk()

  it('reports its connections, the requests that wait and its pipeline until it is shut down', async () => {
    let now: PoolStatistics = { total: 5, idle: 2, owned: 1, waiting: 7, inFlight: 12, deepest: 4 }
    const telemetry = createTelemetry({ statistics: () => now }, 'orders')
    const pool = { 'db.client.connection.pool.name': 'orders' }
    expect(await sdk.points('db.client.connection.count')).toMatchObject([
      { attributes: { ...pool, 'db.client.connection.state': 'idle' }, value: 2 },
      { attributes: { ...pool, 'db.client.connection.state': 'used' }, value: 3 },
    ])
    expect(await sdk.points('db.client.connection.pending_requests')).toMatchObject([
      { attributes: pool, value: 7 },
    ])
    expect(await sdk.points('doublehull.pipeline.in_flight')).toMatchObject([{ attributes: pool, value: 12 }])
    expect(await sdk.points('doublehull.pipeline.depth')).toMatchObject([{ attributes: pool, value: 4 }])

    now = { ...now, waiting: 0 }
    expect(await sdk.points('db.client.connection.pending_requests')).toMatchObject([{ value: 0 }])

    telemetry.shutdown()
    telemetry.shutdown()
    expect((await sdk.points('db.client.connection.count')).map(({ value }) => value)).toEqual([0, 0])
    now = { ...now, idle: 5 }
    expect((await sdk.points('db.client.connection.count')).map(({ value }) => value)).toEqual([0, 0])
  })

  it('has a name of its own, which the next one may have when it is shut down', async () => {
    const [first, second] = [createTelemetry(idlePool), createTelemetry(idlePool)]
    expect(await depths()).toEqual({ doublehull: 0, 'doublehull-2': 0 })
    first.shutdown()
    const third = createTelemetry({ statistics: () => ({ ...idle, deepest: 3 }) })
    expect(await depths()).toEqual({ doublehull: 3, 'doublehull-2': 0 })
    expect(await depths()).toEqual({ doublehull: 3, 'doublehull-2': 0 })
    second.shutdown()
    third.shutdown()
  })

  async function depths() {
    const points = await sdk.points('doublehull.pipeline.depth')
    return Object.fromEntries(
      points.map(({ attributes, value }) => [attributes['db.client.connection.pool.name'], value]),
    ) as object
  }
})

describe('a tenancy', () => {
  const sdk = useSdk()
  const db = useTestDatabase()
  let a: Planted
  let b: Planted
  let unregister = () => {}

  beforeAll(async () => {
    ;({ a, b } = await plantTwoTenants(db))
  })
  // Prisma's instrumentation keeps the SDK that it finds, and each test has one of its own
  beforeEach(() => {
    unregister = registerInstrumentations({ instrumentations: [new PrismaInstrumentation()] })
  })
  afterEach(() => unregister())

  it('puts Prisma’s statements below the span of the operation, and that below its caller', async () => {
    await caller().startActiveSpan('request', async (request) => {
      const tenant = db.both.client({ tenantId: a.tenantId })
      await tenant.configPackage.findMany()
      await tenant.$transaction(async (tx) => {
        await tx.featureFlag.count()
      })
      request.end()
    })
    const above = {
      'findMany ConfigPackage': ['request'],
      'count FeatureFlag': ['$transaction', 'request'],
    }
    for (const [name, expected] of Object.entries(above)) {
      const span = sdk.span(name)
      expect(span.attributes['doublehull.tenant.id']).toBe(a.tenantId)
      const ancestors = sdk.ancestors(span).map((ancestor) => ancestor.name)
      expect(ancestors.filter((ancestor) => !ancestor.startsWith('prisma:'))).toEqual(expected)
      const below = sdk.spans().filter((other) => sdk.ancestors(other).includes(span))
      expect(below.map((other) => other.name)).toContain('prisma:client:serialize')
      const statements = below.filter((other) => other.name === 'prisma:client:db_query')
      expect(statements.map(({ kind }) => kind)).toEqual([SpanKind.CLIENT])
    }
  })

  it('keeps the spans of two tenants apart that work in the same tick', async () => {
    const [ofA, ofB] = [a, b].map(({ tenantId }) => db.both.client({ tenantId }))
    await Promise.all([
      ofA?.configPackage.findUnique({ where: { id: a.packageId } }),
      ofB?.configPackage.findUnique({ where: { id: b.packageId } }),
      ofA?.featureFlag.findMany(),
      ofB?.featureFlag.findMany(),
    ])
    const statements = sdk.spans('prisma:client:db_query')
    expect(statements).toHaveLength(4)
    const tenants = statements.map((statement) =>
      sdk
        .ancestors(statement)
        .flatMap(({ attributes }) => attributes['doublehull.tenant.id']?.toString() ?? []),
    )
    expect(tenants.map((of) => of.length)).toEqual([1, 1, 1, 1])
    expect(tenants.flat().sort()).toEqual([a.tenantId, a.tenantId, b.tenantId, b.tenantId].sort())
  })

  it('counts what it refuses by code', async () => {
    const tenant = db.both.client({ tenantId: a.tenantId })
    const move = () => tenant.featureFlag.create({ data: { tenantId: b.tenantId, key: 'moved' } })
    await expect(move()).rejects.toSatisfy((error) => isTenancyError(error, 'DH202'))
    await expect(move()).rejects.toSatisfy((error) => isTenancyError(error, 'DH202'))
    await expect(tenant.$transaction(() => move())).rejects.toSatisfy((error) =>
      isTenancyError(error, 'DH202'),
    )
    // the database refuses this one: hull one is off
    await expect(
      db.two.client({ tenantId: a.tenantId }).featureFlag.create({
        data: { tenantId: b.tenantId, key: 'moved' },
      }),
    ).rejects.toSatisfy((error) => isTenancyError(error, 'DH301'))
    expect(await sdk.points('doublehull.refusals')).toMatchObject([
      { attributes: { 'error.type': 'DH202' }, value: 3 },
      { attributes: { 'error.type': 'DH301' }, value: 1 },
    ])
    expect(sdk.span('create FeatureFlag').attributes['error.type']).toBe('DH202')
  })

  it('reports its pool while it works', async () => {
    // there are other tenancies in this process, and they rest
    const sum = async (name: string, state?: string) =>
      (await sdk.points(name))
        .filter(({ attributes }) => attributes['db.client.connection.state'] === state)
        .reduce((total, { value }) => total + Number(value), 0)
    const tenant = db.both.client({ tenantId: a.tenantId })
    // the pool asks whom it logged in as before its first query
    await tenant.featureFlag.count()
    const slow = tenant.$queryRaw`select pg_sleep(1)::text`.then(() => 0)
    await vi.waitFor(async () => expect(await sum('doublehull.pipeline.in_flight')).toBe(1))
    expect(await sum('doublehull.pipeline.depth')).toBe(1)
    expect(await sum('db.client.connection.count', 'used')).toBe(1)
    expect(await sum('db.client.connection.pending_requests')).toBe(0)
    await slow
    expect(await sum('doublehull.pipeline.in_flight')).toBe(0)
    expect(await sum('db.client.connection.count', 'used')).toBe(0)
    expect(await sum('db.client.connection.count', 'idle')).toBeGreaterThan(0)
  })

  it('names the tenant on spans and never in a metric', async () => {
    await useEverything()
    expect(linesWith(a.tenantId, inspect(sdk.spans(), everyDepth))).not.toEqual([])
    const recorded = inspect(await sdk.metrics(), everyDepth)
    expect(linesWith('db.client.operation.duration', recorded)).not.toEqual([])
    expect(linesWith('doublehull.refusals', recorded)).not.toEqual([])
    expect(linesWith(/tenant\.id|[0-9a-f]{8}-[0-9a-f]{4}-/, recorded)).toEqual([])
  })

  it('tells nothing of what was asked, answered or complained of', async () => {
    const errors = await useEverything()
    // the errors themselves do quote it
    expect(linesWith('planted', inspect(errors, everyDepth))).not.toEqual([])
    const recorded = await sdk.everything()
    expect(linesWith('prisma:client:db_query', recorded)).not.toEqual([])
    for (const type of ['DH202', 'P2002', 'P2010', 'PrismaClientValidationError', 'BadNews']) {
      expect(linesWith(`'error.type': '${type}'`, recorded)).not.toEqual([])
    }
    for (const secret of ['planted', a.secret, a.packageId]) {
      expect(linesWith(secret, recorded)).toEqual([])
    }
  })

  /** Operations that succeed and fail in every way, with values that are found nowhere else. */
  async function useEverything(): Promise<readonly unknown[]> {
    const tenant = db.both.client({ tenantId: a.tenantId })
    const planted = `planted-${randomUUID()}`
    class BadNews extends Error {}
    const flag = await tenant.featureFlag.create({ data: { key: planted, description: planted } })
    await tenant.featureFlag.findUnique({ where: { id: flag.id } })
    await tenant.configPackage.findMany({ where: { name: a.secret, id: { not: planted.slice(8) } } })
    await tenant.$queryRaw`select ${planted}::text as said`
    const failing = [
      () => tenant.featureFlag.create({ data: { key: planted } }),
      () => tenant.featureFlag.create({ data: { key: planted, tenantId: b.tenantId } }),
      () => tenant.featureFlag.findMany({ where: { planted } as Prisma.FeatureFlagWhereInput }),
      () => tenant.featureFlag.findMany({ where: { id: planted } }),
      () => tenant.featureFlag.update({ where: { id: a.packageId }, data: { description: planted } }),
      () => tenant.$queryRaw`select ${planted}::text::integer`,
      () =>
        tenant.$transaction(async (tx) => {
          await tx.featureFlag.findMany({ where: { key: planted } })
          throw new BadNews(planted)
        }),
      () =>
        tenant.$transaction(async (tx) => {
          await tx.$executeRaw`update governance.feature_flag set key = ${planted} where id = ${planted}::uuid`
        }),
    ]
    const errors: unknown[] = []
    for (const fail of failing) {
      await fail().then(
        () => expect.unreachable('this one should fail'),
        (error: unknown) => errors.push(error),
      )
    }
    return errors
  }
})

describe('a project without @opentelemetry/api', () => {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const db = useTestDatabase()
  let project = ''

  beforeAll(() => {
    // outside of the repository, whose node_modules every folder below would find
    project = mkdtempSync(join(tmpdir(), 'doublehull-'))
    const packageJson = readFileSync(join(root, 'package.json'), 'utf8')
    writeFileSync(join(project, 'package.json'), packageJson)
    const { dependencies } = JSON.parse(packageJson) as { readonly dependencies: Record<string, string> }
    for (const name of [...Object.keys(dependencies), '@prisma/client', '@types/node', '@types/pg']) {
      const link = join(project, 'node_modules', name)
      mkdirSync(dirname(link), { recursive: true })
      symlinkSync(join(root, 'node_modules', name), link)
    }
    execFileSync(
      join(root, 'node_modules/typescript/bin/tsc'),
      ['-p', 'tsconfig.build.json', '--outDir', join(project, 'dist')],
      { cwd: root },
    )
    execFileSync(process.execPath, ['scripts/copy-sql.mjs', join(project, 'dist')], { cwd: root })
  })
  afterAll(() => rmSync(project, { recursive: true, force: true }))

  it('loads the package, with import and with require, and queries', () => {
    const script = `
      import { createRequire } from 'node:module'
      const require = createRequire(import.meta.url)
      let missing
      try { require.resolve('@opentelemetry/api') } catch (error) { missing = error.code }
      const { createTenancy } = await import('./dist/index.js')
      const { manifest, PrismaClient } = await import('./dist/bundled.js')
      const tenancy = createTenancy({ PrismaClient, manifest, connectionString: process.env.APP_URL })
      const db = tenancy.client({ tenantId: crypto.randomUUID() })
      const flags = await db.featureFlag.findMany()
      const refused = await db.user.create({ data: { email: 'a@example.org' } }).catch(({ code }) => code)
      await tenancy.disconnect()
      const same = require('./dist/index.js').createTenancy === createTenancy
      console.log(JSON.stringify({ missing, flags, refused, same }))`
    writeFileSync(join(project, 'script.mjs'), script)
    const output = execFileSync(process.execPath, ['--no-warnings', 'script.mjs'], {
      cwd: project,
      encoding: 'utf8',
      env: { ...process.env, APP_URL: db.appUrl },
    })
    expect(JSON.parse(output)).toEqual({
      missing: 'MODULE_NOT_FOUND',
      flags: [],
      refused: 'DH203',
      same: true,
    })
  })

  it('compiles against the types of the package', () => {
    writeFileSync(
      join(project, 'use.ts'),
      ['index', 'bundled', 'telemetry/telemetry']
        .map((file, number) => `export * as m${number} from './dist/${file}.js'`)
        .join('\n'),
    )
    const options = ['--skipLibCheck', 'false', '--module', 'nodenext', '--target', 'es2023', '--noEmit']
    execFileSync(
      join(root, 'node_modules/typescript/bin/tsc'),
      [...options, '--strict', '--types', 'node', '--ignoreConfig', 'use.ts'],
      { cwd: project },
    )
  })
})

const everyDepth = { depth: null, maxArrayLength: null, maxStringLength: null, breakLength: 200 } as const

function linesWith(wanted: string | RegExp, text: string): readonly string[] {
  return text
    .split('\n')
    .filter((line) => (typeof wanted === 'string' ? line.includes(wanted) : wanted.test(line)))
}

/** A real SDK that keeps what it is told in memory; a new one for each test of the calling `describe`. */
function useSdk() {
  let spanExporter: InMemorySpanExporter
  let tracerProvider: BasicTracerProvider
  let metricExporter: InMemoryMetricExporter
  let meterProvider: MeterProvider

  const register = () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    trace.setGlobalTracerProvider(tracerProvider)
    metrics.setGlobalMeterProvider(meterProvider)
  }
  const unregister = () => {
    context.disable()
    trace.disable()
    metrics.disable()
  }
  beforeEach(() => {
    spanExporter = new InMemorySpanExporter()
    tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spanExporter)] })
    metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
    const reader = new PeriodicExportingMetricReader({
      exporter: metricExporter,
      // never by itself
      exportIntervalMillis: 3_600_000,
    })
    meterProvider = new MeterProvider({ readers: [reader] })
    register()
  })
  afterEach(async () => {
    unregister()
    await tracerProvider.shutdown()
    await meterProvider.shutdown()
  })

  const spans = (name?: string): readonly ReadableSpan[] =>
    spanExporter.getFinishedSpans().filter((span) => name === undefined || span.name === name)

  const collect = async () => {
    metricExporter.reset()
    await meterProvider.forceFlush()
    return metricExporter.getMetrics()
  }
  const collectMetrics = async (name?: string) =>
    (await collect())
      .flatMap(({ scopeMetrics }) => scopeMetrics)
      .flatMap(({ metrics }) => metrics)
      .filter(({ descriptor }) => name === undefined || descriptor.name === name)

  return {
    register,
    unregister,
    spans,
    /** The first span of that name. */
    span(name: string): ReadableSpan {
      const [span] = spans(name)
      if (!span)
        throw new Error(
          `no span is named ${name}: ${spans()
            .map((span) => span.name)
            .join(', ')}`,
        )
      return span
    },
    /** The span above this one, the one above that, and so on. */
    ancestors(span: ReadableSpan): readonly ReadableSpan[] {
      const parents: ReadableSpan[] = []
      for (let current: ReadableSpan | undefined = span; current; ) {
        const parentId: string | undefined = current.parentSpanContext?.spanId
        current = spans().find((other) => other.spanContext().spanId === parentId)
        if (current) parents.push(current)
      }
      return parents
    },
    metrics: collectMetrics,
    async points(name: string) {
      return (await collectMetrics(name)).flatMap<Point>(({ dataPoints }) => dataPoints)
    },
    /** All that was exported, as text. */
    everything: async () => inspect([spans(), await collect()], everyDepth),
  }
}

interface Point {
  readonly attributes: Readonly<Record<string, unknown>>
  readonly value: unknown
}
