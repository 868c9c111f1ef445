import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import type { GovernedTenant } from './governed-tenant.ts'
import type { State, Step, Way } from './way.ts'

/** A version of a package that has no other. */
export interface Living {
  readonly packageId: string
  readonly versionId: string
  /** The newest; there is one for every version, because each was submitted at least once. */
  readonly approvalId: string
}

/** Brings versions to where a test needs them, by a way that works. */
export class Life {
  readonly #admin: pg.Client
  readonly #way: Way
  readonly tenant: GovernedTenant

  constructor(admin: pg.Client, way: Way, tenant: GovernedTenant) {
    this.#admin = admin
    this.#way = way
    this.tenant = tenant
  }

  /** A package without versions. Planted, so that no event tells of it. */
  async package({ quorum = 1, separateActivator = false } = {}): Promise<string> {
    const id = randomUUID()
    await this.#admin.query(
      `insert into governance.config_package (id, tenant_id, key, name, quorum, separate_activator, updated_at)
       values ($1, $2, $1::uuid::text, 'package', $3, $4, now())`,
      [id, this.tenant.tenantId, quorum, separateActivator],
    )
    return id
  }

  /** A version in a state, of a package of its own unless told; a draft is one that was withdrawn from review. */
  async versionIn(state: State, packageId?: string): Promise<Living> {
    const inPackage = packageId ?? (await this.package())
    const { author, reviewer, activator } = this.tenant
    const way = this.#way
    const versionId = await way.create(author, inPackage)
    await way.submit(author, versionId)
    const approvalId = await this.approvalOf(versionId)
    const living = { packageId: inPackage, versionId, approvalId }
    if (state === 'DRAFT') await way.cancel(author, approvalId, 'withdrawn')
    if (state === 'DRAFT' || state === 'REVIEW') return living
    await way.vote(reviewer, approvalId, 'APPROVE')
    if (state === 'APPROVED') return living
    await way.step(activator, await this.step(living, 'ACTIVATE'))
    if (state === 'DEPRECATED') await way.step(activator, await this.step(living, 'DEPRECATE'))
    return living
  }

  /** A step with what is in force now as what is expected. */
  async step(
    { packageId, versionId }: Pick<Living, 'packageId' | 'versionId'>,
    kind: Step['kind'],
  ): Promise<Step> {
    const previousVersionId = await this.#one<string>(
      `select id from governance.config_version where package_id = $1 and status = 'ACTIVE'`,
      packageId,
    )
    return { packageId, versionId, previousVersionId, kind, reason: 'a reason' }
  }

  async statusOf(versionId: string): Promise<string | null> {
    return this.#one('select status::text from governance.config_version where id = $1', versionId)
  }

  /** The newest. */
  async approvalOf(versionId: string): Promise<string> {
    const id = await this.#one<string>(
      'select id from governance.approval where version_id = $1 order by created_at desc limit 1',
      versionId,
    )
    if (id === null) throw new Error('the version has no approval')
    return id
  }

  /** The events about a version or a package, in the order of the chain. */
  async events(about: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const { rows } = await this.#admin.query<Record<string, unknown>>(
      `select action, actor_id, origin::text, outcome::text, targets, metadata from audit.audit_event
        where tenant_id = $1 and (metadata ->> 'versionId' = $2 or metadata ->> 'packageId' = $2)
        order by seq`,
      [this.tenant.tenantId, about],
    )
    return rows
  }

  async #one<Value>(text: string, value: string): Promise<Value | null> {
    const { rows } = await this.#admin.query<Value[]>({ text, values: [value], rowMode: 'array' })
    return rows[0]?.[0] ?? null
  }
}

/** What a call is refused with; `undefined` where it is not. */
export async function codeOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call
    return undefined
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}
