export { grantSql } from './grant-sql.ts'
export { policySql } from './policy-sql.ts'
export { defaultRoleNames, type RoleNames } from './roles.ts'
