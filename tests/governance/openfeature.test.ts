import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import {
  type Client,
  type EvaluationContext,
  type EvaluationDetails,
  type FlagValue,
  type Hook,
  type HookContext,
  type JsonValue,
  OpenFeature,
  type Provider,
  ProviderEvents,
  ProviderStatus,
} from '@openfeature/server-sdk'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { PrismaClient } from '../../src/generated/prisma/client.ts'
import { manifest } from '../../src/generated/tenancy.ts'
import { type FlagSnapshot, openFlagSnapshot } from '../../src/governance/flags/flag-snapshot.ts'
import {
  createOpenFeatureProvider,
  createTenantsOpenFeatureProvider,
  type TenantsProviderOptions,
} from '../../src/governance/flags/openfeature.ts'
import { createTenancy } from '../../src/index.ts'
import { plantTwoTenants, type TwoTenants, useTestDatabase } from '../support/test-database.ts'

const database = useTestDatabase()
let scene: TwoTenants
let snapshot: FlagSnapshot

type Type = 'Boolean' | 'String' | 'Integer' | 'Float' | 'Object'

const photos = { showImages: true, title: 'Check out these pics!', imagesPerPage: 100 }
const typeOf = {
  Boolean: 'BOOLEAN',
  String: 'STRING',
  Integer: 'NUMBER',
  Float: 'NUMBER',
  Object: 'OBJECT',
} as const

/** A flag of the specification's test data, as it is stored here. */
interface SpecificationFlag {
  readonly key: string
  readonly type: Type
  readonly variants: Record<string, JsonValue>
  readonly defaultVariant: string
  readonly offVariant?: string
  readonly enabled?: boolean
  readonly rules?: readonly object[]
}

const forBallmer = [
  {
    if: [{ attribute: 'email', operator: 'equals', value: 'ballmer@macrosoft.com' }],
    serve: { variant: 'zero' },
  },
]
const zeroVariants: Readonly<Record<Type, Record<string, JsonValue>>> = {
  Boolean: { zero: false, 'non-zero': true },
  String: { zero: '', 'non-zero': 'str' },
  Integer: { zero: 0, 'non-zero': 1 },
  Float: { zero: 0, 'non-zero': 1 },
  Object: { zero: {}, 'non-zero': photos },
}
const types = Object.keys(zeroVariants) as Type[]

const specificationFlags: readonly SpecificationFlag[] = [
  { key: 'boolean-flag', type: 'Boolean', variants: { on: true, off: false }, defaultVariant: 'on' },
  {
    key: 'string-flag',
    type: 'String',
    variants: { greeting: 'hi', parting: 'bye' },
    defaultVariant: 'greeting',
  },
  { key: 'integer-flag', type: 'Integer', variants: { one: 1, ten: 10 }, defaultVariant: 'ten' },
  { key: 'float-flag', type: 'Float', variants: { tenth: 0.1, half: 0.5 }, defaultVariant: 'half' },
  {
    key: 'object-flag',
    type: 'Object',
    variants: { empty: {}, template: photos },
    defaultVariant: 'template',
  },
  { key: 'wrong-flag', type: 'String', variants: { one: 'uno', two: 'dos' }, defaultVariant: 'one' },
  {
    key: 'context-aware',
    type: 'String',
    variants: { internal: 'INTERNAL', external: 'EXTERNAL' },
    defaultVariant: 'external',
    rules: [
      {
        if: [{ attribute: 'customer', operator: 'equals', value: false }],
        serve: { variant: 'internal' },
      },
    ],
  },
  ...types.map((type) => ({
    key: `${type.toLowerCase()}-zero-flag`,
    type,
    variants: zeroVariants[type],
    defaultVariant: 'zero',
  })),
  ...types.map((type) => ({
    key: `${type.toLowerCase()}-targeted-zero-flag`,
    type,
    variants: zeroVariants[type],
    defaultVariant: 'zero',
    rules: forBallmer,
  })),
  {
    key: 'boolean-disabled-flag',
    type: 'Boolean',
    variants: { on: true, off: false },
    defaultVariant: 'on',
    enabled: false,
  },
  {
    key: 'string-disabled-flag',
    type: 'String',
    variants: { greeting: 'hi', off: 'bye' },
    defaultVariant: 'greeting',
    enabled: false,
  },
  { key: 'changing-flag', type: 'Boolean', variants: { on: true, off: false }, defaultVariant: 'on' },
  { key: 'async-flag', type: 'Boolean', variants: { on: true, off: false }, defaultVariant: 'on' },
]

beforeAll(async () => {
  scene = await plantTwoTenants(database)
  await store(specificationFlags)
  snapshot = await openFlagSnapshot({
    db: ofA(),
    connectionString: database.appUrl,
  })
})
afterEach(async () => {
  await OpenFeature.clearProviders()
  OpenFeature.clearHandlers()
  OpenFeature.setContext({})
})
afterAll(() => snapshot.close())

const ofA = () => database.both.client({ tenantId: scene.a.tenantId, userId: scene.a.userId })
const ofB = () => database.both.client({ tenantId: scene.b.tenantId, userId: scene.b.userId })

/** Writes flags with plain Prisma, as the application's role. */
async function store(flags: readonly SpecificationFlag[], db = ofA()): Promise<void> {
  for (const { key, type, variants, defaultVariant, offVariant, enabled = true, rules } of flags) {
    const off = offVariant ?? (Object.hasOwn(variants, 'off') ? 'off' : defaultVariant)
    await db.featureFlag.create({
      data: {
        key,
        type: typeOf[type],
        variants,
        defaultVariant,
        offVariant: off,
        enabled,
        ...(rules ? { targeting: { rules } as object } : {}),
      },
    })
  }
}

/** Given a stable provider */
async function stableProvider(hooks: readonly Hook[] = []): Promise<Client> {
  return clientOf(createOpenFeatureProvider({ snapshot, hooks }))
}

async function clientOf(provider: Provider): Promise<Client> {
  const domain = randomUUID()
  await OpenFeature.setProviderAndWait(domain, provider)
  return OpenFeature.getClient(domain)
}

/** When the flag was evaluated with details */
function details(
  client: Client,
  type: Type,
  key: string,
  defaultValue: JsonValue,
  context?: EvaluationContext,
  hooks: Hook[] = [],
): Promise<EvaluationDetails<FlagValue>> {
  if (type === 'Boolean') return client.getBooleanDetails(key, defaultValue as boolean, context, { hooks })
  if (type === 'String') return client.getStringDetails(key, defaultValue as string, context, { hooks })
  if (type === 'Object') return client.getObjectDetails(key, defaultValue, context, { hooks })
  return client.getNumberDetails(key, defaultValue as number, context, { hooks })
}

/** Resolves with what an event is told of, the first time that it comes. */
function nextEvent(client: Client, event: ProviderEvents): Promise<any> {
  return new Promise((resolve) => {
    client.addHandler(event, (told) => resolve(told))
  })
}

const values: readonly [Type, string, JsonValue, JsonValue, string][] = [
  ['Boolean', 'boolean-flag', false, true, 'on'],
  ['String', 'string-flag', 'bye', 'hi', 'greeting'],
  ['Integer', 'integer-flag', 1, 10, 'ten'],
  ['Float', 'float-flag', 0.1, 0.5, 'half'],
  ['Object', 'object-flag', {}, photos, 'template'],
]
const defaults: readonly [Type, JsonValue][] = [
  ['Boolean', false],
  ['String', 'bye'],
  ['Integer', 1],
  ['Float', 0.1],
  ['Object', { a: 1 }],
]
const zeros: readonly [Type, JsonValue, JsonValue][] = [
  ['Boolean', true, false],
  ['String', 'hi', ''],
  ['Integer', 1, 0],
  ['Float', 0.1, 0],
  ['Object', { a: 1 }, {}],
]

describe('evaluation.feature', () => {
  it('Resolves boolean value', async () => {
    const client = await stableProvider()
    expect(await client.getBooleanValue('boolean-flag', false)).toBe(true)
  })
  it('Resolves string value', async () => {
    const client = await stableProvider()
    expect(await client.getStringValue('string-flag', 'bye')).toBe('hi')
  })
  it('Resolves integer value', async () => {
    const client = await stableProvider()
    expect(await client.getNumberValue('integer-flag', 1)).toBe(10)
  })
  it('Resolves float value', async () => {
    const client = await stableProvider()
    expect(await client.getNumberValue('float-flag', 0.1)).toBe(0.5)
  })
  it('Resolves object value', async () => {
    const client = await stableProvider()
    expect(await client.getObjectValue('object-flag', null)).toEqual(photos)
  })
  it.each([
    ['boolean', ...(values[0] as (typeof values)[0])],
    ['string', ...(values[1] as (typeof values)[0])],
    ['integer', ...(values[2] as (typeof values)[0])],
    ['float', ...(values[3] as (typeof values)[0])],
  ] as const)('Resolves %s details', async (_, type, key, defaultValue, value, variant) => {
    const client = await stableProvider()
    expect(await details(client, type, key, defaultValue)).toMatchObject({ value, variant, reason: 'STATIC' })
  })
  it('Resolves object details', async () => {
    const client = await stableProvider()
    expect(await client.getObjectDetails('object-flag', null)).toMatchObject({
      value: photos,
      variant: 'template',
      reason: 'STATIC',
    })
  })
  it('Resolves based on context', async () => {
    const client = await stableProvider()
    const context = { fn: 'Sulisław', ln: 'Świętopełk', age: 29, customer: false }
    expect(await client.getStringValue('context-aware', 'EXTERNAL', context)).toBe('INTERNAL')
    expect(await client.getStringValue('context-aware', 'EXTERNAL', {})).toBe('EXTERNAL')
  })
  it('Flag not found', async () => {
    const client = await stableProvider()
    expect(await client.getStringDetails('missing-flag', 'uh-oh')).toMatchObject({
      value: 'uh-oh',
      reason: 'ERROR',
      errorCode: 'FLAG_NOT_FOUND',
    })
  })
  it('Type error', async () => {
    const client = await stableProvider()
    expect(await client.getNumberDetails('wrong-flag', 13)).toMatchObject({
      value: 13,
      reason: 'ERROR',
      errorCode: 'TYPE_MISMATCH',
    })
  })
})

describe('evaluation_v2.feature', () => {
  it.each(values)('Resolve values: %s', async (type, key, defaultValue, value) => {
    expect((await details(await stableProvider(), type, key, defaultValue)).value).toEqual(value)
  })
  it.each(zeros)('Resolves zero value: %s', async (type, defaultValue, value) => {
    const client = await stableProvider()
    const resolved = await details(client, type, `${type.toLowerCase()}-zero-flag`, defaultValue)
    expect(resolved).toMatchObject({ value, reason: 'STATIC' })
    expect(resolved.value).toEqual(value)
  })
  it.each(zeros)('Resolves zero value with targeting: %s', async (type, defaultValue, value) => {
    const client = await stableProvider()
    const context = { email: 'ballmer@macrosoft.com' }
    const key = `${type.toLowerCase()}-targeted-zero-flag`
    const resolved = await details(client, type, key, defaultValue, context)
    expect([resolved.value, resolved.reason]).toEqual([value, 'TARGETING_MATCH'])
  })
  it.each(zeros)(
    'Resolves zero value with targeting using default: %s',
    async (type, defaultValue, value) => {
      const client = await stableProvider()
      const key = `${type.toLowerCase()}-targeted-zero-flag`
      const resolved = await details(client, type, key, defaultValue, { email: 'ballmer@none.com' })
      expect([resolved.value, resolved.reason]).toEqual([value, 'DEFAULT'])
    },
  )
  it.each(defaults)('Flag not found error: %s', async (type, defaultValue) => {
    const resolved = await details(await stableProvider(), type, 'non-existent-flag', defaultValue)
    expect(resolved).toMatchObject({ reason: 'ERROR', errorCode: 'FLAG_NOT_FOUND' })
    expect(resolved.value).toEqual(defaultValue)
  })
  it.each([
    ['boolean-flag', 'String', 'bye'],
    ['string-flag', 'Boolean', false],
    ['string-flag', 'Integer', 1],
    ['string-flag', 'Object', {}],
  ] as const)('Type mismatch error: %s as %s', async (key, type, defaultValue) => {
    const resolved = await details(await stableProvider(), type, key, defaultValue)
    expect(resolved).toMatchObject({ reason: 'ERROR', errorCode: 'TYPE_MISMATCH' })
    expect(resolved.value).toEqual(defaultValue)
  })
  it.each(values)('Provider not ready error: %s', async (type, key, defaultValue) => {
    await withFlagsLocked(async () => {
      const client = notReadyProvider()
      const resolved = await details(client, type, key, defaultValue)
      expect(resolved).toMatchObject({ reason: 'ERROR', errorCode: 'PROVIDER_NOT_READY' })
      expect(resolved.value).toEqual(defaultValue)
    })
  })
  it.each(values)('Provider in fatal state error: %s', async (type, key, defaultValue) => {
    const resolved = await details(await fatalProvider(), type, key, defaultValue)
    expect(resolved).toMatchObject({ reason: 'ERROR', errorCode: 'PROVIDER_FATAL' })
    expect(resolved.value).toEqual(defaultValue)
  })
  it.each(values)(
    'Complete evaluation details structure: %s',
    async (type, key, defaultValue, value, variant) => {
      const resolved = await details(await stableProvider(), type, key, defaultValue)
      expect(resolved).toMatchObject({ flagKey: key, variant, reason: 'STATIC' })
      expect(resolved.value).toEqual(value)
    },
  )
  it.each(zeros)('Empty evaluation context: %s', async (type, defaultValue, value) => {
    const client = await stableProvider()
    const resolved = await details(client, type, `${type.toLowerCase()}-targeted-zero-flag`, defaultValue)
    expect([resolved.value, resolved.reason]).toEqual([value, 'DEFAULT'])
  })
  it.each(zeros)('Null context values: %s', async (type, defaultValue, value) => {
    const client = await stableProvider()
    const key = `${type.toLowerCase()}-targeted-zero-flag`
    const resolved = await details(client, type, key, defaultValue, { email: null as never })
    expect([resolved.value, resolved.reason]).toEqual([value, 'DEFAULT'])
  })
  it('Multiple context attributes targeting', async () => {
    const client = await stableProvider()
    const context = { email: 'ballmer@macrosoft.com', role: 'admin', age: 65, customer: false }
    expect(await client.getStringDetails('context-aware', 'false', context)).toMatchObject({
      value: 'INTERNAL',
      reason: 'TARGETING_MATCH',
    })
  })
  it('Structure flag evaluation', async () => {
    const resolved = await (await stableProvider()).getObjectDetails('object-flag', {})
    expect([resolved.value, resolved.reason]).toEqual([photos, 'STATIC'])
  })
  it.each(values)('Variant field population: %s', async (type, key, defaultValue, _, variant) => {
    expect((await details(await stableProvider(), type, key, defaultValue)).variant).toBe(variant)
  })
  it.each([
    ['boolean-disabled-flag', 'Boolean', false],
    ['string-disabled-flag', 'String', 'bye'],
  ] as const)('DISABLED reason: %s', async (key, type, defaultValue) => {
    const resolved = await details(await stableProvider(), type, key, defaultValue)
    expect([resolved.value, resolved.reason]).toEqual([defaultValue, 'DISABLED'])
  })
  it('Error message in evaluation details', async () => {
    const resolved = await (await stableProvider()).getBooleanDetails('error-flag', false)
    expect(resolved.reason).toBe('ERROR')
    expect(resolved.errorMessage).toContain('flag error-flag not found')
  })
  it('Provider status accessibility: stable', async () => {
    expect((await stableProvider()).providerStatus).toBe(ProviderStatus.READY)
  })
  it('Provider status accessibility: not ready', async () => {
    await withFlagsLocked(async () => {
      expect(notReadyProvider().providerStatus).toBe(ProviderStatus.NOT_READY)
    })
  })
  it('Provider status accessibility: error', async () => {
    const client = await failedProvider(unreachable())
    expect(client.providerStatus).toBe(ProviderStatus.ERROR)
  })
  it('Provider status accessibility: fatal', async () => {
    expect((await fatalProvider()).providerStatus).toBe(ProviderStatus.FATAL)
  })
  it('Provider status accessibility: stale', async () => {
    const client = await stableProvider()
    await whileNobodyListens(async () => {
      await until(() => client.providerStatus === ProviderStatus.STALE)
      expect(await client.getBooleanDetails('boolean-flag', false)).toMatchObject({
        value: true,
        reason: 'STALE',
        flagMetadata: { staleReason: 'STATIC' },
      })
    })
    await until(() => client.providerStatus === ProviderStatus.READY)
  })
  it('Evaluation options with hooks', async () => {
    const client = await stableProvider()
    const order: string[] = []
    const named = (name: string): Hook => ({
      before: () => void order.push(`before ${name}`),
      after: () => void order.push(`after ${name}`),
      finally: () => void order.push(`finally ${name}`),
    })
    await details(client, 'Boolean', 'boolean-flag', false, {}, [named('1'), named('2')])
    expect(order).toEqual(['before 1', 'before 2', 'after 2', 'after 1', 'finally 2', 'finally 1'])
  })
  it.each([
    ['string-flag', 'Boolean', false],
    ['boolean-flag', 'String', 'bye'],
    ['boolean-flag', 'Integer', 1],
    ['boolean-flag', 'Float', 0.1],
  ] as const)('Default value type validation: %s as %s', async (key, type, defaultValue) => {
    const resolved = await details(await stableProvider(), type, key, defaultValue)
    expect([resolved.value, resolved.errorCode]).toEqual([defaultValue, 'TYPE_MISMATCH'])
  })
  it('Evaluation context immutability', async () => {
    const client = await stableProvider()
    const context = { email: 'ballmer@macrosoft.com', nested: { list: [1, 2] } }
    const copy = structuredClone(context)
    const resolved = await details(client, 'Object', 'object-flag', {}, context)
    expect(context).toEqual(copy)
    expect(Object.isFrozen(resolved.value)).toBe(true)
    expect(Object.isFrozen(resolved.flagMetadata)).toBe(true)
  })
  it('Asynchronous flag evaluation', async () => {
    const client = await stableProvider()
    let isDone = false
    const evaluation = client.getBooleanDetails('async-flag', false).finally(() => {
      isDone = true
    })
    expect(isDone).toBe(false)
    expect(await evaluation).toEqual(await client.getBooleanDetails('async-flag', false))
  })
})

describe('events.feature', () => {
  it('PROVIDER_READY is emitted', async () => {
    const domain = randomUUID()
    const ready = nextEvent(OpenFeature.getClient(domain), ProviderEvents.Ready)
    await OpenFeature.setProviderAndWait(
      domain,
      createOpenFeatureProvider({ db: ofA(), connectionString: database.appUrl }),
    )
    expect(await ready).toMatchObject({ providerName: 'doublehull' })
  })
  it('PROVIDER_ERROR is emitted', async () => {
    const domain = randomUUID()
    const failed = nextEvent(OpenFeature.getClient(domain), ProviderEvents.Error)
    await expect(OpenFeature.setProviderAndWait(domain, unreachable())).rejects.toThrow()
    expect(await failed).toMatchObject({ providerName: 'doublehull' })
  })
  it('PROVIDER_CONFIGURATION_CHANGED is emitted', async () => {
    const client = await stableProvider()
    const changed = nextEvent(client, ProviderEvents.ConfigurationChanged)
    await ofA().featureFlag.updateMany({ where: { key: 'changing-flag' }, data: { enabled: false } })
    expect((await changed).flagsChanged).toEqual(['changing-flag'])
    expect(await client.getBooleanValue('changing-flag', true)).toBe(false)
  })
})

describe('hooks.feature', () => {
  const recording = () => {
    const calls: Record<string, EvaluationDetails<FlagValue> | true> = {}
    const hook: Hook = {
      before: () => {
        calls['before'] = true
      },
      after: (_: HookContext, told) => {
        calls['after'] = told
      },
      error: () => {
        calls['error'] = true
      },
      finally: (_: HookContext, told) => {
        calls['finally'] = told
      },
    }
    return { calls, hook }
  }

  it('Passes evaluation details to after and finally hooks', async () => {
    const { calls, hook } = recording()
    const client = (await stableProvider()).addHooks(hook)
    await client.getBooleanDetails('boolean-flag', false)
    const told = { flagKey: 'boolean-flag', value: true, variant: 'on', reason: 'STATIC' }
    expect(calls).toMatchObject({ before: true, after: told, finally: told })
    expect(calls['finally']).not.toHaveProperty('errorCode')
    expect(calls['error']).toBeUndefined()
  })
  it('Flag not found', async () => {
    const { calls, hook } = recording()
    const client = (await stableProvider()).addHooks(hook)
    await client.getStringDetails('missing-flag', 'uh-oh')
    const told = { flagKey: 'missing-flag', value: 'uh-oh', reason: 'ERROR', errorCode: 'FLAG_NOT_FOUND' }
    expect(calls).toMatchObject({ before: true, error: true, finally: told })
    expect(calls['finally']).not.toHaveProperty('variant')
  })
  it('Type error', async () => {
    const { calls, hook } = recording()
    const client = (await stableProvider()).addHooks(hook)
    await client.getNumberDetails('wrong-flag', 13)
    const told = { flagKey: 'wrong-flag', value: 13, reason: 'ERROR', errorCode: 'TYPE_MISMATCH' }
    expect(calls).toMatchObject({ before: true, error: true, finally: told })
    expect(calls['finally']).not.toHaveProperty('variant')
  })
})

describe('evaluation_context.feature', () => {
  const levels = ['API', 'Transaction', 'Client', 'Invocation', 'Before Hooks'] as const
  type Level = (typeof levels)[number]
  const transactions = new AsyncLocalStorage<EvaluationContext>()

  beforeAll(() => {
    OpenFeature.setTransactionContextPropagator({
      getTransactionContext: () => transactions.getStore() ?? {},
      setTransactionContext: (context, callback, ...args) => transactions.run(context, callback, ...args),
    })
  })

  /** Evaluates a flag whose rule holds where the merged context has the entry: the provider has got it. */
  async function mergedHas(
    entries: Partial<Record<Level, EvaluationContext>>,
    key: string,
    value: string | number | boolean,
  ): Promise<boolean> {
    const flag = `merged-${randomUUID()}x`
    await store([
      {
        key: flag,
        type: 'Boolean',
        variants: { on: true, off: false },
        defaultVariant: 'off',
        rules: [{ if: [{ attribute: key, operator: 'equals', value }], serve: { variant: 'on' } }],
      },
    ])
    await snapshot.refresh()
    const client = await stableProvider()
    OpenFeature.setContext(entries.API ?? {})
    client.setContext(entries.Client ?? {})
    const hooks: Hook[] = [{ before: () => entries['Before Hooks'] ?? {} }]
    return transactions.run(entries.Transaction ?? {}, async () => {
      const { reason, value: isOn } = await details(
        client,
        'Boolean',
        flag,
        false,
        entries.Invocation ?? {},
        hooks,
      )
      return isOn === true && reason === 'TARGETING_MATCH'
    })
  }

  it.each(levels)('A context entry is added to a single level: %s', async (level) => {
    expect(await mergedHas({ [level]: { key: 'value' } }, 'key', 'value')).toBe(true)
    expect(await mergedHas({}, 'key', 'value')).toBe(false)
  })
  it.each([
    ['a transaction', ['API', 'Transaction', 'Client', 'Invocation']],
    ['a hook', ['API', 'Client', 'Invocation', 'Before Hooks']],
    ['a transaction and a hook', levels],
  ] as const)(
    'For %s, a context entry of type "string" is added to each level with different keys',
    async (_, present) => {
      const entries = Object.fromEntries(present.map((level) => [level, { [level]: `${level} value` }]))
      for (const level of present) expect(await mergedHas(entries, level, `${level} value`)).toBe(true)
    },
  )
  describe.each([
    ['a transaction', ['API', 'Transaction', 'Client', 'Invocation']],
    ['a hook', ['API', 'Client', 'Invocation', 'Before Hooks']],
    ['a transaction and a hook', levels],
  ] as const)('For %s, a context entry in one level overwrites values with the same key', (_, present) => {
    it.each(present)('from preceding levels: %s', async (level) => {
      const given = present.slice(0, present.findIndex((one) => one === level) + 1)
      const entries = Object.fromEntries(given.map((one) => [one, { key: one }]))
      expect(await mergedHas(entries, 'key', level)).toBe(true)
    })
  })
  it('Evaluation context targeting key field', async () => {
    expect(await mergedHas({ Invocation: { targeting_key: 'user-123' } }, 'targeting_key', 'user-123')).toBe(
      true,
    )
    expect(await mergedHas({ Invocation: { targetingKey: 'user-123' } }, 'targetingKey', 'user-123')).toBe(
      true,
    )
  })
  it('Evaluation context without targeting key', async () => {
    const client = await stableProvider()
    expect(await client.getBooleanDetails('boolean-flag', false)).toMatchObject({
      value: true,
      reason: 'STATIC',
    })
  })
  it.each([
    ['user_active', true],
    ['user_email', 'user@example.com'],
    ['user_age', 25],
  ] as const)('Evaluation context custom field types: %s', async (key, value) => {
    expect(await mergedHas({ Invocation: { [key]: value } }, key, value)).toBe(true)
  })
  it('Evaluation context field access methods', async () => {
    const entries = { Invocation: { user_name: 'John Doe', user_age: 30, is_premium: true } }
    expect(await mergedHas(entries, 'user_name', 'John Doe')).toBe(true)
    expect(await mergedHas(entries, 'user_age', 30)).toBe(true)
    expect(await mergedHas(entries, 'is_premium', true)).toBe(true)
  })
  it('Evaluation context field key uniqueness', async () => {
    const entries = { Client: { user_id: '123' }, Invocation: { user_id: '456' } }
    expect(await mergedHas(entries, 'user_id', '456')).toBe(true)
    expect(await mergedHas(entries, 'user_id', '123')).toBe(false)
  })
})

describe('the provider of one tenant', () => {
  it('says which state of the flag it was', async () => {
    const stored = await ofA().featureFlag.findFirstOrThrow({ where: { key: 'boolean-flag' } })
    const { flagMetadata } = await (await stableProvider()).getBooleanDetails('boolean-flag', false)
    expect(flagMetadata).toEqual({ flagId: stored.id, lockVersion: stored.lockVersion })
  })

  it('answers a flag that it cannot read, and a rollout for nobody, with the code of each', async () => {
    const on = { type: 'Boolean', variants: { on: true, off: false }, defaultVariant: 'on' } as const
    const nonsense = [{ if: [{ attribute: 'x', operator: 'nonsense', value: 1 }], serve: { variant: 'on' } }]
    const rollout = [{ if: [], serve: { rollout: [{ variant: 'on', weight: 10_000 }] } }]
    await store([
      { ...on, key: 'unreadable', rules: nonsense },
      { ...on, key: 'rolled-out', rules: rollout },
    ])
    await snapshot.refresh()
    const client = await stableProvider()
    expect(await client.getBooleanDetails('unreadable', false)).toMatchObject({
      value: false,
      reason: 'ERROR',
      errorCode: 'PARSE_ERROR',
    })
    expect(await client.getBooleanDetails('rolled-out', false)).toMatchObject({
      value: false,
      reason: 'ERROR',
      errorCode: 'TARGETING_KEY_MISSING',
    })
    expect(await client.getBooleanDetails('rolled-out', false, { targetingKey: 'u1' })).toMatchObject({
      value: true,
      reason: 'SPLIT',
    })
  })

  it('asked past the SDK before it is initialised, or when it is closed, is not ready', async () => {
    const provider = createOpenFeatureProvider({ db: ofA() })
    const ask = () => provider.resolveBooleanEvaluation('boolean-flag', false, {}, console)
    await expect(ask()).rejects.toMatchObject({ code: 'PROVIDER_NOT_READY' })
    await provider.initialize?.()
    expect(await ask()).toMatchObject({ value: true, reason: 'STATIC' })
    await provider.onClose?.()
    await expect(ask()).rejects.toMatchObject({ code: 'PROVIDER_NOT_READY' })
  })

  it('leaves a snapshot open that it was given, and is fatal with one that is closed', async () => {
    const own = await openFlagSnapshot({ db: ofA() })
    const provider = createOpenFeatureProvider({ snapshot: own })
    await provider.initialize?.()
    await provider.onClose?.()
    expect(own.state).toBe('ready')
    await own.close()
    await expect(createOpenFeatureProvider({ snapshot: own }).initialize?.()).rejects.toMatchObject({
      code: 'PROVIDER_FATAL',
    })
  })

  it('runs the hooks that it was given with each evaluation', async () => {
    const seen: string[] = []
    const client = await stableProvider([{ after: ({ flagKey }) => void seen.push(flagKey) }])
    await client.getBooleanValue('boolean-flag', false)
    expect(seen).toEqual(['boolean-flag'])
  })

  it('has no flag of another tenant’s', async () => {
    const key = `only-of-b-${Date.now()}`
    await store([{ key, type: 'Boolean', variants: { on: true, off: false }, defaultVariant: 'on' }], ofB())
    expect(await database.none.featureFlag.count({ where: { key } })).toBe(1)
    await snapshot.refresh()
    const client = await stableProvider()
    expect(await client.getBooleanDetails(key, false)).toMatchObject({ errorCode: 'FLAG_NOT_FOUND' })
    const other = await clientOf(createOpenFeatureProvider({ db: ofB() }))
    expect(await other.getBooleanValue(key, false)).toBe(true)
  })
})

describe('the provider of many tenants', () => {
  const current = new AsyncLocalStorage<string>()
  const key = 'which-tenant'

  beforeAll(async () => {
    for (const [db, name] of [
      [ofA(), 'a'],
      [ofB(), 'b'],
    ] as const) {
      await store([{ key, type: 'String', variants: { name, off: 'off' }, defaultVariant: 'name' }], db)
    }
  })

  function tenantsProvider(options: Partial<TenantsProviderOptions> = {}): Promise<Client> {
    return clientOf(
      createTenantsOpenFeatureProvider({
        tenantOf: () => current.getStore(),
        client: (tenantId) => database.both.client({ tenantId }),
        ...options,
      }),
    )
  }

  const as = <Result>(tenantId: string, work: () => Promise<Result>) => current.run(tenantId, work)

  it('answers each tenant with its own flags, also where it holds fewer than it serves', async () => {
    const { a, b } = scene
    for (const maxTenants of [1, 100]) {
      const client = await tenantsProvider({ maxTenants })
      const asked = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? a : b))
      const answers = await Promise.all(
        asked.map(({ tenantId }) => as(tenantId, () => client.getStringDetails(key, 'none'))),
      )
      expect(answers.map(({ value, errorCode }) => errorCode ?? value)).toEqual(
        asked.map((tenant) => (tenant === a ? 'a' : 'b')),
      )
    }
  })

  it('takes no tenant from the evaluation context, which an application that does so gives away', async () => {
    const { a, b } = scene
    const forged = { tenantId: b.tenantId }
    const trusting = await tenantsProvider({ tenantOf: (context) => context['tenantId'] })
    expect(await as(a.tenantId, () => trusting.getStringValue(key, 'none', forged))).toBe('b')

    const client = await tenantsProvider()
    expect(await as(a.tenantId, () => client.getStringDetails(key, 'none', forged))).toMatchObject({
      value: 'none',
      reason: 'ERROR',
      errorCode: 'INVALID_CONTEXT',
    })
    const own = { tenantId: a.tenantId }
    expect(await as(a.tenantId, () => client.getStringValue(key, 'none', own))).toBe('a')
  })

  it('without a tenant, or with something else than one, answers nothing', async () => {
    const client = await tenantsProvider()
    expect(await client.getStringDetails(key, 'none', { tenantId: scene.a.tenantId })).toMatchObject({
      value: 'none',
      errorCode: 'INVALID_CONTEXT',
    })
    expect(await as('not a uuid', () => client.getStringDetails(key, 'none'))).toMatchObject({
      errorCode: 'INVALID_CONTEXT',
    })
    expect(
      await as(scene.a.tenantId, () => client.getStringDetails(key, 'none', { tenantId: 'not a uuid' })),
    ).toMatchObject({ errorCode: 'INVALID_CONTEXT' })
    const capitals = scene.a.tenantId.toUpperCase()
    expect(await as(capitals, () => client.getStringValue(key, 'none', { tenantId: capitals }))).toBe('a')
  })

  it('refuses a client of another tenant than it has asked for', async () => {
    const client = await tenantsProvider({ client: () => ofB() })
    expect(await as(scene.a.tenantId, () => client.getStringDetails(key, 'none'))).toMatchObject({
      value: 'none',
      errorCode: 'GENERAL',
    })
  })

  it('tells whose flags have changed', async () => {
    const { a, b } = scene
    const client = await tenantsProvider({ connectionString: database.appUrl })
    for (const { tenantId } of [a, b]) await as(tenantId, () => client.getStringValue(key, 'none'))
    const changed = nextEvent(client, ProviderEvents.ConfigurationChanged)
    await ofB().featureFlag.updateMany({ where: { key }, data: { description: 'changed' } })
    expect(await changed).toMatchObject({ flagsChanged: [key], metadata: { tenantId: b.tenantId } })
  })

  it('fetches the flags again after a failure, once the pause is over', async () => {
    const { a } = scene
    let attempts = 0
    const options = (retryMillis: number): Partial<TenantsProviderOptions> => ({
      retryMillis,
      client: (tenantId) => {
        if (++attempts === 1) throw new Error('the first attempt fails')
        return database.both.client({ tenantId })
      },
    })
    const impatient = await tenantsProvider(options(0))
    expect(await as(a.tenantId, () => impatient.getStringDetails(key, 'none'))).toMatchObject({
      errorCode: 'GENERAL',
    })
    await until(async () => (await as(a.tenantId, () => impatient.getStringValue(key, 'none'))) === 'a')
    expect(attempts).toBe(2)

    attempts = 0
    const patient = await tenantsProvider(options(3_600_000))
    for (const _ of [1, 2]) {
      expect(await as(a.tenantId, () => patient.getStringDetails(key, 'none'))).toMatchObject({
        errorCode: 'GENERAL',
      })
    }
    expect(attempts).toBe(1)
  })

  it('is not ready before it is initialised and after it was closed, and refuses bounds that are none', async () => {
    const make = (options: Partial<TenantsProviderOptions> = {}) =>
      createTenantsOpenFeatureProvider({ tenantOf: () => scene.a.tenantId, client: () => ofA(), ...options })
    const provider = make()
    const ask = () => provider.resolveStringEvaluation(key, 'none', {}, console)
    await expect(ask()).rejects.toMatchObject({ code: 'PROVIDER_NOT_READY' })
    await provider.initialize?.()
    expect(await ask()).toMatchObject({ value: 'a' })
    await provider.onClose?.()
    await expect(ask()).rejects.toMatchObject({ code: 'PROVIDER_NOT_READY' })
    expect(() => make({ maxTenants: 0 })).toThrow(/DH506/)
  })
})

/** Given a not ready provider: what it waits for is locked. */
function notReadyProvider(): Client {
  const domain = randomUUID()
  OpenFeature.setProvider(domain, createOpenFeatureProvider({ db: ofA() }))
  return OpenFeature.getClient(domain)
}

async function withFlagsLocked(work: () => Promise<void>): Promise<void> {
  await database.admin.query('begin; lock table governance.feature_flag in access exclusive mode')
  try {
    await work()
  } finally {
    await database.admin.query('rollback')
  }
}

/** Given a fatal provider: its tenant does not exist, and another attempt does not mend that. */
function fatalProvider(): Promise<Client> {
  return failedProvider(createOpenFeatureProvider({ db: database.both.client({ tenantId: randomUUID() }) }))
}

async function failedProvider(provider: Provider): Promise<Client> {
  const domain = randomUUID()
  await expect(OpenFeature.setProviderAndWait(domain, provider)).rejects.toThrow()
  return OpenFeature.getClient(domain)
}

/** A provider whose server does not answer. */
function unreachable(): Provider {
  const tenancy = createTenancy({
    PrismaClient,
    manifest,
    connectionString: 'postgresql://nobody@127.0.0.1:1/nothing',
    connectionTimeoutMillis: 200,
  })
  return createOpenFeatureProvider({ db: tenancy.client({ tenantId: scene.a.tenantId }) })
}

/** Takes the connection away that listens for changes, and lets nobody log in anew meanwhile. */
async function whileNobodyListens(work: () => Promise<void>): Promise<void> {
  const login = new URL(database.appUrl).username
  await database.admin.query(`alter role "${login}" nologin`)
  try {
    await database.admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where usename = $1 and datname = current_database()`,
      [login],
    )
    await work()
  } finally {
    await database.admin.query(`alter role "${login}" login`)
  }
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10))
}
