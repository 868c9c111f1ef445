import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: `do $$ begin execute format('grant temporary on database %I to public', current_database()); end $$`,
  mended: `do $$ begin execute format('revoke temporary on database %I from public', current_database()); end $$`,
  object: 'this database',
  detail: /^public has TEMPORARY$/,
}
