import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'alter role doublehull_app createrole',
  mended: 'alter role doublehull_app nocreaterole',
  object: 'role doublehull_app',
  detail: /^has CREATEROLE$/,
  more: [
    {
      broken: 'create role shipper nologin replication; grant shipper to doublehull_reader',
      mended: 'drop role shipper',
      object: 'role doublehull_reader',
      detail: /^may become shipper, which has REPLICATION$/,
    },
  ],
}
