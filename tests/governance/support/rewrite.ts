import type pg from 'pg'

/**
 * Takes a guard out of a function of the database and leaves the rest of it as it is.
 *
 * @param name with its schema, for a function without arguments
 * @param guards texts of the function, each with what stands in its place
 * @throws Error where a text is not found: the guard is another by now, and the test would show nothing
 */
export async function rewrite(
  admin: pg.Client,
  name: string,
  guards: readonly (readonly [guard: string, instead: string])[],
): Promise<void> {
  const { rows } = await admin.query<{ definition: string }>(
    `select pg_get_functiondef($1::regprocedure) as definition`,
    [`${name}()`],
  )
  let definition = rows[0]?.definition ?? ''
  for (const [guard, instead] of guards) {
    if (!definition.includes(guard)) throw new Error(`${name} has no such guard: ${guard}`)
    definition = definition.replace(guard, instead)
  }
  await admin.query(definition)
}
