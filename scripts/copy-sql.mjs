// The compiler leaves SQL where it is. The built package needs it twice: as files, for whoever reads what is asked, and
// in the module that the code reads it from, for an application that is bundled has no files beside its code.
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const source = fileURLToPath(new URL('../src/catalog', import.meta.url))
const built = join(process.argv[2] ?? fileURLToPath(new URL('../dist', import.meta.url)), 'catalog')

cpSync(source, built, { recursive: true, filter: (path) => !path.endsWith('.ts') })

// compiled by now
const { ownDefiners } = await import(pathToFileURL(join(built, 'own-definers.js')).href)
const migrations = fileURLToPath(new URL('../prisma/migrations', import.meta.url))

const textOf = (path) => readFileSync(join(source, path), 'utf8')
const files = {
  prelude: textOf('prelude.sql'),
  checks: readdirSync(join(source, 'checks'))
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => ({ name, text: textOf(join('checks', name)) })),
  definers: ownDefiners(
    readdirSync(migrations)
      .filter((name) => name !== 'migration_lock.toml')
      .sort()
      .map((name) => readFileSync(join(migrations, name, 'migration.sql'), 'utf8')),
  ),
}
writeFileSync(
  join(built, 'sql-files.js'),
  `// Written by scripts/copy-sql.mjs.
const files = ${JSON.stringify(files, null, 2)}

export function readSqlFiles() {
  return files
}
`,
)
