import { openDatabaseServer } from '../embedded/database-server.ts'
import type { EmbeddedPostgresOptions } from '../embedded/embedded-postgres.ts'

/** What the embedded server of tests is called, so that it isn't the one of development. */
export const testServer: EmbeddedPostgresOptions = { name: 'test' }

/**
 * Holds the embedded PostgreSQL of `createTestDatabases` for a whole run, so that it doesn't stop between two test
 * files: for the global set-up of vitest and jest. Does nothing where `DIRECT_URL`, or else `DATABASE_URL`, names a server.
 *
 * @returns lets it go; the end of the process does, too
 * @throws {EmbeddedPostgresError} when the embedded server can't run here
 *
 * @example
 * ```ts
 * // tests/global-setup.ts of vitest; for jest: … as default
 * export { keepTestServer as setup } from 'doublehull/testing'
 * ```
 */
export async function keepTestServer(): Promise<() => Promise<void>> {
  const server = await openDatabaseServer('postgres', testServer)
  return () => server.stop()
}
