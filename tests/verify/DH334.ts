import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'alter table governance.feature_flag add constraint flag_once exclude (key with =)',
  mended: `
    alter table governance.feature_flag drop constraint flag_once,
      add constraint flag_once exclude (tenant_id with =, key with =)`,
  object: 'constraint flag_once on governance.feature_flag',
  detail: /^compares rows of all tenants by \(key\)/,
  more: [
    {
      // nothing is compared by equality
      broken: `
        alter table governance.feature_flag
          add constraint flag_anywhere exclude using gist (int8range(lock_version, null) with &&)`,
      mended: 'alter table governance.feature_flag drop constraint flag_anywhere',
      object: 'constraint flag_anywhere on governance.feature_flag',
      detail: /^compares rows of all tenants/,
    },
  ],
  after: 'alter table governance.feature_flag drop constraint flag_once',
}
