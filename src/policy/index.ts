export { grantSql } from './grant-sql.ts'
export { policySql } from './policy-sql.ts'
export { prismaPolicyBlocks } from './prisma-policy-blocks.ts'
export { defaultRoleNames, type RoleNames } from './roles.ts'
