-- Execution traces: what a version's rules did in one run. The database bounds them, counts the steps, measures them,
-- and takes nothing more for a run that is over. They are records themselves, so adding to one writes no audit event;
-- deleting them does.
set local role doublehull_owner;

-- as PostgreSQL writes the JSON, which is longer than it was sent
alter table governance.execution_trace
  add constraint execution_trace_name check (char_length(name) <= 200),
  add constraint execution_trace_request_id check (char_length(request_id) <= 200),
  add constraint execution_trace_input check (octet_length(input::text) <= 16384),
  add constraint execution_trace_output check (octet_length(output::text) <= 16384);
alter table governance.trace_step
  add constraint trace_step_name check (char_length(name) <= 200),
  add constraint trace_step_seq check (seq between 0 and 1000),
  add constraint trace_step_payload check (octet_length(payload::text) <= 16384);

-- In microseconds; 0 where the clock of whoever measured was set back meanwhile.
create function governance.duration_between(started timestamptz, finished timestamptz) returns bigint
  language sql immutable
  set search_path = ''
as $$
  select greatest(0, extract(epoch from finished - started) * 1000000)::pg_catalog.int8
$$;
grant execute on function governance.duration_between(timestamptz, timestamptz)
  to doublehull_app, doublehull_system;

create function governance.hold_execution_trace() returns trigger
  language plpgsql
  set search_path = ''
as $$
begin
  if tg_op = 'UPDATE' and old.outcome <> 'RUNNING' then
    new.duration := old.duration;
    if new is distinct from old then
      raise exception using
        errcode = 'DH501',
        message = format('DH501: the run of the trace is over: it is %s', old.outcome),
        detail = jsonb_build_object('from', old.outcome, 'to', new.outcome);
    end if;
    return new;
  end if;
  if new.outcome = 'RUNNING' then
    new.finished_at := null;
    new.duration := null;
  else
    new.finished_at := coalesce(new.finished_at, clock_timestamp());
    new.duration := governance.duration_between(new.started_at, new.finished_at);
  end if;
  return new;
end
$$;

create trigger hold_execution_trace
  before insert or update on governance.execution_trace
  for each row when (not governance.is_maintenance())
  execute function governance.hold_execution_trace();

create function governance.hold_trace_step() returns trigger
  language plpgsql
  set search_path = ''
as $$
declare
  run_outcome governance.trace_outcome;
begin
  if tg_op = 'UPDATE' and (new.id, new.trace_id, new.seq) is distinct from (old.id, old.trace_id, old.seq) then
    raise exception using
      errcode = 'DH503',
      message = 'DH503: the id of a step, its trace and its place in it are written once';
  end if;
  -- locked, so that steps are counted one after the other, and none is added while the run ends
  select t.outcome into run_outcome
    from governance.execution_trace t
   where t.tenant_id = new.tenant_id and t.id = new.trace_id
     for no key update;
  -- another tenant's, or nobody's: the policies and the foreign key refuse it, both in the same words
  if not found then
    perform governance.refuse_foreign_row(new.tenant_id, tg_table_name);
    return new;
  end if;
  if run_outcome <> 'RUNNING' then
    raise exception using
      errcode = 'DH501',
      message = format('DH501: the run of the trace is over, and gets no further step: it is %s', run_outcome),
      detail = jsonb_build_object('from', run_outcome, 'to', 'RUNNING');
  end if;
  if tg_op = 'INSERT' then
    -- not max(), which reads all steps where the table has no statistics yet
    select s.seq into new.seq
      from governance.trace_step s
     where s.tenant_id = new.tenant_id and s.trace_id = new.trace_id
     order by s.tenant_id desc, s.trace_id desc, s.seq desc
     limit 1;
    new.seq := coalesce(new.seq, 0) + 1;
  end if;
  if new.outcome = 'RUNNING' then
    new.finished_at := null;
    new.duration := null;
  else
    new.finished_at := coalesce(new.finished_at, clock_timestamp());
    new.duration := governance.duration_between(new.started_at, new.finished_at);
  end if;
  return new;
end
$$;

create trigger hold_trace_step
  before insert or update on governance.trace_step
  for each row when (not governance.is_maintenance())
  execute function governance.hold_trace_step();

-- The steps of a run that is over go with their run, of which an event tells, and not without it. Asked at the end of
-- the transaction, because they go before it; as the owner, because the context may be another one by then.
create function governance.keep_trace_step() returns trigger
  language plpgsql security definer
  set search_path = ''
as $$
declare
  run_outcome governance.trace_outcome;
begin
  select t.outcome into run_outcome
    from governance.execution_trace t
   where t.tenant_id = old.tenant_id and t.id = old.trace_id;
  if run_outcome <> 'RUNNING' then
    raise exception using
      errcode = 'DH501',
      message = format('DH501: the run of the trace is over, and loses no step: it is %s', run_outcome),
      detail = jsonb_build_object('from', run_outcome, 'to', 'RUNNING');
  end if;
  return null;
end
$$;

create constraint trigger keep_trace_step
  after delete on governance.trace_step
  deferrable initially deferred
  for each row when (not governance.is_maintenance())
  execute function governance.keep_trace_step();

-- One event for each statement that deletes runs, and not for each run.
create function governance.record_prune() returns trigger
  language plpgsql security definer
  set search_path = ''
as $$
declare
  gone record;
begin
  for gone in
    select p.tenant_id, count(*) as runs, min(p.started_at) as first, max(p.started_at) as last
      from pruned p
     group by p.tenant_id
     order by p.tenant_id
  loop
    perform audit.append_event(
      gone.tenant_id,
      'trace.prune',
      '[{"type":"trace"}]',
      jsonb_build_object('stage', 'PRUNED', 'count', gone.runs, 'from', gone.first, 'to', gone.last)
    );
  end loop;
  return null;
end
$$;

create trigger record_prune
  after delete on governance.execution_trace
  referencing old table as pruned
  for each statement when (not governance.is_maintenance())
  execute function governance.record_prune();
