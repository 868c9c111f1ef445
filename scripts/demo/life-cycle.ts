import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import type { PrismaClient } from '../../src/generated/prisma/client.ts'
import { createGovernance, type Governance } from '../../src/governance/index.ts'
import { isTenancyError, type Tenancy, type TenancyErrorCode } from '../../src/index.ts'

/** A tenant of the demo, and what became of its configuration. */
export interface Governed {
  readonly tenantId: string
  readonly name: string
  readonly audit: readonly { readonly action: string; readonly actor: string; readonly at: Date }[]
}

/** Two people of a tenant: nobody approves what they wrote. */
const people = ['author', 'reviewer'] as const
type Person = (typeof people)[number]

type Say = (text: string) => void

const branding = {
  colors: {
    background: { $value: '#ffffff' },
    foreground: { $value: '#1f2933' },
    brand: { $value: '#0b5fff' },
  },
}

/** Governs the configuration of a new tenant: two versions of a package, a flag, a kill switch and a branding. */
export async function governTenant(
  tenancy: Tenancy<PrismaClient>,
  platform: pg.Client,
  name: string,
  step: Say,
): Promise<Governed> {
  const tenantId = randomUUID()
  const userIds: Record<Person, string> = { author: randomUUID(), reviewer: randomUUID() }
  await tenancy.client({ tenantId }).tenant.create({ data: { name } })
  await employ(platform, tenantId, userIds)
  step(`tenant ${name} exists, and an author and a reviewer work for it`)

  const as = (person: Person) => createGovernance(tenancy.client({ tenantId, userId: userIds[person] }))
  const [author, reviewer] = [as('author'), as('reviewer')]
  await governPackage(author, reviewer, name, step)

  const flag = await author.flags.create({ key: 'new-checkout' })
  await author.flags.update(flag.key, { enabled: true }, { expectedLockVersion: flag.lockVersion })
  const { value, reason } = await author.flags.evaluate(flag.key)
  step(`flag "${flag.key}" is ${JSON.stringify(value)} (${reason})`)

  await reviewer.killSwitches.engage({
    scope: 'RESOURCE',
    resource: 'payments',
    reason: 'the demo pulls it',
  })
  const payment = tenancy
    .client({ tenantId, userId: userIds.author })
    .$transaction((tx) => author.killSwitches.assertNotEngaged(tx, { resource: 'payments' }))
  await refused('DH508', payment)
  step('kill switch "payments" is engaged, and a payment is refused (DH508)')

  await author.branding.saveDraft({ tokens: branding })
  const { number } = await reviewer.branding.publish()
  step(`branding ${number} is published`)

  const { items: events } = await reviewer.auditEvents.list({ order: 'asc', limit: 100 })
  const report = await reviewer.auditEvents.verify()
  if (!report.ok) throw new Error('the chain of audit events is broken')
  step(`the audit trail is a chain of ${events.length} events, and verified`)
  return {
    tenantId,
    name,
    audit: events.map(({ action, outcome, actorId, occurredAt }) => ({
      action: outcome === 'SUCCESS' ? action : `${action} (${outcome.toLowerCase()})`,
      actor: people.find((person) => userIds[person] === actorId) ?? '',
      at: new Date(occurredAt),
    })),
  }
}

/** Who works for a tenant, the platform says; no tenant writes its memberships. */
async function employ(
  platform: pg.Client,
  tenantId: string,
  userIds: Readonly<Record<Person, string>>,
): Promise<void> {
  for (const person of people) {
    const id = userIds[person]
    await platform.query(`insert into tenancy."user" (id, email, display_name) values ($1, $2, $3)`, [
      id,
      `${id}@example.org`,
      person,
    ])
    await platform.query(
      `insert into tenancy.membership (id, tenant_id, user_id, role) values (gen_random_uuid(), $1, $2, 'ADMIN')`,
      [tenantId, id],
    )
  }
}

/** Two versions of a package, and back to the first. */
async function governPackage(
  author: Governance,
  reviewer: Governance,
  name: string,
  step: Say,
): Promise<void> {
  const checkout = await author.packages.create({ key: 'checkout', name: `Checkout of ${name}` })
  const first = await author.versions.createDraft(checkout.id, { content: { currency: 'EUR', retries: 3 } })
  step('version 1 of package "checkout" is a draft')

  await author.versions.submitForReview(first.id)
  const {
    items: [request],
  } = await reviewer.approvals.listPending()
  if (!request) throw new Error('a submission opened no approval')
  await refused('DH510', author.approvals.approve(request.id))
  step('the author submits it for review, and may not approve it (DH510)')
  await reviewer.approvals.approve(request.id)
  step('the reviewer approves it')
  await author.versions.activate(first.id, { expectedActiveId: null })
  step('it is active')

  const edit = { content: { currency: 'USD' } }
  const { lockVersion } = await author.versions.get(first.id)
  await refused('DH502', author.versions.updateDraft(first.id, edit, { expectedLockVersion: lockVersion }))
  step('an edit of the active version is refused (DH502)')

  const second = await author.versions.createDraft(checkout.id, edit)
  await author.versions.submitForReview(second.id)
  for (const { id } of (await reviewer.approvals.listPending()).items) await reviewer.approvals.approve(id)
  await reviewer.versions.activate(second.id, { expectedActiveId: first.id })
  step('version 2 is approved and active in its place')
  await reviewer.versions.rollback(first.id, { reason: 'customers pay in euros' })
  step('and is rolled back: version 1 is active again')
}

/** Waits for a refusal, and takes anything else for a failure of the demo. */
async function refused(code: TenancyErrorCode, attempt: Promise<unknown>): Promise<void> {
  const end = await attempt.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!isTenancyError(end, code)) throw new Error(`${code} was expected`, { cause: end })
}
