import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: `create function public."Peek"(text) returns text language internal as 'pg_read_file_all'`,
  mended: 'drop function public."Peek"(text)',
  object: 'function public."Peek"(text)',
  detail: /^is written in internal, .* public may execute it$/,
}
