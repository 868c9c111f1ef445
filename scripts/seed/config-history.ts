import { createHash } from 'node:crypto'
import { jsonbText } from './jsonb-text.ts'
import { activators, deciders, writers } from './roles.ts'
import { type TenantHistory, timeText } from './tenant-history.ts'

interface Package {
  readonly id: string
  readonly key: string
  readonly name: string
  readonly quorum: number
  readonly separateActivator: boolean
  readonly createdAt: number
  updatedAt: number
  archivedAt: number | null
  lastNumber: number
  seq: number
  active: Version | null
  /** What can still change, the oldest first. */
  versions: Version[]
}

interface Version {
  readonly id: string
  readonly number: number
  readonly author: string
  readonly createdAt: number
  status: 'DRAFT' | 'REVIEW' | 'APPROVED' | 'ACTIVE' | 'DEPRECATED'
  content: string
  hash: string
  lockVersion: number
  submitter: string | null
  readonly editors: string[]
  updatedAt: number
  readonly approvals: Approval[]
  readonly reviewers: string[]
}

interface Approval {
  readonly id: string
  readonly hash: string
  readonly requester: string
  readonly createdAt: number
  status: 'PENDING' | 'APPROVED' | 'REJECTED' | 'CANCELLED'
  closedBy: string | null
  reason: string | null
  decidedAt: number | null
  readonly voters: string[]
}

const subjects = [
  'pricing',
  'routing',
  'limits',
  'fraud',
  'onboarding',
  'notifications',
  'billing',
  'search',
  'refunds',
  'fulfilment',
]
const reasons = [
  'error rate above the threshold',
  'customers reported wrong totals',
  'the partner changed its interface',
  'a step was left out',
]

/** The packages of a tenant and their versions, each moved only as the life cycle allows. */
export class ConfigHistory {
  readonly #history: TenantHistory
  readonly #packages: Package[] = []
  /** What traces are of: what was in force last, of each package that ever had something in force. */
  readonly #traceable: string[] = []

  constructor(history: TenantHistory) {
    this.#history = history
  }

  /** Something happens to one package. At most three rows. */
  step(): void {
    const { random, budget } = this.#history
    const wanted = 2 + Math.floor(Math.sqrt(budget) / 12)
    if (this.#packages.length === 0 || (this.#packages.length < wanted && random.chance(0.08)))
      return this.#create()
    const open = this.#packages.filter(({ archivedAt }) => archivedAt === null)
    if (open.length === 0) return this.#create()
    this.#advance(random.of(open))
  }

  /** The first version goes the whole way, so that there is something in force. */
  begin(): void {
    this.#create()
    const [first] = this.#packages
    if (!first) return
    this.#draft(first)
    while (!first.active) this.#advance(first, true)
  }

  /** A version that was in force. */
  traceable(): string {
    return this.#history.random.of(this.#traceable)
  }

  /** Writes what could change until now. */
  finish(): void {
    for (const each of this.#packages) {
      this.#history.write('governance.config_package', {
        id: each.id,
        tenant_id: this.#history.tenantId,
        key: each.key,
        name: each.name,
        description: null,
        quorum: each.quorum,
        separate_activator: each.separateActivator,
        last_version_number: each.lastNumber,
        archived_at: each.archivedAt === null ? null : timeText(each.archivedAt),
        created_at: timeText(each.createdAt),
        updated_at: timeText(each.updatedAt),
      })
      for (const version of each.versions) this.#writeVersion(each, version)
    }
  }

  #create(): void {
    const history = this.#history
    const { random } = history
    const now = history.tick()
    const subject = random.of(subjects)
    const key = `${subject}-${this.#packages.length + 1}`
    const created: Package = {
      id: random.uuid(now),
      key,
      name: `${subject.charAt(0).toUpperCase()}${subject.slice(1)} ${this.#packages.length + 1}`,
      // the first one goes the whole way at once, whoever is there
      quorum: this.#packages.length > 0 && random.chance(0.2) ? 2 : 1,
      separateActivator: this.#packages.length > 0 && random.chance(0.15),
      createdAt: now,
      updatedAt: now,
      archivedAt: null,
      lastNumber: 0,
      seq: 0,
      active: null,
      versions: [],
    }
    this.#packages.push(created)
    history.reserve()
    history.record({
      action: 'config.package.create',
      actor: history.member(writers) ?? '',
      target: { type: 'package', id: created.id },
      metadata: { stage: 'OPEN', packageId: created.id },
    })
  }

  #advance(each: Package, straight = false): void {
    const { random } = this.#history
    const open = each.versions.filter(
      ({ status }) => status === 'DRAFT' || status === 'REVIEW' || status === 'APPROVED',
    )
    const version = open.length === 0 ? undefined : random.of(open)
    if (!version || (!straight && open.length < 3 && random.chance(0.1))) {
      const former = each.versions.findLast((one) => one.status === 'DEPRECATED')
      if (!straight && each.active && former && random.chance(0.12)) return this.#rollBack(each, former)
      if (!straight && each.active && random.chance(0.03)) return this.#deprecate(each, each.active)
      if (!straight && !each.active && open.length === 0 && this.#packages.length > 2 && random.chance(0.2)) {
        return this.#archive(each)
      }
      return this.#draft(each)
    }
    if (version.status === 'DRAFT') {
      if (!straight && random.chance(0.45)) return this.#edit(each, version)
      if (!straight && random.chance(0.02)) return this.#breakGlass(each, version)
      return this.#submit(each, version)
    }
    if (version.status === 'REVIEW') {
      if (!straight && random.chance(0.06)) return this.#cancel(each, version)
      return this.#vote(each, version, !straight && random.chance(0.12))
    }
    if (!straight && random.chance(0.04)) return this.#cancel(each, version)
    return this.#activate(each, version)
  }

  #draft(each: Package): void {
    const history = this.#history
    const now = history.tick()
    const content = this.#content(each)
    const version: Version = {
      id: history.random.uuid(now),
      number: ++each.lastNumber,
      author: history.member(writers) ?? '',
      createdAt: now,
      status: 'DRAFT',
      content,
      hash: sha256(content),
      lockVersion: 1,
      submitter: null,
      editors: [],
      updatedAt: now,
      approvals: [],
      reviewers: [],
    }
    each.versions.push(version)
    history.reserve()
    this.#record(each, version, 'config.version.create', version.author, { stage: 'DRAFT' })
  }

  #edit(each: Package, version: Version): void {
    const editor = this.#history.random.chance(0.6)
      ? version.author
      : (this.#history.member(writers) ?? version.author)
    version.updatedAt = this.#history.tick()
    version.content = this.#content(each)
    version.hash = sha256(version.content)
    version.lockVersion += 1
    if (editor !== version.author && !version.editors.includes(editor)) version.editors.push(editor)
    this.#record(each, version, 'config.version.edit', editor, { stage: 'DRAFT' })
  }

  #submit(each: Package, version: Version): void {
    const history = this.#history
    const submitter = history.random.chance(0.8)
      ? version.author
      : (history.member(writers) ?? version.author)
    // a draft that too many worked on would wait for reviewers for ever
    if (this.#reviewers(version, submitter).length < each.quorum) return this.#replace(each, version)
    const now = history.tick()
    version.submitter = submitter
    version.status = 'REVIEW'
    version.updatedAt = now
    version.approvals.push({
      id: history.random.uuid(now),
      hash: version.hash,
      requester: submitter,
      createdAt: now,
      status: 'PENDING',
      closedBy: null,
      reason: null,
      decidedAt: null,
      voters: [],
    })
    history.reserve()
    this.#record(each, version, 'config.version.submit', submitter, { stage: 'REVIEW' })
  }

  /** Who has not to do with it another way. */
  #reviewers(version: Version, submitter: string | null): readonly string[] {
    const barred = [version.author, submitter, ...version.editors]
    return this.#history.members
      .filter(({ role, userId }) => deciders.includes(role) && !barred.includes(userId))
      .map(({ userId }) => userId)
  }

  /** Nobody is left who may review the draft: another is begun instead, if there is not one already. */
  #replace(each: Package, version: Version): void {
    const others = each.versions.filter((one) => one !== version && one.status === 'DRAFT')
    if (others.length < 3) return this.#draft(each)
    this.#event()
  }

  #vote(each: Package, version: Version, rejects: boolean): void {
    const history = this.#history
    const approval = version.approvals.at(-1)
    const free = this.#reviewers(version, version.submitter).filter((one) => !approval?.voters.includes(one))
    if (!approval || free.length === 0) return this.#cancel(each, version)
    const now = history.tick()
    const reviewer = history.random.of(free)
    approval.voters.push(reviewer)
    version.reviewers.push(reviewer)
    const comment = rejects ? history.random.of(reasons) : null
    history.add('governance.approval_decision', {
      tenant_id: history.tenantId,
      approval_id: approval.id,
      reviewer_id: reviewer,
      decision: rejects ? 'REJECT' : 'APPROVE',
      comment,
      created_at: timeText(now),
    })
    const decided = rejects || approval.voters.length >= each.quorum
    if (decided) {
      approval.status = rejects ? 'REJECTED' : 'APPROVED'
      approval.closedBy = reviewer
      approval.reason = comment
      approval.decidedAt = now
      version.status = rejects ? 'DRAFT' : 'APPROVED'
      version.updatedAt = now
    }
    this.#record(
      each,
      version,
      rejects ? 'config.approval.reject' : 'config.approval.approve',
      reviewer,
      { stage: version.status, reason: comment ?? undefined },
      approval,
    )
  }

  #cancel(each: Package, version: Version): void {
    const approval = version.approvals.at(-1)
    if (!approval) return
    const now = this.#history.tick()
    approval.status = 'CANCELLED'
    approval.closedBy = approval.requester
    approval.decidedAt = now
    version.status = 'DRAFT'
    version.updatedAt = now
    this.#record(each, version, 'config.approval.cancel', approval.requester, { stage: 'DRAFT' }, approval)
  }

  #activate(each: Package, version: Version): void {
    const involved = [version.author, version.submitter, ...version.editors, ...version.reviewers]
    const actor = this.#history.member(activators, each.separateActivator ? involved : [])
    // nobody is left who may: it is taken back, for another to write or review it
    if (actor === undefined) return this.#cancel(each, version)
    this.#putInForce(each, version, 'ACTIVATE', actor, null)
  }

  #rollBack(each: Package, version: Version): void {
    const involved = [version.author, version.submitter, ...version.editors, ...version.reviewers]
    const actor = this.#history.member(activators, each.separateActivator ? involved : [])
    if (actor === undefined) return this.#event()
    this.#putInForce(each, version, 'ROLLBACK', actor, this.#history.random.of(reasons))
  }

  #breakGlass(each: Package, version: Version): void {
    const actor = this.#history.member(activators) ?? ''
    this.#putInForce(each, version, 'BREAK_GLASS', actor, this.#history.random.of(reasons))
  }

  #putInForce(
    each: Package,
    version: Version,
    kind: 'ACTIVATE' | 'ROLLBACK' | 'BREAK_GLASS',
    actor: string,
    reason: string | null,
  ): void {
    const now = this.#history.tick()
    const previous = each.active
    if (previous) {
      previous.status = 'DEPRECATED'
      previous.updatedAt = now
    }
    version.status = 'ACTIVE'
    version.updatedAt = now
    each.active = version
    this.#ledger(each, version, previous, kind, actor, reason, now)
    this.#record(each, version, `config.version.${kind.toLowerCase()}`, actor, {
      stage: 'ACTIVE',
      previousVersionId: previous?.id,
      reason: reason ?? undefined,
      ...(kind === 'BREAK_GLASS' ? { severity: 'critical', bypassed: 'DRAFT' } : {}),
    })
    if (this.#traceable.length < 50) this.#traceable.push(version.id)
    else this.#traceable[this.#history.random.below(50)] = version.id
    this.#retire(each)
  }

  #deprecate(each: Package, version: Version): void {
    const now = this.#history.tick()
    const actor = this.#history.member(activators) ?? ''
    version.status = 'DEPRECATED'
    version.updatedAt = now
    each.active = null
    this.#ledger(each, version, version, 'DEPRECATE', actor, null, now)
    this.#record(each, version, 'config.version.deprecate', actor, {
      stage: 'DEPRECATED',
      previousVersionId: version.id,
    })
  }

  #archive(each: Package): void {
    each.archivedAt = this.#history.tick()
    each.updatedAt = each.archivedAt
    this.#history.record({
      action: 'config.package.archive',
      actor: this.#history.member(activators) ?? '',
      target: { type: 'package', id: each.id },
      metadata: { stage: 'ARCHIVED', packageId: each.id },
    })
  }

  /** What nobody goes back to is written, and need not be remembered. */
  #retire(each: Package): void {
    const former = each.versions.filter(({ status }) => status === 'DEPRECATED')
    for (const version of former.slice(0, -3)) {
      this.#writeVersion(each, version)
      each.versions = each.versions.filter((one) => one !== version)
    }
  }

  #ledger(
    each: Package,
    version: Version,
    previous: Version | null,
    kind: string,
    actor: string,
    reason: string | null,
    now: number,
  ): void {
    this.#history.add('governance.activation', {
      id: this.#history.random.uuid(now),
      tenant_id: this.#history.tenantId,
      package_id: each.id,
      version_id: version.id,
      seq: ++each.seq,
      previous_version_id: previous?.id ?? null,
      kind,
      reason,
      actor_id: actor,
      created_at: timeText(now),
    })
  }

  /** Something else that is worth a line in the trail. */
  #event(): void {
    const history = this.#history
    history.tick()
    const actor = history.random.of(history.members).userId
    history.record({
      action: 'session.start',
      actor,
      target: { type: 'user', id: actor },
      metadata: { method: history.random.of(['sso', 'password', 'passkey']) },
      origin: 'APPLICATION',
    })
  }

  #record(
    each: Package,
    version: Version,
    action: string,
    actor: string,
    metadata: Readonly<Record<string, string | undefined>>,
    approval?: Approval,
  ): void {
    const target = { type: 'version', id: version.id }
    this.#history.record({
      action,
      actor,
      target: approval ? [{ type: 'approval', id: approval.id }, target] : target,
      metadata: { packageId: each.id, versionId: version.id, ...metadata },
    })
  }

  #writeVersion(each: Package, version: Version): void {
    const { tenantId } = this.#history
    this.#history.write('governance.config_version', {
      id: version.id,
      tenant_id: tenantId,
      package_id: each.id,
      number: version.number,
      status: version.status,
      content: version.content,
      content_hash: version.hash,
      lock_version: version.lockVersion,
      author_id: version.author,
      submitter_id: version.submitter,
      editor_ids: `{${version.editors.join(',')}}`,
      created_at: timeText(version.createdAt),
      updated_at: timeText(version.updatedAt),
    })
    for (const approval of version.approvals) {
      this.#history.write('governance.approval', {
        id: approval.id,
        tenant_id: tenantId,
        version_id: version.id,
        status: approval.status,
        content_hash: approval.hash,
        quorum: each.quorum,
        requester_id: approval.requester,
        closed_by_id: approval.closedBy,
        reason: approval.reason,
        created_at: timeText(approval.createdAt),
        decided_at: approval.decidedAt === null ? null : timeText(approval.decidedAt),
      })
    }
  }

  #content(each: Package): string {
    const { random } = this.#history
    return jsonbText({
      currency: random.of(['EUR', 'USD', 'GBP', 'JPY']),
      enabled: random.chance(0.9),
      limits: {
        perMinute: 10 * random.below(500),
        burst: random.below(90),
        ratio: random.below(1000) / 1000,
      },
      note: `${each.name}: ${random.of(['after the review', 'for the new region', 'as agreed in spring', 'smaller steps'])}`,
      rules: Array.from({ length: 1 + random.below(4) }, (_, at) => ({
        id: `rule-${at + 1}`,
        if: { field: random.of(['country', 'plan', 'amount', 'channel']), is: random.bits().toString(36) },
        apply: { discount: random.below(50) / 2, tag: random.of(['standard', 'vip', 'trial']) },
      })),
    })
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}
