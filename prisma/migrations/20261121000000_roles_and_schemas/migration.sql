-- The roles that everything below is granted to. Roles are the cluster's and not the database's, so each is
-- created only where it is missing. Nobody can log in as one before it is given a password, which
-- `doublehull migrate` does.
--
-- doublehull_owner     owns every object, and nobody logs in as it
-- doublehull_migrator  runs migrations, as the owner
-- doublehull_app       the application, on behalf of one tenant at a time
-- doublehull_reader    the same, reading only
-- doublehull_system    work that spans tenants
do $roles$
declare
  wanted record;
begin
  for wanted in
    select * from (values
      ('doublehull_owner', 'nologin'),
      ('doublehull_migrator', 'login'),
      ('doublehull_app', 'login noinherit'),
      ('doublehull_reader', 'login noinherit'),
      ('doublehull_system', 'login noinherit')
    ) as roles (name, attributes)
  loop
    if not exists (select from pg_catalog.pg_roles where rolname = wanted.name) then
      begin
        execute format(
          'create role %I %s nosuperuser nocreatedb nocreaterole noreplication nobypassrls',
          wanted.name, wanted.attributes
        );
      exception
        -- another database of the cluster is being migrated at the same moment
        when duplicate_object or unique_violation then null;
      end;
    end if;
  end loop;

  if not pg_catalog.pg_has_role('doublehull_migrator', 'doublehull_owner', 'member') then
    grant doublehull_owner to doublehull_migrator;
  end if;
  -- what the migrator creates belongs to the owner from its birth, through any tool
  if not exists (
    select from pg_catalog.pg_db_role_setting s
      join pg_catalog.pg_roles r on r.oid = s.setrole
     where r.rolname = 'doublehull_migrator' and s.setdatabase = 0
       and 'role=doublehull_owner' = any (s.setconfig)
  ) then
    alter role doublehull_migrator set role = 'doublehull_owner';
  end if;

  if not pg_catalog.has_database_privilege('doublehull_owner', current_database(), 'create') then
    execute format('grant create on database %I to doublehull_owner', current_database());
  end if;
end
$roles$;

-- Whoever runs this, the schemas are the owner's; they may be there already, for `prisma migrate reset` leaves
-- them behind as its own.
create schema if not exists tenancy authorization doublehull_owner;
create schema if not exists governance authorization doublehull_owner;
create schema if not exists audit authorization doublehull_owner;
alter schema tenancy owner to doublehull_owner;
alter schema governance owner to doublehull_owner;
alter schema audit owner to doublehull_owner;
