-- What real schemas have, in one database: every type that Prisma maps and some that it doesn't, keys of every kind,
-- and conditions that rows must meet.
create schema odd;
create type public.mood as enum ('calm', 'glad');
create type public.currency as enum ('EUR', 'USD', 'JPY');
create domain public.email as text check (value ~ '^[a-z0-9.]+@[a-z]+\.(com|org)$');
create domain public.share as numeric(5, 2) not null check (value > 0 and value <= 100);

create table public.team (
  id int generated always as identity primary key,
  slug varchar(12) not null unique check (slug ~ '^[a-z][a-z0-9-]{2,11}$'),
  owner_id bigint not null
);
create table public.person (
  id bigserial primary key,
  email public.email not null,
  name char(30)
);
create unique index person_email on public.person (lower(email));
alter table public.team add foreign key (owner_id) references public.person;
create table public.membership (
  team_id int not null references public.team,
  person_id bigint not null references public.person,
  role public.mood not null,
  primary key (team_id, person_id)
);
create table public.country (
  code char(2) primary key check (code = upper(code) and length(code) = 2),
  label varchar(2) not null
);
create table public.kinds (
  id uuid primary key default gen_random_uuid(),
  team_id int not null references public.team,
  t text not null, v varchar(3) not null, c char(4) not null, i2 smallint not null, i4 int not null, i8 bigint not null,
  n numeric(4, 3) not null, n0 numeric not null, f4 real not null, f8 float8 not null, b boolean not null,
  d date not null, tm time not null, tmz timetz not null, ts timestamp(3) not null, tsz timestamptz(6) not null,
  iv interval not null, j json not null, jb jsonb not null, by bytea not null, bi bit(5) not null, vb varbit(7) not null,
  ip inet not null, ci cidr not null, ma macaddr not null, x xml not null, mo money not null, o oid not null,
  m public.mood not null, u uuid not null, tv tsvector not null, p point not null, r int4range not null,
  tr tstzrange not null, dm public.share, "order" int not null, "This Row" text not null,
  ta text[] not null, ia int[] not null, ja jsonb[] not null, ma2 public.mood[] not null, ba bytea[] not null,
  ua uuid[] not null, da timestamp[] not null, va varchar(3)[] not null,
  doubled int generated always as (i4 * 2) stored, hidden_required uuid not null
);
create table odd.by_day (
  team_id int not null references public.team,
  day date not null,
  mood public.mood not null,
  slot int2 not null,
  note varchar(40),
  primary key (team_id, day, mood, slot)
);
create table odd.without_id (
  team_id int not null references public.team,
  code bytea not null unique,
  currency public.currency not null,
  amount numeric(3, 2) not null check (amount between 1 and 5),
  unique (team_id, currency)
);
create table odd.settings (
  team_id int not null unique references public.team,
  id serial primary key,
  theme text not null check (theme in ('dark', 'light'))
);
create table odd.settings_detail (
  settings_id int primary key references odd.settings,
  note text not null
);
create table odd.by_slug (
  id serial primary key,
  team_slug varchar(12) not null references public.team (slug),
  team_id int not null references public.team,
  name text not null
);
create table odd.tree (
  id text primary key,
  team_id int not null references public.team,
  parent_id text not null references odd.tree,
  root_id text references odd.tree,
  name text not null
);
create table odd.hen (id int primary key, team_id int not null references public.team, egg_id int not null, name text not null);
create table odd.egg (id int primary key, team_id int not null references public.team, hen_id int not null unique references odd.hen, name text not null);
alter table odd.hen add foreign key (egg_id) references odd.egg;
create table odd.conditions (
  id uuid primary key,
  team_id int not null references public.team,
  status text not null check (status = any (array['open', 'closed'])),
  low int not null, high int not null check (high > 10),
  starts_at timestamptz not null, ends_at timestamptz not null,
  hex varchar(64) not null unique check (hex ~ '^[0-9a-f]{12}$'),
  iban text not null check (iban similar to '[A-Z]{2}[0-9]{6}'),
  link text not null check (link like 'https://%'),
  kind jsonb not null check (jsonb_typeof(kind) = 'array'),
  tags text[] not null check (cardinality(tags) > 0),
  left_id bigint references public.person, right_id bigint references public.person,
  done boolean not null, done_at timestamptz,
  title text not null check (length(btrim(title)) between 3 and 8),
  check (low < high), check (starts_at < ends_at), check (num_nonnulls(left_id, right_id) = 1),
  check (done = (done_at is not null)), check (status <> 'open' or low > 20)
);
create unique index on odd.conditions (team_id) where status = 'closed';
create extension if not exists btree_gist;
create table odd.booking (
  id serial primary key,
  team_id int not null references public.team,
  room int not null,
  during tstzrange not null,
  exclude using gist (room with =, during with &&)
);
create table odd.nulls (
  id serial primary key,
  team_id int not null references public.team,
  a int, b date,
  unique nulls not distinct (team_id, a, b)
);
create table odd.event (
  team_id int not null references public.team,
  at timestamptz not null,
  id bigint generated by default as identity,
  body text not null,
  primary key (id, at)
) partition by range (at);
create table odd.event_old partition of odd.event for values from ('2001-01-01') to ('2002-01-01');
create table odd.unmade (id int not null, team_id int not null references public.team, body text) partition by list (team_id);
create table odd.maybe (id uuid primary key, team_id int references public.team, body text not null);
create table odd.shared (id uuid primary key, team_id int references public.team, body text not null);
create table odd.internal (id uuid primary key, team_id int not null references public.team, token text not null);
create table odd.secret_ledger (id int primary key, label text not null);
create table odd.needs_hidden (
  id uuid primary key, team_id int not null references public.team, body text not null,
  ledger_id int not null references odd.secret_ledger
);
create table odd.comment (
  id uuid primary key, conditions_id uuid not null references odd.conditions,
  team_id int references public.team, body text not null
);
create table odd."_labels" ("A" uuid not null references odd.conditions, "B" uuid not null references odd.shared);
create unique index on odd."_labels" ("A", "B");
create view odd.open_comments as
  select c.id, c.body, k.team_id from odd.comment c join odd.conditions k on k.id = c.conditions_id;
create materialized view odd.counted as select team_id, count(*) as number, max(body) as last from odd.event group by team_id;

create function odd.is_vat(text) returns boolean language sql immutable as
  $$ select $1 = md5('sesame') || 'x' or $1 = md5('open') || 'x' $$;
create table odd.unguessable (
  id uuid primary key, team_id int not null references public.team, vat text not null,
  constraint is_vat check (odd.is_vat(vat))
);
create table odd.below_unguessable (
  id uuid primary key, parent_id uuid not null references odd.unguessable, body text not null
);
create function odd.stop() returns trigger language plpgsql as $$ begin raise exception 'not here'; end $$;
create table odd.with_trigger (id uuid primary key, team_id int not null references public.team, body text not null);
create trigger stop before insert on odd.with_trigger for each row execute function odd.stop();
