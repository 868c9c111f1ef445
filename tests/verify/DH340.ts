import {
  commonContextFunctions,
  plainContextFunctions,
  signedContextFunctions,
} from '../../src/policy/context-sql.ts'
import type { Fixture } from './fixture.ts'

const sqlOf = (functions: readonly { readonly sql: string }[]) => functions.map(({ sql }) => sql).join('')

const missingBody = commonContextFunctions('text').find(
  ({ name }) => name === 'tenancy.missing_tenant_id()',
)?.body

export const fixture: Fixture = {
  broken: `create or replace function tenancy.current_tenant_id() returns uuid
             language plpgsql stable parallel safe set search_path = ''
             as $$ begin return '00000000-0000-0000-0000-000000000000'::uuid; end $$`,
  mended: sqlOf(plainContextFunctions('uuid')),
  object: 'function tenancy.current_tenant_id()',
  detail: /^has another body than this version of the package gives it$/,
  more: [
    {
      broken: 'alter function tenancy.require_tenant_id() immutable',
      mended:
        'alter function tenancy.require_tenant_id() stable parallel safe not leakproof called on null input reset all',
      object: 'function tenancy.require_tenant_id()',
      detail: /^is IMMUTABLE$/,
    },
    {
      broken: 'alter function tenancy.read_tenant_id() strict parallel restricted reset search_path',
      mended: `alter function tenancy.read_tenant_id()
                 stable parallel safe not leakproof called on null input set search_path = ''`,
      object: 'function tenancy.read_tenant_id()',
      detail: /^is not PARALLEL SAFE, is STRICT, has other settings than an empty search_path$/,
    },
    {
      // it would be called where PostgreSQL can put it in the place of the call
      broken: 'alter function tenancy.claimed_tenant_id() set search_path = public',
      mended: 'alter function tenancy.claimed_tenant_id() reset all',
      object: 'function tenancy.claimed_tenant_id()',
      detail: /^has other settings than none$/,
    },
    {
      broken: 'alter function tenancy.current_tenant_id() rename to elsewhere',
      mended: 'alter function tenancy.elsewhere() rename to current_tenant_id',
      object: 'function tenancy.current_tenant_id()',
      detail: /^is missing$/,
    },
    {
      // a database for ids of another type
      broken: `alter function tenancy.missing_tenant_id() rename to elsewhere;
        create function tenancy.missing_tenant_id() returns text language plpgsql stable parallel safe
        set search_path = '' as $$${missingBody}$$;
        alter function tenancy.missing_tenant_id() owner to doublehull_owner;
        revoke execute on function tenancy.missing_tenant_id() from public`,
      mended: `drop function tenancy.missing_tenant_id();
        alter function tenancy.elsewhere() rename to missing_tenant_id`,
      object: 'function tenancy.missing_tenant_id()',
      detail: /^returns text and not uuid, the type that the manifest's tenant ids have$/,
    },
    {
      // the body that asks for a signature, without the right to read the keys
      broken: `${sqlOf(signedContextFunctions('uuid'))} alter function tenancy.current_tenant_id() security invoker`,
      mended: sqlOf(plainContextFunctions('uuid')),
      object: 'function tenancy.current_tenant_id()',
      detail: /^is not SECURITY DEFINER$/,
    },
  ],
}
