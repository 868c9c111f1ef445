import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'alter role doublehull_migrator rename to somebody',
  mended: 'alter role somebody rename to doublehull_migrator',
  object: 'role doublehull_migrator',
  detail: /as its migrator, and not there/,
}
