import fc, { type Arbitrary } from 'fast-check'
import { Prisma } from '../../src/bundled.ts'
import { manifest } from '../../src/generated/tenancy.ts'
import { type ModelManifest, type RelationManifest, staysInside } from '../../src/manifest/manifest.ts'
import { Email, Generated, type ModelName, Name, type Owner } from './name.ts'
import { plantedNames } from './planted-rows.ts'
import { documents, type Field, vocabulary } from './vocabulary.ts'

export type Args = Readonly<Record<string, unknown>>

/** Chooses one of several, each so many times as often as its weight says. */
export function weighed<Value>(
  ...choices: readonly (readonly [number, Arbitrary<Value>])[]
): Arbitrary<Value> {
  return fc.oneof(
    ...choices.filter(([weight]) => weight > 0).map(([weight, arbitrary]) => ({ weight, arbitrary })),
  )
}

/** An object of up to `maxLength` entries; the later of two with the same name counts. */
export function entries(
  entry: Arbitrary<Args>,
  { minLength = 0, maxLength }: { readonly minLength?: number; readonly maxLength: number },
): Arbitrary<Args> {
  return fc.array(entry, { minLength, maxLength }).map(merged)
}

/** An object with all entries of `required` and some of `optional`. */
export function object(
  required: Readonly<Record<string, Arbitrary<unknown>>>,
  optional: Readonly<Record<string, Arbitrary<unknown>>> = {},
): Arbitrary<Args> {
  return fc.record(
    { ...required, ...optional },
    { requiredKeys: Object.keys(required), noNullPrototype: true },
  )
}

/** One object of several; of two entries with the same name the later counts. */
export function joined(...parts: readonly Arbitrary<Args>[]): Arbitrary<Args> {
  return fc.tuple(...parts).map(merged)
}

export function merged(parts: readonly Args[]): Args {
  return Object.assign({}, ...parts) as Args
}

/** Makes each arbitrary once: models refer to each other, and a grammar is a graph. */
export function once<Parts extends readonly (string | number | boolean)[], Value>(
  make: (...parts: Parts) => Arbitrary<Value>,
): (...parts: Parts) => Arbitrary<Value> {
  const made = new Map<string, Arbitrary<Value>>()
  return (...parts) => {
    const key = parts.join()
    const known = made.get(key) ?? make(...parts)
    made.set(key, known)
    return known
  }
}

export function modelOf(model: ModelName): ModelManifest {
  return manifest.models[model]
}

export function fieldsOf(model: ModelName): readonly (readonly [string, Field])[] {
  return Object.entries(vocabulary[model])
}

export interface Relation extends RelationManifest {
  readonly name: string
  readonly model: ModelName
}

export function relationsOf(model: ModelName): readonly Relation[] {
  return Object.entries(modelOf(model).relations).map(([name, relation]) => ({
    ...relation,
    name,
    model: relation.model as ModelName,
  }))
}

/** Whether a relation of the model can lead to other tenants' rows: there hull one has the most to do. */
export function leadsOutside(model: ModelName): boolean {
  return relationsOf(model).some(({ name }) => !staysInside(manifest, model, name))
}

/** Whose ids an argument names. */
const whose: readonly (readonly [number, Owner])[] = [
  [12, 'a'],
  [9, 'b'],
  [1, 'platform'],
]

/** An id of a model: A's own, another tenant's, nobody's, or one that the sequence itself has made. */
export const idOf = once((model: ModelName) => {
  const planted = plantedNames.get(model)
  return weighed<Name | Generated>(
    ...whose.flatMap(([weight, owner]) => {
      const names = planted?.get(owner) ?? []
      return names.length === 0 ? [] : [[weight, fc.constantFrom(...names)] as const]
    }),
    [2, freshIdOf(model)],
    [1, fc.constant(new Name('nobody', model, 1))],
    [1, fc.nat({ max: 3 }).map((index) => new Generated(index))],
  )
})

/** Mostly an id of A's own: what most writes need to succeed. */
export const ownIdOf = once((model: ModelName) => {
  const own = plantedNames.get(model)?.get('a') ?? []
  return weighed<Name | Generated>([own.length * 2, fc.constantFrom(...own)], [1, idOf(model)])
})

/**
 * An id for a create. Never another tenant's: that one is taken is known to tell (`P2002`), for ids are global; so are
 * the addresses of people, which no tenant writes.
 */
export const freshIdOf = once((model: ModelName) =>
  fc.integer({ min: 1, max: 3 }).map((n) => new Name('fresh', model, n)),
)

const tenantId = (isNullable: boolean) =>
  weighed<unknown>(
    [6, fc.constant(new Name('a', 'Tenant', 1))],
    [4, fc.constant(new Name('b', 'Tenant', 1))],
    [1, fc.constant(new Name('nobody', 'Tenant', 1))],
    [isNullable ? 1 : 0, fc.constant(null)],
  )

export const direction = fc.constantFrom('asc', 'desc')

const document = fc.constantFrom(...documents)

/** A moment of which it is known whether a row of the run is before or after it. */
const moment = fc.constantFrom(new Date('2020-01-01T00:00:00Z'), new Date('2100-01-01T00:00:00Z'))

/** The address of a person that is known by name. */
export function addressOf(person: Name | Generated): Email | string {
  return person instanceof Name ? new Email(person) : 'nobody@example.org'
}

/** A value that a filter compares a field with. */
export function comparedWith(model: ModelName, field: Field): Arbitrary<unknown> {
  switch (field.kind) {
    case 'id':
      return idOf(model)
    case 'reference':
      return idOf(field.model)
    case 'tenant':
      return tenantId(false)
    case 'email':
      return idOf('User').map(addressOf)
    case 'text':
    case 'choice':
      return fc.constantFrom(...field.values)
    case 'number':
      return fc.constantFrom(...field.values)
    case 'boolean':
      return fc.boolean()
    case 'json':
      return document
    case 'time':
      return moment
    case 'span':
      return fc.constantFrom(1, 7)
    case 'hash':
      return fc.constantFrom('plain', 'secret')
    case 'people':
      return fc.array(idOf('User'), { maxLength: 2 })
  }
}

/** A value that a write gives a field. */
export function written(model: ModelName, field: Field): Arbitrary<unknown> {
  const value = () => {
    if (field.kind === 'reference') return ownIdOf(field.model)
    if (field.kind === 'id') return freshIdOf(model)
    if (field.kind === 'email') return freshIdOf('User').map((person) => new Email(person))
    return comparedWith(model, field)
  }
  if (!field.nullable) return value()
  return weighed([3, value()], [1, fc.constant(field.kind === 'json' ? Prisma.DbNull : null)])
}
