import { TenancyError } from '../errors.ts'
import { staysInside } from '../manifest/manifest.ts'
import { tenantFilter } from './scope-where.ts'
import { type Args, isArgs, modelOf, relationOf, type Scoping } from './scoping.ts'

/**
 * Looks at what rows are ordered by. An order takes no filter: by a row that lies outside, or by the number of such
 * rows, it would tell about another tenant's values. So where a relation could leave the tenant, an order by it is
 * refused if it does, for any of the rows that are ordered.
 *
 * @param rows the `where` of those rows, scoped
 * @returns what to add to that `where`: which rows those are may change between the question and the answer, and a
 *   row with such a link must not be ordered then either
 * @throws {TenancyError} `DH207`, when the questions are asked
 */
export function scopeOrder(
  scoping: Scoping,
  modelName: string,
  orderBy: unknown,
  rows: () => Args,
): Args | undefined {
  const strays = straysOf(scoping, modelName, orderBy)
  for (const { relation, condition } of strays) {
    scoping.questions.mustNotExist({
      model: modelName,
      where: { AND: [rows(), condition] },
      refusal: () =>
        new TenancyError(
          'DH207',
          `an order by ${relation} would tell about rows that are not this tenant's, for one of the ordered rows is linked to such a row; order by something else, or leave those rows out`,
          { details: { model: modelName, relation } },
        ),
    })
  }
  return strays.length === 0 ? undefined : { NOT: strays.map(({ condition }) => condition) }
}

interface Strays {
  /** The relation that leaves the tenant. */
  readonly relation: string
  /** Which of the ordered rows it does so for. */
  readonly condition: Args
}

function straysOf(scoping: Scoping, modelName: string, orderBy: unknown): readonly Strays[] {
  return (Array.isArray(orderBy) ? orderBy : [orderBy])
    .filter(isArgs)
    .flatMap((part) => Object.entries(part))
    .flatMap(([key, value]): readonly Strays[] => {
      const relation = relationOf(modelOf(scoping, modelName), key)
      if (!relation || value === undefined) return []
      const own = staysInside(scoping.manifest, modelName, key)
        ? undefined
        : tenantFilter(scoping, relation.model, 'read')
      const name = `${modelName}.${key}`
      if (relation.list) return own ? [{ relation: name, condition: { [key]: { some: { NOT: own } } } }] : []
      return [
        ...(own ? [{ relation: name, condition: { [key]: { is: { NOT: own } } } }] : []),
        ...straysOf(scoping, relation.model, value).map((further) => ({
          ...further,
          condition: { [key]: { is: further.condition } },
        })),
      ]
    })
}
