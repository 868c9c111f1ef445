import type { ServerFlaw } from '../../src/catalog/server-flaws.ts'
import type { Manifest } from '../../src/manifest/manifest.ts'

/** One way to break what a check holds: `broken` makes exactly one finding, and `mended` none. */
interface Case {
  /** SQL that an administrator runs. Roles may be changed: the server is the test's own. */
  readonly broken: string
  /** SQL that puts everything right again, in the way that the remedy says. */
  readonly mended: string
  /** The object of the one finding. */
  readonly object: string
  /** What its detail says. */
  readonly detail: RegExp
  /** The other checks that find what is broken on the way to it, by their codes. */
  readonly besides?: readonly string[]
  /** What is known of servers while it is broken: a server itself can't be. */
  readonly flaws?: readonly ServerFlaw[]
  /** The oldest PostgreSQL that has what is broken, where that is newer than 15. */
  readonly since?: number
}

/** How a check is shown to find what it is for, on a database of the bundled schema, in which nothing is found. */
export interface Fixture extends Case {
  /** Further ways to break it, for a check that has several branches. */
  readonly more?: readonly Case[]
  /** The schema that the database is compared with, where it is not the bundled one as it is. */
  readonly manifest?: (bundled: Manifest) => Manifest
  /** SQL that makes the tables that `manifest` adds, before it is broken; nothing is found then. */
  readonly before?: string
  /** SQL that takes them away. */
  readonly after?: string
  /** The bundled schema has it as it is; `before` mends it, and `after` brings it back. */
  readonly standing?: true
}
