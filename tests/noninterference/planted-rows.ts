import { manifest } from '../../src/generated/tenancy.ts'
import { Email, type ModelName, modelNames, Name, type Owner } from './name.ts'
import { type Field, vocabulary } from './vocabulary.ts'

type Row = Readonly<Record<string, unknown>>

/** When everything that is planted was made. */
export const plantedTime = new Date('2026-01-01T00:00:00Z')

/**
 * What a tenant has before a sequence begins. Both tenants have the same keys and numbers; B has more rows of each, and
 * another word wherever nothing says that it must be the same. One person works for both.
 */
function rowsOf(owner: 'a' | 'b'): Partial<Record<ModelName, readonly Row[]>> {
  const isB = owner === 'b'
  const id = (model: ModelName, index: number) => new Name(owner, model, index)
  const version = (index: number) => ({ versionId: id('ConfigVersion', index) })
  const inPackage = (index: number) => ({ packageId: id('ConfigPackage', index) })
  const ofB = (...rows: readonly Row[]) => (isB ? rows : [])
  const [first, second] = isB
    ? [new Name('a', 'User', 2), new Name('b', 'User', 3)]
    : [new Name('a', 'User', 1), new Name('a', 'User', 2)]
  return {
    Tenant: [{ id: id('Tenant', 1), topic: id('Tenant', 2) }],
    Membership: [
      { userId: first, role: isB ? 'ADMIN' : 'OWNER' },
      { userId: second, role: isB ? 'OWNER' : 'VIEWER' },
    ],
    ConfigPackage: [{ key: 'alpha' }, { key: 'beta', description: null }, ...ofB({ key: 'gamma' })],
    ConfigVersion: [
      { ...inPackage(1), number: 1, status: 'ACTIVE' },
      { ...inPackage(1), number: 2 },
      { ...inPackage(2), number: 1, status: 'REVIEW' },
      { ...inPackage(2), number: 2, authorId: first },
      ...ofB({ ...inPackage(3), number: 1 }, { ...inPackage(1), number: 3 }),
    ],
    Approval: [
      { ...version(3), status: 'PENDING' },
      { ...version(1), status: 'APPROVED' },
      ...ofB({ ...version(5), status: 'PENDING' }),
    ],
    ApprovalDecision: [
      { approvalId: id('Approval', 2), reviewerId: first, decision: 'APPROVE' },
      ...ofB({ approvalId: id('Approval', 3), reviewerId: second, decision: 'REJECT' }),
    ],
    Activation: [
      { ...inPackage(1), ...version(1), seq: 1 },
      { ...inPackage(1), ...version(1), seq: 2, previousVersionId: id('ConfigVersion', 2), actorId: first },
      ...ofB({ ...inPackage(3), ...version(5), seq: 1 }),
    ],
    FeatureFlag: [{ key: 'alpha', enabled: true }, { key: 'beta' }, ...ofB({ key: 'gamma', enabled: true })],
    KillSwitch: [
      { scope: 'TENANT', resource: '' },
      { scope: 'RESOURCE', resource: 'mail', engaged: true },
      ...ofB({ scope: 'GLOBAL', resource: '', engaged: true }),
    ],
    Branding: [
      { number: 1, status: 'PUBLISHED' },
      { number: 2 },
      ...ofB({ number: 3, status: 'SUPERSEDED' }),
    ],
    ExecutionTrace: [{ ...version(1), outcome: 'SUCCEEDED' }, version(2), ...ofB(version(6))],
    TraceStep: [
      { traceId: id('ExecutionTrace', 1), seq: 1 },
      { traceId: id('ExecutionTrace', 1), seq: 2, outcome: 'FAILED' },
      { traceId: id('ExecutionTrace', 2), seq: 1 },
      ...ofB({ traceId: id('ExecutionTrace', 3), seq: 1 }, { traceId: id('ExecutionTrace', 1), seq: 3 }),
    ],
    AuditEvent: [
      { seq: 1, prevHash: '', actorId: first },
      { seq: 2, prevHash: 'plain', outcome: 'DENIED' },
      ...ofB({ seq: 3, prevHash: 'other', outcome: 'FAILURE' }),
    ],
    AuditCheckpoint: [{ seq: 1 }, ...ofB({ seq: 2 })],
  }
}

const people: Readonly<Record<'a' | 'b', readonly Name[]>> = {
  a: [new Name('a', 'User', 1), new Name('a', 'User', 2)],
  b: [new Name('b', 'User', 3)],
}

/** Everybody's: the switches that bind every tenant. */
const platformRows: readonly Row[] = [
  { scope: 'GLOBAL', resource: '' },
  { scope: 'RESOURCE', resource: 'mail', engaged: true },
]

/** The names of a model's rows that are planted for an owner. */
export const plantedNames = new Map<ModelName, ReadonlyMap<Owner, readonly Name[]>>(
  modelNames.map((model) => [
    model,
    new Map<Owner, readonly Name[]>([
      ['a', namesOf('a', model)],
      ['b', namesOf('b', model)],
      [
        'platform',
        model === 'KillSwitch' ? platformRows.map((_, n) => new Name('platform', model, n + 1)) : [],
      ],
    ]),
  ]),
)

function namesOf(owner: 'a' | 'b', model: ModelName): readonly Name[] {
  if (model === 'User') return people[owner]
  return (rowsOf(owner)[model] ?? []).map((_, n) => new Name(owner, model, n + 1))
}

/** Rows as the database takes them, by model. */
export type Rows = Readonly<Record<string, readonly Row[]>>

/** All rows of a tenant in a scene. */
export function tenantRows(owner: 'a' | 'b', scene: number): Rows {
  const rows: Record<string, readonly Row[]> = {
    User: people[owner].map((person) =>
      columnsOf('User', scene, owner, { id: person, email: new Email(person) }),
    ),
  }
  for (const [model, given] of Object.entries(rowsOf(owner)) as [ModelName, readonly Row[]][]) {
    rows[model] = given.map((row, n) =>
      columnsOf(model, scene, owner, { id: new Name(owner, model, n + 1), ...row }),
    )
  }
  return rows
}

export function rowsOfPlatform(): Rows {
  return {
    KillSwitch: platformRows.map((row, n) =>
      columnsOf('KillSwitch', 0, 'platform', {
        id: new Name('platform', 'KillSwitch', n + 1),
        tenantId: null,
        ...row,
      }),
    ),
  }
}

/** Every column of a row, by its name in the database. */
function columnsOf(model: ModelName, scene: number, owner: 'a' | 'b' | 'platform', row: Row): Row {
  const { columns } = manifest.models[model]
  return Object.fromEntries(
    Object.entries(columns).map(([field, column]) => {
      const described = vocabulary[model][field]
      if (!described) throw new Error(`the vocabulary lacks ${model}.${field}`)
      const value = row[field] === undefined ? usual(described, field, owner) : row[field]
      return [column, plain(value, scene)]
    }),
  )
}

/** What a field holds unless the row says otherwise. */
function usual(field: Field, name: string, owner: 'a' | 'b' | 'platform'): unknown {
  const isB = owner === 'b'
  switch (field.kind) {
    case 'tenant':
      return owner === 'platform' ? null : new Name(owner, 'Tenant', 1)
    case 'time':
      return field.nullable ? null : plantedTime.toISOString()
    case 'boolean':
      return false
    case 'json':
      return name === 'targets' ? [] : { mark: isB ? 'secret' : 'plain', list: isB ? [7] : [1, 2] }
    case 'number':
    case 'span':
      return isB ? 7 : 1
    case 'choice':
      return field.values.includes('DRAFT') ? 'DRAFT' : field.values[0]
    case 'text':
    case 'hash':
      return isB ? 'secret' : 'plain'
    case 'people':
      return []
    default:
      return null
  }
}

function plain(value: unknown, scene: number): unknown {
  if (value instanceof Name) return value.idIn(scene)
  if (value instanceof Email) return `${value.person.idIn(scene)}@example.org`
  return value
}
