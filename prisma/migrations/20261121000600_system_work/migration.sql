-- The record of work that spans tenants: who did what, and why, written before it is done. It stands on its own, so
-- that a schema of one's own can take this migration as it is.
set local role doublehull_owner;

create schema if not exists audit;
grant usage on schema audit to doublehull_system;

create table audit.system_work (
  id uuid not null default gen_random_uuid(),
  use_id uuid not null,
  actor text not null,
  reason text not null,
  model text,
  operation text not null,
  role text not null default session_user,
  created_at timestamptz(6) not null default current_timestamp,
  constraint system_work_pkey primary key (id),
  constraint system_work_actor check (char_length(actor) between 1 and 200 and actor ~ '\S'),
  constraint system_work_reason check (char_length(reason) between 1 and 1000 and reason ~ '\S')
);
create index system_work_created_at_idx on audit.system_work (created_at);

-- Whoever is recorded reads, changes and deletes nothing of it.
revoke all on audit.system_work from public, doublehull_app, doublehull_reader, doublehull_system;
grant insert on audit.system_work to doublehull_system;

alter table audit.system_work enable row level security;
alter table audit.system_work force row level security;
-- the login, which SET ROLE does not change, in its own name and now
create policy system_insert on audit.system_work
  as permissive for insert to doublehull_system
  with check (role = session_user::text and created_at = current_timestamp);
create policy owner_maintenance on audit.system_work
  as permissive for all to doublehull_owner
  using (true)
  with check (true);

-- The same as in the migration of the life cycle, which a schema of one's own does not have.
create or replace function audit.refuse_change() returns trigger
  language plpgsql
  set search_path = ''
as $$
begin
  raise exception using
    errcode = 'DH503',
    message = format('DH503: %I.%I is append-only', tg_table_schema, tg_table_name);
end
$$;
revoke execute on function audit.refuse_change() from public;

create trigger refuse_change
  before update or delete or truncate on audit.system_work
  for each statement execute function audit.refuse_change();
