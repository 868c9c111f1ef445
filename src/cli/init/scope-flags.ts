/** Directives that were chosen, without `@tenancy.`, by model. */
export type ChosenDirectives = ReadonlyMap<string, readonly string[]>

/**
 * What `--scope` was given, such as `Share=system` or `Template=key(ownerId),shared`.
 *
 * @returns the directives by model, or what is wrong, as the rest of a sentence that begins with the command
 */
export function parseScopes(given: readonly string[]): ChosenDirectives | string {
  const chosen = new Map<string, readonly string[]>()
  for (const text of given) {
    const [, model, list] = /^\s*(\w+)\s*=(.*)$/s.exec(text) ?? []
    // not at the commas of allow(select, insert)
    const directives = list
      ?.split(/,(?![^(]*\))/)
      .map((one) => one.trim().replace(/^(\/\/\/\s*)?@tenancy\./, ''))
    if (
      model === undefined ||
      directives === undefined ||
      directives.some((one) => !/^[a-zA-Z]+(\([\w, ]+\))?$/.test(one))
    )
      return 'takes Model=directive for --scope, as in --scope "Invoice=key(teamId)"'
    chosen.set(model, [...(chosen.get(model) ?? []), ...directives])
  }
  return chosen
}

/** The flag that makes a choice, as a shell takes it. */
export function scopeFlag(model: string, directives: readonly string[]): string {
  const value = `${model}=${directives.join(',')}`
  return `--scope ${/^[\w=]+$/.test(value) ? value : `'${value}'`}`
}
