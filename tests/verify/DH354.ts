import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'grant create on schema public to public',
  mended: 'revoke create on schema public from public',
  object: 'schema public',
  detail: /^public may create in it$/,
  more: [
    {
      broken:
        'create schema "My Own"; create role crew nologin; grant crew to doublehull_reader; grant create on schema "My Own" to crew',
      mended: 'drop schema "My Own"; drop role crew',
      object: 'schema "My Own"',
      detail: /^crew may create in it$/,
    },
  ],
}
