-- The server keeps values of statements where no policy holds.
-- level: info
-- attacks: X3, X7

select logged.object,
       'writes into its log the values of ' || logged.what,
       logged.mend
  from (
         select 'server', pg_catalog.string_agg(one.what, ' and of ' order by one.position),
                'set log_parameter_max_length = 0 and log_parameter_max_length_on_error = 0; keep the log as safe as the data'
           from (values
                  (1, 'all statements', pg_catalog.current_setting('log_statement') <> 'none'
                                        and pg_catalog.current_setting('log_parameter_max_length') <> '0'),
                  (2, 'slow or sampled statements',
                   (pg_catalog.current_setting('log_min_duration_statement') <> '-1'
                    or pg_catalog.current_setting('log_min_duration_sample') <> '-1'
                    or pg_catalog.current_setting('log_transaction_sample_rate') <> '0')
                   and pg_catalog.current_setting('log_parameter_max_length') <> '0'),
                  (3, 'statements that failed', pg_catalog.current_setting('log_parameter_max_length_on_error') <> '0')
                ) as one (position, what, is_so)
          where one.is_so
          group by ()
         having pg_catalog.count(*) > 0
         union all
         select setting.object, 'statements (' || pg_catalog.string_agg(setting.name, ', ' order by setting.name) || ')',
                pg_catalog.string_agg(setting.reset_sql, ' ' order by setting.name)
           from session_setting setting
          where (setting.name = 'log_statement' and setting.value <> 'none')
             or (setting.name in ('log_min_duration_statement', 'log_min_duration_sample') and setting.value !~ '^-')
             or (setting.name in ('log_transaction_sample_rate', 'log_parameter_max_length_on_error') and setting.value <> '0')
          group by setting.object
       ) as logged (object, what, mend)
union all
-- a name or a literal of SET, of a failed or a not normalised statement is the same role's, whoever it was sent for
select pg_catalog.format('view %I.%I', n.nspname, c.relname),
       'shows the application the statements that it sent for all tenants',
       pg_catalog.format('revoke all on %I.%I from public;', n.nspname, c.relname)
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relname = 'pg_stat_statements' and c.relkind = 'v'
   and exists (select from own_reach r
                where pg_catalog.has_table_privilege(r.oid, c.oid, 'select')
                  and pg_catalog.has_schema_privilege(r.oid, n.oid, 'usage'))
