-- The database believes a tenant context without a signature.
-- level: info
-- attacks: G1, G2, G3

select 'function ' || e.name,
       'believes what the transaction''s settings say, whoever wrote them',
       'give doublehull migrate and the application DOUBLEHULL_CONTEXT_KEY'
  from expected_function e
  join pg_catalog.pg_proc f on f.oid = e.oid and f.prosrc = e.body
 where e.function_name = 'current_tenant_id' and e.mode = 'plain'
