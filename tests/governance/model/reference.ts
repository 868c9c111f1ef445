/** What the reference knows of a version. */
export interface ModelVersion {
  readonly id: string
  readonly status: 'DRAFT' | 'REVIEW' | 'APPROVED' | 'ACTIVE' | 'DEPRECATED'
  readonly author: string
  readonly submitter?: string
  readonly editors: readonly string[]
  /** Stands for the content. */
  readonly content: number
  readonly lockVersion: number
  /** The newest. */
  readonly approval?: ModelApproval
}

interface ModelApproval {
  readonly status: 'PENDING' | 'APPROVED' | 'REJECTED' | 'CANCELLED'
  readonly votes: readonly string[]
}

/** The state of one package, as the specification of the life cycle has it. */
export interface Model {
  readonly quorum: number
  readonly versions: readonly ModelVersion[]
  /** How many events the audit trail must have got, of changes and of attempts that were denied. */
  readonly changes: number
  readonly denials: number
}

type Role = 'EDITOR' | 'REVIEWER' | 'ADMIN'

export interface Person {
  readonly id: string
  readonly role: Role
}

/** A step, and who takes it by which way. Versions are named by their place, which is taken modulo their number. */
export interface Step {
  readonly kind: StepKind
  readonly who: number
  readonly way: 'repository' | 'prisma' | 'sql'
  readonly version: number
  /** The version that the place means, once that is known. */
  readonly id?: string
  /** A version that it is allowed of, where there is one, is chosen among these only. */
  readonly aimed: boolean
  /** What the step expects was so before: a lock version, or what is in force. */
  readonly stale: boolean
  /** The content that an edit gives; no other step has it. */
  readonly content: number
  /** The status that a forbidden update asks for. */
  readonly target: ModelVersion['status']
}

export const stepKinds = [
  'create',
  'edit',
  'submit',
  'approve',
  'reject',
  'withdraw',
  'activate',
  'rollback',
  'deprecate',
  'breakGlass',
  'delete',
  'set',
] as const

type StepKind = (typeof stepKinds)[number]

/** What the reference allows of a step. */
export interface Verdict {
  /** Every rule that it breaks, by its code; none where it must succeed. */
  readonly broken: readonly string[]
  /** The state after it, where it succeeds; `made` is the id of what it created. */
  readonly next: (made: string) => Model
}

const mayPropose: readonly Role[] = ['EDITOR', 'ADMIN']
const mayReview: readonly Role[] = ['REVIEWER', 'ADMIN']
const mayOperate: readonly Role[] = ['ADMIN']

/** What is in force. */
export function activeOf({ versions }: Model): ModelVersion | undefined {
  return versions.find(({ status }) => status === 'ACTIVE')
}

/** The version that a step is about; none where there is none, or where it has nothing that the step needs. */
export function versionOf(model: Model, step: Step): ModelVersion | undefined {
  const { versions } = model
  if (step.id !== undefined) return versions.find(({ id }) => id === step.id)
  return versions[step.version % Math.max(versions.length, 1)]
}

/** Whether a step makes sense at all: there is a version, and an approval where one is named. */
export function isPossible(model: Model, step: Step): boolean {
  if (step.kind === 'create') return true
  const version = versionOf(model, step)
  if (!version) return false
  if (step.kind === 'approve' || step.kind === 'reject') return version.approval !== undefined
  if (step.kind === 'withdraw' && step.way !== 'repository') return version.approval !== undefined
  return true
}

/** What the specification says of a step in a state. Neither reads nor knows anything of the implementation. */
export function judge(model: Model, step: Step, person: Person): Verdict {
  const version = versionOf(model, step)
  if (step.kind !== 'create' && !version) throw new Error('the step is not possible')
  const asked = step.way === 'repository'
  const broken: string[] = []
  const needs = (roles: readonly Role[]) => {
    if (asked && !roles.includes(person.role)) broken.push('DH505')
  }
  const rule = (holds: boolean, ...codes: string[]) => {
    if (!holds) broken.push(...codes)
  }
  const unchanged = () => model

  if (step.kind === 'create' || !version) {
    needs(mayPropose)
    return {
      broken,
      next: (made) =>
        changed(model, [
          ...model.versions,
          { id: made, status: 'DRAFT', author: person.id, editors: [], content: 0, lockVersion: 1 },
        ]),
    }
  }

  const { status, approval } = version
  const active = activeOf(model)
  const replaced = (patch: Partial<ModelVersion>) => () => changed(model, withVersion(model, version, patch))
  const wroteIt = [version.author, version.submitter, ...version.editors].includes(person.id)
  const expectation = () => rule(!step.stale, 'DH504')

  switch (step.kind) {
    case 'edit':
      needs(mayPropose)
      rule(status === 'DRAFT', 'DH502')
      if (asked) expectation()
      return {
        broken,
        next: replaced({
          content: step.content,
          lockVersion: version.lockVersion + 1,
          editors:
            person.id === version.author || version.editors.includes(person.id)
              ? version.editors
              : [...version.editors, person.id],
        }),
      }
    case 'submit':
      needs(mayPropose)
      if (!asked && status === 'REVIEW') return { broken, next: unchanged }
      rule(status === 'DRAFT', 'DH501')
      return {
        broken,
        next: replaced({
          status: 'REVIEW',
          submitter: person.id,
          approval: { status: 'PENDING', votes: [] },
        }),
      }
    case 'approve':
    case 'reject': {
      needs(mayReview)
      rule(approval?.status === 'PENDING', 'DH501')
      rule(!wroteIt, 'DH510')
      rule(!approval?.votes.includes(person.id), 'DH504')
      const votes = [...(approval?.votes ?? []), person.id]
      if (step.kind === 'reject') {
        return { broken, next: replaced({ status: 'DRAFT', approval: { status: 'REJECTED', votes } }) }
      }
      return {
        broken,
        next: replaced(
          votes.length >= model.quorum
            ? { status: 'APPROVED', approval: { status: 'APPROVED', votes } }
            : { approval: { status: 'PENDING', votes } },
        ),
      }
    }
    case 'withdraw':
      needs(person.id === version.author || person.id === version.submitter ? mayPropose : mayReview)
      if (!asked && approval?.status === 'CANCELLED') return { broken, next: unchanged }
      rule(status === 'REVIEW' || status === 'APPROVED', 'DH501')
      return {
        broken,
        next: replaced({
          status: 'DRAFT',
          approval: { status: 'CANCELLED', votes: approval?.votes ?? [] },
        }),
      }
    case 'activate':
    case 'rollback':
      needs(mayOperate)
      rule(status === (step.kind === 'activate' ? 'APPROVED' : 'DEPRECATED'), 'DH501')
      expectation()
      return { broken, next: () => changed(model, putInForce(model, version, active)) }
    case 'deprecate':
      needs(mayOperate)
      rule(status === 'ACTIVE', 'DH501', 'DH504')
      return { broken, next: replaced({ status: 'DEPRECATED' }) }
    case 'breakGlass':
      // the one permission that the database asks for itself
      rule(mayOperate.includes(person.role), 'DH505')
      rule(['DRAFT', 'REVIEW', 'APPROVED'].includes(status), 'DH501')
      expectation()
      return {
        broken,
        next: () => {
          const cancelled =
            approval?.status === 'PENDING' ? { approval: { ...approval, status: 'CANCELLED' as const } } : {}
          return changed(model, putInForce(model, { ...version, ...cancelled }, active))
        },
      }
    case 'delete':
      needs(mayPropose)
      rule(status === 'DRAFT' && approval === undefined, 'DH502')
      return {
        broken,
        next: () =>
          changed(
            model,
            model.versions.filter(({ id }) => id !== version.id),
          ),
      }
    case 'set':
      rule(step.target === status, 'DH501')
      return { broken, next: unchanged }
  }
}

function changed(model: Model, versions: readonly ModelVersion[]): Model {
  return { ...model, versions, changes: model.changes + 1 }
}

function withVersion(
  model: Model,
  version: ModelVersion,
  patch: Partial<ModelVersion>,
): readonly ModelVersion[] {
  return model.versions.map((one) => (one.id === version.id ? { ...version, ...patch } : one))
}

function putInForce(
  model: Model,
  version: ModelVersion,
  active: ModelVersion | undefined,
): readonly ModelVersion[] {
  return model.versions.map((one) => {
    if (one.id === version.id) return { ...version, status: 'ACTIVE' }
    return one.id === active?.id ? { ...one, status: 'DEPRECATED' } : one
  })
}
