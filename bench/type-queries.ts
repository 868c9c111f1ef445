/**
 * Fifty queries as an application writes them, for the compiler alone: what it costs to check them is measured once
 * with a tenant client and once with Prisma's own. The first import is replaced by the one or the other.
 */
import type { BundledTenantClient as Client } from '../src/index.ts'

declare const db: Client
const id = '018f0000-0000-7000-8000-00000000000a'

// pages and details, with what is shown beside them
export const packages = async () =>
  (await db.configPackage.findMany({ orderBy: { name: 'asc' }, take: 20 })).map(({ name }) => name)
export const packageNames = async () =>
  (await db.configPackage.findMany({ select: { id: true, name: true } })).map((row) => row.name)
export const packageDetails = async () =>
  (
    await db.configPackage.findUniqueOrThrow({
      where: { id },
      include: { versions: { orderBy: { number: 'desc' }, take: 5, include: { approvals: true } } },
    })
  ).versions.map((version) => version.approvals.map((approval) => approval.status))
export const packageByKey = async () =>
  (await db.configPackage.findFirst({ where: { key: 'checkout', archivedAt: null } }))?.quorum
export const packagesOfTenant = async () =>
  (
    await db.tenant.findFirst({ include: { configPackages: { include: { _count: true } } } })
  )?.configPackages.map((row) => row._count.versions)
export const versions = async () =>
  (
    await db.configVersion.findMany({
      where: { status: { in: ['DRAFT', 'REVIEW'] }, package: { key: { startsWith: 'check' } } },
      select: { number: true, package: { select: { name: true, tenant: { select: { name: true } } } } },
    })
  ).map((row) => row.package.tenant.name)
export const versionWithTraces = async () =>
  (
    await db.configVersion.findFirst({
      where: { traces: { some: { outcome: 'FAILED' } } },
      include: { traces: { include: { steps: { where: { outcome: 'FAILED' } } } }, package: true },
    })
  )?.traces.flatMap((trace) => trace.steps.map((step) => step.name))
export const versionsAfter = async () =>
  (await db.configVersion.findMany({ cursor: { id }, skip: 1, take: 10, orderBy: { createdAt: 'desc' } }))
    .length
export const approvals = async () =>
  (
    await db.approval.findMany({
      where: { status: 'PENDING', decisions: { none: { reviewerId: id } } },
      include: { version: { include: { package: true } }, decisions: { select: { decision: true } } },
    })
  ).map((row) => [row.version.package.name, row.decisions.length])
export const approval = async () =>
  (await db.approval.findUnique({ where: { id }, select: { quorum: true, decisions: true } }))?.decisions
    .length
export const decisions = async () =>
  (await db.approvalDecision.findMany({ where: { approvalId: id }, omit: { comment: true } })).map(
    (row) => row.decision,
  )
export const activations = async () =>
  (
    await db.activation.findMany({
      where: { createdAt: { gte: new Date(0) } },
      include: { version: { select: { number: true } }, previousVersion: { select: { number: true } } },
    })
  ).map((row) => [row.version.number, row.previousVersion?.number])
export const latestActivation = async () =>
  (await db.activation.findFirst({ where: { packageId: id }, orderBy: { createdAt: 'desc' } }))?.versionId
export const flags = async () =>
  (await db.featureFlag.findMany({ where: { enabled: true } })).map((row) => row.key)
export const flag = async () => (await db.featureFlag.findFirst({ where: { key: 'new-checkout' } }))?.enabled
export const flagKeys = async () =>
  (await db.featureFlag.findMany({ distinct: ['key'], select: { key: true } })).map((row) => row.key)
export const switches = async () =>
  (await db.killSwitch.findMany({ where: { OR: [{ scope: 'GLOBAL' }, { scope: 'TENANT' }] } })).map(
    (row) => row.reason,
  )
export const branding = async () =>
  (await db.branding.findFirst({ where: { status: 'PUBLISHED' }, orderBy: { number: 'desc' } }))?.tokens
export const traces = async () =>
  (
    await db.executionTrace.findMany({
      where: { version: { package: { key: 'checkout' } }, finishedAt: { not: null } },
      include: {
        _count: { select: { steps: true } },
        version: { include: { package: { select: { key: true } } } },
      },
    })
  ).map((row) => [row._count.steps, row.version.package.key])
export const steps = async () =>
  (await db.traceStep.findMany({ where: { traceId: id }, orderBy: { seq: 'asc' } })).map((row) => row.payload)
export const people = async () =>
  (await db.user.findMany({ include: { memberships: { select: { role: true } } } })).map(
    (row) => row.memberships.length,
  )
export const members = async () =>
  (await db.membership.findMany({ include: { user: true, tenant: true } })).map((row) => row.user.email)
export const events = async () => (await db.auditEvent.findMany({ take: 50 })).map((row) => row.action)
export const packageOfVersion = async () =>
  (await db.configVersion.findUnique({ where: { id } }).package())?.name
export const versionsOfPackage = async () =>
  (await db.configPackage.findUniqueOrThrow({ where: { id } }).versions({ select: { number: true } }))?.length

// numbers
export const packageCount = () => db.configPackage.count({ where: { archivedAt: null } })
export const versionCounts = async () =>
  (
    await db.configVersion.groupBy({ by: ['status'], _count: { _all: true }, orderBy: { status: 'asc' } })
  ).map((row) => row._count._all)
export const lastNumber = async () =>
  (await db.configVersion.aggregate({ where: { packageId: id }, _max: { number: true } }))._max.number
export const failures = () =>
  db.executionTrace.count({ where: { outcome: 'FAILED', startedAt: { gt: new Date(0) } } })
export const flagCount = async () =>
  (await db.featureFlag.count({ select: { _all: true, description: true } }))._all

// writes
export const createPackage = async () => (await db.configPackage.create({ data: { key: 'a', name: 'A' } })).id
export const createPackageWithVersion = async () =>
  (
    await db.configPackage.create({
      data: { key: 'b', name: 'B', versions: { create: [{ number: 1, content: { on: true } }] } },
      include: { versions: true },
    })
  ).versions[0]?.status
export const createVersion = async () =>
  (
    await db.configVersion.create({
      data: { number: 2, content: [], package: { connect: { id } } },
      select: { id: true, package: { select: { name: true } } },
    })
  ).package.name
export const createFlags = async () =>
  (await db.featureFlag.createMany({ data: [{ key: 'c' }, { key: 'd' }], skipDuplicates: true })).count
export const createFlagsAndReturn = async () =>
  (await db.featureFlag.createManyAndReturn({ data: [{ key: 'e' }], select: { key: true } })).map(
    (row) => row.key,
  )
export const createTrace = async () =>
  (
    await db.executionTrace.create({
      data: { versionId: id, steps: { createMany: { data: [{ seq: 1, name: 'parse' }] } } },
      include: { steps: true },
    })
  ).steps.length
export const renamePackage = async () =>
  (await db.configPackage.update({ where: { id }, data: { name: 'C' } })).updatedAt
export const numberPackage = async () =>
  (
    await db.configPackage.update({
      where: { id },
      data: { lastVersionNumber: { increment: 1 }, versions: { create: { number: 3, content: {} } } },
      select: { lastVersionNumber: true, versions: { take: 1 } },
    })
  ).versions[0]?.number
export const submit = async () =>
  (await db.configVersion.updateMany({ where: { id, status: 'DRAFT' }, data: { status: 'REVIEW' } })).count
export const disableFlags = async () =>
  (await db.featureFlag.updateManyAndReturn({ where: { enabled: true }, data: { enabled: false } })).map(
    (row) => row.key,
  )
export const upsertFlag = async () =>
  (
    await db.featureFlag.upsert({
      where: { id },
      create: { key: 'f' },
      update: { lockVersion: { increment: 1 } },
    })
  ).lockVersion
export const publishBranding = async () =>
  (await db.branding.update({ where: { id }, data: { status: 'PUBLISHED', publishedAt: new Date() } })).status
export const deleteFlag = async () =>
  (await db.featureFlag.delete({ where: { id }, select: { key: true } })).key
export const deleteSteps = async () => (await db.traceStep.deleteMany({ where: { traceId: id } })).count
export const raw = async () =>
  (await db.$queryRaw<{ name: string }[]>`select name from governance.config_package`).map((row) => row.name)

// transactions
export const approve = () =>
  db.$transaction(async (tx) => {
    const version = await tx.configVersion.findUniqueOrThrow({ where: { id }, include: { package: true } })
    const { id: approvalId } = await tx.approval.create({
      data: { versionId: version.id, contentHash: version.contentHash ?? '' },
    })
    await tx.approvalDecision.create({ data: { approvalId, reviewerId: id, decision: 'APPROVE' } })
    return version.package.name
  })
export const activate = () =>
  db.$transaction(
    async (tx) => {
      const last = await tx.activation.findFirst({
        orderBy: { createdAt: 'desc' },
        select: { versionId: true },
      })
      const made = await tx.activation.create({
        data: { packageId: id, versionId: id, previousVersionId: last?.versionId ?? null },
        include: { version: { include: { package: true } } },
      })
      await tx.auditEvent.create({ data: { action: 'activate' } })
      return made.version.package.key
    },
    { isolationLevel: 'Serializable', timeout: 10_000 },
  )
export const batch = async () => {
  const [count, first, rows] = await db.$transaction([
    db.featureFlag.count(),
    db.configPackage.findFirst({ select: { name: true } }),
    db.$queryRaw<{ one: number }[]>`select 1 as one`,
  ])
  return [count, first?.name, rows[0]?.one]
}
export const nested = () =>
  db.$transaction(async (tx) => {
    const created = await tx.configPackage.create({ data: { key: 'g', name: 'G' }, select: { id: true } })
    return tx.configVersion.createManyAndReturn({
      data: [{ packageId: created.id, number: 1, content: {} }],
      select: { number: true, package: { select: { key: true } } },
    })
  })
export const lock = () =>
  db.$transaction(async (tx) => {
    await tx.$executeRaw`select 1`
    return (await tx.killSwitch.findFirst({ where: { engaged: true } }))?.reason
  })
