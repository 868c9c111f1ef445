export { createGovernance, type Governance, type GovernanceOptions } from './create-governance.ts'
export type { RequestOrigin } from './governed-scope.ts'
export {
  type Actor,
  canByMembership,
  type Permission,
  type PermissionPort,
  permissions,
  type Resource,
} from './permissions.ts'
