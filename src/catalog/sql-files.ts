import { readdirSync, readFileSync } from 'node:fs'

/** A file of SQL, by its name. */
export interface SqlFile {
  readonly name: string
  readonly text: string
}

/**
 * The SQL of the checks, read from beside this file. In the built package another module stands here, which
 * `scripts/copy-sql.mjs` writes with the texts in it: an application that bundles `createTenancy` has no files beside
 * its code.
 */
export function readSqlFiles(): { readonly prelude: string; readonly checks: readonly SqlFile[] } {
  const folder = new URL('./checks/', import.meta.url)
  return {
    prelude: readFileSync(new URL('./prelude.sql', import.meta.url), 'utf8'),
    checks: readdirSync(folder)
      .filter((name) => name.endsWith('.sql'))
      .sort()
      .map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') })),
  }
}
