import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: `create foreign data wrapper nowhere;
           create server archive foreign data wrapper nowhere;
           create foreign table public.old_packages (id uuid) server archive;
           grant select on public.old_packages to doublehull_reader`,
  mended: 'revoke all on public.old_packages from doublehull_reader',
  object: 'foreign table public.old_packages',
  detail: /^is another server's \(archive\), and doublehull_reader may use it$/,
  after: 'drop foreign data wrapper nowhere cascade',
}
