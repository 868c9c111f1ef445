-- Hull two: what `policySql` prints for the manifest of this schema.
set local role doublehull_owner;

alter table "governance"."activation" enable row level security;
alter table "governance"."activation" force row level security;
create policy "tenant_guard_d9bac7e8" on "governance"."activation"
  as restrictive for all to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false))
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_select_b942bfc2" on "governance"."activation"
  as permissive for select to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false));
create policy "tenant_insert_40374645" on "governance"."activation"
  as permissive for insert to "doublehull_app"
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "owner_maintenance_def1602b" on "governance"."activation"
  as permissive for all to "doublehull_owner"
  using (true)
  with check (true);
create policy "system_work_89fe01f8" on "governance"."activation"
  as permissive for all to "doublehull_system"
  using (true)
  with check (true);

alter table "governance"."approval" enable row level security;
alter table "governance"."approval" force row level security;
create policy "tenant_guard_d9bac7e8" on "governance"."approval"
  as restrictive for all to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false))
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_select_b942bfc2" on "governance"."approval"
  as permissive for select to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false));
create policy "tenant_insert_40374645" on "governance"."approval"
  as permissive for insert to "doublehull_app"
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_update_1ab9233a" on "governance"."approval"
  as permissive for update to "doublehull_app"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false))
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "owner_maintenance_def1602b" on "governance"."approval"
  as permissive for all to "doublehull_owner"
  using (true)
  with check (true);
create policy "system_work_89fe01f8" on "governance"."approval"
  as permissive for all to "doublehull_system"
  using (true)
  with check (true);

alter table "governance"."approval_decision" enable row level security;
alter table "governance"."approval_decision" force row level security;
create policy "tenant_guard_d9bac7e8" on "governance"."approval_decision"
  as restrictive for all to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false))
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_select_b942bfc2" on "governance"."approval_decision"
  as permissive for select to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false));
create policy "tenant_insert_40374645" on "governance"."approval_decision"
  as permissive for insert to "doublehull_app"
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "owner_maintenance_def1602b" on "governance"."approval_decision"
  as permissive for all to "doublehull_owner"
  using (true)
  with check (true);
create policy "system_work_89fe01f8" on "governance"."approval_decision"
  as permissive for all to "doublehull_system"
  using (true)
  with check (true);

alter table "audit"."audit_checkpoint" enable row level security;
alter table "audit"."audit_checkpoint" force row level security;
create policy "tenant_guard_d9bac7e8" on "audit"."audit_checkpoint"
  as restrictive for all to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false))
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_select_b942bfc2" on "audit"."audit_checkpoint"
  as permissive for select to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false));
create policy "tenant_insert_40374645" on "audit"."audit_checkpoint"
  as permissive for insert to "doublehull_app"
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "owner_maintenance_def1602b" on "audit"."audit_checkpoint"
  as permissive for all to "doublehull_owner"
  using (true)
  with check (true);
create policy "system_work_89fe01f8" on "audit"."audit_checkpoint"
  as permissive for all to "doublehull_system"
  using (true)
  with check (true);

alter table "audit"."audit_event" enable row level security;
alter table "audit"."audit_event" force row level security;
create policy "tenant_guard_d9bac7e8" on "audit"."audit_event"
  as restrictive for all to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false))
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_select_b942bfc2" on "audit"."audit_event"
  as permissive for select to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false));
create policy "tenant_insert_40374645" on "audit"."audit_event"
  as permissive for insert to "doublehull_app"
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "owner_maintenance_def1602b" on "audit"."audit_event"
  as permissive for all to "doublehull_owner"
  using (true)
  with check (true);
create policy "system_work_89fe01f8" on "audit"."audit_event"
  as permissive for all to "doublehull_system"
  using (true)
  with check (true);

alter table "governance"."branding" enable row level security;
alter table "governance"."branding" force row level security;
create policy "tenant_guard_d9bac7e8" on "governance"."branding"
  as restrictive for all to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false))
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_select_b942bfc2" on "governance"."branding"
  as permissive for select to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false));
create policy "tenant_insert_40374645" on "governance"."branding"
  as permissive for insert to "doublehull_app"
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_update_1ab9233a" on "governance"."branding"
  as permissive for update to "doublehull_app"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false))
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_delete_df851cdf" on "governance"."branding"
  as permissive for delete to "doublehull_app"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false));
create policy "owner_maintenance_def1602b" on "governance"."branding"
  as permissive for all to "doublehull_owner"
  using (true)
  with check (true);
create policy "system_work_89fe01f8" on "governance"."branding"
  as permissive for all to "doublehull_system"
  using (true)
  with check (true);

alter table "governance"."config_package" enable row level security;
alter table "governance"."config_package" force row level security;
create policy "tenant_guard_d9bac7e8" on "governance"."config_package"
  as restrictive for all to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false))
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_select_b942bfc2" on "governance"."config_package"
  as permissive for select to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false));
create policy "tenant_insert_40374645" on "governance"."config_package"
  as permissive for insert to "doublehull_app"
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_update_1ab9233a" on "governance"."config_package"
  as permissive for update to "doublehull_app"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false))
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_delete_df851cdf" on "governance"."config_package"
  as permissive for delete to "doublehull_app"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false));
create policy "owner_maintenance_def1602b" on "governance"."config_package"
  as permissive for all to "doublehull_owner"
  using (true)
  with check (true);
create policy "system_work_89fe01f8" on "governance"."config_package"
  as permissive for all to "doublehull_system"
  using (true)
  with check (true);

alter table "governance"."config_version" enable row level security;
alter table "governance"."config_version" force row level security;
create policy "tenant_guard_d9bac7e8" on "governance"."config_version"
  as restrictive for all to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false))
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_select_b942bfc2" on "governance"."config_version"
  as permissive for select to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false));
create policy "tenant_insert_40374645" on "governance"."config_version"
  as permissive for insert to "doublehull_app"
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_update_1ab9233a" on "governance"."config_version"
  as permissive for update to "doublehull_app"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false))
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_delete_df851cdf" on "governance"."config_version"
  as permissive for delete to "doublehull_app"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false));
create policy "owner_maintenance_def1602b" on "governance"."config_version"
  as permissive for all to "doublehull_owner"
  using (true)
  with check (true);
create policy "system_work_89fe01f8" on "governance"."config_version"
  as permissive for all to "doublehull_system"
  using (true)
  with check (true);

alter table "governance"."execution_trace" enable row level security;
alter table "governance"."execution_trace" force row level security;
create policy "tenant_guard_d9bac7e8" on "governance"."execution_trace"
  as restrictive for all to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false))
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_select_b942bfc2" on "governance"."execution_trace"
  as permissive for select to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false));
create policy "tenant_insert_40374645" on "governance"."execution_trace"
  as permissive for insert to "doublehull_app"
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_update_1ab9233a" on "governance"."execution_trace"
  as permissive for update to "doublehull_app"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false))
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_delete_df851cdf" on "governance"."execution_trace"
  as permissive for delete to "doublehull_app"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false));
create policy "owner_maintenance_def1602b" on "governance"."execution_trace"
  as permissive for all to "doublehull_owner"
  using (true)
  with check (true);
create policy "system_work_89fe01f8" on "governance"."execution_trace"
  as permissive for all to "doublehull_system"
  using (true)
  with check (true);

alter table "governance"."feature_flag" enable row level security;
alter table "governance"."feature_flag" force row level security;
create policy "tenant_guard_d9bac7e8" on "governance"."feature_flag"
  as restrictive for all to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false))
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_select_b942bfc2" on "governance"."feature_flag"
  as permissive for select to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false));
create policy "tenant_insert_40374645" on "governance"."feature_flag"
  as permissive for insert to "doublehull_app"
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_update_1ab9233a" on "governance"."feature_flag"
  as permissive for update to "doublehull_app"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false))
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_delete_df851cdf" on "governance"."feature_flag"
  as permissive for delete to "doublehull_app"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false));
create policy "owner_maintenance_def1602b" on "governance"."feature_flag"
  as permissive for all to "doublehull_owner"
  using (true)
  with check (true);
create policy "system_work_89fe01f8" on "governance"."feature_flag"
  as permissive for all to "doublehull_system"
  using (true)
  with check (true);

alter table "governance"."kill_switch" enable row level security;
alter table "governance"."kill_switch" force row level security;
create policy "tenant_guard_3c6a8e17" on "governance"."kill_switch"
  as restrictive for all to "doublehull_app", "doublehull_reader"
  using ((tenancy.claimed_tenant_id() is not null) = ("id" = "id") and ("id" = "id") = ((select tenancy.claimed_tenant_id()) is not null) and ("tenant_id" = (select tenancy.require_tenant_id()) or "tenant_id" is null))
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_guard_update_2b37a772" on "governance"."kill_switch"
  as restrictive for update to "doublehull_app", "doublehull_reader"
  using ("tenant_id" = (select tenancy.require_tenant_id()))
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_guard_delete_cfdb3007" on "governance"."kill_switch"
  as restrictive for delete to "doublehull_app", "doublehull_reader"
  using ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_select_0e4fb60d" on "governance"."kill_switch"
  as permissive for select to "doublehull_app", "doublehull_reader"
  using ((tenancy.claimed_tenant_id() is not null) = ("id" = "id") and ("id" = "id") = ((select tenancy.claimed_tenant_id()) is not null) and ("tenant_id" = (select tenancy.require_tenant_id()) or "tenant_id" is null));
create policy "tenant_insert_40374645" on "governance"."kill_switch"
  as permissive for insert to "doublehull_app"
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_update_4990afd7" on "governance"."kill_switch"
  as permissive for update to "doublehull_app"
  using ("tenant_id" = (select tenancy.require_tenant_id()))
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_delete_9055a615" on "governance"."kill_switch"
  as permissive for delete to "doublehull_app"
  using ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "owner_maintenance_def1602b" on "governance"."kill_switch"
  as permissive for all to "doublehull_owner"
  using (true)
  with check (true);
create policy "system_work_89fe01f8" on "governance"."kill_switch"
  as permissive for all to "doublehull_system"
  using (true)
  with check (true);

alter table "tenancy"."membership" enable row level security;
alter table "tenancy"."membership" force row level security;
create policy "tenant_guard_d9bac7e8" on "tenancy"."membership"
  as restrictive for all to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false))
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_select_b942bfc2" on "tenancy"."membership"
  as permissive for select to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false));
create policy "owner_maintenance_def1602b" on "tenancy"."membership"
  as permissive for all to "doublehull_owner"
  using (true)
  with check (true);
create policy "system_work_89fe01f8" on "tenancy"."membership"
  as permissive for all to "doublehull_system"
  using (true)
  with check (true);

alter table "tenancy"."tenant" enable row level security;
alter table "tenancy"."tenant" force row level security;
create policy "tenant_guard_fafba31f" on "tenancy"."tenant"
  as restrictive for all to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "id" and "id" = (select tenancy.require_tenant_id()) and coalesce("id" = (select tenancy.require_tenant_id()), false))
  with check ("id" = (select tenancy.require_tenant_id()));
create policy "tenant_select_b869b5c5" on "tenancy"."tenant"
  as permissive for select to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "id" and "id" = (select tenancy.require_tenant_id()) and coalesce("id" = (select tenancy.require_tenant_id()), false));
create policy "tenant_insert_97ae700e" on "tenancy"."tenant"
  as permissive for insert to "doublehull_app"
  with check ("id" = (select tenancy.require_tenant_id()));
create policy "tenant_update_962a71e6" on "tenancy"."tenant"
  as permissive for update to "doublehull_app"
  using (tenancy.claimed_tenant_id() = "id" and "id" = (select tenancy.require_tenant_id()) and coalesce("id" = (select tenancy.require_tenant_id()), false))
  with check ("id" = (select tenancy.require_tenant_id()));
create policy "owner_maintenance_def1602b" on "tenancy"."tenant"
  as permissive for all to "doublehull_owner"
  using (true)
  with check (true);
create policy "system_work_89fe01f8" on "tenancy"."tenant"
  as permissive for all to "doublehull_system"
  using (true)
  with check (true);

alter table "governance"."trace_step" enable row level security;
alter table "governance"."trace_step" force row level security;
create policy "tenant_guard_d9bac7e8" on "governance"."trace_step"
  as restrictive for all to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false))
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_select_b942bfc2" on "governance"."trace_step"
  as permissive for select to "doublehull_app", "doublehull_reader"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false));
create policy "tenant_insert_40374645" on "governance"."trace_step"
  as permissive for insert to "doublehull_app"
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_update_1ab9233a" on "governance"."trace_step"
  as permissive for update to "doublehull_app"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false))
  with check ("tenant_id" = (select tenancy.require_tenant_id()));
create policy "tenant_delete_df851cdf" on "governance"."trace_step"
  as permissive for delete to "doublehull_app"
  using (tenancy.claimed_tenant_id() = "tenant_id" and "tenant_id" = (select tenancy.require_tenant_id()) and coalesce("tenant_id" = (select tenancy.require_tenant_id()), false));
create policy "owner_maintenance_def1602b" on "governance"."trace_step"
  as permissive for all to "doublehull_owner"
  using (true)
  with check (true);
create policy "system_work_89fe01f8" on "governance"."trace_step"
  as permissive for all to "doublehull_system"
  using (true)
  with check (true);

alter table "tenancy"."user" enable row level security;
alter table "tenancy"."user" force row level security;
create policy "tenant_guard_2d4614b5" on "tenancy"."user"
  as restrictive for all to "doublehull_app", "doublehull_reader"
  using ((tenancy.claimed_tenant_id() is not null) = ("id" = "id") and ("id" = "id") = ((select tenancy.claimed_tenant_id()) is not null) and exists (select 1 from "tenancy"."membership" r0 where r0."user_id" = "tenancy"."user"."id" and r0."tenant_id" = (select tenancy.require_tenant_id())))
  with check (false);
create policy "tenant_guard_update_f7bff3b0" on "tenancy"."user"
  as restrictive for update to "doublehull_app", "doublehull_reader"
  using (false)
  with check (false);
create policy "tenant_guard_delete_86e07416" on "tenancy"."user"
  as restrictive for delete to "doublehull_app", "doublehull_reader"
  using (false);
create policy "tenant_select_c3b68b2d" on "tenancy"."user"
  as permissive for select to "doublehull_app", "doublehull_reader"
  using ((tenancy.claimed_tenant_id() is not null) = ("id" = "id") and ("id" = "id") = ((select tenancy.claimed_tenant_id()) is not null) and exists (select 1 from "tenancy"."membership" r0 where r0."user_id" = "tenancy"."user"."id" and r0."tenant_id" = (select tenancy.require_tenant_id())));
create policy "owner_maintenance_def1602b" on "tenancy"."user"
  as permissive for all to "doublehull_owner"
  using (true)
  with check (true);
create policy "system_work_89fe01f8" on "tenancy"."user"
  as permissive for all to "doublehull_system"
  using (true)
  with check (true);
