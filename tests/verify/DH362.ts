import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'select 1',
  mended: 'select 1',
  object: 'server',
  detail: /^PostgreSQL .* lacks the fix of CVE-0000-1 .a leak., of CVE-0000-2 .another.$/,
  flaws: [
    { cve: 'CVE-0000-2', what: 'another', fixedIn: [150099, 180099], needs: 'any' },
    { cve: 'CVE-0000-1', what: 'a leak', fixedIn: [150098, 160001, 180098], needs: 'any' },
    { cve: 'CVE-0000-3', what: 'of a time before', fixedIn: [140001, 150001, 180001], needs: 'any' },
  ],
  more: [
    {
      broken: 'select 1',
      mended: 'select 1',
      object: 'server',
      detail: /lacks the fix of CVE-0000-4/,
      flaws: [
        { cve: 'CVE-0000-4', what: 'in no version yet that is this old', fixedIn: [990001], needs: 'any' },
      ],
    },
  ],
}
