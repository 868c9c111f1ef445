import type { DMMF } from '@prisma/generator-helper'
import type { TenantIdType } from './manifest.ts'

/**
 * Native types of a `String` that compare as texts do. A `Citext` does not: to it two tenants whose ids differ in case are
 * one, and which of the two hulls would say so depends on the type of the parameter.
 */
const texts = ['Text', 'VarChar', 'Char']

/** PostgreSQL's type of a column that holds a tenant's id, or `undefined` where no such column has it. */
export function tenantIdTypeOf({ kind, type, isList, nativeType }: DMMF.Field): TenantIdType | undefined {
  if (kind !== 'scalar' || isList) return undefined
  const native = nativeType?.[0]
  if (type === 'String' && native === 'Uuid') return 'uuid'
  if (type === 'String' && (native === undefined || texts.includes(native))) return 'text'
  if (type === 'Int' && (native === undefined || native === 'Integer')) return 'int4'
  if (type === 'BigInt') return 'int8'
  return undefined
}

/** A column's type as the schema says it, for messages. */
export function typeName({ type, isList, nativeType }: DMMF.Field): string {
  return `${type}${isList ? '[]' : ''}${nativeType ? ` @db.${nativeType[0]}` : ''}`
}
