-- What the triggers of the governed domain ask: who acts, and whether an administrator restores or repairs.
set local role doublehull_owner;

-- Without an exception block, which would be a subtransaction in each of the many triggers that ask.
create function governance.current_actor() returns uuid
  language plpgsql stable
  set search_path = ''
as $$
declare
  -- a signed context covers the user as well, and this is what verifies it
  tenant constant pg_catalog.uuid := tenancy.current_tenant_id();
  setting constant pg_catalog.text := nullif(current_setting('app.user_id', true), '');
begin
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
  'The user that the current transaction works for, or null.';

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

-- Called by the triggers alone, so nobody is granted it.
create function audit.append_event(tenant_id uuid, action text, targets jsonb, metadata jsonb) returns void
  language plpgsql
  set search_path = ''
as $$
begin
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
