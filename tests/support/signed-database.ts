import { randomBytes } from 'node:crypto'
import { runMigrations } from '../../src/migrations/runner.ts'

/** A key as `openssl rand -base64 32` draws it. */
export function drawContextKey(): string {
  return randomBytes(32).toString('base64')
}

/** Has a migrated database believe contexts that are signed with these keys and no others. */
export async function signContexts(adminUrl: string, key: string, previousKey = ''): Promise<void> {
  await runMigrations({
    connectionString: adminUrl,
    roles: { manage: false },
    context: { key, previousKey },
  })
}
