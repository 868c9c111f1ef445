-- Which moves a version's life cycle has, that only a draft changes, and what is written once, held by the
-- database for every role that works with data. Who must have approved what is not held here yet.
set local role doublehull_owner;

-- Partial indexes stand here because Prisma does not keep them.
create unique index config_version_one_active
  on governance.config_version (tenant_id, package_id) where status = 'ACTIVE';
create unique index approval_one_pending
  on governance.approval (tenant_id, version_id) where status = 'PENDING';
-- rows without a tenant are equal to none under the ordinary unique key
create unique index kill_switch_one_global
  on governance.kill_switch (scope, resource) where tenant_id is null;

create function governance.hold_version_life_cycle() returns trigger
  language plpgsql
  set search_path = ''
as $$
begin
  if tg_op = 'INSERT' then
    if new.status <> 'DRAFT' then
      raise exception using
        errcode = 'DH501',
        message = format('DH501: a version begins as DRAFT and not as %s', new.status);
    end if;
    return new;
  end if;

  if tg_op = 'DELETE' then
    if old.status <> 'DRAFT' then
      raise exception using
        errcode = 'DH502',
        message = format('DH502: only a draft may be deleted; this version is %s', old.status);
    end if;
    return old;
  end if;

  if new.status <> old.status and (old.status::pg_catalog.text, new.status::pg_catalog.text) not in (
    ('DRAFT', 'REVIEW'),
    ('REVIEW', 'DRAFT'),
    ('REVIEW', 'APPROVED'),
    ('APPROVED', 'ACTIVE'),
    ('APPROVED', 'DRAFT'),
    ('ACTIVE', 'DEPRECATED'),
    ('DEPRECATED', 'ACTIVE')
  ) then
    raise exception using
      errcode = 'DH501',
      message = format('DH501: a version does not go from %s to %s', old.status, new.status);
  end if;

  -- everything but the status, who moved it and when
  -- (the content as text: to jsonb, 1 and 1.00 are equal, and to a hash they are not)
  if (new.id, new.tenant_id, new.package_id, new.number, new.content::pg_catalog.text, new.content_hash, new.author_id,
      new.created_at)
     is distinct from
     (old.id, old.tenant_id, old.package_id, old.number, old.content::pg_catalog.text, old.content_hash, old.author_id,
      old.created_at)
  then
    if old.status <> 'DRAFT' then
      raise exception using
        errcode = 'DH502',
        message = format('DH502: only a draft may be edited; this version is %s', old.status);
    end if;
    new.lock_version := old.lock_version + 1;
  else
    new.lock_version := old.lock_version;
  end if;
  return new;
end
$$;

create trigger hold_version_life_cycle
  before insert or update or delete on governance.config_version
  for each row execute function governance.hold_version_life_cycle();

create function audit.refuse_change() returns trigger
  language plpgsql
  set search_path = ''
as $$
begin
  raise exception using
    errcode = 'DH503',
    message = format('DH503: %I.%I is append-only', tg_table_schema, tg_table_name);
end
$$;

-- for each statement, because TRUNCATE has no rows
create trigger refuse_change
  before update or delete or truncate on audit.audit_event
  for each statement execute function audit.refuse_change();
create trigger refuse_change
  before update or delete or truncate on governance.activation
  for each statement execute function audit.refuse_change();
create trigger refuse_change
  before update or delete or truncate on governance.approval_decision
  for each statement execute function audit.refuse_change();
