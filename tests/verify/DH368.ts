import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'select 1',
  mended: 'select 1',
  object: 'server',
  detail: /^PostgreSQL .* lacks the fix of CVE-0000-5 .a leak.$/,
  flaws: [{ cve: 'CVE-0000-5', what: 'a leak', fixedIn: [150099, 160099, 170099, 180099], needs: 'roles' }],
}
