import { tenantFieldOf } from '../manifest/manifest.ts'
import { prismaValue } from './field-value.ts'
import type { Scene } from './scene.ts'
import type { Row } from './world.ts'

/** A filter that one row alone passes, by the fields of its primary key. */
export function filterOf(scene: Scene, row: Row): Readonly<Record<string, unknown>> {
  const { primaryKey } = scene.world.model(row.model)
  return valuesOf(scene, row, primaryKey)
}

/** Fields of a row as Prisma takes them in a filter. */
function valuesOf(scene: Scene, row: Row, fields: readonly string[]): Readonly<Record<string, unknown>> {
  const shapes = scene.shape[row.model]?.fields
  return Object.fromEntries(fields.map((field) => [field, prismaValue(shapes?.[field], row.values[field])]))
}

/** Every unique look-up that names the row, the one by its primary key first. */
export function uniqueWheres(
  scene: Scene,
  row: Row,
): readonly (readonly [string, Readonly<Record<string, unknown>>])[] {
  const { uniqueFields, compoundUniques } = scene.world.model(row.model)
  const single = uniqueFields
    .filter((field) => row.values[field] !== null)
    .map((field) => [field, valuesOf(scene, row, [field])] as const)
  const compound = Object.entries(compoundUniques)
    .filter(([, fields]) => fields.every((field) => row.values[field] !== null))
    .map(([name, fields]) => [name, { [name]: valuesOf(scene, row, fields) }] as const)
  return [...single, ...compound].sort(([x], [y]) => rank(scene, row, x) - rank(scene, row, y))
}

function rank(scene: Scene, row: Row, name: string): number {
  const { primaryKey } = scene.world.model(row.model)
  const { uniqueFields, compoundUniques } = scene.world.model(row.model)
  // a compound key may have a name of its own
  const fields = uniqueFields.includes(name) ? [name] : (compoundUniques[name] ?? [])
  return fields.length === primaryKey.length && fields.every((field, index) => field === primaryKey[index])
    ? 0
    : 1
}

/** The look-up of a row by its primary key. */
export function uniqueWhere(scene: Scene, row: Row): Readonly<Record<string, unknown>> {
  return uniqueWheres(scene, row)[0]?.[1] ?? {}
}

/** The look-up of a row, for a cursor: Prisma itself compares what is in it, and no text is equal to a time. */
export function cursorOf(scene: Scene, row: Row): Readonly<Record<string, unknown>> {
  const shapes = scene.shape[row.model]?.fields
  const withTimes = (values: object): Readonly<Record<string, unknown>> =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]: [string, unknown]) => {
        if (typeof value === 'object' && value !== null) return [name, withTimes(value)]
        const isTime = /^(date|timestamp)/.test(shapes?.[name]?.element ?? '')
        return [name, isTime && typeof value === 'string' ? new Date(value) : value]
      }),
    )
  return withTimes(uniqueWhere(scene, row))
}

/** A filter that the rows of a model pass which tenant A may see. */
export function visibleFilter(scene: Scene, model: string): object {
  const rows = scene.world.rowsOf(model).filter((row) => scene.world.isVisible(row))
  return { OR: rows.map((row) => filterOf(scene, row)) }
}

/** An order by the primary key. */
export function keyOrder(scene: Scene, model: string, direction: 'asc' | 'desc' = 'asc'): object[] {
  return scene.world.model(model).primaryKey.map((field) => ({ [field]: direction }))
}

/** A select of nothing but what shows whose the row is. */
export function secretSelect(scene: Scene, model: string): object {
  const { primaryKey } = scene.world.model(model)
  return Object.fromEntries([scene.secretField(model), ...primaryKey].map((field) => [field, true]))
}

/** The field of a model that holds the tenant, where the model is not the tenant's own. */
export function tenantColumn(scene: Scene, model: string): string | undefined {
  const found = scene.world.model(model)
  return found.scope.kind === 'root' ? undefined : tenantFieldOf(found)
}
