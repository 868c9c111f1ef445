import type { DMMF } from '@prisma/generator-helper'
import type { StudiedSchema } from './studied-schema.ts'

/**
 * Why nothing leads from a model to a tenant, with what looks as if it did: each of these has been taken for ownership
 * in some schema, and is not.
 *
 * @param not the columns of which the model says that they aren't the owner's
 */
export function unsettledReason(model: DMMF.Model, schema: StudiedSchema, not: readonly string[]): string {
  const loose = (name: string) => !not.includes(name)
  const soft = schema.softKeys(model).filter(({ field }) => loose(field))
  const anyModel = schema.anyModelKeys(model)
  const stray = schema
    .strayKeys(model)
    .filter((name) => loose(name) && !soft.some(({ field }) => field === name))
  const lists = schema.tenantLists(model).filter(({ name }) => loose(name))
  return [
    mainReason(model, schema, not),
    ...soft.map(
      ({ field, model, isOwned }) =>
        `"${field}" looks like the key of ${model}, ${isOwned ? "whose rows are tenants'" : 'which is not settled'}, without a relation: add one`,
    ),
    ...(stray.length > 0 ? [`has columns that look like keys without a relation: ${stray.join(', ')}`] : []),
    ...anyModel.map((pair) => `${pair} names a row of any model, which no policy can follow`),
    ...lists.map(({ name }) => `"${name}" names several tenants; a row belongs to one`),
    ...tenantsInList(model, schema),
    ...parentsWithoutTenant(model, schema),
    ...circleOf(model, schema),
  ].join('; ')
}

function mainReason(model: DMMF.Model, schema: StudiedSchema, not: readonly string[]): string {
  const nullable = model.fields.filter(
    ({ relationFromFields, isRequired, type, name }) =>
      relationFromFields?.length &&
      !isRequired &&
      type !== model.name &&
      schema.isOwned(type) &&
      !relationFromFields.some((key) => not.includes(key)) &&
      !not.includes(name),
  )
  if (nullable.length > 0) {
    const names = nullable.map(({ name }) => name).join(', ')
    return `only a nullable relation (${names}) leads to a tenant; make it required, or add a tenant field`
  }
  const inverse = model.fields.find(
    (field) =>
      field.kind === 'object' &&
      !field.isList &&
      !field.relationFromFields?.length &&
      schema.isOwned(field.type),
  )
  if (inverse) {
    return `only "${inverse.name}" leads to a tenant, and its key is in ${inverse.type}: a row of ${model.name} is there before the row that owns it; add a tenant field`
  }
  return 'nothing leads to a tenant; add a tenant field'
}

function tenantsInList(model: DMMF.Model, schema: StudiedSchema): string[] {
  return model.fields
    .filter(
      (field) => field.isList && field.type === schema.root.name && schema.inverseOf(model, field)?.isList,
    )
    .map(
      ({ name }) =>
        `"${name}" lists several tenants, and a row belongs to one; with a model of its own for the table between them, @tenancy.member can name it`,
    )
}

/** What the scopes of parents mean for a child that has nothing else. */
function parentsWithoutTenant(model: DMMF.Model, schema: StudiedSchema): string[] {
  return model.fields.flatMap(({ name, type, isRequired, relationFromFields }) => {
    const kind = schema.scopeOf(type)?.kind
    if (!isRequired || !relationFromFields?.length || kind === undefined) return []
    if (kind === 'shared') return [`its parent "${name}" is shared: a row of it may be without a tenant`]
    if (kind === 'member') return [`its parent "${name}" is a member: a row of it is of several tenants`]
    return kind === 'global' || kind === 'system'
      ? [`its parent "${name}" is ${kind}: no tenant owns it`]
      : []
  })
}

/** The way from a model along required parents back to itself. */
function circleOf(model: DMMF.Model, schema: StudiedSchema): string[] {
  const seen = new Set<string>()
  const walk = (current: DMMF.Model, path: readonly string[]): readonly string[] | undefined => {
    for (const { type, isRequired, relationFromFields } of current.fields) {
      if (!isRequired || !relationFromFields?.length) continue
      if (type === model.name) return [...path, type]
      const parent = schema.model(type)
      if (!parent || seen.has(type)) continue
      seen.add(type)
      const found = walk(parent, [...path, type])
      if (found) return found
    }
    return undefined
  }
  const circle = walk(model, [model.name])
  return circle ? [`its required parents form a circle (${circle.join(', ')})`] : []
}
