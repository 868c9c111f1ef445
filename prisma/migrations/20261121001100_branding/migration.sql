-- A tenant's branding: one draft and one that is published. Which moves there are, that only a draft changes, and that
-- its tokens are never more than names, numbers and plain text, held by the database for every role that works with data.
set local role doublehull_owner;

-- Partial indexes stand here because Prisma does not keep them.
create unique index branding_one_draft on governance.branding (tenant_id) where status = 'DRAFT';
create unique index branding_one_published on governance.branding (tenant_id) where status = 'PUBLISHED';

alter table governance.branding
  add constraint branding_tokens_are_an_object check (jsonb_typeof(tokens) = 'object'),
  -- what PostgreSQL writes is somewhat longer than what the application sends, which is held to half of it
  add constraint branding_tokens_are_bounded check (octet_length(tokens::text) <= 131072),
  add constraint branding_reason_is_text check (char_length(reason) between 1 and 1000 and reason ~ '\S');

-- Why a text must not stand in a branding, judged as a browser might come to read it: in its compatibility form, in
-- lower case, without marks and blanks. The rules of src/governance/branding/hostile-text.ts; a test compares them.
create function governance.is_hostile_text(value text) returns boolean
  language plpgsql immutable
  set search_path = ''
as $$
declare
  invisible constant pg_catalog.text := '[\u0001-\u001f\u007f-\u009f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ue000-\uf8ff\ufeff\ufff0-\uffff\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U0010ffff]';
  marks constant pg_catalog.text := '[ \t\n\v\f\r\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\U000e0100-\U000e01ef]';
  punctuation constant pg_catalog.text := '[;{}<>\\]|/[*]|[*]/|&(#|(lt|gt|amp|quot|apos|semi|lcub|rcub|lbrace|rbrace|bsol|lpar|rpar|commat|tab|newline)(;|$|[^a-z0-9=]))';
  escapes constant pg_catalog.text := '%(25)*(0[0-9a-f]|1[0-9a-f]|2[2789]|3[bce]|40|5c|7[bdf])';
  productions constant pg_catalog.text := '(url|expression|image-set|attr|var|env)[(]|@[a-z-]|(javascript|vbscript):|-moz-binding|behavior:';
  folded pg_catalog.text;
  bare pg_catalog.text;
begin
  if value ~ invisible then return true; end if;
  folded := lower(normalize(value, nfkc) collate pg_catalog."C");
  if folded ~ invisible or folded ~ punctuation or folded ~ escapes then return true; end if;
  bare := lower(regexp_replace(normalize(folded, nfkd), marks, '', 'g') collate pg_catalog."C");
  return bare ~ punctuation or bare ~ productions;
end
$$;

comment on function governance.is_hostile_text(text) is
  'Whether a text holds what CSS or markup is made of, or characters that nobody sees.';

create function governance.are_tokens_hostile(tokens jsonb) returns boolean
  language sql immutable
  set search_path = ''
as $$
  select pg_catalog.jsonb_path_exists(tokens, '$.**{13 to last}')
      or exists (
        select from pg_catalog.jsonb_path_query(tokens, '$.** ? (@.type() == "string")') as found (value)
         where (value #>> '{}') !~ '^\{[A-Za-z][A-Za-z0-9_-]{0,62}([.][A-Za-z][A-Za-z0-9_-]{0,62}){1,11}\}$'
           and (pg_catalog.char_length(value #>> '{}') > 2048 or governance.is_hostile_text(value #>> '{}')))
      or exists (
        select from pg_catalog.jsonb_path_query(tokens, '$.** ? (@.type() == "object").keyvalue().key') as found (key)
         where (key #>> '{}') !~ '^\$?[A-Za-z][A-Za-z0-9_-]{0,62}$'
            or (key #>> '{}') in ('constructor', 'prototype', 'hasOwnProperty', 'isPrototypeOf', 'propertyIsEnumerable',
                                  'toLocaleString', 'toString', 'valueOf'))
$$;

comment on function governance.are_tokens_hostile(jsonb) is
  'Whether a text or a key of the tokens could be read as more than that, or they are nested too deeply.';

create function governance.hold_branding() returns trigger
  language plpgsql
  set search_path = ''
as $$
declare
  maintenance constant boolean := governance.is_maintenance();
  -- governance.supersede_branding() works as the owner, and nobody else becomes it
  supersedes constant boolean := current_user = (
    select pg_catalog.pg_get_userbyid(c.relowner) from pg_catalog.pg_class c where c.oid = tg_relid);
  other pg_catalog.int4;
begin
  if tg_op = 'DELETE' then
    if old.status <> 'DRAFT' then
      raise exception using
        errcode = 'DH502',
        message = format('DH502: only a draft may be deleted; this branding is %s', old.status);
    end if;
    perform governance.require_actor();
    return old;
  end if;

  if governance.are_tokens_hostile(new.tokens) then
    raise exception using
      errcode = 'DH506',
      message = 'DH506: the tokens of the branding hold what is more than names, numbers and plain text';
  end if;

  if tg_op = 'INSERT' then
    if maintenance then return new; end if;
    if new.status <> 'DRAFT' then
      raise exception using
        errcode = 'DH501',
        message = format('DH501: a branding begins as DRAFT and not as %s', new.status),
        detail = json_build_object('from', null, 'to', new.status);
    end if;
    new.author_id := governance.require_actor();
    new.publisher_id := null;
    new.published_at := null;
    new.reason := null;
    new.lock_version := 1;
    -- so that two drafts at once are counted one after the other; where the tenant is another's, policies refuse
    perform from tenancy.tenant t where t.id = new.tenant_id for no key update;
    select b.lock_version into other from governance.branding b
     where b.tenant_id = new.tenant_id and b.status = 'DRAFT';
    if found then
      raise exception using
        errcode = 'DH504',
        message = 'DH504: the tenant has a draft of its branding already',
        detail = json_build_object('expected', null, 'actual', other);
    end if;
    select coalesce(max(b.number), 0) + 1 into new.number from governance.branding b
     where b.tenant_id = new.tenant_id;
    return new;
  end if;

  if new.status <> old.status and not (
    (old.status = 'DRAFT' and new.status = 'PUBLISHED')
    or (old.status = 'PUBLISHED' and new.status = 'SUPERSEDED' and (supersedes or maintenance))
  ) then
    raise exception using
      errcode = 'DH501',
      message = format('DH501: a branding does not go from %s to %s', old.status, new.status),
      hint = 'A published branding is superseded by the next one that is published.',
      detail = json_build_object('from', old.status, 'to', new.status);
  end if;

  -- (as text: to jsonb, 1 and 1.00 are equal)
  if new.id <> old.id or new.tokens::pg_catalog.text <> old.tokens::pg_catalog.text then
    if old.status <> 'DRAFT' then
      raise exception using
        errcode = 'DH502',
        message = format('DH502: only a draft may be edited; this branding is %s', old.status);
    end if;
    if new.status <> 'DRAFT' then
      raise exception using
        errcode = 'DH502',
        message = 'DH502: a draft is published as it is, and not edited by the same statement';
    end if;
  end if;
  if maintenance or (supersedes and new.status = 'SUPERSEDED') then return new; end if;

  -- the database fills these in and believes no other
  new.number := old.number;
  new.author_id := old.author_id;
  new.created_at := old.created_at;
  new.publisher_id := old.publisher_id;
  new.published_at := old.published_at;
  new.lock_version := old.lock_version;
  if old.status <> 'DRAFT' then
    new.reason := old.reason;
    new.updated_at := old.updated_at;
    return new;
  end if;
  if new.status = 'PUBLISHED' then
    new.publisher_id := governance.require_actor();
    new.published_at := current_timestamp;
  else
    perform governance.require_actor();
    new.reason := null;
    new.lock_version := old.lock_version + 1;
  end if;
  return new;
end
$$;

create trigger hold_branding
  before insert or update or delete on governance.branding
  for each row execute function governance.hold_branding();

-- In the statement that publishes, and before its row is written: never are two published, and never none.
create function governance.supersede_branding() returns trigger
  language plpgsql security definer
  set search_path = ''
as $$
begin
  -- two that are published at once stand in line; the second supersedes the first
  perform from tenancy.tenant t where t.id = old.tenant_id for no key update;
  update governance.branding b
     set status = 'SUPERSEDED', updated_at = current_timestamp
   where b.tenant_id = old.tenant_id and b.status = 'PUBLISHED' and b.id <> old.id;
  return new;
end
$$;
revoke execute on function governance.supersede_branding() from public;

comment on function governance.supersede_branding() is
  'Lets the branding that is published make way for the one that becomes so.';

-- triggers of one moment run in the order of their names, and what is refused must not supersede
create trigger supersede_branding
  before update of status on governance.branding
  for each row when (old.status = 'DRAFT' and new.status = 'PUBLISHED')
  execute function governance.supersede_branding();

create function governance.audit_branding() returns trigger
  language plpgsql security definer
  set search_path = ''
as $$
declare
  changed constant governance.branding := case tg_op when 'DELETE' then old else new end;
  action constant pg_catalog.text := case
    when tg_op = 'INSERT' then 'branding.draft'
    when tg_op = 'DELETE' then 'branding.delete'
    when new.status = 'PUBLISHED' then 'branding.publish'
    else 'branding.edit'
  end;
begin
  -- the event names the user, whom a signed context covers
  perform governance.current_actor();
  perform audit.append_event(
    changed.tenant_id,
    action,
    jsonb_build_array(jsonb_build_object('type', 'branding', 'id', changed.id)),
    jsonb_strip_nulls(jsonb_build_object(
      'stage', case tg_op when 'DELETE' then 'DELETED' else changed.status::pg_catalog.text end,
      'number', changed.number, 'reason', changed.reason)));
  return null;
end
$$;
revoke execute on function governance.audit_branding() from public;

-- at the end of the transaction, so that the head of the audit's chain is locked last and briefly
create constraint trigger audit_branding_row
  after insert or delete on governance.branding
  deferrable initially deferred
  for each row when (not governance.is_maintenance())
  execute function governance.audit_branding();
create constraint trigger audit_branding_change
  after update on governance.branding
  deferrable initially deferred
  for each row when (old.status = 'DRAFT' and not governance.is_maintenance())
  execute function governance.audit_branding();

grant execute on function governance.is_hostile_text(text), governance.are_tokens_hostile(jsonb)
  to doublehull_app, doublehull_system;
