import {
  ActivationKind,
  ApprovalStatus,
  AuditOutcome,
  BrandingStatus,
  DecisionKind,
  KillSwitchScope,
  MemberRole,
  TenantStatus,
  TraceOutcome,
  VersionStatus,
} from '../../src/bundled.ts'
import type { ModelName } from './name.ts'

/** What a scalar field holds, and so which values and filters it takes. */
export type Field = {
  /** May be null. */
  readonly nullable?: true
  /** A create must give it. */
  readonly required?: true
} & (
  | { readonly kind: 'id' | 'tenant' | 'boolean' | 'json' | 'time' | 'email' }
  | { readonly kind: 'reference'; readonly model: ModelName }
  | { readonly kind: 'text'; readonly values: readonly string[] }
  | { readonly kind: 'number'; readonly values: readonly number[] }
  | { readonly kind: 'choice'; readonly values: readonly string[] }
)

const id: Field = { kind: 'id' }
const tenantId: Field = { kind: 'tenant' }
const time: Field = { kind: 'time' }
const noTime: Field = { kind: 'time', nullable: true }
const json: Field = { kind: 'json' }
const boolean: Field = { kind: 'boolean' }
const person: Field = { kind: 'reference', model: 'User', nullable: true }
const to = (model: ModelName): Field => ({ kind: 'reference', model, required: true })
const choice = (values: Readonly<Record<string, string>>): Field => ({
  kind: 'choice',
  values: Object.values(values),
})
const number = (...values: readonly number[]): Field => ({ kind: 'number', values })
const text = (...values: readonly string[]): Field => ({ kind: 'text', values })
const nullable = (field: Field): Field => ({ ...field, nullable: true })
const required = (field: Field): Field => ({ ...field, required: true })

// Keys that A and B have, that B alone has (gamma), and that nobody has; what only B's rows say (secret) is asked
// for too.
const keys = text('alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta')
const words = text('plain', 'secret', 'other', '')
const counter = number(1, 2, 3, 7)

/** The scalar fields of every model. */
export const vocabulary: Readonly<Record<ModelName, Readonly<Record<string, Field>>>> = {
  Tenant: { id, name: required(words), status: choice(TenantStatus), createdAt: time, updatedAt: time },
  User: { id, email: required({ kind: 'email' }), displayName: required(words), createdAt: time },
  Membership: { id, tenantId, userId: to('User'), role: choice(MemberRole), createdAt: time },
  ConfigPackage: {
    id,
    tenantId,
    key: required(keys),
    name: required(words),
    description: nullable(words),
    contentSchema: nullable(json),
    quorum: counter,
    lastVersionNumber: counter,
    archivedAt: noTime,
    createdAt: time,
    updatedAt: time,
  },
  ConfigVersion: {
    id,
    tenantId,
    packageId: to('ConfigPackage'),
    number: required(number(1, 2, 3, 4, 5, 6)),
    status: choice(VersionStatus),
    content: required(json),
    contentHash: nullable(words),
    lockVersion: counter,
    authorId: person,
    submitterId: person,
    createdAt: time,
    updatedAt: time,
  },
  Approval: {
    id,
    tenantId,
    versionId: to('ConfigVersion'),
    status: choice(ApprovalStatus),
    contentHash: required(words),
    quorum: counter,
    requesterId: person,
    createdAt: time,
    decidedAt: noTime,
  },
  ApprovalDecision: {
    tenantId,
    approvalId: to('Approval'),
    reviewerId: to('User'),
    decision: required(choice(DecisionKind)),
    comment: nullable(words),
    createdAt: time,
  },
  Activation: {
    id,
    tenantId,
    packageId: to('ConfigPackage'),
    versionId: to('ConfigVersion'),
    previousVersionId: { kind: 'reference', model: 'ConfigVersion', nullable: true },
    kind: choice(ActivationKind),
    reason: nullable(words),
    actorId: person,
    createdAt: time,
  },
  FeatureFlag: {
    id,
    tenantId,
    key: required(keys),
    description: nullable(words),
    enabled: boolean,
    variants: json,
    defaultVariant: words,
    targeting: nullable(json),
    lockVersion: counter,
    archivedAt: noTime,
    createdAt: time,
    updatedAt: time,
  },
  KillSwitch: {
    id,
    tenantId: nullable(tenantId),
    scope: choice(KillSwitchScope),
    resource: text('', 'mail', 'export', 'import', 'search'),
    engaged: boolean,
    reason: nullable(words),
    actorId: person,
    engagedAt: noTime,
    expiresAt: noTime,
    createdAt: time,
    updatedAt: time,
  },
  Branding: {
    id,
    tenantId,
    number: number(1, 2, 3, 4, 5, 6),
    status: choice(BrandingStatus),
    tokens: json,
    publishedAt: noTime,
    createdAt: time,
    updatedAt: time,
  },
  ExecutionTrace: {
    id,
    tenantId,
    versionId: to('ConfigVersion'),
    outcome: choice(TraceOutcome),
    requestId: nullable(words),
    startedAt: time,
    finishedAt: noTime,
  },
  TraceStep: {
    id,
    tenantId,
    traceId: to('ExecutionTrace'),
    seq: required(number(1, 2, 3, 4, 5, 6)),
    name: required(words),
    outcome: choice(TraceOutcome),
    payload: nullable(json),
    startedAt: time,
    finishedAt: noTime,
  },
  AuditEvent: {
    id,
    tenantId,
    action: required(words),
    actorId: person,
    outcome: choice(AuditOutcome),
    targets: json,
    context: json,
    metadata: json,
    schemaVersion: counter,
    occurredAt: time,
  },
}

/** What JSON fields hold, and are asked for. */
export const documents: readonly (object | string | number)[] = [
  { mark: 'plain', list: [1, 2] },
  { mark: 'secret', list: [7] },
  {},
  [],
  'plain',
  1,
]
