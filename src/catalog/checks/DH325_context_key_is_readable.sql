-- Somebody but the owner can get at the keys that signed contexts are verified with.
-- level: error
-- attacks: G3

-- With what the table holds a signature can be made as well as verified, for every tenant. Nobody is granted it, and
-- behind that stand row-level security and the one policy of the owner.
select 'table tenancy.context_key',
       pg_catalog.array_to_string(pg_catalog.array_remove(array[
         'is granted to ' || granted.names,
         case when not (c.relrowsecurity and c.relforcerowsecurity) then 'has no forced row-level security' end,
         'has a policy for ' || foreign_policy.names
       ], null), ', '),
       pg_catalog.concat_ws(' ',
         'revoke all on tenancy.context_key from ' || granted.names || ';',
         case when not (c.relrowsecurity and c.relforcerowsecurity)
              then 'alter table tenancy.context_key enable row level security, force row level security;' end,
         foreign_policy.drops,
         '-- and exchange the key, if it may have been read')
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = 'tenancy'
 cross join lateral (
    select pg_catalog.string_agg(distinct case a.grantee when 0 then 'public'
                                                 else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) end, ', ') as names
      from (select t.grantee from pg_catalog.aclexplode(c.relacl) t
            union all
            select k.grantee
              from pg_catalog.pg_attribute col
             cross join lateral pg_catalog.aclexplode(col.attacl) k
             where col.attrelid = c.oid) a
     where a.grantee <> c.relowner
  ) as granted
 cross join lateral (
    select pg_catalog.string_agg(distinct case r.member when 0 then 'everybody' else pg_catalog.pg_get_userbyid(r.member)::text end, ', ') as names,
           pg_catalog.string_agg(distinct pg_catalog.format('drop policy %I on tenancy.context_key;', p.polname), ' ') as drops
      from pg_catalog.pg_policy p
     cross join lateral pg_catalog.unnest(p.polroles) as r (member)
     where p.polrelid = c.oid and p.polpermissive and r.member <> c.relowner
  ) as foreign_policy
 where c.relname = 'context_key' and c.relkind = 'r'
   and (granted.names is not null or foreign_policy.names is not null
        or not (c.relrowsecurity and c.relforcerowsecurity))
