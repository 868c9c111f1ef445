-- A session of the application begins as another role, or without row-level security.
-- level: warning
-- attacks: R4, G10

select setting.object,
       pg_catalog.string_agg(
         case setting.name when 'role' then 'sets the role, and RESET ROLE does not come back to the login'
              else 'sets row_security to off: queries that policies hold fail' end,
         '; ' order by setting.name),
       pg_catalog.string_agg(setting.reset_sql, ' ' order by setting.name)
  from session_setting setting
 -- a login of its own may well work as the application's role
 where (setting.name = 'role' and setting.value <> 'none'
        and not exists (select from expected_role e
                         where e.role_name = setting.value and e.purpose in ('app', 'reader') and setting.role_name is not null))
    or (setting.name = 'row_security' and pg_catalog.lower(setting.value) in ('off', 'of', 'false', 'f', 'no', 'n', '0'))
 group by setting.object
