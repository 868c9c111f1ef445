-- What a flag may be, what may become of it, and who hears of it: held by the database for every role that works with
-- data, whether a repository, plain Prisma or SQL writes. What rules mean, and whether they are well-formed, is the
-- evaluator's: to it, a flag that it cannot read has no value.
set local role doublehull_owner;

create function governance.refuse_flag(message text, path json) returns void
  language plpgsql
  set search_path = ''
as $$
begin
  raise exception using
    errcode = 'DH506',
    message = concat('DH506: the flag is not valid: ', message),
    detail = json_build_object('issues', json_build_array(json_build_object('path', path, 'message', message)));
end
$$;

comment on function governance.refuse_flag(text, json) is
  'Raises DH506, with the place in the flag that is not valid as JSON in its detail.';

-- What a flag says of itself. It runs before the policies, so it looks at no other row.
create function governance.hold_flag() returns trigger
  language plpgsql
  set search_path = ''
as $$
declare
  kind constant pg_catalog.text := lower(new.type::pg_catalog.text);
  variant pg_catalog.text;
  value pg_catalog.jsonb;
  path pg_catalog.json;
begin
  if tg_op = 'UPDATE' then
    if old.archived_at is not null and new.archived_at is null then
      raise exception using
        errcode = 'DH501',
        message = 'DH501: a flag is archived for good',
        detail = '{"from":"ARCHIVED","to":"OPEN"}';
    end if;
    if not governance.is_maintenance() then
      if old.archived_at is not null then
        raise exception using
          errcode = 'DH502',
          message = 'DH502: an archived flag is not edited any more';
      end if;
      -- whose it is, the policies say
      if (new.id, new.key, new.type) is distinct from (old.id, old.key, old.type) then
        raise exception using
          errcode = 'DH503',
          message = 'DH503: the id, the key and the type of a flag are written once';
      end if;
      if new.archived_at is not null then
        new.archived_at := now();
      end if;
      new.created_at := old.created_at;
      new.lock_version := old.lock_version + 1;
    end if;
  elsif not governance.is_maintenance() then
    if new.archived_at is not null then
      raise exception using
        errcode = 'DH501',
        message = 'DH501: a flag begins as one that is not archived',
        detail = '{"to":"ARCHIVED"}';
    end if;
    new.lock_version := 1;
  end if;

  if jsonb_typeof(new.variants) <> 'object' or new.variants = '{}' then
    perform governance.refuse_flag('variants must be an object with at least one', '["variants"]');
  end if;
  for variant, value in select v.key, v.value from jsonb_each(new.variants) v loop
    if jsonb_typeof(value) <> kind then
      perform governance.refuse_flag('the value of a variant is not of the flag''s type', json_build_array('variants', variant));
    end if;
  end loop;
  if not new.variants ? new.default_variant then
    perform governance.refuse_flag('the default variant is none of the variants', '["defaultVariant"]');
  end if;
  if not new.variants ? new.off_variant then
    perform governance.refuse_flag('the off variant is none of the variants', '["offVariant"]');
  end if;

  if jsonb_typeof(new.targeting) not in ('object', 'null') then
    perform governance.refuse_flag('targeting must be an object', '["targeting"]');
  end if;
  for value, path in
    select s.variant, s.path
      from (select jsonb_path_query(new.targeting, '$.rules[*].serve.variant'), '["targeting","rules"]'::pg_catalog.json
            union all
            select jsonb_path_query(new.targeting, '$.rules[*].serve.rollout[*].variant'), '["targeting","rules"]'
            union all
            select jsonb_path_query(new.targeting, '$.default.rollout[*].variant'), '["targeting","default"]'
           ) as s (variant, path)
  loop
    if jsonb_typeof(value) <> 'string' or not new.variants ? (value #>> '{}') then
      perform governance.refuse_flag('it serves what is none of its variants', path);
    end if;
  end loop;

  if jsonb_typeof(new.prerequisites) <> 'array' then
    perform governance.refuse_flag('prerequisites must be an array', '["prerequisites"]');
  end if;
  if exists (select from jsonb_array_elements(new.prerequisites) p
              where jsonb_typeof(p) <> 'object'
                 or jsonb_typeof(p -> 'flag') is distinct from 'string'
                 or jsonb_typeof(p -> 'variants') is distinct from 'array'
                 or p -> 'variants' = '[]')
  then
    perform governance.refuse_flag('a prerequisite is a flag and at least one of its variants', '["prerequisites"]');
  end if;
  return new;
end
$$;

create trigger hold_flag
  before insert or update on governance.feature_flag
  for each row execute function governance.hold_flag();

grant execute on function governance.refuse_flag(text, json) to doublehull_app, doublehull_system;

-- What flags need of each other. It runs behind the policies, as the owner, and asks for the flags of the row's own tenant
-- alone. Who changes what others rely on, or begins to rely on others, waits for whoever does the same in that tenant:
-- of two who each see the state before the other one, one would archive what the other one has just come to need. The
-- lock is an update that changes nothing, because a repeatable read that began before fails there, and would overlook
-- what was only locked.
create function governance.hold_flag_prerequisites() returns trigger
  language plpgsql security definer
  set search_path = ''
as $$
declare
  tenant constant pg_catalog.uuid := coalesce(new.tenant_id, old.tenant_id);
  longest constant pg_catalog.int4 := 32;
  needed record;
  down pg_catalog.int4;
  up pg_catalog.int4;
begin
  update tenancy.tenant t set topic = t.topic where t.id = tenant;

  -- what others need of it
  if tg_op <> 'INSERT' then
    for needed in
      select p.value -> 'variants' as variants
        from governance.feature_flag f
       cross join lateral jsonb_array_elements(f.prerequisites) p
       where f.tenant_id = tenant and f.archived_at is null and p.value ->> 'flag' = old.key
    loop
      if tg_op = 'DELETE' or new.archived_at is not null then
        raise exception using
          errcode = 'DH501',
          message = 'DH501: another flag needs this one; change that first',
          detail = json_build_object('from', 'OPEN', 'to', case tg_op when 'DELETE' then 'DELETED' else 'ARCHIVED' end);
      end if;
      if exists (select from jsonb_array_elements_text(needed.variants) v where not new.variants ? v) then
        perform governance.refuse_flag('another flag needs a variant that is gone', '["variants"]');
      end if;
    end loop;
    if tg_op = 'DELETE' then
      return null;
    end if;
  end if;

  -- what it needs of others; an archived one needs nothing any more
  if new.archived_at is not null or new.prerequisites = '[]' then
    return null;
  end if;
  for needed in
    select p.ordinality - 1 as place, p.value -> 'variants' as variants, f.variants as existing
      from jsonb_array_elements(new.prerequisites) with ordinality p
      left join governance.feature_flag f
        on f.tenant_id = tenant and f.archived_at is null and f.key = p.value ->> 'flag'
  loop
    if needed.existing is null then
      perform governance.refuse_flag('there is no such flag, or it is archived',
        json_build_array('prerequisites', needed.place, 'flag'));
    end if;
    if exists (select from jsonb_array_elements(needed.variants) v
                where jsonb_typeof(v) <> 'string' or not needed.existing ? (v #>> '{}'))
    then
      perform governance.refuse_flag('the flag has no such variant',
        json_build_array('prerequisites', needed.place, 'variants'));
    end if;
  end loop;

  -- a union and not a union all: of several ways to a flag that are equally long, one is followed
  with recursive chain (key, length) as (
    select new.key, 0
    union
    select p.value ->> 'flag', c.length + 1
      from chain c
      join governance.feature_flag f on f.tenant_id = tenant and f.archived_at is null and f.key = c.key
     cross join lateral jsonb_array_elements(f.prerequisites) p
     where c.length <= longest and not (c.length > 0 and c.key = new.key)
  )
  select max(c.length), bool_or(c.length > 0 and c.key = new.key)::pg_catalog.int4 into down, up from chain c;
  if up = 1 then
    perform governance.refuse_flag('its prerequisites lead back to it', '["prerequisites"]');
  end if;
  with recursive chain (key, length) as (
    select new.key, 0
    union
    select f.key, c.length + 1
      from chain c
      join governance.feature_flag f
        on f.tenant_id = tenant and f.archived_at is null
       and jsonb_path_exists(f.prerequisites, '$[*] ? (@.flag == $key)', jsonb_build_object('key', c.key))
     where c.length <= longest
  )
  select max(c.length) into up from chain c;
  if down + up > longest then
    perform governance.refuse_flag('the chain of prerequisites is longer than 32 flags', '["prerequisites"]');
  end if;
  return null;
end
$$;

create trigger hold_prerequisites_of_new
  after insert on governance.feature_flag
  for each row when (new.prerequisites <> '[]' and not governance.is_maintenance())
  execute function governance.hold_flag_prerequisites();

create trigger hold_prerequisites
  after update on governance.feature_flag
  for each row when ((new.prerequisites, new.variants, new.archived_at)
                     is distinct from (old.prerequisites, old.variants, old.archived_at)
                     and not governance.is_maintenance())
  execute function governance.hold_flag_prerequisites();

create trigger hold_prerequisites_of_old
  after delete on governance.feature_flag
  for each row when (old.archived_at is null and not governance.is_maintenance())
  execute function governance.hold_flag_prerequisites();

-- Whoever holds a tenant's flags in memory fetches them anew. PostgreSQL tells it when the change is committed, to all of
-- the database: so it names the tenant's topic and never the tenant, and carries nothing of the flag.
create function governance.announce_flags() returns trigger
  language plpgsql security definer
  set search_path = ''
as $$
begin
  perform pg_notify('doublehull_changes', concat('flags:', t.topic))
     from tenancy.tenant t
    where t.id in (old.tenant_id, new.tenant_id);
  return null;
end
$$;

create trigger announce_flags
  after insert or update or delete on governance.feature_flag
  for each row execute function governance.announce_flags();

-- Whoever still listens for the topic that was must hear that there is another.
create function governance.announce_topic() returns trigger
  language plpgsql
  set search_path = ''
as $$
begin
  perform pg_notify('doublehull_changes', concat('flags:', old.topic));
  return null;
end
$$;

create trigger announce_topic
  after update of topic on tenancy.tenant
  for each row when (new.topic <> old.topic)
  execute function governance.announce_topic();

create function governance.audit_flag() returns trigger
  language plpgsql security definer
  set search_path = ''
as $$
declare
  flag governance.feature_flag := case tg_op when 'DELETE' then old else new end;
  verb pg_catalog.text;
  stage pg_catalog.text;
begin
  if tg_op = 'UPDATE' then
    verb := case when new.archived_at is not null then 'archive' else 'update' end;
  else
    verb := case tg_op when 'INSERT' then 'create' else 'delete' end;
  end if;
  stage := case
    when tg_op = 'DELETE' then 'DELETED'
    when flag.archived_at is not null then 'ARCHIVED'
    when flag.enabled then 'ENABLED'
    else 'DISABLED'
  end;
  perform audit.append_event(
    flag.tenant_id, concat('flag.', verb),
    jsonb_build_array(jsonb_build_object('type', 'flag', 'id', flag.id)),
    jsonb_build_object('stage', stage, 'lockVersion', flag.lock_version));
  return null;
end
$$;

-- Deferred: the head of the tenant's chain is locked to the end of the transaction, so it is locked last.
create constraint trigger audit_flag
  after insert or update or delete on governance.feature_flag
  deferrable initially deferred
  for each row when (not governance.is_maintenance())
  execute function governance.audit_flag();
