/** Which roles may do what, as `canByMembership` has it. */
export type Role = 'OWNER' | 'ADMIN' | 'EDITOR' | 'REVIEWER' | 'VIEWER'

export const writers: readonly Role[] = ['EDITOR', 'ADMIN', 'OWNER']
export const deciders: readonly Role[] = ['REVIEWER', 'ADMIN', 'OWNER']
export const activators: readonly Role[] = ['ADMIN', 'OWNER']
