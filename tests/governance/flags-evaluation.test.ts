import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { evaluateFlag } from '../../src/governance/flags/evaluate-flag.ts'
import {
  type FlagCondition,
  type FlagInput,
  parseFlagDefinition,
  wholeWeight,
} from '../../src/governance/flags/flag-definition.ts'
import type { EvaluationContext, FlagEvaluation } from '../../src/governance/flags/flag-evaluation.ts'
import { compileFlagSet, type FlagSet, type StoredFlag } from '../../src/governance/flags/flag-set.ts'
import { murmur3 } from '../../src/governance/flags/murmur3.ts'
import { compareSemanticVersions, parseSemanticVersion } from '../../src/governance/flags/semantic-version.ts'
import { isTenancyError } from '../../src/index.ts'

const tenantId = '01890000-0000-7000-8000-000000000001'

/** A flag as the database would give it back. */
function stored(input: FlagInput, more: Partial<StoredFlag> = {}): StoredFlag {
  const definition = JSON.parse(JSON.stringify(parseFlagDefinition(input))) as StoredFlag
  return { ...definition, id: `id of ${input.key}`, lockVersion: 1, archivedAt: null, ...more }
}

function setOf(...inputs: FlagInput[]): FlagSet {
  return compileFlagSet(
    tenantId,
    inputs.map((input) => stored(input)),
  )
}

const color: FlagInput = {
  key: 'color',
  type: 'STRING',
  enabled: true,
  variants: { red: '#f00', green: '#0f0', blue: '#00f' },
  defaultVariant: 'red',
  offVariant: 'blue',
}

const halves = [
  { variant: 'red', weight: 5_000 },
  { variant: 'green', weight: 5_000 },
]

describe('a flag', () => {
  const targeted: FlagInput = {
    ...color,
    targeting: {
      rules: [
        {
          name: 'staff',
          if: [{ attribute: 'user.staff', operator: 'equals', value: true }],
          serve: { variant: 'green' },
        },
        { if: [{ attribute: 'plan', operator: 'in', value: ['pro'] }], serve: { rollout: halves } },
        {
          if: [{ attribute: 'org', operator: 'exists', value: true }],
          serve: { rollout: halves, by: 'org' },
        },
      ],
    },
  }
  const cases: [string, FlagInput[], EvaluationContext, Partial<FlagEvaluation>][] = [
    ['without rules is STATIC', [color], {}, { reason: 'STATIC', variant: 'red', value: '#f00' }],
    [
      'that is off is DISABLED',
      [{ ...color, enabled: false }],
      {},
      { reason: 'DISABLED', variant: 'blue', value: '#00f' },
    ],
    [
      'is what the first rule says that matches',
      [targeted],
      { user: { staff: true }, plan: 'pro' },
      {
        reason: 'TARGETING_MATCH',
        variant: 'green',
        flagMetadata: { flagId: 'id of color', lockVersion: 1, rule: 'staff' },
      },
    ],
    [
      'is the default where no rule matches',
      [targeted],
      { plan: 'free' },
      { reason: 'DEFAULT', variant: 'red' },
    ],
    ['is split by a rollout', [targeted], { plan: 'pro', targetingKey: 'u1' }, { reason: 'SPLIT' }],
    ['is split by another attribute', [targeted], { org: 7 }, { reason: 'SPLIT' }],
    [
      'needs a targeting key for a rollout, and names the lack',
      [targeted],
      { plan: 'pro' },
      { reason: 'ERROR', errorCode: 'TARGETING_KEY_MISSING' },
    ],
    [
      'takes an empty targeting key for none',
      [targeted],
      { plan: 'pro', targetingKey: '' },
      { errorCode: 'TARGETING_KEY_MISSING' },
    ],
    ['is not split by an object', [targeted], { org: {} }, { reason: 'ERROR', errorCode: 'INVALID_CONTEXT' }],
    ['that is not there is not found', [], {}, { reason: 'ERROR', errorCode: 'FLAG_NOT_FOUND' }],
    [
      'needs a context that is an object',
      [color],
      'x' as never,
      { reason: 'ERROR', errorCode: 'INVALID_CONTEXT' },
    ],
    [
      'is off where a prerequisite serves another variant than it needs',
      [{ ...color, prerequisites: [{ flag: 'base', variants: ['on'] }] }, { key: 'base' }],
      {},
      {
        reason: 'DISABLED',
        variant: 'blue',
        flagMetadata: { flagId: 'id of color', lockVersion: 1, prerequisite: 'base' },
      },
    ],
    [
      'is served where its prerequisites are met',
      [
        { ...color, prerequisites: [{ flag: 'base', variants: ['on'] }] },
        { key: 'base', enabled: true },
      ],
      {},
      { reason: 'STATIC', variant: 'red' },
    ],
  ]

  it.each(cases)('%s', (_, flags, context, expected) => {
    const result = evaluateFlag(setOf(...flags), 'color', context)
    expect(result).toMatchObject(expected)
    expect('value' in result).toBe(result.errorCode === undefined)
  })

  it('that is archived is not found, and neither is one of a name that every object has', () => {
    const set = compileFlagSet(tenantId, [stored(color, { archivedAt: new Date() })])
    for (const key of ['color', 'constructor', '__proto__', 'toString']) {
      expect(evaluateFlag(set, key)).toMatchObject({ errorCode: 'FLAG_NOT_FOUND' })
    }
  })

  it('with an attribute that cannot be read is GENERAL, and throws nothing', () => {
    const set = setOf({ ...color, targeting: { default: { rollout: halves } } })
    const context = Object.defineProperty({}, 'targetingKey', {
      get() {
        throw new Error('unreadable')
      },
    })
    expect(evaluateFlag(set, 'color', context)).toMatchObject({ reason: 'ERROR', errorCode: 'GENERAL' })
  })

  it('whose stored definition is not valid is PARSE_ERROR, as is whatever needs it, and the others are served', () => {
    const needy: FlagInput = { ...color, key: 'needy', prerequisites: [{ flag: 'color', variants: ['red'] }] }
    const set = compileFlagSet(tenantId, [
      stored(color, { targeting: { rules: 'none' } }),
      stored(needy),
      stored({ key: 'other', enabled: true }),
    ])
    expect(evaluateFlag(set, 'color')).toMatchObject({ reason: 'ERROR', errorCode: 'PARSE_ERROR' })
    expect(evaluateFlag(set, 'needy')).toMatchObject({ errorCode: 'PARSE_ERROR' })
    expect(evaluateFlag(set, 'other')).toMatchObject({ value: true })
  })

  it('in a circle of prerequisites is PARSE_ERROR', () => {
    const circle = ['a', 'b', 'c'].map((key, at, keys) => ({
      key,
      enabled: true,
      prerequisites: [{ flag: keys[(at + 1) % 3] ?? '', variants: ['on'] }],
    }))
    const set = setOf(...circle, { key: 'leads-in', prerequisites: [{ flag: 'a', variants: ['on'] }] })
    for (const key of ['a', 'b', 'c', 'leads-in']) {
      expect(evaluateFlag(set, key)).toMatchObject({ errorCode: 'PARSE_ERROR' })
    }
  })

  it('on a lattice of prerequisites asks for each of them once', () => {
    const level = (at: number, name: string): FlagInput => ({
      key: `${name}${at}`,
      enabled: true,
      prerequisites:
        at === 0 ? [] : ['x', 'y'].map((below) => ({ flag: `${below}${at - 1}`, variants: ['on'] })),
      targeting: {
        rules: [{ if: [{ attribute: 'never', operator: 'exists', value: true }], serve: { variant: 'off' } }],
      },
    })
    const set = setOf(...Array.from({ length: 30 }, (_, at) => [level(at, 'x'), level(at, 'y')]).flat())
    let reads = 0
    const context = new Proxy(
      {},
      {
        getOwnPropertyDescriptor: () => {
          reads += 1
          return undefined
        },
      },
    )
    expect(evaluateFlag(set, 'x29', context)).toMatchObject({ value: true, reason: 'DEFAULT' })
    expect(reads).toBe(59)
  })

  it('of objects serves what nobody can change', () => {
    const set = setOf({
      key: 'limits',
      type: 'OBJECT',
      enabled: true,
      variants: { on: { deep: [{ most: 1 }] }, off: {} },
    })
    const result = evaluateFlag(set, 'limits')
    expect(result.value).toEqual({ deep: [{ most: 1 }] })
    const { deep } = result.value as { deep: { most: number }[] }
    for (const one of [result, result.value, result.flagMetadata, deep, deep[0]])
      expect(Object.isFrozen(one)).toBe(true)
  })
})

describe('a condition', () => {
  const holds = (condition: object, context: EvaluationContext): boolean =>
    evaluateFlag(
      setOf({
        key: 'f',
        enabled: true,
        offVariant: 'off',
        defaultVariant: 'off',
        targeting: { rules: [{ if: [condition as FlagCondition], serve: { variant: 'on' } }] },
      }),
      'f',
      context,
    ).value === true

  it.each([
    ['equals', 'a', ['a'], ['b', 1, ['a'], { a: 1 }]],
    ['notEquals', 'a', ['b', 1, true], ['a']],
    ['in', ['a', 1], ['a', 1], ['1', 'b', true]],
    ['notIn', ['a', 1], ['1', 'b', true], ['a', 1]],
    ['startsWith', 'ab', ['abc', 'ab'], ['a', 'cab', 1, ['ab']]],
    ['endsWith', 'bc', ['abc', 'bc'], ['c', 'bcd', 1]],
    ['contains', 'b', ['abc', ['a', 'b']], ['ac', ['bc'], 1, {}]],
    ['lessThan', 5, [4.9, -1], [5, 6, '4', Number.NaN]],
    ['atMost', 5, [5, 4], [5.1, '5']],
    ['greaterThan', 5, [5.1], [5, 4, '6']],
    ['atLeast', 5, [5, 6], [4, '5']],
    [
      'before',
      '2026-01-01T00:00:00Z',
      ['2025-12-31', '2026-01-01T00:30:00+01:00', new Date(0), 0],
      ['2026-01-01T00:00:00Z', 'yesterday', new Date(Number.NaN), '0'],
    ],
    [
      'after',
      '2026-01-01T00:00:00Z',
      ['2026-01-01T00:00:01Z', new Date('2027-01-01')],
      ['2026-01-01T00:00:00Z', '2025', true],
    ],
    ['semverEquals', '1.2.3', ['1.2.3', '1.2.3+build'], ['1.2.3-rc.1', '1.2', 'v1.2.3']],
    ['semverLessThan', '1.10.0', ['1.9.9', '1.10.0-rc.1'], ['1.10.0', '1.11.0', 1]],
    ['semverAtMost', '1.10.0', ['1.10.0', '1.9.0'], ['1.10.1']],
    ['semverGreaterThan', '1.0.0-rc.2', ['1.0.0', '1.0.0-rc.10'], ['1.0.0-rc.2', '1.0.0-rc.1', '1.0.0-beta']],
    ['semverAtLeast', '2.0.0', ['2.0.0', '10.0.0'], ['2.0.0-rc.1', '1.99.99']],
  ] as const)('%s %j', (operator, value, matching, other) => {
    for (const one of matching)
      expect([one, holds({ attribute: 'x', operator, value }, { x: one })]).toEqual([one, true])
    for (const one of [...other, undefined, null]) {
      expect([one, holds({ attribute: 'x', operator, value }, { x: one })]).toEqual([one, false])
    }
    expect(holds({ attribute: 'x', operator, value }, {})).toBe(false)
  })

  it('reads along dots, and no further than what the context has of its own', () => {
    const deep = { attribute: 'a.b.0', operator: 'equals', value: 'c' }
    expect(holds(deep, { a: { b: ['c'] } })).toBe(true)
    expect(holds(deep, { a: { b: 'c' } })).toBe(false)
    expect(holds(deep, Object.create({ a: { b: ['c'] } }) as EvaluationContext)).toBe(false)
    for (const attribute of ['toString', 'hasOwnProperty.name', 'a.valueOf']) {
      expect(holds({ attribute, operator: 'exists', value: true }, { a: {} })).toBe(false)
    }
  })

  it('asks whether an attribute is there', () => {
    expect(holds({ attribute: 'a.b', operator: 'exists', value: true }, { a: { b: false } })).toBe(true)
    expect(holds({ attribute: 'a.b', operator: 'exists', value: false }, { a: { b: null } })).toBe(true)
    expect(holds({ attribute: 'a.b', operator: 'exists', value: false }, { a: { b: 0 } })).toBe(false)
  })
})

describe('a definition is refused, with the path,', () => {
  const rule = (condition: object, serve: object = { variant: 'red' }): object => ({
    targeting: { rules: [{ if: [condition], serve }] },
  })
  const condition = { attribute: 'a', operator: 'equals', value: 1 }
  it.each([
    ['whose key is none', { key: 'a key' }, ['key']],
    ['whose key looks like an id', { key: tenantId }, ['key']],
    ['with a variant of another type', { variants: { red: 1, blue: 'b' } }, ['variants', 'red']],
    [
      'with a variant named __proto__',
      { variants: JSON.parse('{"red":"r","blue":"b","__proto__":"p"}') as object },
      ['variants', '__proto__'],
    ],
    ['without variants', { variants: {} }, ['variants']],
    ['whose default variant is none', { defaultVariant: 'constructor' }, ['defaultVariant']],
    ['whose off variant is none', { offVariant: 'off' }, ['offVariant']],
    [
      'with an unknown operator',
      rule({ ...condition, operator: 'matches' }),
      ['targeting', 'rules', 0, 'if', 0, 'operator'],
    ],
    [
      'with a path through a prototype',
      rule({ ...condition, attribute: 'a.__proto__.b' }),
      ['targeting', 'rules', 0, 'if', 0, 'attribute'],
    ],
    [
      'with a path through a constructor',
      rule({ ...condition, attribute: 'constructor' }),
      ['targeting', 'rules', 0, 'if', 0, 'attribute'],
    ],
    [
      'with a version that is none',
      rule({ ...condition, operator: 'semverAtLeast', value: '1.2' }),
      ['targeting', 'rules', 0, 'if', 0, 'value'],
    ],
    [
      'that serves what is no variant',
      rule(condition, { variant: 'pink' }),
      ['targeting', 'rules', 0, 'serve', 'variant'],
    ],
    [
      'whose weights do not sum up',
      { targeting: { default: { rollout: [{ variant: 'red', weight: 9_999 }] } } },
      ['targeting', 'default', 'rollout'],
    ],
    [
      'with a share of no variant',
      { targeting: { default: { rollout: [{ variant: 'pink', weight: 10_000 }] } } },
      ['targeting', 'default', 'rollout', 0, 'variant'],
    ],
    [
      'that needs itself',
      { prerequisites: [{ flag: 'color', variants: ['red'] }] },
      ['prerequisites', 0, 'flag'],
    ],
    ['with an unknown property', { colour: 1 }, []],
  ])('%s', (_, wrong, path) => {
    const secret = 'zq-never-said'
    try {
      parseFlagDefinition({ ...color, description: secret, ...wrong })
      expect.unreachable()
    } catch (error) {
      if (!isTenancyError(error, 'DH506')) throw error
      expect(error.details.issues?.map((issue) => issue.path)).toContainEqual(path)
      expect(JSON.stringify(error.details) + error.message).not.toContain(secret)
    }
  })

  it('whose object value would not come back as it was', () => {
    for (const value of [
      { a: 'x\0' },
      { a: '\ud800' },
      { a: Number.NaN },
      { a: new Date() },
      JSON.parse('{"__proto__":1}') as object,
      { a: undefined },
    ]) {
      expect(() =>
        parseFlagDefinition({ key: 'o', type: 'OBJECT', variants: { on: value as never, off: {} } }),
      ).toThrow('DH506')
    }
  })
})

describe('a rollout', () => {
  const variantOf = (flag: FlagInput, targetingKey: string, tenant = tenantId): string | undefined =>
    evaluateFlag(compileFlagSet(tenant, [stored(flag)]), flag.key, { targetingKey }).variant
  const names = ['red', 'green', 'blue']
  const rollout = (weights: readonly number[], key = 'color'): FlagInput => ({
    ...color,
    key,
    targeting: { default: { rollout: weights.map((weight, at) => ({ variant: names[at] ?? '', weight })) } },
  })

  it('hashes as MurmurHash3_x86_32 does', () => {
    // from the reference implementation's users: https://en.wikipedia.org/wiki/MurmurHash, and Appleby's SMHasher
    for (const [text, seed, hash] of [
      ['', 0, 0],
      ['', 1, 0x514e28b7],
      ['', 0xffffffff, 0x81f16f39],
      ['test', 0, 0xba6bd213],
      ['test', 0x9747b28c, 0x704b81dc],
      ['Hello, world!', 0, 0xc0363e43],
      ['Hello, world!', 0x9747b28c, 0x24884cba],
      ['The quick brown fox jumps over the lazy dog', 0, 0x2e4ff723],
      ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
      ['aaaa', 0x9747b28c, 0x5a97808a],
      ['aaa', 0x9747b28c, 0x283e0130],
      ['aa', 0x9747b28c, 0x5d211726],
      ['a', 0x9747b28c, 0x7fa09ea6],
      ['ππππππππ', 0x9747b28c, 0xd58063c1],
    ] as const) {
      expect([text, murmur3(text, seed)]).toEqual([text, hash])
    }
    // a long text, a short one behind it, and one whose characters take more bytes than one
    const known = [murmur3('é'.repeat(256)), murmur3('x'.repeat(257)), murmur3('x'), murmur3('aé')]
    expect(known).toEqual([0x5f231585, 0x35f2c1dc, 0x3e9a9b1b, 0x31a0ccf])
  })

  it('gives each variant its share of many, within five standard deviations', () => {
    const weights = [500, 3_000, 6_500]
    const set = compileFlagSet(tenantId, [stored(rollout(weights))])
    const count = 50_000
    const counts = new Map<string | undefined, number>()
    for (let at = 0; at < count; at++) {
      const { variant } = evaluateFlag(set, 'color', { targetingKey: `user-${at}` })
      counts.set(variant, (counts.get(variant) ?? 0) + 1)
    }
    for (const [at, weight] of weights.entries()) {
      const share = weight / wholeWeight
      const deviation = Math.sqrt(count * share * (1 - share))
      expect(Math.abs((counts.get(names[at]) ?? 0) - count * share)).toBeLessThan(5 * deviation)
    }
  })

  it('gives the same to the same one, whatever else is in the set and whenever it is asked', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (targetingKey) => {
        const alone = variantOf(rollout([2_000, 3_000, 5_000]), targetingKey)
        const among = setOf({ key: 'a' }, rollout([2_000, 3_000, 5_000]), { key: 'z' })
        expect(evaluateFlag(among, 'color', { targetingKey, plan: 'x' }).variant).toBe(alone)
      }),
    )
  })

  it('moves nobody away from the variant whose weight grows, whichever others shrink for it', () => {
    const shares = fc
      .tuple(fc.nat(wholeWeight), fc.nat(wholeWeight))
      .map(([one, other]) => [Math.min(one, other), Math.max(one, other)] as const)
      .map(([low, high]) => [low, high - low, wholeWeight - high])
    fc.assert(
      fc.property(
        shares,
        fc.nat(2),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 }),
        fc.string({ minLength: 1 }),
        (before, growing, cuts, user) => {
          const after = before.map((weight, at) =>
            at === growing ? 0 : weight - Math.floor(weight * (cuts[at] ?? 0)),
          )
          after[growing] = wholeWeight - after.reduce((sum, weight) => sum + weight, 0)
          if (variantOf(rollout(before), user) === names[growing]) {
            expect(variantOf(rollout(after), user)).toBe(names[growing])
          }
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('puts the same users elsewhere for another flag, and for another tenant', () => {
    const users = Array.from({ length: 2_000 }, (_, at) => `user-${at}`)
    const hit = (flag: FlagInput, tenant?: string) =>
      new Set(users.filter((user) => variantOf(flag, user, tenant) === 'red'))
    const one = hit(rollout([5_000, 5_000]))
    for (const other of [
      hit(rollout([5_000, 5_000], 'other')),
      hit(rollout([5_000, 5_000]), tenantId.replace('1890', '1891')),
    ]) {
      const both = users.filter((user) => one.has(user) && other.has(user)).length
      // independent halves have a quarter in common
      expect(both).toBeGreaterThan(400)
      expect(both).toBeLessThan(600)
    }
  })
})

describe('a semantic version', () => {
  it('comes before and after others as semver.org orders them', () => {
    const ordered = [
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
      '2.0.0',
      '2.1.0',
      '2.1.1',
    ]
    const versions = ordered.map((text) => parseSemanticVersion(text) ?? expect.unreachable(text))
    for (const [at, one] of versions.entries()) {
      for (const [other, two] of versions.entries()) {
        expect(Math.sign(compareSemanticVersions(one, two))).toBe(Math.sign(at - other))
      }
    }
  })

  it('is nothing that semver.org calls invalid', () => {
    for (const text of [
      '1',
      '1.2',
      '1.2.3-0123',
      '01.1.1',
      '1.01.1',
      '1.1.01',
      '1.2.3.DEV',
      '-1.0.3',
      '1.0.0-',
      '1.0.0+',
      'v1.0.0',
      '1.0.0-a..b',
      `1.0.${'0'.repeat(300)}`,
      ' 1.0.0',
    ]) {
      expect([text, parseSemanticVersion(text)]).toEqual([text, undefined])
    }
  })
})

it('the evaluation can do no input or output: nothing that it is made of imports anything that could', () => {
  const folder = new URL('../../src/governance/flags/', import.meta.url)
  const seen = new Set<string>()
  const visit = (file: URL): void => {
    const name = file.href.replace(folder.href, '').replace(new URL('..', folder).href, '../')
    if (seen.has(name)) return
    seen.add(name)
    const source = readFileSync(file, 'utf8').replaceAll(/\/\*\*[\s\S]*?\*\//g, '')
    expect(source).not.toMatch(/\b(fetch|require|process|import)\s*\(|\bawait\b|\basync\b/)
    for (const [, target = ''] of source.matchAll(/^(?:import|export) (?!type )[^']* from '([^']+)'/gms)) {
      if (target.startsWith('.') && !target.endsWith('/errors.ts')) visit(new URL(target, file))
      else expect(['zod', '../errors.ts', '../../errors.ts']).toContain(target)
    }
  }
  visit(new URL('evaluate-flag.ts', folder))
  expect([...seen].sort()).toEqual([
    '../checked-input.ts',
    '../zod-issues.ts',
    'compile-condition.ts',
    'compile-rollout.ts',
    'evaluate-flag.ts',
    'flag-definition.ts',
    'flag-set.ts',
    'murmur3.ts',
    'semantic-version.ts',
  ])
})
