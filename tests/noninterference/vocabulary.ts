import {
  ActivationKind,
  ApprovalStatus,
  AuditOrigin,
  AuditOutcome,
  BrandingStatus,
  DecisionKind,
  FlagType,
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
  // a list of them
  | { readonly kind: 'people' }
  // measured between two times, so that only what is planted is known
  | { readonly kind: 'span' }
  // made of ids and times, so that it is another in every run and in no order
  | { readonly kind: 'hash' }
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
const hash: Field = { kind: 'hash' }
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
  Tenant: {
    id,
    name: required(words),
    status: choice(TenantStatus),
    topic: id,
    createdAt: time,
    updatedAt: time,
  },
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
    separateActivator: boolean,
    lastVersionNumber: counter,
    archivedAt: noTime,
    createdAt: time,
    updatedAt: time,
  },
  ConfigVersion: {
    id,
    tenantId,
    packageId: to('ConfigPackage'),
    number: number(1, 2, 3, 4, 5, 6),
    status: choice(VersionStatus),
    content: required(json),
    contentHash: words,
    lockVersion: counter,
    authorId: person,
    submitterId: person,
    editorIds: { kind: 'people' },
    createdAt: time,
    updatedAt: time,
  },
  Approval: {
    id,
    tenantId,
    versionId: to('ConfigVersion'),
    status: choice(ApprovalStatus),
    contentHash: words,
    quorum: counter,
    requesterId: person,
    closedById: person,
    reason: nullable(words),
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
    seq: counter,
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
    type: choice(FlagType),
    enabled: boolean,
    variants: json,
    defaultVariant: words,
    offVariant: words,
    prerequisites: json,
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
    lockVersion: counter,
    authorId: person,
    publisherId: person,
    reason: nullable(words),
    publishedAt: noTime,
    createdAt: time,
    updatedAt: time,
  },
  ExecutionTrace: {
    id,
    tenantId,
    versionId: to('ConfigVersion'),
    name: words,
    outcome: choice(TraceOutcome),
    requestId: nullable(words),
    input: nullable(json),
    output: nullable(json),
    startedAt: time,
    finishedAt: noTime,
    duration: nullable({ kind: 'span' }),
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
    duration: nullable({ kind: 'span' }),
  },
  AuditEvent: {
    id,
    tenantId,
    seq: counter,
    prevHash: hash,
    hash,
    origin: choice(AuditOrigin),
    action: required(words),
    actorId: person,
    outcome: choice(AuditOutcome),
    targets: json,
    context: json,
    metadata: json,
    schemaVersion: counter,
    occurredAt: time,
  },
  AuditCheckpoint: {
    id,
    tenantId,
    seq: required(counter),
    hash: required(hash),
    keyId: required(words),
    signature: required(words),
    createdAt: time,
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
