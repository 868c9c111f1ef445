import { z } from 'zod'
import { invalid } from '../checked-input.ts'
import type { JsonValue } from '../json-content.ts'
import { zodIssues } from '../zod-issues.ts'
import { parseSemanticVersion } from './semantic-version.ts'

/** What a flag's variants are. */
const flagTypes = ['BOOLEAN', 'STRING', 'NUMBER', 'OBJECT'] as const

/** One of {@link flagTypes}. */
export type FlagType = (typeof flagTypes)[number]

/** What the weights of a rollout sum up to: they are basis points, hundredths of a percent. */
export const wholeWeight = 10_000

/** How long a chain of prerequisites may be. */
export const longestPrerequisites = 32

const longestText = 1_000
// what PostgreSQL's jsonb cannot hold
const unstorable = /\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/
const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
    'must be 1 to 100 letters, digits, dots, hyphens or underscores, the first a letter or a digit',
  )

/** The key of a flag, which never changes. None looks like a uuid: a flag is named by either. */
const flagKeySchema = name.refine((key) => !uuid.test(key), 'must not look like a uuid')

const text = z
  .string()
  .max(longestText)
  .refine((value) => !unstorable.test(value), 'must be storable text')

/** Names on the way into a context that lead to what nobody put there. */
const unsafeNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

const attribute = text
  .min(1)
  .refine((path) => path.split('.').every((part) => part !== ''), 'must be names with dots between them')
  .refine(
    (path) => !path.split('.').some((part) => unsafeNames.has(part)),
    'must not lead through a prototype',
  )

const scalar = z.union([text, z.number(), z.boolean()], 'must be a text, a number or a boolean')
const version = text.refine(
  (value) => parseSemanticVersion(value) !== undefined,
  'must be a semantic version',
)
const instant = z.iso.datetime({ offset: true })

/** What each operator compares with. */
const operands = {
  equals: scalar,
  notEquals: scalar,
  in: z.array(scalar).min(1).max(10_000).readonly(),
  notIn: z.array(scalar).min(1).max(10_000).readonly(),
  startsWith: text.min(1),
  endsWith: text.min(1),
  contains: scalar,
  lessThan: z.number(),
  atMost: z.number(),
  greaterThan: z.number(),
  atLeast: z.number(),
  before: instant,
  after: instant,
  semverEquals: version,
  semverLessThan: version,
  semverAtMost: version,
  semverGreaterThan: version,
  semverAtLeast: version,
  exists: z.boolean(),
} as const

type Operator = keyof typeof operands

function conditionOf<Name extends Operator>(operator: Name) {
  return z.strictObject({ attribute, operator: z.literal(operator), value: operands[operator] })
}

const condition = z.discriminatedUnion('operator', [
  conditionOf('equals'),
  conditionOf('notEquals'),
  conditionOf('in'),
  conditionOf('notIn'),
  conditionOf('startsWith'),
  conditionOf('endsWith'),
  conditionOf('contains'),
  conditionOf('lessThan'),
  conditionOf('atMost'),
  conditionOf('greaterThan'),
  conditionOf('atLeast'),
  conditionOf('before'),
  conditionOf('after'),
  conditionOf('semverEquals'),
  conditionOf('semverLessThan'),
  conditionOf('semverAtMost'),
  conditionOf('semverGreaterThan'),
  conditionOf('semverAtLeast'),
  conditionOf('exists'),
])

/**
 * What must hold of one attribute of the context. An attribute that is missing meets nothing but `exists: false`, the
 * negative operators included; one of another type than the operator's meets none but `notEquals` and `notIn`.
 */
export type FlagCondition = z.infer<typeof condition>

const rollout = z.strictObject({
  /**
   * In this order they share the range of the hash. A variant whose weight grows at the cost of any others keeps
   * everyone it had; to reorder them moves people.
   */
  rollout: z
    .array(z.strictObject({ variant: name, weight: z.int().min(0).max(wholeWeight) }))
    .min(1)
    .max(100)
    .refine(
      (shares) => shares.reduce((sum, { weight }) => sum + weight, 0) === wholeWeight,
      `the weights must sum up to ${wholeWeight}`,
    )
    .refine(
      (shares) => new Set(shares.map(({ variant }) => variant)).size === shares.length,
      'must name each variant once',
    )
    .readonly(),
  /** The attribute that decides who is in which share; `targetingKey` unless told. */
  by: attribute.optional(),
})

/** Shares of one flag in basis points, by a stable hash of an attribute of the context. */
export type FlagRollout = z.infer<typeof rollout>

const serve = z.union(
  [z.strictObject({ variant: name }), rollout],
  'must be { variant } or { rollout: [{ variant, weight }], by? }, with weights in basis points that sum up to 10000',
)

/** What a rule serves. */
export type FlagServe = z.infer<typeof serve>

const rule = z.strictObject({
  name: text.min(1).optional(),
  /** All must hold; none does for everybody. */
  if: z.array(condition).max(100).readonly(),
  serve,
})

/** One rule of a flag; the first whose conditions hold decides. */
export type FlagRule = z.infer<typeof rule>

/** Rules in order, and how whom none of them matches is shared out: the default variant for all unless told. */
const flagTargetingSchema = z.strictObject({
  rules: z.array(rule).max(500).readonly().default([]),
  default: rollout.optional(),
})

/** The rules of a flag, as they are stored. */
export type FlagTargeting = z.infer<typeof flagTargetingSchema>

const prerequisite = z.strictObject({
  flag: flagKeySchema,
  /** Any of which will do. */
  variants: z.array(name).min(1).max(100).readonly(),
})

/** Another flag, and which of its variants are needed of it. Where it serves another one, the off variant is served. */
export type FlagPrerequisite = z.infer<typeof prerequisite>

const variantSchemas: Readonly<Record<FlagType, z.ZodType<JsonValue>>> = {
  BOOLEAN: z.boolean(),
  STRING: z.string().refine((value) => !unstorable.test(value), 'must be storable text'),
  NUMBER: z.number(),
  OBJECT: z.custom<{ readonly [name: string]: JsonValue }>(
    (value) => isPlainObject(value) && isStorable(value, 32),
    'must be a JSON object, at most 32 levels deep, with no property named __proto__',
  ),
}

// no record of zod's, which leaves a property named __proto__ out without a word
const variants = z.custom<{ readonly [name: string]: JsonValue }>(isPlainObject, 'must be an object')

const shape = {
  key: flagKeySchema,
  description: text.nullable().default(null),
  type: z.enum(flagTypes).default('BOOLEAN'),
  enabled: z.boolean().default(false),
  variants: variants.default({ on: true, off: false }),
  defaultVariant: name.default('on'),
  offVariant: name.default('off'),
  prerequisites: z.array(prerequisite).max(20).readonly().default([]),
  targeting: flagTargetingSchema.nullable().default(null),
}

const flagDefinitionSchema = z.strictObject(shape).superRefine((flag, context) => {
  const refuse = (path: readonly (string | number)[], message: string): void => {
    context.addIssue({ code: 'custom', path: [...path], message })
  }
  const names = Object.keys(flag.variants)
  if (names.length < 1 || names.length > 100) refuse(['variants'], 'must be 1 to 100 variants')
  for (const [variant, value] of Object.entries(flag.variants)) {
    if (!name.safeParse(variant).success) refuse(['variants', variant], 'must have the name of a variant')
    if (!variantSchemas[flag.type].safeParse(value).success)
      refuse(['variants', variant], `must be a value of the flag's type, ${flag.type}`)
  }
  for (const field of ['defaultVariant', 'offVariant'] as const) {
    if (!names.includes(flag[field])) refuse([field], 'must name one of the variants')
  }
  const check = (served: FlagServe, path: readonly (string | number)[]): void => {
    if ('variant' in served) {
      if (!names.includes(served.variant)) refuse([...path, 'variant'], 'must name one of the variants')
      return
    }
    for (const [at, { variant }] of served.rollout.entries()) {
      if (!names.includes(variant))
        refuse([...path, 'rollout', at, 'variant'], 'must name one of the variants')
    }
  }
  for (const [at, { serve }] of (flag.targeting?.rules ?? []).entries()) {
    check(serve, ['targeting', 'rules', at, 'serve'])
  }
  if (flag.targeting?.default) check(flag.targeting.default, ['targeting', 'default'])
  for (const [at, { flag: key }] of flag.prerequisites.entries()) {
    if (key === flag.key) refuse(['prerequisites', at, 'flag'], 'must be another flag')
    if (flag.prerequisites.findIndex((other) => other.flag === key) !== at) {
      refuse(['prerequisites', at, 'flag'], 'must be named once')
    }
  }
})

/** A flag as an application writes it. What is left out has the defaults of a flag that is on or off. */
export type FlagInput = z.input<typeof flagDefinitionSchema>

/** A whole flag, checked. */
export type FlagDefinition = z.output<typeof flagDefinitionSchema>

/**
 * Checks a flag: its variants are of its type, what it names is there, and its weights sum up.
 *
 * @throws {TenancyError} `DH506` with the paths of what is not valid
 *
 * @example
 * ```ts
 * parseFlagDefinition({
 *   key: 'new-checkout',
 *   enabled: true,
 *   targeting: {
 *     rules: [{ if: [{ attribute: 'plan', operator: 'equals', value: 'beta' }], serve: { variant: 'on' } }],
 *     default: { rollout: [{ variant: 'on', weight: 500 }, { variant: 'off', weight: 9_500 }] },
 *   },
 * })
 * ```
 */
export function parseFlagDefinition(input: unknown): FlagDefinition {
  const result = flagDefinitionSchema.safeParse(input)
  if (result.success) return result.data
  throw invalid('the flag', zodIssues(result.error.issues, { areOwn: true }))
}

/** The same of what was stored: `undefined` where it is not valid. */
export function readFlagDefinition(stored: unknown): FlagDefinition | undefined {
  return flagDefinitionSchema.safeParse(stored).data
}

/**
 * Takes a change of a flag apart: what is left out stays as it is. Whether the flag is valid with it is asked of the whole
 * flag.
 *
 * @throws {TenancyError} `DH506` for what a change cannot have, such as another key or type
 */
export function parseFlagPatch(patch: unknown): Record<string, unknown> {
  const fields = isPlainObject(patch) ? Object.keys(patch) : []
  const issues = isPlainObject(patch)
    ? fields
        .filter((field) => !changeable.has(field))
        .map((field) => ({ path: [field], message: 'cannot be changed' }))
    : [{ path: [], message: 'must be an object' }]
  if (issues.length > 0) throw invalid('the change of the flag', issues)
  return Object.fromEntries(Object.entries(patch as object).filter(([, value]) => value !== undefined))
}

const changeable: ReadonlySet<string> = new Set(
  Object.keys(shape).filter((field) => field !== 'key' && field !== 'type'),
)

/** Whether a flag is named by its id, and not by its key. */
export function isFlagId(name: string): boolean {
  return uuid.test(name)
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Whether JSON, and PostgreSQL's jsonb, give it back as it is. */
function isStorable(value: unknown, levels: number): boolean {
  if (value === null || typeof value === 'boolean') return true
  if (typeof value === 'string') return !unstorable.test(value)
  if (typeof value === 'number') return Number.isFinite(value)
  if (levels === 0) return false
  if (Array.isArray(value)) return value.every((item) => isStorable(item, levels - 1))
  return (
    isPlainObject(value) &&
    Object.entries(value).every(
      ([name, item]) => name !== '__proto__' && !unstorable.test(name) && isStorable(item, levels - 1),
    )
  )
}
