import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundledMigrations } from '../migrations/bundled-migrations.ts'
import { type OwnDefiner, ownDefiners } from './own-definers.ts'

/** A file of SQL, by its name. */
export interface SqlFile {
  readonly name: string
  readonly text: string
}

/** What the checks are made of. */
export interface SqlFiles {
  readonly prelude: string
  readonly checks: readonly SqlFile[]
  readonly definers: readonly OwnDefiner[]
}

/**
 * The SQL of the checks, read from beside this file, and what they need to know of the migrations. In the built package another module stands here, which
 * `scripts/copy-sql.mjs` writes with the texts in it: an application that bundles `createTenancy` has no files beside
 * its code.
 */
export function readSqlFiles(): SqlFiles {
  const folder = new URL('./checks/', import.meta.url)
  return {
    prelude: readFileSync(new URL('./prelude.sql', import.meta.url), 'utf8'),
    checks: readdirSync(folder)
      .filter((name) => name.endsWith('.sql'))
      .sort()
      .map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') })),
    definers: ownDefiners(
      readdirSync(bundledMigrations)
        .filter((name) => name !== 'migration_lock.toml')
        .sort()
        .map((name) => readFileSync(join(bundledMigrations, name, 'migration.sql'), 'utf8')),
    ),
  }
}
