import { manifest } from '../../src/generated/tenancy.ts'

export type ModelName = keyof typeof manifest.models

export const modelNames = Object.keys(manifest.models) as readonly ModelName[]

/**
 * Whose a row is: `a` the tenant's who asks, `b` another's who has the same and more, `platform` everybody's.
 * `fresh` is an id that no row has until a create of the sequence gives it to one, `nobody` one that no row ever has.
 */
export type Owner = 'a' | 'b' | 'platform' | 'fresh' | 'nobody'

/** The symbolic id of a row: each run of a sequence has tenants, and so ids, of its own. */
export class Name {
  readonly owner: Owner
  readonly model: ModelName
  readonly index: number

  constructor(owner: Owner, model: ModelName, index: number) {
    this.owner = owner
    this.model = model
    this.index = index
  }

  /** The id, in order of the models and the indexes whatever the scene, and before all that are generated. */
  idIn(scene: number): string {
    const first = this.owner === 'platform' ? 0 : scene
    const owner = (owners.indexOf(this.owner) + 10).toString(16)
    const model = modelNames.indexOf(this.model)
    return `${hex(first, 8)}-0${owner}${hex(model, 2)}-4000-8000-${hex(this.index, 12)}`
  }

  toString(): string {
    return `${this.owner}.${this.model}.${this.index}`
  }
}

/** The `index`th id that the run so far has generated; where there is none, nobody's. */
export class Generated {
  readonly index: number

  constructor(index: number) {
    this.index = index
  }

  toString(): string {
    return `generated.${this.index}`
  }
}

/** The address of a person: unique over all tenants, as ids are. */
export class Email {
  readonly person: Name

  constructor(person: Name) {
    this.person = person
  }

  toString(): string {
    return `${this.person.toString()}@example.org`
  }
}

/** The name that an id was made of, if it was in this scene. */
export function nameOf(id: string, scene: number): Name | undefined {
  const [, first = '', owner = '', model = '', index = ''] = pattern.exec(id) ?? []
  const name = new Name(
    owners[Number.parseInt(owner, 16) - 10] ?? 'nobody',
    modelNames[Number.parseInt(model, 16)] ?? 'Tenant',
    Number.parseInt(index, 16),
  )
  return first !== '' && name.idIn(scene) === id ? name : undefined
}

/** Whether an id was made of a name, in whichever scene. */
export function isNamed(id: string): boolean {
  return pattern.test(id)
}

/** Whose row an id was made for, if it was made of a name. */
export function ownerOf(id: string): Owner | undefined {
  const [, , owner = ''] = pattern.exec(id) ?? []
  return owners[Number.parseInt(owner, 16) - 10]
}

const owners: readonly Owner[] = ['a', 'b', 'platform', 'fresh', 'nobody']
const pattern = /^([0-9a-f]{8})-0([0-9a-f])([0-9a-f]{2})-4000-8000-([0-9a-f]{12})$/

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}
