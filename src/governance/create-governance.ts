import type { BundledTenantClient, BundledTransaction } from '../tenancy/bundled.ts'
import { type Approvals, approvalsOf } from './approvals.ts'
import { type AuditEvents, auditEventsOf } from './audit/audit-events.ts'
import { type BrandingRepository, brandingOf } from './branding/branding.ts'
import { ContentRules, type ContentSchemas } from './content-rules.ts'
import { type Flags, flagsOf } from './flags/flags.ts'
import { GovernedScope } from './governed-scope.ts'
import { type KillSwitches, killSwitchesOf } from './kill-switches.ts'
import { type Packages, packagesOf } from './packages.ts'
import { canByMembership, type PermissionPort } from './permissions.ts'
import type { RequestOrigin } from './request-origin.ts'
import { type Traces, tracesOf } from './traces.ts'
import { type Versions, versionsOf } from './versions.ts'

/** Settings of {@link createGovernance}. */
export interface GovernanceOptions {
  /** Who may do what; by the role of the membership unless told. */
  readonly can?: PermissionPort | undefined
  /** Where the request came from, for the audit events of its changes. */
  readonly origin?: RequestOrigin | undefined
  /**
   * Zod schemas that the content of versions is held to, by the keys of their packages, beside the JSON Schemas of the
   * packages. They check and do not change: what a schema coerces or transforms is stored as it was given.
   */
  readonly contentSchemas?: ContentSchemas | undefined
}

/** The governed domain of one tenant. */
export interface Governance {
  readonly packages: Packages
  readonly versions: Versions
  readonly approvals: Approvals
  readonly flags: Flags
  readonly killSwitches: KillSwitches
  readonly auditEvents: AuditEvents
  readonly traces: Traces
  readonly branding: BrandingRepository
  /** The same calls inside a transaction of the caller's, which they then belong to. */
  within(tx: BundledTransaction): Governance
}

/**
 * The governed domain over a tenant client. Every change belongs to the user of the client's context, is asked of the
 * permission port, and is written to the audit trail in the same transaction.
 *
 * @param db a client of the bundled schema, made with `userId`
 * @throws {TenancyError} each call: `DH101` without a tenant context, `DH509` where a change has no user, `DH505` where
 *   the user lacks the permission
 *
 * @example
 * ```ts
 * const governance = createGovernance(createTenantClient({ tenantId, userId }))
 * const draft = await governance.versions.createDraft(packageId, { content })
 * await governance.versions.submitForReview(draft.id)
 * ```
 */
export function createGovernance(db: BundledTenantClient, options: GovernanceOptions = {}): Governance {
  return governanceOf(new GovernedScope(db, options.can ?? canByMembership, options.origin ?? {}), options)
}

function governanceOf(scope: GovernedScope, options: GovernanceOptions): Governance {
  const rules = new ContentRules(options.contentSchemas)
  return {
    packages: packagesOf(scope, rules),
    versions: versionsOf(scope, rules),
    approvals: approvalsOf(scope, rules),
    flags: flagsOf(scope),
    killSwitches: killSwitchesOf(scope),
    auditEvents: auditEventsOf(scope),
    traces: tracesOf(scope),
    branding: brandingOf(scope),
    within: (tx) => governanceOf(scope.within(tx), options),
  }
}
