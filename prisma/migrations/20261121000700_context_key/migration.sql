-- What signed contexts are verified with. Empty, and not asked, until `doublehull migrate` runs with
-- DOUBLEHULL_CONTEXT_KEY. It stands on its own, so that a schema of one's own can take this migration as it is.
set local role doublehull_owner;

-- Not the key itself but the two blocks that HMAC-SHA-256 makes of it (RFC 2104): with sha256 alone, and no
-- extension, they verify a signature. They also make one, so they are as secret as the key.
create table tenancy.context_key (
  -- the first 8 digits of the key's own sha256
  id text not null,
  inner_pad bytea not null,
  outer_pad bytea not null,
  -- the one that tenancy.pre_request() signs with
  signs boolean not null,
  created_at timestamptz(6) not null default current_timestamp,
  constraint context_key_pkey primary key (id),
  constraint context_key_id check (id ~ '^[0-9a-f]{8}$'),
  constraint context_key_pads check (octet_length(inner_pad) = 64 and octet_length(outer_pad) = 64)
);

-- no samples of them in the statistics
alter table tenancy.context_key
  alter column inner_pad set statistics 0,
  alter column outer_pad set statistics 0;

-- The owner's only. Row-level security stands behind that: whoever is granted all tables of the schema one day still
-- finds no row in this one.
revoke all on tenancy.context_key from public, doublehull_app, doublehull_reader, doublehull_system;
alter table tenancy.context_key enable row level security;
alter table tenancy.context_key force row level security;
create policy owner_maintenance on tenancy.context_key
  as permissive for all to doublehull_owner
  using (true)
  with check (true);
