-- The context of a transaction, as the database reads it. It stands before the tables because their columns
-- default to it.
set local role doublehull_owner;

-- PostgreSQL lets everybody execute a new function unless told otherwise.
alter default privileges for role doublehull_owner revoke execute on functions from public;

-- All of these are stable, never immutable: a plan that was made for one tenant would answer another with the first
-- one's rows. Without an exception block: that would be a subtransaction, which a parallel worker can't start.
-- Types are qualified: even with an empty search_path PostgreSQL looks for a type among the temporary ones first, and
-- a cast to a type of one's own runs a function of one's own.
create function tenancy.read_tenant_id() returns uuid
  language plpgsql stable parallel safe
  set search_path = ''
as $$
declare
  -- after a transaction that had set it, the setting is '' and not null
  setting pg_catalog.text := nullif(current_setting('app.tenant_id', true), '');
  claims pg_catalog.text := nullif(current_setting('request.jwt.claims', true), '');
begin
  -- what PostgREST and its likes set for the transaction when they have verified a token
  if claims is not null then
    claims := lower(claims::pg_catalog.jsonb ->> 'tenant_id');
    if claims is null then
      raise exception using
        errcode = 'DH102',
        message = 'DH102: the claims of the token (request.jwt.claims) name no tenant_id';
    end if;
    if setting <> claims then
      raise exception using
        errcode = 'DH102',
        message = 'DH102: app.tenant_id and the claims of the token (request.jwt.claims) name two tenants';
    end if;
    setting := claims;
  end if;
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

comment on function tenancy.read_tenant_id() is
  'The tenant that the settings of the current transaction name, or null. DH102 where they are malformed or disagree.';

create function tenancy.missing_tenant_id() returns uuid
  language plpgsql stable parallel safe
  set search_path = ''
as $$
begin
  raise exception using
    errcode = 'DH101',
    message = 'DH101: no tenant context is set in this transaction',
    hint = 'Query through a tenant client, or set app.tenant_id with set_config(..., true) first.';
end
$$;

comment on function tenancy.missing_tenant_id() is
  'Raises DH101.';

-- `doublehull migrate` with DOUBLEHULL_CONTEXT_KEY gives it another body, which believes signed contexts only; a
-- later migration must not create or replace it. The same as read_tenant_id, without a call where all is well.
create function tenancy.current_tenant_id() returns uuid
  language sql stable parallel safe
as $$
  select case when pg_catalog.concat(pg_catalog.current_setting('app.tenant_id', true), pg_catalog.current_setting('request.jwt.claims', true)) operator(pg_catalog.~~) '________-____-____-____-____________'
         then pg_catalog.current_setting('app.tenant_id', true)::pg_catalog.uuid
         else tenancy.read_tenant_id() end
$$;

comment on function tenancy.current_tenant_id() is
  'The tenant that the current transaction works for, or null. DH102 where the context is malformed.';

create function tenancy.require_tenant_id() returns uuid
  language sql stable parallel safe
as $$
  select case when pg_catalog.concat(pg_catalog.current_setting('app.tenant_id', true), pg_catalog.current_setting('request.jwt.claims', true)) operator(pg_catalog.~~) '________-____-____-____-____________'
         then pg_catalog.current_setting('app.tenant_id', true)::pg_catalog.uuid
         else coalesce(tenancy.read_tenant_id(), tenancy.missing_tenant_id()) end
$$;

comment on function tenancy.require_tenant_id() is
  'The tenant that the current transaction works for. DH101 where there is none.';

-- The same without a doubt raised: what the context says, for conditions that only ask whether there is one. Which
-- rows are a tenant's is never asked of it alone.
create function tenancy.claimed_tenant_id() returns uuid
  language sql stable parallel safe
as $$
  select case when pg_catalog.current_setting('app.tenant_id', true) operator(pg_catalog.~~) '________-____-____-____-____________'
         then pg_catalog.current_setting('app.tenant_id', true)::pg_catalog.uuid
         else coalesce(tenancy.read_tenant_id(), tenancy.missing_tenant_id()) end
$$;

comment on function tenancy.claimed_tenant_id() is
  'The tenant that the context names, verified or not. DH101 where there is none.';

-- For PostgREST's db-pre-request. Nobody may execute it until the owner grants that to the role of an API: whoever
-- may can write the claims first, and so be any tenant.
create function tenancy.pre_request() returns void
  language plpgsql volatile
  set search_path = ''
as $$
declare
  claims pg_catalog.jsonb := nullif(current_setting('request.jwt.claims', true), '')::pg_catalog.jsonb;
  tenant pg_catalog.text := coalesce(lower(claims ->> 'tenant_id'), '');
  subject pg_catalog.text := coalesce(lower(claims ->> 'sub'), '');
  signature pg_catalog.text := '';
begin
  if tenant <> '' and tenant !~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' then
    raise exception using
      errcode = 'DH102',
      message = 'DH102: tenant_id in the claims of the token (request.jwt.claims) is not a uuid';
  end if;
  if coalesce(current_setting('app.tenant_id', true), '') not in ('', tenant) then
    raise exception using
      errcode = 'DH103',
      message = 'DH103: the transaction already belongs to another tenant than the claims of the token name';
  end if;
  if subject !~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' then
    subject := '';
  end if;
  perform pg_catalog.set_config('app.tenant_id', tenant, true),
          pg_catalog.set_config('app.user_id', subject, true),
          pg_catalog.set_config('app.context_signature', signature, true);
end
$$;

comment on function tenancy.pre_request() is
  'Makes the verified claims of a token (request.jwt.claims) the context: tenant_id, and sub where it is a uuid.';
