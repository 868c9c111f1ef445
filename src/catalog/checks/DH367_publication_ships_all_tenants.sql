-- A publication ships rows of all tenants.
-- level: info
-- attacks: R8

select 'publication ' || pg_catalog.quote_ident(shipped.pubname),
       pg_catalog.format('has no row filter for %s%s',
         pg_catalog.array_to_string((pg_catalog.array_agg(shipped.name order by shipped.name collate "C"))[1:3], ', '),
         case when pg_catalog.count(*) > 3 then pg_catalog.format(' and %s more', pg_catalog.count(*) - 3) end),
       'filter the rows, or see to it that who subscribes may see all tenants'
  from (
         select p.pubname, t.name
           from pg_catalog.pg_publication p
           join expected_table t on t.oid is not null
           -- what is the same for all tenants is no secret of one
            and t.scope <> 'global'
           left join pg_catalog.pg_publication_rel r on r.prpubid = p.oid and r.prrelid = t.oid
           left join pg_catalog.pg_class c on c.oid = t.oid
          where p.puballtables
             or exists (select from pg_catalog.pg_publication_namespace n where n.pnpubid = p.oid and n.pnnspid = c.relnamespace)
             or (r.oid is not null and r.prqual is null)
       ) as shipped (pubname, name)
 group by shipped.pubname
