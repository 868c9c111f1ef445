-- What the triggers of the governed domain ask: who acts, and whether an administrator restores or repairs.
set local role doublehull_owner;

-- Without an exception block, which would be a subtransaction in each of the many triggers that ask.
create function governance.current_actor() returns uuid
  language plpgsql stable
  set search_path = ''
as $$
declare
  setting constant pg_catalog.text := nullif(current_setting('app.user_id', true), '');
begin
  -- a signed context covers the user as well, and this is what verifies it; where there is no tenant there is nothing
  -- that was signed, and nobody to believe
  if tenancy.current_tenant_id() is null then
    return null;
  end if;
  if setting not like '________-____-____-____-____________'
     or translate(setting, '0123456789abcdefABCDEF', '') <> '----' then
    raise exception using
      errcode = 'DH102',
      message = 'DH102: the user of the context is not a uuid';
  end if;
  return setting::pg_catalog.uuid;
end
$$;

comment on function governance.current_actor() is
  'The user that the current transaction works for, or null. None where it works for no tenant.';

create function governance.require_actor() returns uuid
  language plpgsql stable
  set search_path = ''
as $$
declare
  actor pg_catalog.uuid := governance.current_actor();
begin
  if actor is null and not governance.is_maintenance() then
    raise exception using
      errcode = 'DH509',
      message = 'DH509: this needs a user in the context',
      hint = 'Make the tenant client with userId, or set app.user_id with set_config(..., true).';
  end if;
  return actor;
end
$$;

comment on function governance.require_actor() is
  'The user that the current transaction works for. DH509 where there is none, except in maintenance.';

-- Such a role can switch every trigger off; that it writes in a tenant's name is not maintenance. Conditions of triggers
-- ask this, and those are planned anew in each statement: a body that is parsed by now is planned faster.
create function governance.is_maintenance() returns boolean
  language sql stable
  return not pg_catalog.row_security_active('governance.config_version'::pg_catalog.regclass)
     and pg_catalog.concat(pg_catalog.current_setting('app.tenant_id', true),
                           pg_catalog.current_setting('request.jwt.claims', true)) operator(pg_catalog.=) '';

comment on function governance.is_maintenance() is
  'Whether a role that no policy holds works in no tenant''s name: it restores, copies or repairs rows as they are.';

grant execute on function governance.current_actor(), governance.require_actor(), governance.is_maintenance()
  to doublehull_app, doublehull_system;

create function governance.may_work_for_no_tenant() returns boolean
  language sql stable
  set search_path = ''
as $$
  select pg_catalog.pg_has_role(session_user, 'doublehull_system', 'member')
      or pg_catalog.pg_has_role(session_user, 'doublehull_owner', 'member')
$$;

comment on function governance.may_work_for_no_tenant() is
  'Whether whoever logged in is of a role that works in no tenant''s name.';

-- A trigger that goes before the policies lets a row pass that refers to what it doesn't find, for policies and keys to
-- refuse. But PostgreSQL asks the tenant of the context once for a statement's policies, and each trigger anew: between two
-- rows of a statement the setting can change, and the policies, which still have the first one, would let the row pass
-- that nothing was asked of.
create function governance.refuse_foreign_row(tenant_id uuid, table_name text) returns void
  language plpgsql
  set search_path = ''
as $$
declare
  tenant constant pg_catalog.uuid := tenancy.current_tenant_id();
begin
  if tenant <> tenant_id then
    raise insufficient_privilege using
      message = format('new row violates row-level security policy for table "%s"', table_name);
  end if;
  if tenant is null and not governance.may_work_for_no_tenant() then
    perform tenancy.missing_tenant_id();
  end if;
end
$$;

comment on function governance.refuse_foreign_row(uuid, text) is
  'Raises what the policies do, where a row is of another tenant than the context is now.';

revoke execute on function governance.may_work_for_no_tenant(), governance.refuse_foreign_row(uuid, text) from public;
grant execute on function governance.may_work_for_no_tenant(), governance.refuse_foreign_row(uuid, text) to doublehull_app, doublehull_system;

-- Called by the triggers alone, so nobody is granted it.
create function audit.append_event(tenant_id uuid, action text, targets jsonb, metadata jsonb) returns void
  language plpgsql
  set search_path = ''
as $$
begin
  -- Events are written at the end of the transaction, in the name of the context of then: whoever took it away, or
  -- another tenant's, would have changed something as nobody. The roles that work in no tenant's name may.
  if tenancy.current_tenant_id() is distinct from tenant_id
     and not governance.may_work_for_no_tenant()
  then
    raise exception using
      errcode = 'DH103',
      message = 'DH103: the transaction has changed something of a tenant, and its context is no longer that tenant''s',
      hint = 'Leave app.tenant_id as it is until the transaction ends.';
  end if;
  -- audit.accept_event fills in who acts
  insert into audit.audit_event (id, tenant_id, origin, action, targets, context, metadata)
  values (
    gen_random_uuid(), tenant_id, 'DATABASE', action, targets,
    coalesce(nullif(current_setting('app.audit_context', true), '')::pg_catalog.jsonb, '{}'), metadata
  );
end
$$;

comment on function audit.append_event(uuid, text, jsonb, jsonb) is
  'Writes an event about a change, in the context of the transaction. For security definer triggers of the owner.';
