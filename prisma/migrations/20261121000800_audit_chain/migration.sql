-- The chain of audit events: each carries the hash of the one before it, and the last link of each tenant is locked
-- while one is added, so that there is one order and no fork. What is written is held by triggers for every role that
-- works with data. Not even they hold the owner, who can switch them off: what the owner does then is found by
-- verification, with the signed checkpoints that are kept elsewhere.
set local role doublehull_owner;

-- The owner's only, like the keys of the context.
revoke all on audit.audit_head from public, doublehull_app, doublehull_reader, doublehull_system;
alter table audit.audit_head enable row level security;
alter table audit.audit_head force row level security;
create policy owner_maintenance_def1602b on audit.audit_head
  as permissive for all to doublehull_owner
  using (true)
  with check (true);

-- What is hashed. Bodies that are parsed now mean the same under every search_path.
create function audit.genesis_hash(tenant_id uuid) returns text
  language sql immutable parallel safe
  return pg_catalog.encode(pg_catalog.sha256(
    pg_catalog.convert_to('doublehull.audit.genesis:' || tenant_id::text, 'UTF8')), 'hex');

comment on function audit.genesis_hash(uuid) is
  'What stands before the first event of a tenant.';

create function audit.event_time(moment timestamptz) returns text
  language sql stable parallel safe
  return pg_catalog.to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

comment on function audit.event_time(timestamptz) is
  'A time to the microsecond, in UTC, whatever the settings of the session.';

-- A JSON array of texts: PostgreSQL and JSON.stringify write it the same, byte for byte, and no two events have the
-- same. JSON values go in as the text that PostgreSQL writes, so 1.0 and 1 are two.
create function audit.event_text(
  tenant_id uuid, seq bigint, prev_hash text, id uuid, origin audit.audit_origin, action text, actor_id uuid,
  outcome audit.audit_outcome, targets jsonb, context jsonb, metadata jsonb, schema_version integer,
  occurred_at timestamptz
) returns text
  language sql stable parallel safe
  return pg_catalog.to_json(array[
    'doublehull.audit.1', tenant_id::text, seq::text, prev_hash, id::text, origin::text, action, actor_id::text,
    outcome::text, targets::text, context::text, metadata::text, schema_version::text, audit.event_time(occurred_at)
  ]::text[])::text;

comment on function audit.event_text(
  uuid, bigint, text, uuid, audit.audit_origin, text, uuid, audit.audit_outcome, jsonb, jsonb, jsonb, integer, timestamptz
) is 'The text of an event whose SHA-256, in hex, is its hash.';

-- Whether the caller may add to the tenant's chain at all. Where not, the policy refuses the row, and the other tenant's
-- last link was neither read nor locked.
create function audit.appends_for(tenant_id uuid) returns boolean
  language sql stable
  return coalesce(tenant_id = tenancy.current_tenant_id(), false)
      or not pg_catalog.row_security_active('audit.audit_event'::pg_catalog.regclass)
      or pg_catalog.pg_has_role('doublehull_system', 'usage')
      or pg_catalog.pg_has_role('doublehull_owner', 'usage');

comment on function audit.appends_for(uuid) is
  'Whether the current role, in its context, adds events to this tenant''s chain.';

grant execute on function audit.appends_for(uuid) to doublehull_app, doublehull_system;

-- It runs as the caller, so it asks for those behind it that can't. By the sequence number it tells them what to do: zero
-- is to be chained, a number is to be adopted, and none is left to the policies, which refuse it; behind them it may not
-- be null. In the conditions of the triggers the same questions would be planned anew in each statement.
create function audit.accept_event() returns trigger
  language plpgsql
  set search_path = ''
as $$
declare
  oversized pg_catalog.text;
begin
  if governance.is_maintenance() then
    return new;
  end if;
  new.seq := case when audit.appends_for(new.tenant_id) then 0 end;
  -- Policies refuse it too, unless the setting has changed since they asked for it in this statement.
  if new.seq is null then
    perform governance.refuse_foreign_row(new.tenant_id, 'audit_event');
  end if;
  -- the definer's functions of the domain, and nobody else, speak for the database
  if new.origin <> 'APPLICATION' and not exists (
    select from pg_catalog.pg_class c
     where c.oid = 'audit.audit_event'::pg_catalog.regclass and c.relowner = current_user::pg_catalog.regrole
  ) then
    new.origin := 'APPLICATION';
  end if;
  new.actor_id := governance.current_actor();
  -- a trigger can't put it right: the time decides about the partition, and that is chosen by now
  if new.occurred_at is distinct from transaction_timestamp() then
    raise exception using
      errcode = 'DH503',
      message = 'DH503: audit.audit_event is append-only: an event is of the time of its transaction, and of no other',
      hint = 'Leave occurred_at out, and put another time into the metadata.';
  end if;
  oversized := case
    when char_length(new.action) > 200 then 'action'
    when octet_length(new.targets::pg_catalog.text) > 16384 then 'targets'
    when octet_length(new.context::pg_catalog.text) > 16384 then 'context'
    when octet_length(new.metadata::pg_catalog.text) > 65536 then 'metadata'
  end;
  if oversized is not null then
    raise exception using
      errcode = 'DH506',
      message = format('DH506: %s of an audit event has more than %s', oversized, case oversized
        when 'action' then '200 characters' when 'metadata' then '65536 bytes' else '16384 bytes' end),
      detail = json_build_object('issues', json_build_array(json_build_object(
        'path', json_build_array(oversized), 'message', 'is longer than an audit event holds')));
  end if;
  return new;
end
$$;

comment on function audit.accept_event() is
  'Fills in who acts and who says so. DH503 for another time than the transaction''s, DH506 for more than an event holds.';

-- As the owner, because nobody else may read a last link.
create function audit.chain_event() returns trigger
  language plpgsql security definer
  set search_path = ''
as $$
declare
  head audit.audit_head;
begin
  -- held until the transaction ends: the next writer of the tenant waits here, and sees this link or none
  select * into head from audit.audit_head h where h.tenant_id = new.tenant_id for update;
  if not found then
    insert into audit.audit_head values (new.tenant_id, 0, audit.genesis_hash(new.tenant_id)) on conflict do nothing;
    select * into head from audit.audit_head h where h.tenant_id = new.tenant_id for update;
  end if;
  new.seq := head.seq + 1;
  new.prev_hash := head.hash;
  new.hash := encode(sha256(convert_to(audit.event_text(
    new.tenant_id, new.seq, new.prev_hash, new.id, new.origin, new.action, new.actor_id, new.outcome, new.targets,
    new.context, new.metadata, new.schema_version, new.occurred_at), 'UTF8')), 'hex');
  update audit.audit_head h set seq = new.seq, hash = new.hash where h.tenant_id = new.tenant_id;
  return new;
end
$$;

comment on function audit.chain_event() is
  'Makes the event the next link of its tenant''s chain.';

create function audit.adopt_event() returns trigger
  language plpgsql security definer
  set search_path = ''
as $$
begin
  insert into audit.audit_head as h values (new.tenant_id, new.seq, new.hash)
    on conflict (tenant_id) do update set seq = excluded.seq, hash = excluded.hash where h.seq < excluded.seq;
  return new;
end
$$;

comment on function audit.adopt_event() is
  'Leaves an event that an administrator restores as it is, and has the chain go on behind it.';

-- In the order of their names.
create trigger accept_event
  before insert on audit.audit_event
  for each row execute function audit.accept_event();
create trigger adopt_event
  before insert on audit.audit_event
  for each row when (new.seq <> 0)
  execute function audit.adopt_event();
create trigger chain_event
  before insert on audit.audit_event
  for each row when (new.seq = 0)
  execute function audit.chain_event();

-- A dump has the last links as well, and restores them before or after the events.
create function audit.adopt_head() returns trigger
  language plpgsql
  set search_path = ''
as $$
begin
  update audit.audit_head h set seq = new.seq, hash = new.hash where h.tenant_id = new.tenant_id and h.seq < new.seq;
  if exists (select from audit.audit_head h where h.tenant_id = new.tenant_id) then
    return null;
  end if;
  return new;
end
$$;

comment on function audit.adopt_head() is
  'Restores a last link where restored events may have made one already.';

create trigger adopt_head
  before insert on audit.audit_head
  for each row when (governance.is_maintenance())
  execute function audit.adopt_head();

create trigger refuse_change
  before delete or truncate on audit.audit_head
  for each statement execute function audit.refuse_change();
create trigger refuse_change
  before update or delete or truncate on audit.audit_checkpoint
  for each statement execute function audit.refuse_change();

-- Whether its signature is right, only the keys tell. But one that signs no event of the chain would have every
-- verification say that the chain is broken, for good. Behind the policies, so it sees the tenant's own events.
create function audit.hold_checkpoint() returns trigger
  language plpgsql
  set search_path = ''
as $$
begin
  if not exists (select from audit.audit_event e
                  where e.tenant_id = new.tenant_id and e.seq = new.seq and e.hash = new.hash)
  then
    raise exception using
      errcode = 'DH507',
      message = 'DH507: there is no such audit event to sign';
  end if;
  return null;
end
$$;

comment on function audit.hold_checkpoint() is
  'DH507 for a checkpoint that signs no event of the tenant.';

create trigger hold_checkpoint
  after insert on audit.audit_checkpoint
  for each row when (not governance.is_maintenance())
  execute function audit.hold_checkpoint();

-- A signature is a change like any other, and is said in the chain behind what it signs.
create function audit.record_checkpoint() returns trigger
  language plpgsql security definer
  set search_path = ''
as $$
begin
  perform audit.append_event(
    new.tenant_id, 'audit.checkpoint', jsonb_build_array(jsonb_build_object('type', 'checkpoint', 'id', new.id)),
    jsonb_build_object('seq', new.seq, 'keyId', new.key_id));
  return null;
end
$$;

comment on function audit.record_checkpoint() is
  'Writes the audit event of a checkpoint.';

create constraint trigger record_checkpoint
  after insert on audit.audit_checkpoint
  deferrable initially deferred
  for each row when (not governance.is_maintenance())
  execute function audit.record_checkpoint();

-- Triggers for each row, the primary key, the index and the foreign key are the parent's; this is what is not. A unique
-- key of the parent would have to have the time in it, and would hold no fork off.
create function audit.protect_partition(name text) returns void
  language plpgsql
  set search_path = ''
as $$
begin
  execute format('alter table audit.%I enable row level security, force row level security', name);
  execute format('create policy owner_maintenance_def1602b on audit.%I as permissive for all to doublehull_owner '
                 'using (true) with check (true)', name);
  execute format('create unique index %I on audit.%I (tenant_id, seq)', name || '_seq_key', name);
  execute format('create unique index %I on audit.%I (tenant_id, prev_hash)', name || '_prev_hash_key', name);
  -- one for each statement fires on the table that the statement names, and on no partition of it
  execute format('create trigger refuse_change before update or delete or truncate on audit.%I '
                 'for each statement execute function audit.refuse_change()', name);
end
$$;

comment on function audit.protect_partition(text) is
  'Gives a partition of the audit events what it doesn''t have from their table.';

select audit.protect_partition('audit_event_default');

-- By security definer, whoever of the owner's members or administrators calls it, partitions are the owner's.
create function audit.ensure_partitions(months_ahead integer default 3)
  returns table (partition text, moved bigint)
  language plpgsql security definer
  set search_path = ''
as $$
declare
  missing pg_catalog.date[];
  month pg_catalog.date;
  start timestamptz;
  finish timestamptz;
begin
  if months_ahead not between 0 and 120 then
    raise exception using errcode = 'DH506', message = 'DH506: partitions are made for 0 to 120 months ahead';
  end if;
  -- everybody can go on writing where there is nothing to do
  missing := audit.missing_partitions(months_ahead);
  if missing = '{}' then
    return;
  end if;
  -- One run at a time, and the default partition last: whoever writes there holds the others already. The tenants are
  -- locked because a partition has the foreign key.
  lock table tenancy.tenant in share row exclusive mode;
  lock table only audit.audit_event in share update exclusive mode;
  lock table audit.audit_event_default in access exclusive mode;
  foreach month in array audit.missing_partitions(months_ahead) loop
    partition := 'audit_event_' || to_char(month, 'YYYY_MM');
    start := month::timestamp at time zone 'UTC';
    finish := (month + interval '1 month') at time zone 'UTC';
    execute format('create table audit.%I (like audit.audit_event including defaults)', partition);
    execute format('insert into audit.%I select * from audit.audit_event_default where occurred_at >= $1 and occurred_at < $2',
                   partition) using start, finish;
    get diagnostics moved = row_count;
    if moved > 0 then
      alter table audit.audit_event_default disable trigger refuse_change;
      delete from audit.audit_event_default where occurred_at >= start and occurred_at < finish;
      alter table audit.audit_event_default enable trigger refuse_change;
    end if;
    execute format('alter table audit.audit_event attach partition audit.%I for values from (%L) to (%L)',
                   partition, start, finish);
    perform audit.protect_partition(partition);
    return next;
  end loop;
end
$$;

comment on function audit.ensure_partitions(integer) is
  'Makes the partitions of this month, the coming ones and of whatever the default partition has come to hold.';

create function audit.missing_partitions(months_ahead integer) returns date[]
  language sql stable
  set search_path = ''
as $$
  select coalesce(array_agg(m.month order by m.month), '{}')
    from (
      select date_trunc('month', now() at time zone 'UTC')::pg_catalog.date + i * interval '1 month'
        from generate_series(0, months_ahead) as i
       union
      select date_trunc('month', e.occurred_at at time zone 'UTC') from audit.audit_event_default e
       where isfinite(e.occurred_at)
    ) as wanted (start)
   cross join lateral (select wanted.start::pg_catalog.date) as m (month)
   where to_regclass(format('audit.audit_event_%s', to_char(m.month, 'YYYY_MM'))) is null
$$;

comment on function audit.missing_partitions(integer) is
  'The months that audit.ensure_partitions would make partitions of.';

-- Whole months, and only behind checkpoints: from there on the rest of the chain is verified. Numbers are given at the
-- end of a transaction and times at its beginning, so an old month may hold an event that comes behind one of a later
-- month: that one is kept, in the default partition, until the later month goes.
create function audit.events_before(before date)
  returns table (partition text, events bigint, kept bigint, tenants bigint, tenants_without_checkpoint bigint)
  language plpgsql stable
  set search_path = ''
as $$
declare
  cut timestamptz := before::timestamp at time zone 'UTC';
begin
  if before is null or before <> date_trunc('month', before) or cut > now() then
    raise exception using
      errcode = 'DH506', message = 'DH506: events are dropped before the first day of a month that has begun';
  end if;
  for partition in
    select c.relname
      from pg_catalog.pg_inherits i
      join pg_catalog.pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'audit.audit_event'::pg_catalog.regclass
       and substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''([^'']+)''\)')::timestamptz <= cut
     order by substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''([^'']+)''\)')::timestamptz
  loop
    execute format($query$
      select coalesce(sum(t.events), 0), coalesce(sum(t.kept), 0), count(*), count(*) filter (where not exists (
               select from audit.audit_checkpoint c
                 join audit.audit_event e on (e.tenant_id, e.seq, e.hash) = (c.tenant_id, c.seq, c.hash)
                where c.tenant_id = t.tenant_id and c.seq >= t.last))
        from (
          select p.tenant_id, max(p.seq) as last, count(*) as events, count(*) filter (where exists (
                   select from audit.audit_event e
                    where e.tenant_id = p.tenant_id and e.seq < p.seq and e.occurred_at >= $1)) as kept
            from audit.%I p group by p.tenant_id
        ) as t
    $query$, partition) into events, kept, tenants, tenants_without_checkpoint using cut;
    return next;
  end loop;
end
$$;

comment on function audit.events_before(date) is
  'What audit.drop_events_before would drop: partitions, their events, and how many tenants lack a checkpoint.';

create function audit.drop_events_before(before date)
  returns table (partition text, events bigint, kept bigint, tenants bigint)
  language plpgsql security definer
  set search_path = ''
as $$
declare
  found record;
  dropped record;
  month pg_catalog.text;
begin
  lock table tenancy.tenant in share row exclusive mode;
  -- with its partitions: a transaction that began in an old month may still be writing there
  lock table audit.audit_event in access exclusive mode;
  perform audit.ensure_partitions(0);
  create table audit.dropped_event (partition text, tenant_id uuid, last_seq bigint);
  create table audit.kept_event (like audit.audit_event);

  for found in select * from audit.events_before(before) loop
    if found.tenants_without_checkpoint > 0 then
      raise exception using
        errcode = 'DH511',
        message = format('DH511: audit.%I is not dropped: %s of its %s tenants have no checkpoint at or after their last event in it',
                         found.partition, found.tenants_without_checkpoint, found.tenants),
        hint = 'Make a checkpoint for each of these tenants first.';
    end if;
    execute format('insert into audit.kept_event select p.* from audit.%I p where exists (select from audit.audit_event e '
                   'where e.tenant_id = p.tenant_id and e.seq < p.seq and e.occurred_at >= $1)', found.partition)
      using before::timestamp at time zone 'UTC';
    execute format('insert into audit.dropped_event select $1, p.tenant_id, max(p.seq) from audit.%I p '
                   'where not exists (select from audit.kept_event k where k.tenant_id = p.tenant_id and k.seq = p.seq) '
                   'group by p.tenant_id', found.partition) using found.partition;
    partition := found.partition;
    events := found.events - found.kept;
    kept := found.kept;
    tenants := found.tenants;
    return next;
  end loop;

  for month in select distinct d.partition from audit.dropped_event d
               union select f.partition from audit.events_before(before) f order by 1 loop
    execute format('drop table audit.%I', month);
  end loop;
  if exists (select from audit.kept_event) then
    alter table audit.audit_event_default disable trigger user;
    insert into audit.audit_event_default select * from audit.kept_event;
    alter table audit.audit_event_default enable trigger user;
  end if;
  -- said in each chain, at its end; the last links are locked in one order
  for dropped in
    select d.tenant_id, max(d.last_seq) as last_seq from audit.dropped_event d group by d.tenant_id order by d.tenant_id
  loop
    perform audit.append_event(dropped.tenant_id, 'audit.events.drop', '[]', jsonb_build_object(
      'before', to_char(before, 'YYYY-MM'), 'lastSeq', dropped.last_seq));
  end loop;
  drop table audit.dropped_event, audit.kept_event;
end
$$;

comment on function audit.drop_events_before(date) is
  'Drops the months before a day that begins one, and says so in each chain. DH511 where a tenant lacks a checkpoint.';

revoke execute on all functions in schema audit from public;
