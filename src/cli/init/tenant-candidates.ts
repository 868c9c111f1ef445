import type { DMMF } from '@prisma/generator-helper'

/** A model that may be the tenant, and the fields by which others refer to it. */
export interface TenantCandidate {
  readonly model: string
  /** Fields that hold its id, the commonest first. */
  readonly fields: readonly string[]
  /** How many models refer to it. */
  readonly referringModels: number
  /** It is called what tenants are called. */
  readonly hasTenantName: boolean
}

/** What applications call their tenants, the plainest first. */
const tenantNames = [
  'tenant',
  'organization',
  'organisation',
  'org',
  'workspace',
  'team',
  'company',
  'account',
  'customer',
  'client',
  'business',
  'store',
  'shop',
  'site',
  'school',
  'clinic',
  'agency',
  'merchant',
  'group',
]

/**
 * The models that may be the tenant, the likeliest first: those that are called so, then those that most models refer to.
 * One that nothing refers to is none, whatever its name: libraries for sign-in have an `Account`, too.
 */
export function tenantCandidates(datamodel: DMMF.Datamodel): readonly TenantCandidate[] {
  const candidates = datamodel.models.flatMap((model) => {
    const references = datamodel.models.flatMap((other) =>
      other.name === model.name ? [] : fieldsFor(model, other).map((field) => ({ from: other.name, field })),
    )
    // a tenant has an id of one field
    if (references.length === 0 || !model.fields.some(({ isId }) => isId)) return []
    return [
      {
        model: model.name,
        fields: byCount(references.map(({ field }) => field)),
        referringModels: new Set(references.map(({ from }) => from)).size,
        rank: nameRank(model.name),
      },
    ]
  })
  return candidates
    .sort(
      (a, b) =>
        Number(b.rank >= 0) - Number(a.rank >= 0) || b.referringModels - a.referringModels || a.rank - b.rank,
    )
    .map(({ rank, ...candidate }) => ({ ...candidate, hasTenantName: rank >= 0 }))
}

/** The fields of another model that hold a model's id: by a relation, or, in schemas without any, by their name. */
function fieldsFor(model: DMMF.Model, other: DMMF.Model): readonly string[] {
  const keys = other.fields
    .filter(({ type, relationFromFields }) => type === model.name && relationFromFields?.length === 1)
    .flatMap(({ relationFromFields }) => relationFromFields ?? [])
  if (keys.length > 0) return keys
  const name = `${plain(model.name)}id`
  return other.fields
    .filter((field) => field.kind === 'scalar' && plain(field.name) === name)
    .map((field) => field.name)
}

/** How plainly a name says that it is a tenant's, 0 the plainest; -1 where it does not. */
function nameRank(model: string): number {
  return tenantNames.findIndex((name) => plain(model) === name || plain(model) === `${name}s`)
}

/** A name as it is whatever the spelling: `team_id` and `teamId` are the same. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll('_', '')
}

/** The fields that are the commonest one, however it is spelt. */
export function commonestField(fields: readonly string[]): readonly string[] {
  const [first] = fields
  return first === undefined ? [] : fields.filter((field) => plain(field) === plain(first))
}

function byCount(names: readonly string[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].sort(([, a], [, b]) => b - a).map(([name]) => name)
}
