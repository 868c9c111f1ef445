-- The whole life cycle of a version, and of what is written once, held for every role that works with data. Whoever
-- writes makes one small write (a draft, a submission, a vote, a row of the ledger); what follows from it, these
-- triggers do, and a status that does not follow from what is on record is refused, whoever asks for it.
--
-- What they go by is rows, never by whether a trigger is at work (pg_trigger_depth): a temporary table has triggers too.
-- They run as whoever writes, under the policies; where a row that is referred to is not found, it may be
-- another tenant's, and keys and policies refuse it like a missing one. The exception is the audit at the end.
--
-- Locks are taken in one order: package, approval, version. A lock is taken by an update that changes nothing, where
-- what is read under it must not be older than it: to a repeatable read a row that was only locked is unchanged.
set local role doublehull_owner;

-- Partial indexes stand here because Prisma does not keep them.
create unique index config_version_one_active
  on governance.config_version (tenant_id, package_id) where status = 'ACTIVE';
create unique index approval_one_pending
  on governance.approval (tenant_id, version_id) where status = 'PENDING';
-- rows without a tenant are equal to none under the ordinary unique key
create unique index kill_switch_one_global
  on governance.kill_switch (scope, resource) where tenant_id is null;

alter table governance.config_package
  add constraint config_package_quorum check (quorum between 1 and 20);
alter table governance.config_version
  add constraint config_version_number check (number > 0);
alter table governance.approval
  add constraint approval_quorum check (quorum between 1 and 20);
alter table governance.activation
  add constraint activation_reason check (kind not in ('ROLLBACK', 'BREAK_GLASS') or coalesce(reason, '') ~ '\S');

create function governance.refuse_move(message text, from_status text, to_status text) returns void
  language plpgsql
  set search_path = ''
as $$
begin
  raise exception using
    errcode = 'DH501',
    message = concat('DH501: ', message),
    detail = json_strip_nulls(json_build_object('from', from_status, 'to', to_status));
end
$$;

comment on function governance.refuse_move(text, text, text) is
  'Raises DH501, with the states of the move as JSON in its detail.';

grant execute on function governance.refuse_move(text, text, text) to doublehull_app, doublehull_system;

-- Packages -----------------------------------------------------------------------------------------------------------

create function governance.hold_package() returns trigger
  language plpgsql
  set search_path = ''
as $$
declare
  actor pg_catalog.uuid;
begin
  if governance.is_maintenance() then
    return new;
  end if;

  if tg_op = 'INSERT' then
    new.last_version_number := 0;
    new.archived_at := null;
    new.created_at := now();
    return new;
  end if;

  if new.id <> old.id then
    raise exception using
      errcode = 'DH503',
      message = 'DH503: the id of a package is written once';
  end if;
  new.created_at := old.created_at;

  if old.archived_at is null and new.archived_at is not null then
    new.archived_at := now();
  elsif new.archived_at is distinct from old.archived_at then
    perform governance.refuse_move('a package is archived for good', 'ARCHIVED', 'OPEN');
  end if;

  -- How strictly a package is reviewed, and what it is found by, decides what comes into force as much as a vote does.
  if new.key <> old.key or new.quorum < old.quorum or (old.separate_activator and not new.separate_activator) then
    actor := governance.require_actor();
    if not exists (select from tenancy.membership m
                    where m.tenant_id = old.tenant_id and m.user_id = actor and m.role in ('OWNER', 'ADMIN'))
    then
      raise exception using
        errcode = 'DH505',
        message = 'DH505: only an owner or an administrator of the tenant gives a package another key, or a less strict review';
    end if;
  end if;

  -- the next number, or one that a version has
  if new.last_version_number <> old.last_version_number
     and new.last_version_number <> old.last_version_number + 1
     and not (new.last_version_number > old.last_version_number
              and exists (select from governance.config_version v
                           where v.tenant_id = old.tenant_id and v.package_id = old.id
                             and v.number = new.last_version_number))
  then
    raise exception using
      errcode = 'DH503',
      message = 'DH503: the counter of a package''s versions only counts';
  end if;
  return new;
end
$$;

create trigger hold_package
  before insert or update on governance.config_package
  for each row execute function governance.hold_package();

-- Versions -----------------------------------------------------------------------------------------------------------

create function governance.hold_version_life_cycle() returns trigger
  language plpgsql
  set search_path = ''
as $$
declare
  repaired constant pg_catalog.bool := governance.is_maintenance();
  actor pg_catalog.uuid;
  package governance.config_package;
  approval governance.approval;
  activation governance.activation;
begin
  if tg_op = 'INSERT' then
    if new.status <> 'DRAFT' then
      perform governance.refuse_move(
        format('a version begins as DRAFT and not as %s', new.status), null, new.status::pg_catalog.text);
    end if;
    new.content_hash := encode(sha256(convert_to(new.content::pg_catalog.text, 'UTF8')), 'hex');

    -- the counter and not max(number) + 1, which several writers at once read alike; and the lock that archiving waits for
    update governance.config_package p
       set last_version_number = p.last_version_number + (new.number = 0)::pg_catalog.int4
     where p.tenant_id = new.tenant_id and p.id = new.package_id
    returning * into package;
    if not found then
      perform governance.refuse_foreign_row(new.tenant_id, tg_table_name);
    end if;
    if new.number = 0 then
      new.number := coalesce(package.last_version_number, 1);
    end if;
    if repaired then
      return new;
    end if;

    if package.archived_at is not null then
      perform governance.refuse_move('an archived package gets no new versions', null, 'DRAFT');
    end if;
    new.author_id := governance.current_actor();
    new.editor_ids := '{}';
    new.submitter_id := null;
    new.lock_version := 1;
    new.created_at := now();
    return new;
  end if;

  if tg_op = 'DELETE' then
    if old.status <> 'DRAFT' then
      raise exception using
        errcode = 'DH502',
        message = format('DH502: only a draft may be deleted; this version is %s', old.status);
    end if;
    if exists (select from governance.approval a where a.tenant_id = old.tenant_id and a.version_id = old.id)
       or exists (select from governance.activation a where a.tenant_id = old.tenant_id and a.version_id = old.id)
    then
      raise exception using
        errcode = 'DH502',
        message = 'DH502: only a draft that was never submitted may be deleted; the record of its approvals stays';
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
    ('DEPRECATED', 'ACTIVE'),
    -- by break-glass alone
    ('DRAFT', 'ACTIVE'),
    ('REVIEW', 'ACTIVE')
  ) then
    perform governance.refuse_move(
      format('a version does not go from %s to %s', old.status, new.status),
      old.status::pg_catalog.text, new.status::pg_catalog.text);
  end if;

  -- the content as text: to jsonb, 1 and 1.00 are equal, and to a hash they are not
  if (new.id, new.package_id, new.number, new.content::pg_catalog.text)
     is distinct from
     (old.id, old.package_id, old.number, old.content::pg_catalog.text)
  then
    if old.status <> 'DRAFT' then
      raise exception using
        errcode = 'DH502',
        message = format('DH502: only a draft may be edited; this version is %s', old.status);
    end if;
    if not repaired and (new.id, new.package_id, new.number) is distinct from (old.id, old.package_id, old.number) then
      raise exception using
        errcode = 'DH502',
        message = 'DH502: of a draft only the content may be edited';
    end if;
    if not repaired and new.status <> old.status then
      perform governance.refuse_move(
        'a version is edited or moved, and not both at once',
        old.status::pg_catalog.text, new.status::pg_catalog.text);
    end if;
    new.lock_version := old.lock_version + 1;
  else
    new.lock_version := old.lock_version;
  end if;
  new.content_hash := encode(sha256(convert_to(new.content::pg_catalog.text, 'UTF8')), 'hex');
  if repaired then
    return new;
  end if;

  -- nobody says who wrote it but the context; a null among the editors is somebody unknown
  new.author_id := old.author_id;
  new.submitter_id := old.submitter_id;
  new.editor_ids := coalesce(old.editor_ids, '{}');
  new.created_at := old.created_at;
  if new.lock_version <> old.lock_version then
    actor := governance.current_actor();
    if actor is distinct from new.author_id and array_position(new.editor_ids, actor) is null then
      new.editor_ids := array_append(new.editor_ids, actor);
    end if;
  end if;
  if new.status = old.status then
    return new;
  end if;

  perform governance.refuse_foreign_row(new.tenant_id, tg_table_name);
  if new.status = 'REVIEW' then
    new.submitter_id := governance.require_actor();
    if new.author_id is null or array_position(new.editor_ids, null) is not null then
      raise exception using
        errcode = 'DH509',
        message = 'DH509: a draft that nobody knows the author or an editor of cannot be submitted',
        hint = 'Create it anew through a tenant client that has a userId.';
    end if;
    -- not locked: whoever puts it in force asks again, with the lock
    if exists (select from governance.config_package p
                where p.tenant_id = old.tenant_id and p.id = old.package_id and p.archived_at is not null)
    then
      perform governance.refuse_move('an archived package gets no new versions', 'DRAFT', 'REVIEW');
    end if;
    return new;
  end if;

  if new.status in ('APPROVED', 'DRAFT') then
    select * into approval
      from governance.approval a
     where a.tenant_id = old.tenant_id and a.version_id = old.id
     order by a.created_at desc limit 1;
    if (new.status = 'APPROVED' and approval.status = 'APPROVED' and approval.content_hash = new.content_hash)
       or (new.status = 'DRAFT' and approval.status = 'CANCELLED')
       or (new.status = 'DRAFT' and approval.status = 'REJECTED' and old.status = 'REVIEW')
    then
      return new;
    end if;
    perform governance.refuse_move(
      format('a version goes from %s to %s with its approval, and by nothing else', old.status, new.status),
      old.status::pg_catalog.text, new.status::pg_catalog.text);
  end if;

  select * into activation
    from governance.activation a
   where a.tenant_id = old.tenant_id and a.package_id = old.package_id
   order by a.seq desc limit 1;
  if new.status = 'DEPRECATED' then
    if (activation.kind = 'DEPRECATE' and activation.version_id = old.id)
       or (activation.kind <> 'DEPRECATE' and activation.version_id <> old.id and activation.previous_version_id = old.id)
    then
      return new;
    end if;
  elsif activation.version_id = old.id
        and (activation.kind::pg_catalog.text, old.status::pg_catalog.text) in (
          ('ACTIVATE', 'APPROVED'),
          ('ROLLBACK', 'DEPRECATED'),
          ('BREAK_GLASS', 'DRAFT'),
          ('BREAK_GLASS', 'REVIEW'),
          ('BREAK_GLASS', 'APPROVED')
        )
  then
    return new;
  end if;
  perform governance.refuse_move(
    format('a version goes from %s to %s with a row of the ledger, and by nothing else', old.status, new.status),
    old.status::pg_catalog.text, new.status::pg_catalog.text);
end
$$;

create trigger hold_version_life_cycle
  before insert or update or delete on governance.config_version
  for each row execute function governance.hold_version_life_cycle();

create function governance.follow_version() returns trigger
  language plpgsql
  set search_path = ''
as $$
begin
  if tg_op = 'INSERT' then
    -- a number that was chosen
    update governance.config_package p
       set last_version_number = new.number
     where p.tenant_id = new.tenant_id and p.id = new.package_id and p.last_version_number < new.number;
  else
    insert into governance.approval (id, tenant_id, version_id)
    values (gen_random_uuid(), new.tenant_id, new.id);
  end if;
  return null;
end
$$;

create trigger count_chosen_number
  after insert on governance.config_version
  for each row execute function governance.follow_version();
create trigger open_approval
  after update on governance.config_version
  for each row when (old.status = 'DRAFT' and new.status = 'REVIEW' and not governance.is_maintenance())
  execute function governance.follow_version();

-- Approvals ----------------------------------------------------------------------------------------------------------

create function governance.hold_approval() returns trigger
  language plpgsql
  set search_path = ''
as $$
declare
  repaired constant pg_catalog.bool := governance.is_maintenance();
  version governance.config_version;
  activation governance.activation;
begin
  if tg_op = 'DELETE' then
    if not repaired then
      raise exception using
        errcode = 'DH503',
        message = 'DH503: approvals are kept';
    end if;
    return old;
  end if;

  if tg_op = 'INSERT' then
    if repaired then
      return new;
    end if;
    select * into version
      from governance.config_version v
     where v.tenant_id = new.tenant_id and v.id = new.version_id
       for no key update;
    if not found then
      perform governance.refuse_foreign_row(new.tenant_id, tg_table_name);
      return new;
    end if;
    -- a version in review has had its approval since it was submitted
    if new.status <> 'PENDING' or version.status <> 'REVIEW'
       or exists (select from governance.approval a
                   where a.tenant_id = new.tenant_id and a.version_id = new.version_id and a.status = 'PENDING')
    then
      perform governance.refuse_move(
        'an approval is opened by submitting its version, and by nothing else', null, new.status::pg_catalog.text);
    end if;
    new.content_hash := version.content_hash;
    select p.quorum into new.quorum
      from governance.config_package p
     where p.tenant_id = version.tenant_id and p.id = version.package_id;
    new.requester_id := version.submitter_id;
    new.closed_by_id := null;
    new.reason := null;
    new.decided_at := null;
    -- later than every other of the version, in the same transaction and with a clock put back too
    select greatest(clock_timestamp(), max(a.created_at) + '1 microsecond') into new.created_at
      from governance.approval a
     where a.tenant_id = new.tenant_id and a.version_id = new.version_id;
    return new;
  end if;

  if new.status <> old.status and (old.status::pg_catalog.text, new.status::pg_catalog.text) not in (
    ('PENDING', 'APPROVED'),
    ('PENDING', 'REJECTED'),
    ('PENDING', 'CANCELLED'),
    ('APPROVED', 'CANCELLED')
  ) then
    perform governance.refuse_move(
      format('an approval does not go from %s to %s', old.status, new.status),
      old.status::pg_catalog.text, new.status::pg_catalog.text);
  end if;
  if repaired then
    return new;
  end if;

  if (new.id, new.version_id, new.content_hash, new.quorum, new.requester_id, new.created_at)
     is distinct from
     (old.id, old.version_id, old.content_hash, old.quorum, old.requester_id, old.created_at)
     or (new.status = old.status
         and (new.reason, new.closed_by_id, new.decided_at) is distinct from (old.reason, old.closed_by_id, old.decided_at))
  then
    raise exception using
      errcode = 'DH503',
      message = 'DH503: what an approval is asked for, and how it ended, is written once';
  end if;
  if new.status = old.status then
    return new;
  end if;

  new.closed_by_id := governance.require_actor();
  new.decided_at := clock_timestamp();
  select * into version
    from governance.config_version v
   where v.tenant_id = old.tenant_id and v.id = old.version_id
     for no key update;
  if not found then
    perform governance.refuse_foreign_row(new.tenant_id, tg_table_name);
  end if;

  if new.status = 'CANCELLED' then
    if old.status = 'APPROVED' and version.status is distinct from 'APPROVED' then
      perform governance.refuse_move(
        format('an approval is not cancelled any more when its version is %s', version.status), 'APPROVED', 'CANCELLED');
    end if;
    select * into activation
      from governance.activation a
     where a.tenant_id = version.tenant_id and a.package_id = version.package_id
     order by a.seq desc limit 1;
    -- the glass was broken over it: the two say the same time, and the audit one event
    if activation.kind = 'BREAK_GLASS' and activation.version_id = version.id then
      new.decided_at := activation.created_at;
    end if;
    return new;
  end if;

  if (select count(*) filter (where d.decision = 'REJECT') > 0
             is distinct from (new.status = 'REJECTED')
          or (new.status = 'APPROVED' and count(*) filter (where d.decision = 'APPROVE') < old.quorum)
        from governance.approval_decision d
       where d.tenant_id = old.tenant_id and d.approval_id = old.id)
     or (new.status = 'APPROVED' and version.content_hash is distinct from old.content_hash)
  then
    perform governance.refuse_move(
      'an approval is decided by votes, and by nothing else', old.status::pg_catalog.text, new.status::pg_catalog.text);
  end if;
  return new;
end
$$;

create trigger hold_approval
  before insert or update or delete on governance.approval
  for each row execute function governance.hold_approval();

create function governance.follow_approval() returns trigger
  language plpgsql
  set search_path = ''
as $$
begin
  update governance.config_version v
     set status = case when new.status = 'APPROVED' then 'APPROVED' else 'DRAFT' end::governance.version_status,
         updated_at = now()
   where v.tenant_id = new.tenant_id and v.id = new.version_id and v.status in ('REVIEW', 'APPROVED');
  return null;
end
$$;

create trigger move_version
  after update on governance.approval
  for each row when (old.status <> new.status and not governance.is_maintenance())
  execute function governance.follow_approval();

-- Votes --------------------------------------------------------------------------------------------------------------

create function governance.hold_decision() returns trigger
  language plpgsql
  set search_path = ''
as $$
declare
  actor constant pg_catalog.uuid := governance.require_actor();
  approval governance.approval;
  version governance.config_version;
begin
  -- votes are counted one after the other, or two that make a quorum each see one
  update governance.approval a
     set status = a.status
   where a.tenant_id = new.tenant_id and a.id = new.approval_id
  returning * into approval;
  if not found then
    perform governance.refuse_foreign_row(new.tenant_id, tg_table_name);
    return new;
  end if;
  if approval.status <> 'PENDING' then
    perform governance.refuse_move(
      format('an approval that is %s takes no more votes', approval.status),
      approval.status::pg_catalog.text,
      case new.decision when 'APPROVE' then 'APPROVED' else 'REJECTED' end);
  end if;

  select * into version
    from governance.config_version v
   where v.tenant_id = approval.tenant_id and v.id = approval.version_id;
  if version.content_hash is distinct from approval.content_hash then
    raise exception using
      errcode = 'DH504',
      message = 'DH504: the version has another content than its approval was asked for',
      detail = json_build_object('expected', approval.content_hash, 'actual', version.content_hash);
  end if;
  if new.reviewer_id <> actor then
    raise exception using
      errcode = 'DH510',
      message = 'DH510: a vote is given in one''s own name';
  end if;
  if actor = version.author_id or actor = version.submitter_id or actor = any (version.editor_ids) then
    raise exception using
      errcode = 'DH510',
      message = 'DH510: nobody decides on a version that they wrote, edited or submitted';
  end if;
  new.created_at := clock_timestamp();
  return new;
end
$$;

create trigger hold_decision
  before insert on governance.approval_decision
  for each row when (not governance.is_maintenance())
  execute function governance.hold_decision();

create function governance.follow_decision() returns trigger
  language plpgsql
  set search_path = ''
as $$
begin
  update governance.approval a
     set status = case new.decision when 'REJECT' then 'REJECTED' else 'APPROVED' end::governance.approval_status,
         reason = new.comment
   where a.tenant_id = new.tenant_id and a.id = new.approval_id and a.status = 'PENDING'
     and (new.decision = 'REJECT'
          or a.quorum <= (select count(*) from governance.approval_decision d
                           where d.tenant_id = new.tenant_id and d.approval_id = new.approval_id
                             and d.decision = 'APPROVE'));
  return null;
end
$$;

create trigger decide_approval
  after insert on governance.approval_decision
  for each row when (not governance.is_maintenance())
  execute function governance.follow_decision();

-- The ledger ---------------------------------------------------------------------------------------------------------

create function governance.hold_activation() returns trigger
  language plpgsql
  set search_path = ''
as $$
declare
  repaired constant pg_catalog.bool := governance.is_maintenance();
  actor constant pg_catalog.uuid := governance.require_actor();
  package governance.config_package;
  version governance.config_version;
  in_force pg_catalog.uuid;
  reached constant pg_catalog.text := case new.kind when 'DEPRECATE' then 'DEPRECATED' else 'ACTIVE' end;
begin
  -- one after the other, for each package
  update governance.config_package p
     set last_version_number = p.last_version_number
   where p.tenant_id = new.tenant_id and p.id = new.package_id
  returning * into package;
  if not found then
    perform governance.refuse_foreign_row(new.tenant_id, tg_table_name);
    return new;
  end if;
  if new.seq = 0 or not repaired then
    select coalesce(max(a.seq), 0) + 1 into new.seq
      from governance.activation a
     where a.tenant_id = new.tenant_id and a.package_id = new.package_id;
  end if;
  if repaired then
    return new;
  end if;

  if new.kind = 'BREAK_GLASS' then
    -- whoever votes has it before they have the version
    perform from governance.approval a
      where a.tenant_id = new.tenant_id and a.version_id = new.version_id and a.status = 'PENDING'
        for no key update;
  end if;
  select * into version
    from governance.config_version v
   where v.tenant_id = new.tenant_id and v.id = new.version_id
     for no key update;
  if not found then
    perform governance.refuse_foreign_row(new.tenant_id, tg_table_name);
    return new;
  end if;
  if version.package_id <> new.package_id then
    raise exception using
      errcode = 'DH507',
      message = 'DH507: there is no such version in the package';
  end if;

  if package.archived_at is not null and new.kind <> 'DEPRECATE' then
    perform governance.refuse_move(
      'nothing of an archived package is put in force', version.status::pg_catalog.text, reached);
  end if;
  if (new.kind::pg_catalog.text, version.status::pg_catalog.text) not in (
    ('ACTIVATE', 'APPROVED'),
    ('ROLLBACK', 'DEPRECATED'),
    ('DEPRECATE', 'ACTIVE'),
    ('BREAK_GLASS', 'DRAFT'),
    ('BREAK_GLASS', 'REVIEW'),
    ('BREAK_GLASS', 'APPROVED')
  ) then
    perform governance.refuse_move(
      format('%s does not start from %s', new.kind, version.status), version.status::pg_catalog.text, reached);
  end if;

  select v.id into in_force
    from governance.config_version v
   where v.tenant_id = new.tenant_id and v.package_id = new.package_id and v.status = 'ACTIVE';
  if in_force is distinct from new.previous_version_id then
    raise exception using
      errcode = 'DH504',
      message = 'DH504: another version is in force than was expected',
      detail = json_build_object('expected', new.previous_version_id, 'actual', in_force);
  end if;

  if new.kind = 'BREAK_GLASS' then
    if not exists (select from tenancy.membership m
                    where m.tenant_id = new.tenant_id and m.user_id = actor and m.role in ('OWNER', 'ADMIN'))
    then
      raise exception using
        errcode = 'DH505',
        message = 'DH505: only an owner or an administrator of the tenant breaks the glass',
        detail = json_build_object('permission', 'config:break-glass');
    end if;
  elsif package.separate_activator and new.kind <> 'DEPRECATE'
        and (actor = version.author_id or actor = version.submitter_id or actor = any (version.editor_ids)
             or exists (select from governance.approval a
                          join governance.approval_decision d on d.tenant_id = a.tenant_id and d.approval_id = a.id
                         where a.tenant_id = new.tenant_id and a.version_id = version.id and d.reviewer_id = actor))
  then
    raise exception using
      errcode = 'DH510',
      message = 'DH510: nobody puts a version in force here that they wrote, edited, submitted or reviewed';
  end if;

  new.actor_id := actor;
  new.created_at := clock_timestamp();
  return new;
end
$$;

create trigger hold_activation
  before insert on governance.activation
  for each row execute function governance.hold_activation();

create function governance.follow_activation() returns trigger
  language plpgsql
  set search_path = ''
as $$
begin
  if new.kind = 'BREAK_GLASS' then
    -- which takes its version back to DRAFT, and from there it goes on
    update governance.approval a
       set status = 'CANCELLED', reason = new.reason
     where a.tenant_id = new.tenant_id and a.version_id = new.version_id and a.status = 'PENDING';
  end if;
  -- the old one first: the index allows one in force at any moment
  update governance.config_version v
     set status = 'DEPRECATED', updated_at = now()
   where v.tenant_id = new.tenant_id and v.id = new.previous_version_id and v.status = 'ACTIVE';
  if new.kind <> 'DEPRECATE' then
    update governance.config_version v
       set status = 'ACTIVE', updated_at = now()
     where v.tenant_id = new.tenant_id and v.id = new.version_id;
  end if;
  return null;
end
$$;

create trigger move_versions
  after insert on governance.activation
  for each row when (not governance.is_maintenance())
  execute function governance.follow_activation();

-- What is written once -----------------------------------------------------------------------------------------------

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

-- The audit ----------------------------------------------------------------------------------------------------------

-- One event for what was asked for, and none for what followed from it. Deferred, because an event locks the tenant's
-- chain until the transaction ends. `set constraints` can only have them written earlier. They run as the owner, who
-- alone may append, and read nothing but the row's own tenant. That the context still is what it was (a signed one
-- can't be another user's) is asked again, because the event names its user.
create function governance.audit_package() returns trigger
  language plpgsql security definer
  set search_path = ''
as $$
declare
  package constant governance.config_package := case tg_op when 'DELETE' then old else new end;
  verb constant pg_catalog.text := case
    when tg_op = 'INSERT' then 'create'
    when tg_op = 'DELETE' then 'delete'
    when old.archived_at is null and new.archived_at is not null then 'archive'
    else 'update' end;
begin
  perform governance.current_actor();
  perform audit.append_event(
    package.tenant_id,
    concat('config.package.', verb),
    jsonb_build_array(jsonb_build_object('type', 'package', 'id', package.id)),
    jsonb_build_object(
      'stage', case when verb = 'delete' then 'DELETED' when package.archived_at is null then 'OPEN' else 'ARCHIVED' end,
      'packageId', package.id)
    || case when tg_op = 'UPDATE' and (old.quorum, old.separate_activator) <> (new.quorum, new.separate_activator)
         then jsonb_build_object('quorum', new.quorum, 'separateActivator', new.separate_activator) else '{}' end);
  return null;
end
$$;

create constraint trigger audit_creation_and_deletion
  after insert or delete on governance.config_package deferrable initially deferred
  for each row when (not governance.is_maintenance())
  execute function governance.audit_package();
create constraint trigger audit_update
  after update on governance.config_package deferrable initially deferred
  for each row when (
    (old.key, old.name, old.description, old.content_schema::text, old.quorum, old.separate_activator, old.archived_at)
    is distinct from
    (new.key, new.name, new.description, new.content_schema::text, new.quorum, new.separate_activator, new.archived_at)
    and not governance.is_maintenance())
  execute function governance.audit_package();

create function governance.audit_version() returns trigger
  language plpgsql security definer
  set search_path = ''
as $$
declare
  version constant governance.config_version := case tg_op when 'DELETE' then old else new end;
  verb constant pg_catalog.text := case
    when tg_op = 'INSERT' then 'create'
    when tg_op = 'DELETE' then 'delete'
    when old.status <> new.status then 'submit'
    else 'edit' end;
begin
  perform governance.current_actor();
  perform audit.append_event(
    version.tenant_id,
    concat('config.version.', verb),
    jsonb_build_array(jsonb_build_object('type', 'version', 'id', version.id)),
    jsonb_build_object(
      'stage', case when verb = 'delete' then 'DELETED' else version.status::pg_catalog.text end,
      'packageId', version.package_id, 'versionId', version.id));
  return null;
end
$$;

create constraint trigger audit_creation_and_deletion
  after insert or delete on governance.config_version deferrable initially deferred
  for each row when (not governance.is_maintenance())
  execute function governance.audit_version();
create constraint trigger audit_edit_and_submission
  after update on governance.config_version deferrable initially deferred
  for each row when (
    (old.lock_version <> new.lock_version or (old.status = 'DRAFT' and new.status = 'REVIEW'))
    and not governance.is_maintenance())
  execute function governance.audit_version();

create function governance.audit_decision() returns trigger
  language plpgsql security definer
  set search_path = ''
as $$
declare
  approval governance.approval;
  version governance.config_version;
begin
  perform governance.current_actor();
  select * into approval from governance.approval a where a.tenant_id = new.tenant_id and a.id = new.approval_id;
  select * into version from governance.config_version v where v.tenant_id = new.tenant_id and v.id = approval.version_id;
  perform audit.append_event(
    new.tenant_id,
    case new.decision when 'APPROVE' then 'config.approval.approve' else 'config.approval.reject' end,
    jsonb_build_array(
      jsonb_build_object('type', 'approval', 'id', approval.id),
      jsonb_build_object('type', 'version', 'id', version.id)),
    jsonb_strip_nulls(jsonb_build_object(
      -- what the vote made of the version, which may have gone further since
      'stage', case
        when new.decision = 'REJECT' then 'DRAFT'
        when approval.quorum <= (select count(*) from governance.approval_decision d
                                  where d.tenant_id = new.tenant_id and d.approval_id = approval.id
                                    and d.decision = 'APPROVE' and d.created_at <= new.created_at) then 'APPROVED'
        else 'REVIEW' end,
      'packageId', version.package_id, 'versionId', version.id, 'reason', new.comment)));
  return null;
end
$$;

create constraint trigger audit_vote
  after insert on governance.approval_decision deferrable initially deferred
  for each row when (not governance.is_maintenance())
  execute function governance.audit_decision();

create function governance.audit_cancellation() returns trigger
  language plpgsql security definer
  set search_path = ''
as $$
declare
  version governance.config_version;
begin
  perform governance.current_actor();
  -- the glass was broken over it, and the event of that says so
  if exists (select from governance.activation a
              where a.tenant_id = new.tenant_id and a.version_id = new.version_id
                and a.kind = 'BREAK_GLASS' and a.created_at = new.decided_at)
  then
    return null;
  end if;
  select * into version from governance.config_version v where v.tenant_id = new.tenant_id and v.id = new.version_id;
  perform audit.append_event(
    new.tenant_id,
    'config.approval.cancel',
    jsonb_build_array(
      jsonb_build_object('type', 'approval', 'id', new.id),
      jsonb_build_object('type', 'version', 'id', version.id)),
    jsonb_strip_nulls(jsonb_build_object(
      'stage', 'DRAFT', 'packageId', version.package_id, 'versionId', version.id, 'reason', new.reason)));
  return null;
end
$$;

create constraint trigger audit_cancellation
  after update on governance.approval deferrable initially deferred
  for each row when (old.status <> new.status and new.status = 'CANCELLED' and not governance.is_maintenance())
  execute function governance.audit_cancellation();

create function governance.audit_activation() returns trigger
  language plpgsql security definer
  set search_path = ''
as $$
declare
  approval governance.approval;
  metadata pg_catalog.jsonb := jsonb_build_object(
    'stage', case new.kind when 'DEPRECATE' then 'DEPRECATED' else 'ACTIVE' end,
    'packageId', new.package_id, 'versionId', new.version_id,
    'previousVersionId', new.previous_version_id, 'reason', new.reason);
begin
  perform governance.current_actor();
  if new.kind = 'BREAK_GLASS' then
    select * into approval
      from governance.approval a
     where a.tenant_id = new.tenant_id and a.version_id = new.version_id
     order by a.created_at desc limit 1;
    metadata := metadata || jsonb_build_object(
      'severity', 'critical',
      'bypassed', case when approval.status = 'APPROVED' then 'APPROVED'
                       when approval.status = 'CANCELLED' and approval.decided_at = new.created_at then 'REVIEW'
                       else 'DRAFT' end);
  end if;
  perform audit.append_event(
    new.tenant_id,
    concat('config.version.', lower(new.kind::pg_catalog.text)),
    jsonb_build_array(jsonb_build_object('type', 'version', 'id', new.version_id)),
    jsonb_strip_nulls(metadata));
  return null;
end
$$;

create constraint trigger audit_activation
  after insert on governance.activation deferrable initially deferred
  for each row when (not governance.is_maintenance())
  execute function governance.audit_activation();

-- Called by their tables alone. The default privileges say so already, where they are the ones that were set.
revoke execute on function
  governance.hold_package(), governance.hold_version_life_cycle(), governance.follow_version(),
  governance.hold_approval(), governance.follow_approval(), governance.hold_decision(), governance.follow_decision(),
  governance.hold_activation(), governance.follow_activation(), governance.audit_package(), governance.audit_version(),
  governance.audit_decision(), governance.audit_cancellation(), governance.audit_activation(), audit.refuse_change(),
  governance.refuse_move(text, text, text)
  from public;
