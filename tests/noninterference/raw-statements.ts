import fc, { type Arbitrary } from 'fast-check'
import { freshIdOf, idOf } from './grammar.ts'
import { Name } from './name.ts'

/** SQL with parameters, as a tagged template has it. */
interface RawStatement {
  readonly method: '$queryRaw' | '$executeRaw'
  readonly texts: readonly string[]
  readonly values: readonly Arbitrary<unknown>[]
}

const word = fc.constantFrom('plain', 'secret')
const key = fc.constantFrom('alpha', 'beta', 'gamma', 'delta')
const tenant = fc.constantFrom(new Name('a', 'Tenant', 1), new Name('b', 'Tenant', 1))
const packageId = idOf('ConfigPackage')

/** SQL of an application's own, which names other tenants and their rows. Only hull two holds it. */
export const rawStatements: readonly RawStatement[] = [
  query`select id, name, quorum from governance.config_package where name = ${word} order by id`,
  query`select count(*)::int as count, max(quorum) as quorum from governance.config_package`,
  query`select id, content from governance.config_version where package_id = ${packageId}::uuid order by id`,
  query`select id, engaged from governance.kill_switch where tenant_id = ${tenant}::uuid or tenant_id is null order by id`,
  query`select u.id, u.display_name, count(m.id)::int as memberships
          from tenancy."user" u join tenancy.membership m on m.user_id = u.id group by u.id order by u.id`,
  query`select t.id, t.name, (select count(*)::int from governance.feature_flag f where f.tenant_id = t.id) as flags
          from tenancy.tenant t order by t.id`,
  query`select id from governance.execution_trace where tenant_id = ${tenant}::uuid
         union all select id from governance.trace_step where tenant_id = ${tenant}::uuid order by id`,
  query`insert into governance.feature_flag (id, key, updated_at) values (${freshIdOf('FeatureFlag')}::uuid, ${key}, now())
        on conflict (tenant_id, key) do update set description = 'raw' returning id, description`,
  query`select v.id from governance.config_version v where exists (
          select from governance.config_package p where p.id = v.package_id and p.name = ${word}) order by v.id`,
  execute`update governance.config_package set name = 'raw' where id = ${packageId}::uuid`,
  execute`update governance.feature_flag set tenant_id = ${tenant}::uuid where key = ${key}`,
  execute`delete from governance.trace_step where trace_id = ${idOf('ExecutionTrace')}::uuid`,
  execute`insert into governance.execution_trace (id, version_id)
          values (${freshIdOf('ExecutionTrace')}::uuid, ${idOf('ConfigVersion')}::uuid)`,
  execute`insert into governance.branding (id, tenant_id, number, updated_at)
          values (${freshIdOf('Branding')}::uuid, ${tenant}::uuid, 4, now()) on conflict do nothing`,
]

function query(texts: TemplateStringsArray, ...values: readonly Arbitrary<unknown>[]): RawStatement {
  return { method: '$queryRaw', texts, values }
}

function execute(texts: TemplateStringsArray, ...values: readonly Arbitrary<unknown>[]): RawStatement {
  return { method: '$executeRaw', texts, values }
}
