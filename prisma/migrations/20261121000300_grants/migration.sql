-- Who may do what to which table; which rows is the policies' affair. No role gets TRUNCATE, REFERENCES or
-- TRIGGER: none of the three is held by row-level security.
set local role doublehull_owner;

revoke all on schema tenancy, governance, audit from public;
grant usage on schema tenancy, governance, audit
  to doublehull_app, doublehull_reader, doublehull_system;

-- policies and column defaults call these as whoever queries
grant execute on function tenancy.current_tenant_id(), tenancy.require_tenant_id()
  to doublehull_app, doublehull_reader, doublehull_system;

-- the application: a tenant is created and renamed but not deleted; people and memberships are the system's
grant select, insert, update on tenancy.tenant to doublehull_app;
grant select on tenancy."user", tenancy.membership to doublehull_app;
grant select, insert, update, delete on
  governance.config_package,
  governance.config_version,
  governance.feature_flag,
  governance.kill_switch,
  governance.branding,
  governance.execution_trace,
  governance.trace_step
  to doublehull_app;
grant select, insert, update on governance.approval to doublehull_app;
-- votes, the activation ledger and the audit log are written once
grant select, insert on
  governance.approval_decision,
  governance.activation,
  audit.audit_event
  to doublehull_app;

grant select on all tables in schema tenancy, governance, audit to doublehull_reader;

grant select, insert, update, delete on all tables in schema tenancy, governance to doublehull_system;
grant select, insert on audit.audit_event to doublehull_system;
revoke update, delete on governance.approval_decision, governance.activation from doublehull_system;
