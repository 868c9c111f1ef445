import { TenancyError } from '../errors.ts'
import type { BundledTransaction } from '../tenancy/bundled.ts'

/**
 * What may be allowed: `<what>:<verb>`. Reading is not asked about, but for the audit trail: every user of a tenant client
 * reads what is the tenant's.
 */
export const permissions = [
  'config:create',
  'config:edit',
  'config:submit',
  'config:review',
  'config:approve',
  'config:activate',
  'config:rollback',
  'config:break-glass',
  'config:archive',
  'flag:edit',
  'kill-switch:engage',
  'kill-switch:release',
  'branding:edit',
  'branding:publish',
  'audit:read',
  'audit:record',
  'audit:checkpoint',
  'trace:write',
  'trace:prune',
] as const

/** One of {@link permissions}. */
export type Permission = (typeof permissions)[number]

/** Who acts: the user of the tenant client's context. */
export interface Actor {
  readonly tenantId: string
  readonly userId: string
  /** As the context carries them. */
  readonly roles: readonly string[]
}

/** What is acted on. */
export interface Resource {
  readonly type: 'package' | 'version' | 'approval' | 'flag' | 'kill-switch' | 'branding' | 'audit' | 'trace'
  /** None where it is yet to be created, or where all of a type are meant. */
  readonly id?: string
}

/**
 * Decides whether an actor may do something. It runs inside the transaction of the change, so that what it reads is
 * what the change meets.
 *
 * @example
 * ```ts
 * const can: PermissionPort = (actor, permission) => permission !== 'config:break-glass' || actor.roles.includes('sre')
 * const governance = createGovernance(db, { can })
 * ```
 */
export type PermissionPort = (
  actor: Actor,
  permission: Permission,
  resource: Resource,
  tx: BundledTransaction,
) => boolean | Promise<boolean>

type Role = 'OWNER' | 'ADMIN' | 'EDITOR' | 'REVIEWER' | 'VIEWER'

const editor: readonly Permission[] = [
  'config:create',
  'config:edit',
  'config:submit',
  'flag:edit',
  'branding:edit',
  'audit:record',
  'trace:write',
]
const reviewer: readonly Permission[] = ['config:review', 'config:approve', 'audit:read', 'audit:record']
const rolePermissions: Readonly<Record<Role, ReadonlySet<Permission>>> = {
  OWNER: new Set(permissions),
  ADMIN: new Set(permissions),
  EDITOR: new Set(editor),
  REVIEWER: new Set(reviewer),
  VIEWER: new Set(),
}

/**
 * The default {@link PermissionPort}: what the role of the actor's membership allows. Owners and administrators may do
 * everything; editors write configuration, flags and branding; reviewers decide on it and read the audit trail; viewers change nothing.
 * A user without a membership of the tenant may do nothing.
 */
export const canByMembership: PermissionPort = async (actor, permission, _resource, tx) => {
  const membership = await tx.membership.findFirst({
    where: { userId: actor.userId },
    select: { role: true },
  })
  return membership !== null && rolePermissions[membership.role].has(permission)
}

/** `DH505` */
export function forbidden(permission: Permission): TenancyError {
  return new TenancyError('DH505', `the actor may not do this: it needs the permission ${permission}`, {
    details: { permission },
  })
}
