import type { Types } from '@prisma/client/runtime/client'

type NoExtensions = Types.Extensions.DefaultArgs

/**
 * What `extend` of `createTenancy` is given: the client of a generated class, as Prisma types one that has been
 * extended. Taken from the class and not from its instances, because TypeScript knows what a generic class makes too
 * late to type the parameter of a function beside it.
 */
export type ExtendableClient<Class> = Class extends new (
  // oxlint-disable-next-line typescript/no-explicit-any -- each generated class has option types of its own
  options: any,
) => {
  // oxlint-disable-next-line typescript/no-explicit-any -- matched, never used
  readonly $extends: Types.Extensions.ExtendsHook<'extends', infer TypeMaps, any, any>
}
  ? Types.Extensions.DynamicClientExtensionThis<
      Types.Utils.Call<TypeMaps, { extArgs: NoExtensions }>,
      TypeMaps,
      NoExtensions
    >
  : never
