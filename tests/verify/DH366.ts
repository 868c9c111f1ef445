import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: `select lo_from_bytea(424242, 'x'); alter large object 424242 owner to doublehull_app; select lo_from_bytea(424243, 'y'); grant select on large object 424243 to public`,
  mended: 'select lo_unlink(424242), lo_unlink(424243)',
  object: 'large objects',
  detail: /^2 of them are open to doublehull_app, public$/,
  more: [
    {
      broken: 'alter role doublehull_app set lo_compat_privileges = on',
      mended: 'alter role doublehull_app reset lo_compat_privileges',
      object: 'role doublehull_app',
      detail: /^sets lo_compat_privileges/,
    },
  ],
}
