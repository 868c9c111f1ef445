import type { ModelManifest } from '../manifest/manifest.ts'
import { type Args, isArgs } from './scoping.ts'

const unbatchedActions: Readonly<Record<string, string>> = {
  findUnique: 'findFirst',
  findUniqueOrThrow: 'findFirstOrThrow',
}

/**
 * The form of a unique look-up that Prisma does not batch. It merges the `findUnique` calls of one tick into
 * one statement, whoever made them, and sends it in the first caller's async context: one tenant's question
 * would be asked as another. As `findFirst` each goes alone, in its own.
 *
 * @returns `undefined` where the operation is no unique look-up, or where it names no key: Prisma must then
 *   refuse it itself, while `findFirst` without a key would answer with any row
 */
export function unbatched(
  model: ModelManifest,
  operation: string,
  args: Args,
): { readonly action: string; readonly args: Args } | undefined {
  const action = unbatchedActions[operation]
  const where = args['where']
  if (action === undefined || !isArgs(where) || !namesAKey(model, where)) return undefined
  const flat = Object.entries(where).flatMap(([key, value]) =>
    Object.hasOwn(model.compoundUniques, key) && isArgs(value)
      ? Object.entries(value)
      : [[key, value] as const],
  )
  // a field may stand in the compound key and beside it; then both conditions count
  const names = flat.map(([key]) => key)
  const twice = flat.filter(([key], index) => names.indexOf(key) !== index)
  const once = Object.fromEntries(flat.filter(([key], index) => names.indexOf(key) === index))
  const and = once['AND']
  const others = [
    ...(Array.isArray(and) ? and : and === undefined ? [] : [and]),
    ...twice.map((e) => Object.fromEntries([e])),
  ]
  return { action, args: { ...args, where: others.length > 0 ? { ...once, AND: others } : once } }
}

function namesAKey(model: ModelManifest, where: Args): boolean {
  const given = (key: string) => where[key] !== undefined && where[key] !== null
  return (
    Object.entries(model.compoundUniques).some(([name, fields]) => {
      const value = where[name]
      return isArgs(value) && fields.every((field) => value[field] !== undefined)
    }) || model.uniqueFields.some(given)
  )
}
