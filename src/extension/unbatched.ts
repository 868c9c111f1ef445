import type { ModelManifest } from '../manifest/manifest.ts'
import { and } from './scope-where.ts'
import { type Args, assertUndisguised, isArgs, isValue } from './scoping.ts'

const unbatchedActions: Readonly<Record<string, string>> = {
  findUnique: 'findFirst',
  findUniqueOrThrow: 'findFirstOrThrow',
}

/** What a unique look-up takes; `findFirst` would take a page and an order too. */
const lookupArguments: ReadonlySet<string> = new Set([
  'where',
  'select',
  'include',
  'omit',
  'relationLoadStrategy',
])

/**
 * The form of a unique look-up that Prisma does not batch. It merges the `findUnique` calls of one tick into
 * one statement, whoever made them, and sends it in the first caller's async context: one tenant's question
 * would be asked as another. As `findFirst` each goes alone, in its own.
 *
 * Prisma takes nothing but values as the keys of a unique look-up, and `findFirst` would take operators, so
 * anything else is left to Prisma, which refuses it before it sends anything.
 *
 * @returns `undefined` where the operation is no unique look-up, or one that Prisma refuses
 */
export function unbatched(
  model: ModelManifest,
  operation: string,
  args: Args,
): { readonly action: string; readonly args: Args } | undefined {
  const action = unbatchedActions[operation]
  const where = args['where']
  if (action === undefined || !isArgs(where)) return undefined
  if (Object.keys(args).some((name) => args[name] !== undefined && !lookupArguments.has(name)))
    return undefined

  const plain: Record<string, unknown> = {}
  const keys: Args[] = []
  for (const [name, value] of Object.entries(where)) {
    const fields = Object.hasOwn(model.compoundUniques, name) ? model.compoundUniques[name] : undefined
    if (value === undefined || (!fields && !model.uniqueFields.includes(name))) {
      plain[name] = value
      continue
    }
    const pairs = fields ? compoundPairs(fields, value) : [[name, value] as const]
    if (!pairs?.every(([, part]) => isValue(part))) {
      // a disguise could be a value after all, and the look-up be batched
      for (const [, part] of pairs ?? [])
        if (typeof part === 'object' && part !== null) assertUndisguised(part)
      return undefined
    }
    keys.push(Object.fromEntries(pairs))
  }
  // a field may stand in two keys, and both count
  return keys.length === 0 ? undefined : { action, args: { ...args, where: keys.reduce(and, plain) } }
}

/**
 * The arguments of a unique look-up that Prisma refuses, so that it looks at them: of those that ask for the same in
 * one tick it makes one statement, as the first of them, before it has looked at any. It leaves alone what has a
 * condition beside the key.
 */
export function unmerged(operation: string, args: Args): Args {
  if (unbatchedActions[operation] === undefined) return args
  const { where } = args
  return { ...args, where: and(isArgs(where) ? where : {}, {}) }
}

/** The fields and values of a compound key; `undefined` where it has others, or too few. */
function compoundPairs(
  fields: readonly string[],
  value: unknown,
): readonly (readonly [string, unknown])[] | undefined {
  if (!isArgs(value)) return undefined
  const pairs = Object.entries(value).filter(([, part]) => part !== undefined)
  const complete = pairs.length === fields.length && pairs.every(([field]) => fields.includes(field))
  return complete ? pairs : undefined
}
