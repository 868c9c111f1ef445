import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Said where the programs are not there. */
export const postgresClientIsMissing =
  'there are no pg_dump, pg_dumpall, pg_restore and psql of PostgreSQL 15: install the Debian package (apt-get install postgresql-client-15)'

/** PostgreSQL's own client programs, which dump and restore. */
export class PostgresClient {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** The programs of a major version, where they are installed: a dump is best made by the server's own version. */
  static find(major: number): PostgresClient | undefined {
    const folders = [`/usr/lib/postgresql/${major}/bin`, ...(process.env['PATH'] ?? '').split(delimiter)]
    const folder = folders.find((candidate) =>
      ['pg_dump', 'pg_dumpall', 'pg_restore', 'psql'].every((name) =>
        isOfVersion(join(candidate, name), major),
      ),
    )
    return folder === undefined ? undefined : new PostgresClient(folder)
  }

  /**
   * Runs a program on a database.
   *
   * @param input what it reads from its standard input
   * @throws Error with what it wrote to its standard error
   */
  run(program: string, connectionString: string, args: readonly string[], input?: string): string {
    const target = program === 'pg_restore' ? '--dbname' : '-d'
    const { status, stdout, stderr, error } = spawnSync(
      join(this.#folder, program),
      [target, connectionString, ...args],
      { encoding: 'utf8', input: input ?? '', maxBuffer: 256 * 1024 * 1024 },
    )
    // a program that fails does not read the rest of its input
    if (error && (error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
    if (status !== 0) throw new Error(`${program} failed:\n${stderr}`)
    return stdout
  }
}

function isOfVersion(file: string, major: number): boolean {
  if (!existsSync(file)) return false
  try {
    return new RegExp(`\\s${major}[. ]`).test(execFileSync(file, ['--version'], { encoding: 'utf8' }))
  } catch {
    return false
  }
}
