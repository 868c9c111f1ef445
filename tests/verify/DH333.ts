import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'create unique index flag_once on governance.feature_flag (key)',
  mended: `
    create unique index on governance.feature_flag using btree (tenant_id, key);
    drop index governance.flag_once`,
  object: 'index governance.flag_once',
  detail: /^is unique over \(key\)/,
  more: [
    {
      broken: 'create unique index flag_once on governance.feature_flag (lower(key)) where enabled',
      mended: 'drop index governance.flag_once',
      object: 'index governance.flag_once',
      detail: /^is unique over \(lower\(key\)\)/,
    },
    {
      // the tenant beside the key, and not in it
      broken: 'alter table governance.feature_flag add constraint flag_once unique (key) include (tenant_id)',
      mended: 'alter table governance.feature_flag drop constraint flag_once',
      object: 'index governance.flag_once',
      detail: /^is unique over \(key\)/,
    },
    {
      // many tenants know a person
      broken: `
        alter table governance.branding add column user_id uuid references tenancy.user (id);
        create unique index branding_of_user on governance.branding (user_id)`,
      mended: 'alter table governance.branding drop column user_id',
      object: 'index governance.branding_of_user',
      detail: /^is unique over \(user_id\)/,
    },
  ],
  after: 'drop index governance.feature_flag_tenant_id_key_idx',
}
