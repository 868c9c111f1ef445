-- Kill switches that an effect can rely on: once the transaction that engages one has committed, no effect that asked
-- for it commits any more, in any isolation level, whoever turned it and by whatever statement.
--
-- A lock on the switch itself could not say so. There is nothing to lock where it was never engaged, and under the
-- policies `for share` leaves out the rows without a tenant, in silence. So each tenant has a gate, and all have one
-- together: who relies on a switch passes both, sharing them until its transaction ends; who turns one closes its gate.
set local role doublehull_owner;

-- rows without a tenant are equal to none under the ordinary unique key
create unique index if not exists kill_switch_one_global
  on governance.kill_switch (scope, resource) where tenant_id is null;

alter table governance.kill_switch
  add constraint kill_switch_resource check (char_length(resource) <= 200),
  add constraint kill_switch_reason check (char_length(reason) between 1 and 1000 and reason ~ '\S');

-- The owner's only; row-level security stands behind that, as it does for the key of the context.
revoke all on governance.kill_switch_gate from public, doublehull_app, doublehull_reader, doublehull_system;
alter table governance.kill_switch_gate enable row level security;
alter table governance.kill_switch_gate force row level security;
create policy owner_maintenance_def1602b on governance.kill_switch_gate
  as permissive for all to doublehull_owner
  using (true)
  with check (true);

insert into governance.kill_switch_gate (tenant_id)
values ('00000000-0000-0000-0000-000000000000');
insert into governance.kill_switch_gate (tenant_id)
select id from tenancy.tenant
    on conflict do nothing;

-- A gate comes with its tenant. On demand alone, the first effects of a tenant would wait for one another, for whoever
-- inserts the row holds it until its transaction ends.
create function governance.make_kill_switch_gate() returns trigger
  language plpgsql security definer
  set search_path = ''
as $$
begin
  insert into governance.kill_switch_gate (tenant_id) values (new.id) on conflict do nothing;
  return null;
end
$$;

create trigger make_kill_switch_gate
  after insert on tenancy.tenant
  for each row execute function governance.make_kill_switch_gate();

-- Two locks on each gate. The row's is the one that holds: who turns a switch updates the row, so that a transaction
-- whose snapshot is older can't lock it afterwards (40001 in REPEATABLE READ and SERIALIZABLE). An update that changes
-- no key conflicts with FOR SHARE and not with FOR KEY SHARE. The advisory lock is for fairness alone: later sharers of
-- a row's lock get past a writer who waits for it, so that effects that overlap would keep a switch from being
-- engaged for ever, while in the queue of an advisory lock they stand behind.
create function governance.pass_kill_switch_gate(gate uuid) returns void
  language plpgsql
  set search_path = ''
as $$
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('doublehull.kill_switch_gate.' || gate, 0));
  perform from governance.kill_switch_gate g where g.tenant_id = gate for share;
  if found then
    return;
  end if;
  -- restored or replicated without triggers
  insert into governance.kill_switch_gate (tenant_id)
  select t.id from tenancy.tenant t where t.id = gate
      on conflict do nothing;
  perform from governance.kill_switch_gate g where g.tenant_id = gate for share;
  if not found then
    raise exception using
      errcode = 'DH508',
      message = 'DH508: what kill switches are held by is missing, so all count as engaged',
      hint = 'The tenant of the context does not exist, or governance.kill_switch_gate lost its rows.';
  end if;
end
$$;

create function governance.close_kill_switch_gate(gate uuid) returns void
  language plpgsql
  set search_path = ''
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('doublehull.kill_switch_gate.' || gate, 0));
  insert into governance.kill_switch_gate (tenant_id)
  select t.id from tenancy.tenant t where t.id = gate
      on conflict do nothing;
  update governance.kill_switch_gate g set tenant_id = gate where g.tenant_id = gate;
end
$$;

-- Asked by an effect, in its own transaction. Whose switches it reads, the context says and no parameter.
create function governance.assert_not_engaged(resource text default '') returns void
  language plpgsql volatile security definer
  set search_path = ''
as $$
declare
  tenant pg_catalog.uuid := tenancy.require_tenant_id();
  whose pg_catalog.text;
begin
  -- the gate of all tenants first: whoever takes both takes them in this order
  perform governance.pass_kill_switch_gate('00000000-0000-0000-0000-000000000000');
  perform governance.pass_kill_switch_gate(tenant);
  -- a statement of its own: in READ COMMITTED it has a snapshot of after the locks
  select case when s.tenant_id is null then 'the platform' else 'the tenant' end into whose
    from governance.kill_switch s
   where (s.tenant_id is null or s.tenant_id = tenant)
     and s.resource in ('', assert_not_engaged.resource)
     and s.engaged
     and (s.expires_at is null or s.expires_at > clock_timestamp())
   order by s.tenant_id nulls first
   limit 1;
  if found then
    raise exception using
      errcode = 'DH508',
      message = format('DH508: a kill switch of %s is engaged', whose);
  end if;
end
$$;

comment on function governance.assert_not_engaged(text) is
  'Raises DH508 where a kill switch stops all, or the resource, for the tenant of the context or for every tenant. Until the transaction ends, none can be engaged.';
grant execute on function governance.assert_not_engaged(text) to doublehull_app;

-- Closes the gate of the context's tenant before any row of the statement is locked, so that the gate comes first in
-- every transaction that turns several switches.
create function governance.close_own_kill_switch_gate() returns trigger
  language plpgsql security definer
  set search_path = ''
as $$
declare
  tenant pg_catalog.uuid := tenancy.current_tenant_id();
begin
  if tenant is not null then
    perform governance.close_kill_switch_gate(tenant);
  end if;
  return null;
end
$$;

create trigger close_own_kill_switch_gate
  before insert or update or delete on governance.kill_switch
  for each statement execute function governance.close_own_kill_switch_gate();

-- Closes the gates of the rows that were written: also for those who work in no tenant's name. After the row and not
-- before it, because then the policies have let it pass: nobody locks another tenant's gate by a row that is refused.
create function governance.close_kill_switch_gates() returns trigger
  language plpgsql security definer
  set search_path = ''
as $$
declare
  everyone constant pg_catalog.uuid := '00000000-0000-0000-0000-000000000000';
  gates pg_catalog.uuid[] := '{}';
  gate pg_catalog.uuid;
begin
  if tg_op <> 'INSERT' then
    gates := gates || coalesce(old.tenant_id, everyone);
  end if;
  if tg_op <> 'DELETE' then
    gates := gates || coalesce(new.tenant_id, everyone);
  end if;
  for gate in select distinct g from unnest(gates) as g order by g loop
    perform governance.close_kill_switch_gate(gate);
  end loop;
  return null;
end
$$;

create trigger close_kill_switch_gates
  after insert or update or delete on governance.kill_switch
  for each row execute function governance.close_kill_switch_gates();

-- What a switch may say, and who turned it when. The scope follows from whose the row is and whether it names a
-- resource, so that no two rows stand for one switch.
create function governance.hold_kill_switch() returns trigger
  language plpgsql
  set search_path = ''
as $$
declare
  tenant pg_catalog.uuid := tenancy.current_tenant_id();
  at pg_catalog.timestamptz := clock_timestamp();
  was_in_force pg_catalog.bool := false;
  is_in_force pg_catalog.bool;
begin
  if tg_op <> 'INSERT' then
    was_in_force := old.engaged and (old.expires_at is null or old.expires_at > at);
  end if;
  if tg_op = 'DELETE' then
    if was_in_force then
      raise exception using
        errcode = 'DH501',
        message = 'DH501: an engaged kill switch is not deleted; release it, with a reason',
        detail = '{"from":"ENGAGED","to":"DELETED"}';
    end if;
    return old;
  end if;
  -- the policies refuse it, and where the context has changed since they were asked, this does
  if tenant is null or new.tenant_id is distinct from tenant then
    perform governance.refuse_foreign_row(new.tenant_id, tg_table_name);
  end if;
  if new.tenant_id is distinct from tenant and tenant is not null then
    return new;
  end if;

  if new.tenant_id is null then
    new.scope := 'GLOBAL';
  elsif new.scope = 'GLOBAL' then
    raise exception using
      errcode = 'DH505',
      message = 'DH505: a global kill switch is the platform''s, and has no tenant';
  elsif new.scope = 'RESOURCE' and new.resource !~ '\S' then
    raise exception using
      errcode = 'DH506',
      message = 'DH506: a kill switch of a resource names it';
  else
    new.scope := case when new.resource = '' then 'TENANT' else 'RESOURCE' end;
  end if;

  if was_in_force and (new.id, new.tenant_id, new.resource) is distinct from (old.id, old.tenant_id, old.resource) then
    raise exception using
      errcode = 'DH501',
      message = 'DH501: an engaged kill switch goes on to stop what it stops; release it, with a reason',
      detail = '{"from":"ENGAGED","to":"RELEASED"}';
  end if;

  if tg_op = 'UPDATE'
     and (new.engaged, new.reason, new.expires_at) is not distinct from (old.engaged, old.reason, old.expires_at) then
    new.actor_id := old.actor_id;
    new.engaged_at := old.engaged_at;
    return new;
  end if;

  if not new.engaged then
    new.engaged_at := null;
    new.expires_at := null;
    -- a row that never stopped anything is nobody's deed
    new.actor_id := case when was_in_force and tenant is not null
      then governance.require_actor() else governance.current_actor() end;
    return new;
  end if;

  is_in_force := new.expires_at is null or new.expires_at > at;
  if not is_in_force then
    raise exception using
      errcode = 'DH506',
      message = 'DH506: the expiry of a kill switch is in the future';
  end if;
  if new.reason is null or new.reason !~ '\S' then
    raise exception using
      errcode = 'DH506',
      message = 'DH506: a kill switch is engaged with a reason';
  end if;
  -- work across tenants has no user; it is recorded with its actor in audit.system_work
  new.actor_id := case when tenant is null then governance.current_actor() else governance.require_actor() end;
  new.engaged_at := case when was_in_force then old.engaged_at else at end;
  return new;
end
$$;

create trigger hold_kill_switch
  before insert or update or delete on governance.kill_switch
  for each row when (not governance.is_maintenance())
  execute function governance.hold_kill_switch();

-- The event of a tenant's switch. A switch of the platform has none here: no chain is everybody's, and the work that
-- turned it stands in audit.system_work, with its actor and its reason.
create function governance.record_kill_switch() returns trigger
  language plpgsql security definer
  set search_path = ''
as $$
declare
  switch governance.kill_switch;
  action pg_catalog.text;
begin
  switch := case when tg_op = 'DELETE' then old else new end;
  if switch.tenant_id is null then
    return null;
  end if;
  if tg_op = 'INSERT' then
    action := case when new.engaged then 'engage' else 'update' end;
  elsif tg_op = 'DELETE' then
    action := 'update';
  elsif new.engaged and new.engaged_at is distinct from old.engaged_at then
    action := 'engage';
  elsif old.engaged and not new.engaged then
    action := 'release';
  elsif (new.id, new.tenant_id, new.resource, new.engaged, new.reason, new.expires_at)
        is distinct from
        (old.id, old.tenant_id, old.resource, old.engaged, old.reason, old.expires_at) then
    action := 'update';
  else
    return null;
  end if;
  perform audit.append_event(
    switch.tenant_id,
    'kill_switch.' || action,
    jsonb_build_array(jsonb_build_object('type', 'kill-switch', 'id', switch.id)),
    jsonb_strip_nulls(jsonb_build_object(
      'stage', case when tg_op = 'DELETE' then 'DELETED' when switch.engaged then 'ENGAGED' else 'RELEASED' end,
      'scope', switch.scope,
      'resource', nullif(switch.resource, ''),
      'reason', switch.reason,
      'expiresAt', switch.expires_at
    ))
  );
  return null;
end
$$;

create constraint trigger record_kill_switch
  after insert or update or delete on governance.kill_switch
  deferrable initially deferred
  for each row when (not governance.is_maintenance())
  execute function governance.record_kill_switch();
