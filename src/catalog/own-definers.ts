import { createHash } from 'node:crypto'

/** A function of the package's own migrations that runs with its owner's rights. */
export interface OwnDefiner {
  readonly schema_name: string
  readonly function_name: string
  /** sha256 of its body in hex: with another body it is another function. */
  readonly body_hash: string
}

/**
 * The `security definer` functions that migrations make: what `verify` takes for the package's own.
 *
 * @param migrations texts of SQL, in their order; of a function that is made anew, every body counts
 *
 * @example
 * ```ts
 * ownDefiners([readFileSync('prisma/migrations/20261121000500_life_cycle/migration.sql', 'utf8')])
 * ```
 */
export function ownDefiners(migrations: readonly string[]): readonly OwnDefiner[] {
  return migrations.flatMap((text) =>
    Array.from(
      text.matchAll(
        /^create (?:or replace )?function (\w+)\.(\w+)\([^()]*\) returns ([^$;]*?)as \$\$(.*?)\$\$/gms,
      ),
      ([, schema_name = '', function_name = '', attributes = '', body = '']) => ({
        attributes,
        own: { schema_name, function_name, body_hash: createHash('sha256').update(body).digest('hex') },
      }),
    )
      .filter(({ attributes }) => attributes.includes('security definer'))
      .map(({ own }) => own),
  )
}
