-- The context of a transaction, as the database reads it. It stands before the tables because their columns
-- default to it.
set local role doublehull_owner;

-- PostgreSQL lets everybody execute a new function unless told otherwise.
alter default privileges for role doublehull_owner revoke execute on functions from public;

-- Stable, never immutable: a plan that was made for one tenant would answer another with the first one's
-- rows. Without an exception block: that would be a subtransaction, which a parallel worker can't start.
-- Types are qualified: even with an empty search_path PostgreSQL looks for a type among the temporary ones first, and
-- a cast to a type of one's own runs a function of one's own.
create function tenancy.current_tenant_id() returns uuid
  language plpgsql stable parallel safe
  set search_path = ''
as $$
declare
  -- after a transaction that had set it, the setting is '' and not null
  setting pg_catalog.text := nullif(current_setting('app.tenant_id', true), '');
begin
  -- one spelling of a uuid only; a regular expression would say it shorter and take longer, in every query
  if setting not like '________-____-____-____-____________'
     or translate(setting, '0123456789abcdef', '') <> '----' then
    raise exception using
      errcode = 'DH102',
      message = 'DH102: the tenant context is not a uuid';
  end if;
  return setting::pg_catalog.uuid;
end
$$;

comment on function tenancy.current_tenant_id() is
  'The tenant that the current transaction works for, or null. DH102 where the context is malformed.';

create function tenancy.require_tenant_id() returns uuid
  language plpgsql stable parallel safe
  set search_path = ''
as $$
declare
  tenant_id pg_catalog.uuid := tenancy.current_tenant_id();
begin
  if tenant_id is null then
    raise exception using
      errcode = 'DH101',
      message = 'DH101: no tenant context is set in this transaction',
      hint = 'Query through a tenant client, or set app.tenant_id with set_config(..., true) first.';
  end if;
  return tenant_id;
end
$$;

comment on function tenancy.require_tenant_id() is
  'The tenant that the current transaction works for. DH101 where there is none.';

-- The same without a doubt raised: what the context says, for conditions that only ask whether there is one. Which
-- rows are a tenant's is never asked of it alone.
create function tenancy.claimed_tenant_id() returns uuid
  language plpgsql stable parallel safe
  set search_path = ''
as $$
declare
  setting pg_catalog.text := nullif(current_setting('app.tenant_id', true), '');
begin
  if setting is null then
    raise exception using
      errcode = 'DH101',
      message = 'DH101: no tenant context is set in this transaction',
      hint = 'Query through a tenant client, or set app.tenant_id with set_config(..., true) first.';
  end if;
  if setting not like '________-____-____-____-____________'
     or translate(setting, '0123456789abcdef', '') <> '----' then
    raise exception using
      errcode = 'DH102',
      message = 'DH102: the tenant context is not a uuid';
  end if;
  return setting::pg_catalog.uuid;
end
$$;

comment on function tenancy.claimed_tenant_id() is
  'The tenant that the context names, verified or not. DH101 where there is none.';
