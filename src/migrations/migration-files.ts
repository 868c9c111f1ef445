import { createHash } from 'node:crypto'
import { type Dirent } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TenancyError } from '../errors.ts'
import { findTransactionControl } from './transaction-control.ts'

/** One migration of the directory, read whole. */
export interface MigrationFile {
  /** The name of its folder, which is its name in the history. */
  readonly name: string
  readonly sql: string
}

/** PostgreSQL holds a migration's name in a `varchar(255)`. */
const maximumNameLength = 255

/**
 * Reads a migrations directory of Prisma's form, `<name>/migration.sql`, in the order in which Prisma
 * applies it, and refuses what Prisma would skip without a word.
 *
 * @param directory its path
 * @returns the migrations in the order of their names, at least one
 * @throws {TenancyError} `DH401` when the directory or an entry of it cannot be used, `DH407` when a file
 * begins or ends a transaction
 *
 * @example
 * ```ts
 * for (const { name } of await readMigrations('prisma/migrations')) console.log(name)
 * ```
 */
export async function readMigrations(directory: string): Promise<readonly MigrationFile[]> {
  const migrations = await readMigrationFiles(directory)
  if (migrations.length === 0) {
    throw new TenancyError(
      'DH401',
      `the migrations directory ${directory} has no migrations; it should hold folders with a migration.sql each`,
    )
  }
  for (const migration of migrations) refuseTransactionControl(migration)
  return migrations
}

/**
 * As {@link readMigrations}, for who applies each file as Prisma does: there may be none, and a file may begin and end
 * transactions of its own.
 *
 * @throws {TenancyError} `DH401` when the directory or an entry of it cannot be used
 */
export async function readMigrationFiles(directory: string): Promise<readonly MigrationFile[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((cause: unknown) => {
    throw new TenancyError(
      'DH401',
      `the migrations directory ${directory} cannot be read (${fileErrorCode(cause)}); check its path and permissions`,
      { cause },
    )
  })
  const folders = entries.filter((entry) => isMigrationFolder(directory, entry)).map((entry) => entry.name)
  await checkProvider(directory, entries)
  const names = folders.sort(compareNames)
  refuseAlike(directory, names)
  return Promise.all(names.map((name) => readMigration(directory, name)))
}

/**
 * The checksum that Prisma keeps of a migration: SHA-256 of the file in hexadecimal digits.
 *
 * @example
 * ```ts
 * checksum('hello') // '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'
 * ```
 */
export function checksum(sql: string): string {
  return createHash('sha256').update(sql).digest('hex')
}

/**
 * Whether a file is still the one that a checksum was made of. As in Prisma, its line ends don't count,
 * because Git changes them between Windows and everything else.
 */
export function matchesChecksum(sql: string, applied: string): boolean {
  const variants = [sql, sql.replaceAll('\r\n', '\n'), sql.replaceAll('\n', '\r\n')].map(checksum)
  // early versions of Prisma lost the leading zero of each byte
  return variants.includes(applied) || (applied.length < 64 && variants.map(unpadded).includes(applied))
}

function unpadded(hex: string): string {
  return hex.replace(/0(.)|(..)/g, '$1$2')
}

/**
 * Prisma's CLI sorts with `localeCompare` in the locale of the machine. One fixed locale gives the same
 * order wherever it matters and does not depend on who runs it.
 */
export function compareNames(a: string, b: string): number {
  return a.localeCompare(b, 'en')
}

function isMigrationFolder(directory: string, entry: Dirent): boolean {
  if (entry.isDirectory()) {
    if (entry.name.length <= maximumNameLength) return true
    throw unusable(directory, entry.name, 'has a name of more than 255 characters; shorten it')
  }
  if (entry.isSymbolicLink()) {
    throw unusable(directory, entry.name, 'is a symbolic link, which Prisma skips; put a real folder there')
  }
  if (entry.name.endsWith('.sql')) {
    throw unusable(directory, entry.name, 'would never be applied; move it to <name>/migration.sql')
  }
  return false
}

/** Names that one file system keeps apart and another doesn't would be one migration here and two there. */
function refuseAlike(directory: string, names: readonly string[]): void {
  const seen = new Map<string, string>()
  for (const name of names) {
    const folded = name.normalize('NFC').toLowerCase()
    const other = seen.get(folded)
    if (other !== undefined) {
      throw unusable(directory, name, `has the same name as ${other} but for case or accents; rename one`)
    }
    seen.set(folded, name)
  }
}

async function checkProvider(directory: string, entries: readonly Dirent[]): Promise<void> {
  const file = 'migration_lock.toml'
  if (!entries.some((entry) => entry.name === file)) return
  const content = await readText(join(directory, file), directory, file)
  const provider = /^\s*provider\s*=\s*["']([^"']*)["']/m.exec(content)?.[1]
  if (provider === 'postgresql' || provider === 'postgres') return
  throw unusable(directory, file, 'is for another database; these migrations need provider = "postgresql"')
}

async function readMigration(directory: string, name: string): Promise<MigrationFile> {
  return { name, sql: await readText(join(directory, name, 'migration.sql'), directory, name) }
}

async function readText(path: string, directory: string, name: string): Promise<string> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    const why =
      fileErrorCode(cause) === 'ENOENT'
        ? 'has no migration.sql; add the file or remove the folder'
        : `cannot be read (${fileErrorCode(cause)}); check its permissions`
    throw unusable(directory, name, why, cause)
  })
  // a checksum of replaced characters would be the checksum of another file
  const text = decodeUtf8(bytes)
  if (text === undefined) throw unusable(directory, name, 'is not UTF-8; save it as UTF-8')
  if (text.startsWith('\uFEFF')) {
    throw unusable(
      directory,
      name,
      'begins with a byte order mark, a syntax error to PostgreSQL; save it without',
    )
  }
  // PostgreSQL would end the text there and never run the rest
  if (text.includes('\0')) throw unusable(directory, name, 'contains a NUL character; remove it')
  return text
}

function decodeUtf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function refuseTransactionControl(migration: MigrationFile): void {
  const [first] = findTransactionControl(migration.sql)
  if (first === undefined) return
  throw new TenancyError(
    'DH407',
    `migration ${migration.name} says ${first.command} in line ${first.line}; each migration already runs in a transaction of its own, so remove the statement. Nothing was run`,
    { details: { migration: migration.name } },
  )
}

function unusable(directory: string, name: string, why: string, cause?: unknown): TenancyError {
  return new TenancyError('DH401', `${name} in ${directory} ${why}`, { details: { migration: name }, cause })
}

function fileErrorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : 'unknown error'
}
