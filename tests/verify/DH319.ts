import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'grant doublehull_system to doublehull_app with admin true, inherit false, set false',
  mended: 'revoke doublehull_system from doublehull_app',
  object: 'role doublehull_app',
  detail: /^may make itself a member of doublehull_system$/,
  since: 16,
}
