import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import type { PrismaClient } from '../../../src/bundled.ts'
import { createGovernance } from '../../../src/governance/index.ts'
import type { Tenancy } from '../../../src/index.ts'
import { activeOf, type Model, type Person, type Step, versionOf } from './reference.ts'

/** What came of a step: `ok`, or the code of its error; and the id of what it made. */
export interface Outcome {
  readonly code: string
  readonly made: string
}

/** The steps, taken on the database by the three ways there are. */
export class Subject {
  readonly #tenancy: Tenancy<PrismaClient>
  readonly #sql: pg.Pool
  readonly #tenantId: string
  readonly #packageId: string

  constructor(tenancy: Tenancy<PrismaClient>, sql: pg.Pool, tenantId: string, packageId: string) {
    this.#tenancy = tenancy
    this.#sql = sql
    this.#tenantId = tenantId
    this.#packageId = packageId
  }

  async take(model: Model, step: Step, person: Person): Promise<Outcome> {
    const made = randomUUID()
    try {
      const id = await this.#ways[step.way](model, step, person, made)
      return { code: 'ok', made: id ?? made }
    } catch (error) {
      return { code: codeOf(error), made }
    }
  }

  readonly #ways = {
    repository: async (model: Model, step: Step, person: Person): Promise<string | undefined> => {
      const db = this.#tenancy.client({ tenantId: this.#tenantId, userId: person.id })
      const { versions, approvals } = createGovernance(db)
      if (step.kind === 'create')
        return (await versions.createDraft(this.#packageId, { content: { n: 0 } })).id
      const { id, lockVersion } = known(model, step)
      const expectedActiveId = expectedActive(model, step)
      const reason = 'because'
      if (step.kind === 'edit') {
        const expectedLockVersion = step.stale ? lockVersion + 1 : lockVersion
        await versions.updateDraft(id, { content: { n: step.content } }, { expectedLockVersion })
      } else if (step.kind === 'submit') await versions.submitForReview(id)
      else if (step.kind === 'approve') await approvals.approve(await this.#approvalOf(id))
      else if (step.kind === 'reject') await approvals.reject(await this.#approvalOf(id), { comment: reason })
      else if (step.kind === 'withdraw') await versions.withdraw(id)
      else if (step.kind === 'activate') await versions.activate(id, { expectedActiveId })
      else if (step.kind === 'rollback') await versions.rollback(id, { reason, expectedActiveId })
      else if (step.kind === 'deprecate') await versions.deprecate(id)
      else if (step.kind === 'breakGlass') await versions.breakGlass(id, { reason, expectedActiveId })
      else if (step.kind === 'delete') await versions.deleteDraft(id)
      else await db.configVersion.update({ where: { id }, data: { status: step.target } })
      return undefined
    },

    prisma: async (model: Model, step: Step, person: Person): Promise<string | undefined> => {
      const db = this.#tenancy.client({ tenantId: this.#tenantId, userId: person.id })
      const packageId = this.#packageId
      if (step.kind === 'create') {
        return (await db.configVersion.create({ data: { packageId, content: { n: 0 } } })).id
      }
      const { id } = known(model, step)
      const where = { id }
      if (step.kind === 'edit') {
        await db.configVersion.update({ where, data: { content: { n: step.content } } })
      } else if (step.kind === 'submit') {
        await db.configVersion.update({ where, data: { status: 'REVIEW' } })
      } else if (step.kind === 'approve' || step.kind === 'reject') {
        const decision = step.kind === 'approve' ? 'APPROVE' : 'REJECT'
        await db.approvalDecision.create({
          data: { approvalId: await this.#approvalOf(id), reviewerId: person.id, decision },
        })
      } else if (step.kind === 'withdraw') {
        await db.approval.update({
          where: { id: await this.#approvalOf(id) },
          data: { status: 'CANCELLED' },
        })
      } else if (step.kind === 'delete') await db.configVersion.delete({ where })
      else if (step.kind === 'set') await db.configVersion.update({ where, data: { status: step.target } })
      else await db.activation.create({ data: { packageId, ...ledgerRow(model, step, id) } })
      return undefined
    },

    sql: async (model: Model, step: Step, person: Person, made: string): Promise<string | undefined> => {
      if (step.kind === 'create') {
        await this.#run(
          person,
          `insert into governance.config_version (id, package_id, content, updated_at) values ($1, $2, '{"n":0}', now())`,
          [made, this.#packageId],
        )
        return undefined
      }
      const { id } = known(model, step)
      const setStatus = 'update governance.config_version set status = $2 where id = $1'
      if (step.kind === 'edit') {
        await this.#run(
          person,
          `update governance.config_version set content = jsonb_build_object('n', $2::int) where id = $1`,
          [id, step.content],
        )
      } else if (step.kind === 'submit') await this.#run(person, setStatus, [id, 'REVIEW'])
      else if (step.kind === 'approve' || step.kind === 'reject') {
        await this.#run(
          person,
          'insert into governance.approval_decision (approval_id, reviewer_id, decision) values ($1, $2, $3)',
          [await this.#approvalOf(id), person.id, step.kind === 'approve' ? 'APPROVE' : 'REJECT'],
        )
      } else if (step.kind === 'withdraw') {
        await this.#run(person, `update governance.approval set status = 'CANCELLED' where id = $1`, [
          await this.#approvalOf(id),
        ])
      } else if (step.kind === 'delete') {
        await this.#run(person, 'delete from governance.config_version where id = $1', [id])
      } else if (step.kind === 'set') await this.#run(person, setStatus, [id, step.target])
      else {
        const { versionId, previousVersionId, kind, reason } = ledgerRow(model, step, id)
        await this.#run(
          person,
          `insert into governance.activation (id, package_id, version_id, previous_version_id, kind, reason)
           values (gen_random_uuid(), $1, $2, $3, $4, $5)`,
          [this.#packageId, versionId, previousVersionId, kind, reason],
        )
      }
      return undefined
    },
  }

  /** Also asked of the database where another step has changed it meanwhile. */
  async #approvalOf(versionId: string): Promise<string> {
    const db = this.#tenancy.client({ tenantId: this.#tenantId })
    const approval = await db.approval.findFirstOrThrow({
      where: { versionId },
      orderBy: { createdAt: 'desc' },
    })
    return approval.id
  }

  async #run(person: Person, text: string, values: readonly unknown[]): Promise<void> {
    const client = await this.#sql.connect()
    try {
      await client.query('begin')
      await client.query(
        `select set_config('app.tenant_id', $1, true), set_config('app.user_id', $2, true)`,
        [this.#tenantId, person.id],
      )
      const { rowCount } = await client.query(text, [...values])
      await client.query('commit')
      if (rowCount === 0) throw Object.assign(new Error('the statement met no row'), { code: 'no row' })
    } catch (error) {
      await client.query('rollback')
      throw error
    } finally {
      client.release()
    }
  }
}

function known(model: Model, step: Step) {
  const version = versionOf(model, step)
  if (!version) throw new Error('the step is not possible')
  return version
}

function expectedActive(model: Model, step: Step): string | null {
  const active = activeOf(model)?.id ?? null
  if (!step.stale) return active
  // something else than what is in force: nothing, or a version that is not
  return active === null ? known(model, step).id : null
}

const ledgerKinds = {
  activate: 'ACTIVATE',
  rollback: 'ROLLBACK',
  deprecate: 'DEPRECATE',
  breakGlass: 'BREAK_GLASS',
} as const

function ledgerRow(model: Model, step: Step, versionId: string) {
  if (!(step.kind in ledgerKinds)) throw new Error(`${step.kind} is no row of the ledger`)
  const kind = ledgerKinds[step.kind as keyof typeof ledgerKinds]
  return {
    versionId,
    previousVersionId: kind === 'DEPRECATE' ? versionId : expectedActive(model, step),
    kind,
    reason: 'because',
  }
}

function codeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown }).code
  if (typeof code === 'string') return code
  throw error
}
