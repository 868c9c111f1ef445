import { createHash, randomUUID } from 'node:crypto'
import type { PrismaClient } from '../../src/generated/prisma/client.ts'
import { type BundledTransaction, contextOf, isTenancyError, type Tenancy } from '../../src/index.ts'

/** A tenant of the demo, and what became of its configuration. */
export interface Governed {
  readonly tenantId: string
  readonly name: string
  readonly audit: readonly { readonly action: string; readonly actor: string; readonly at: Date }[]
}

/** Two people of a tenant: nobody approves what they wrote. */
const people = { author: 'author', reviewer: 'reviewer' } as const
type Person = keyof typeof people

/** Takes a package of a new tenant from draft to active, flips a flag and pulls a kill switch. */
export async function governTenant(
  tenancy: Tenancy<PrismaClient>,
  name: string,
  step: (text: string) => void,
): Promise<Governed> {
  const tenantId = randomUUID()
  const userIds: Record<Person, string> = { author: randomUUID(), reviewer: randomUUID() }
  const as = (person: Person) => tenancy.client({ tenantId, userId: userIds[person] })

  /** Does a piece of work and writes its audit event, in one transaction or not at all. */
  const audited = <Result>(
    person: Person,
    action: string,
    work: (tx: BundledTransaction) => Promise<Result>,
  ): Promise<Result> =>
    as(person).$transaction(async (tx) => {
      const result = await work(tx)
      await tx.auditEvent.create({ data: { action, actorId: contextOf(tx)?.userId ?? null } })
      return result
    })

  await as('author').tenant.create({ data: { name } })
  step(`tenant ${name} exists`)

  const content = { currency: 'EUR', retries: 3, owner: name }
  const contentHash = createHash('sha256').update(JSON.stringify(content)).digest('hex')
  const { id: packageId, versions } = await audited('author', 'config.draft', (tx) =>
    tx.configPackage.create({
      data: {
        key: 'checkout',
        name: `Checkout of ${name}`,
        lastVersionNumber: 1,
        versions: { create: { number: 1, content, contentHash, authorId: userIds.author } },
      },
      select: { id: true, versions: { select: { id: true } } },
    }),
  )
  const versionId = versions[0]?.id ?? ''
  step('version 1 of package "checkout" is a draft')

  const approval = await audited('author', 'config.submit', async (tx) => {
    await tx.configVersion.update({
      where: { id: versionId },
      data: { status: 'REVIEW', submitterId: userIds.author },
    })
    return tx.approval.create({
      data: { versionId, contentHash, requesterId: userIds.author },
      select: { id: true },
    })
  })
  step('the author submits it for review')

  await audited('reviewer', 'config.approve', async (tx) => {
    await tx.approvalDecision.create({
      data: { approvalId: approval.id, reviewerId: userIds.reviewer, decision: 'APPROVE' },
    })
    await tx.approval.update({
      where: { id: approval.id },
      data: { status: 'APPROVED', decidedAt: new Date() },
    })
    await tx.configVersion.update({ where: { id: versionId }, data: { status: 'APPROVED' } })
  })
  step('the reviewer approves it')

  await audited('reviewer', 'config.activate', async (tx) => {
    await tx.configVersion.update({ where: { id: versionId }, data: { status: 'ACTIVE' } })
    await tx.activation.create({ data: { packageId, versionId, actorId: userIds.reviewer } })
  })
  step('it is active')

  const refusal = await as('author')
    .configVersion.update({ where: { id: versionId }, data: { content: { currency: 'USD' } } })
    .then(
      () => undefined,
      (error: unknown) => error,
    )
  if (!isTenancyError(refusal, 'DH502'))
    throw new Error('an active version could be edited', { cause: refusal })
  step('an edit of the active version is refused (DH502)')

  await audited('author', 'flag.update', async (tx) => {
    const { id } = await tx.featureFlag.create({ data: { key: 'new-checkout' }, select: { id: true } })
    await tx.featureFlag.update({ where: { id }, data: { enabled: true } })
  })
  step('flag "new-checkout" is on')

  await audited('reviewer', 'kill-switch.engage', (tx) =>
    tx.killSwitch.create({
      data: {
        scope: 'RESOURCE',
        resource: 'payments',
        engaged: true,
        engagedAt: new Date(),
        reason: 'the demo pulls it',
        actorId: userIds.reviewer,
      },
    }),
  )
  step('kill switch "payments" is engaged')

  const events = await as('author').auditEvent.findMany({ orderBy: { id: 'asc' } })
  return {
    tenantId,
    name,
    audit: events.map(({ action, actorId, occurredAt }) => ({
      action,
      actor: actorId === userIds.author ? people.author : people.reviewer,
      at: occurredAt,
    })),
  }
}
