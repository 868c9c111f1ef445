import { randomUUID } from 'node:crypto'
import { createGovernance, type Governance, type GovernanceOptions } from '../../../src/governance/index.ts'
import type { BundledTenantClient } from '../../../src/tenancy/bundled.ts'
import type { TestDatabase } from '../../support/test-database.ts'

const roles = {
  owner: 'OWNER',
  admin: 'ADMIN',
  author: 'EDITOR',
  editor: 'EDITOR',
  reviewer: 'REVIEWER',
  second: 'REVIEWER',
  viewer: 'VIEWER',
  // no member
  stranger: undefined,
} as const

/** Somebody of {@link People}. */
export type Person = keyof typeof roles

/** A tenant, and its people, who work through the repositories. */
export class People {
  readonly tenantId = randomUUID()
  readonly #database: TestDatabase
  readonly #ids = new Map(Object.keys(roles).map((person) => [person, randomUUID()]))

  constructor(database: TestDatabase) {
    this.#database = database
  }

  static async plant(database: TestDatabase): Promise<People> {
    const people = new People(database)
    const { admin } = database
    await admin.query(`insert into tenancy.tenant (id, name, updated_at) values ($1, 'people', now())`, [
      people.tenantId,
    ])
    for (const [person, role] of Object.entries(roles)) {
      if (role === undefined) continue
      const id = people.id(person as Person)
      await admin.query(`insert into tenancy."user" (id, email, display_name) values ($1, $2, $3)`, [
        id,
        `${id}@example.org`,
        person,
      ])
      await admin.query(
        'insert into tenancy.membership (id, tenant_id, user_id, role) values (gen_random_uuid(), $1, $2, $3)',
        [people.tenantId, id, role],
      )
    }
    return people
  }

  id(person: Person): string {
    return this.#ids.get(person) as string
  }

  client(person: Person): BundledTenantClient {
    return this.#database.both.client({ tenantId: this.tenantId, userId: this.id(person) })
  }

  as(person: Person, options?: GovernanceOptions): Governance {
    return createGovernance(this.client(person), options)
  }

  async package(settings: object = {}): Promise<string> {
    const key = `package-${randomUUID()}`
    return (await this.as('owner').packages.create({ key, name: 'Package', ...settings })).id
  }

  async draft(packageId?: string, content: unknown = { limit: 1 }): Promise<string> {
    const id = packageId ?? (await this.package())
    return (await this.as('author').versions.createDraft(id, { content })).id
  }

  /** A version whose approval is pending. */
  async inReview(packageId?: string): Promise<{ readonly versionId: string; readonly approvalId: string }> {
    const versionId = await this.draft(packageId)
    return { versionId, approvalId: (await this.as('author').approvals.request(versionId)).id }
  }

  async approved(packageId?: string): Promise<string> {
    const { versionId, approvalId } = await this.inReview(packageId)
    await this.as('reviewer').approvals.approve(approvalId)
    return versionId
  }

  async active(packageId: string): Promise<string> {
    const { versions } = this.as('admin')
    const id = await this.approved(packageId)
    await versions.activate(id, { expectedActiveId: (await versions.getActive(packageId))?.id ?? null })
    return id
  }

  /** The audit events of a piece of work, the oldest first. */
  async eventsOf(work: () => Promise<unknown>): Promise<readonly AuditRow[]> {
    const before = (await this.#events()).length
    await work()
    return (await this.#events()).slice(before)
  }

  async #events(): Promise<readonly AuditRow[]> {
    const { rows } = await this.#database.admin.query<AuditRow>(
      `select action, outcome, origin, actor_id as "actorId", targets, context, metadata
         from audit.audit_event where tenant_id = $1 order by seq`,
      [this.tenantId],
    )
    return rows
  }
}

/** An audit event as the tests look at it. */
export interface AuditRow {
  readonly action: string
  readonly outcome: string
  readonly origin: string
  readonly actorId: string | null
  readonly targets: readonly object[]
  readonly context: object
  readonly metadata: object
}

/** The refusal of a call. */
export async function refusalOf(
  call: Promise<unknown>,
): Promise<{ readonly code: unknown; readonly message: string; readonly details: Record<string, unknown> }> {
  const error = await call.then(
    () => {
      throw new Error('it was not refused')
    },
    (reason: unknown) => reason,
  )
  const { code, message, details } = error as {
    readonly code: unknown
    readonly message: string
    readonly details: Record<string, unknown>
  }
  return { code, message, details }
}
