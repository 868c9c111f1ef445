-- A trigger that holds a protected table is switched off or gone.
-- level: error
-- attacks: P2, S1

-- Of PostgreSQL's own, those that hold foreign keys: `disable trigger all` switches off the keys that keep a row's
-- references in its tenant. Of the package's, those that hold the life cycle and what is written once.
with wanted as (
  select t.oid, t.name, w.trigger_name
    from (values ('governance', 'config_version', 'hold_version_life_cycle'),
                 ('governance', 'config_package', 'hold_package'),
                 ('governance', 'approval', 'hold_approval'),
                 ('governance', 'approval_decision', 'hold_decision'),
                 ('governance', 'activation', 'hold_activation'),
                 ('governance', 'kill_switch', 'hold_kill_switch'),
                 ('governance', 'kill_switch', 'close_kill_switch_gates'),
                 ('governance', 'kill_switch', 'close_own_kill_switch_gate'),
                 ('governance', 'execution_trace', 'hold_execution_trace'),
                 ('governance', 'trace_step', 'hold_trace_step'),
                 ('governance', 'trace_step', 'keep_trace_step'),
                 ('governance', 'activation', 'refuse_change'),
                 ('governance', 'approval_decision', 'refuse_change'),
                 ('audit', 'audit_event', 'refuse_change'),
                 ('audit', 'audit_event', 'accept_event'),
                 ('audit', 'audit_event', 'chain_event'),
                 ('audit', 'audit_checkpoint', 'refuse_change'),
                 ('audit', 'audit_checkpoint', 'hold_checkpoint'),
                 ('audit', 'audit_checkpoint', 'record_checkpoint')) as w (schema_name, table_name, trigger_name)
    join expected_table t on (t.schema_name, t.table_name) = (w.schema_name, w.table_name)
   where t.relkind in ('r', 'p')
     -- a schema of one's own may have a table of that name; it doesn't have the function
     and exists (select from pg_catalog.pg_proc f
                  where f.proname = w.trigger_name and f.pronamespace in (select s.oid from own_schema s))
  union all
  select c.oid, 'audit.system_work', 'refuse_change'
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where n.nspname = 'audit' and c.relname = 'system_work' and c.relkind = 'r'
  union all
  -- each partition has its own: a statement that names it fires no other
  select i.inhrelid, i.inhrelid::pg_catalog.regclass::text, w.trigger_name
    from (values ('refuse_change'), ('accept_event'), ('chain_event')) as w (trigger_name)
    join expected_table t on (t.schema_name, t.table_name) = ('audit', 'audit_event')
    join pg_catalog.pg_inherits i on i.inhparent = t.oid
   where exists (select from pg_catalog.pg_proc f
                  where f.proname = 'chain_event' and f.pronamespace in (select s.oid from own_schema s))
)
select 'table ' || found.name,
       pg_catalog.concat_ws('; ',
         'lacks the trigger ' || pg_catalog.string_agg(found.trigger_name, ', ' order by found.trigger_name collate "C")
           filter (where found.enabled is null),
         'has switched off ' || pg_catalog.string_agg(found.trigger_name, ', ' order by found.trigger_name collate "C")
           filter (where found.enabled is not null)),
       case when pg_catalog.bool_or(found.enabled is null) then 'run the migration that makes the trigger again'
            else pg_catalog.format('alter table %s enable trigger all;', found.name) end
  from (
    select w.name, pg_catalog.quote_ident(w.trigger_name) as trigger_name, g.tgenabled::text as enabled
      from wanted w
      left join pg_catalog.pg_trigger g on g.tgrelid = w.oid and g.tgname = w.trigger_name
     where g.oid is null
        -- R: only where changes of another server are applied
        or g.tgenabled in ('D', 'R')
    union all
    select t.name, pg_catalog.format('the foreign key %I', k.conname), pg_catalog.min(g.tgenabled::text)
      from expected_table t
      join pg_catalog.pg_trigger g on g.tgrelid = t.oid
      join pg_catalog.pg_constraint k on k.oid = g.tgconstraint and k.contype = 'f'
     where g.tgisinternal and g.tgenabled in ('D', 'R')
     group by t.name, k.oid, k.conname
  ) as found
 group by found.name
