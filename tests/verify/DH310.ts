import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'alter role doublehull_app bypassrls',
  mended: 'alter role doublehull_app nobypassrls',
  object: 'role doublehull_app',
  detail: /^has BYPASSRLS$/,
}
