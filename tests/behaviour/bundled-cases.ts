import type { BundledTenantClient } from '../../src/index.ts'
import type { HullChoice } from '../fixtures/behaviour/behaviour-database.ts'

/** Ids of the rows that {@link bundledSceneSql} plants. */
export interface BundledIds {
  readonly tenant: string
  readonly user: string
  readonly packages: readonly [string, string]
  readonly versions: readonly [string, string, string]
  readonly approval: string
  readonly flag: string
  readonly switches: readonly [string, string]
  readonly branding: string
  readonly trace: string
  readonly steps: readonly [string, string]
  readonly event: string
  readonly membership: string
}

const idsOf = (letter: string): BundledIds => {
  let count = 0
  const next = () => `${letter.repeat(8)}-0000-7000-8000-${String(++count).padStart(12, '0')}`
  return {
    tenant: next(),
    user: next(),
    packages: [next(), next()],
    versions: [next(), next(), next()],
    approval: next(),
    flag: next(),
    switches: [next(), next()],
    branding: next(),
    trace: next(),
    steps: [next(), next()],
    event: next(),
    membership: next(),
  }
}

export const own = idsOf('a')
const none = idsOf('c')

const at = `'2020-01-02T03:04:05Z'`

/** Every table that a scene has rows in, or that a case may give some. */
export const bundledTables = [
  'tenancy.tenant',
  'tenancy."user"',
  'tenancy.membership',
  'governance.config_package',
  'governance.config_version',
  'governance.approval',
  'governance.approval_decision',
  'governance.activation',
  'governance.feature_flag',
  'governance.kill_switch',
  'governance.branding',
  'governance.execution_trace',
  'governance.trace_step',
  'audit.audit_event',
] as const

/** Empties the tables and plants one tenant's rows; the life cycle's triggers look the other way. */
export const bundledSceneSql = [
  'set session_replication_role = replica',
  ...[...bundledTables, 'audit.audit_head'].map((table) => `delete from ${table}`),
  `insert into tenancy.tenant (id, name, created_at, updated_at) values ('${own.tenant}', 'tenant', ${at}, ${at})`,
  `insert into tenancy."user" (id, email, display_name, created_at) values ('${own.user}', 'a@example.org', 'A', ${at})`,
  `insert into tenancy.membership (id, tenant_id, user_id, created_at) values ('${own.membership}', '${own.tenant}', '${own.user}', ${at})`,
  ...own.packages.map(
    (id, index) =>
      `insert into governance.config_package (id, tenant_id, key, name, last_version_number, created_at, updated_at)
       values ('${id}', '${own.tenant}', 'key-${index}', 'name ${index}', ${2 - index}, ${at}, ${at})`,
  ),
  ...own.versions.map(
    (id, index) =>
      `insert into governance.config_version (id, tenant_id, package_id, number, status, content, created_at, updated_at)
       values ('${id}', '${own.tenant}', '${own.packages[index === 2 ? 1 : 0]}', ${(index % 2) + 1}, '${index === 0 ? 'ACTIVE' : 'DRAFT'}', '{"n": ${index}}', ${at}, ${at})`,
  ),
  `insert into governance.approval (id, tenant_id, version_id, content_hash, created_at) values ('${own.approval}', '${own.tenant}', '${own.versions[1]}', 'hash', ${at})`,
  `insert into governance.approval_decision (tenant_id, approval_id, reviewer_id, decision, created_at) values ('${own.tenant}', '${own.approval}', '${own.user}', 'APPROVE', ${at})`,
  `insert into governance.activation (id, tenant_id, package_id, version_id, previous_version_id, created_at)
   values ('${none.versions[2].replaceAll('c', 'a')}', '${own.tenant}', '${own.packages[0]}', '${own.versions[0]}', '${own.versions[1]}', ${at})`,
  `insert into governance.feature_flag (id, tenant_id, key, targeting, created_at, updated_at) values ('${own.flag}', '${own.tenant}', 'flag', '{"if": []}', ${at}, ${at})`,
  `insert into governance.kill_switch (id, tenant_id, scope, created_at, updated_at) values ('${own.switches[0]}', '${own.tenant}', 'TENANT', ${at}, ${at}), ('${own.switches[1]}', null, 'GLOBAL', ${at}, ${at})`,
  `insert into governance.branding (id, tenant_id, created_at, updated_at) values ('${own.branding}', '${own.tenant}', ${at}, ${at})`,
  `insert into governance.execution_trace (id, tenant_id, version_id, started_at) values ('${own.trace}', '${own.tenant}', '${own.versions[0]}', ${at})`,
  ...own.steps.map(
    (id, index) =>
      `insert into governance.trace_step (id, tenant_id, trace_id, seq, name, started_at) values ('${id}', '${own.tenant}', '${own.trace}', ${index}, 'step ${index}', ${at})`,
  ),
  `insert into audit.audit_event (id, tenant_id, action, occurred_at) values ('${own.event}', '${own.tenant}', 'made', ${at})`,
  'set session_replication_role = origin',
].join(';\n')

/** One row: what each table holds, but for the hashes of events, which are made of new ids and of the time. */
export const bundledDumpSql = `select ${bundledTables
  .map((table, index) => {
    const row = table.startsWith('audit.') ? `to_jsonb(t) - 'hash' - 'prev_hash'` : 't'
    return `(select json_agg(${row} order by t::text)::text from ${table} t) as t${index}`
  })
  .join(', ')}`

export interface BundledCase {
  readonly title: string
  readonly run: (db: BundledTenantClient) => unknown
  /** The code, or the class, of the error with which a plain client answers; a value unless told. */
  readonly fails?: string
  /** The code of the tenant client’s error where the database refuses in the project’s own words. */
  readonly tenancyCode?: string | Readonly<Record<HullChoice, string>>
}

const byId = { orderBy: { id: 'asc' } } as const
const { tenant: tenantId, packages, versions } = own

export const bundledCases: readonly BundledCase[] = [
  // reads
  {
    title: 'include three deep over every relation',
    run: (db) =>
      db.tenant.findMany({
        include: {
          memberships: { include: { user: { include: { memberships: { include: { tenant: true } } } } } },
          configPackages: {
            ...byId,
            include: {
              versions: {
                ...byId,
                include: {
                  approvals: { include: { decisions: true } },
                  traces: { include: { steps: byId } },
                },
              },
              activations: {
                include: { version: true, previousVersion: true, package: { select: { key: true } } },
              },
              _count: true,
            },
          },
          killSwitches: true,
          featureFlags: true,
          brandings: true,
          auditEvents: true,
          _count: true,
        },
      }),
  },
  {
    title: 'relation filters in each form',
    run: (db) =>
      Promise.all([
        db.configPackage.findMany({ where: { versions: { some: { status: 'ACTIVE' } } }, ...byId }),
        db.configPackage.findMany({ where: { versions: { every: {} } }, ...byId }),
        db.configPackage.findMany({ where: { versions: { every: { number: { gt: 0 } } } }, ...byId }),
        db.configPackage.findMany({ where: { activations: { none: {} } }, ...byId }),
        db.configVersion.findMany({ where: { package: { key: 'key-0' } }, ...byId }),
        db.configVersion.findMany({ where: { package: { isNot: { key: 'key-0' } } }, ...byId }),
        db.activation.findMany({ where: { previousVersion: { isNot: null } }, ...byId }),
        db.activation.findMany({ where: { previousVersion: null }, ...byId }),
        db.killSwitch.findMany({ where: { tenant: null }, ...byId }),
        db.killSwitch.findMany({ where: { tenant: { isNot: null } }, ...byId }),
        db.killSwitch.findMany({ where: { tenant: {} }, ...byId }),
        db.killSwitch.findMany({ where: { tenantId: null }, ...byId }),
        db.user.findMany({ where: { memberships: { every: { role: 'VIEWER' } } } }),
      ]),
  },
  {
    title: 'orders, pages and cursors',
    run: (db) =>
      Promise.all([
        db.configVersion.findMany({ orderBy: [{ package: { key: 'desc' } }, { number: 'asc' }] }),
        db.configPackage.findMany({ orderBy: [{ versions: { _count: 'desc' } }, { key: 'asc' }] }),
        db.configVersion.findMany({ cursor: { id: versions[1] }, ...byId }),
        db.configVersion.findMany({
          cursor: { tenantId_packageId_number: { tenantId, packageId: packages[0], number: 2 } },
          ...byId,
        }),
        db.approvalDecision.findMany({
          cursor: {
            tenantId_approvalId_reviewerId: { tenantId, approvalId: own.approval, reviewerId: own.user },
          },
        }),
        db.killSwitch.findMany({ cursor: { id: own.switches[1] }, ...byId }),
        db.killSwitch.findMany({ orderBy: [{ tenant: { name: 'asc' } }, { id: 'asc' }] }),
        db.user.findMany({ cursor: { email: 'a@example.org' } }),
        db.traceStep.findMany({ orderBy: { seq: 'asc' }, take: -1 }),
        db.configVersion.findMany({ distinct: ['packageId'], ...byId }),
      ]),
  },
  {
    title: 'keys',
    run: (db) =>
      Promise.all([
        db.configPackage.findUnique({ where: { tenantId_key: { tenantId, key: 'key-0' } } }),
        db.configPackage.findUnique({ where: { tenantId_id: { tenantId, id: packages[0] } } }),
        db.approvalDecision.findUnique({
          where: {
            tenantId_approvalId_reviewerId: { tenantId, approvalId: own.approval, reviewerId: own.user },
          },
        }),
        db.membership.findUnique({ where: { tenantId_userId: { tenantId, userId: own.user } } }),
        db.configVersion
          .findUnique({ where: { id: versions[0] } })
          .package()
          .versions(byId),
        db.activation.findFirst().previousVersion(),
        db.tenant.findUnique({ where: { id: tenantId } }).featureFlags(),
        db.configPackage.findUnique({ where: { id: none.packages[0] } }),
      ]),
  },
  {
    title: 'numbers',
    run: (db) =>
      Promise.all([
        db.configVersion.count({ where: { package: { key: 'key-0' } } }),
        db.configVersion.aggregate({ _max: { number: true }, _avg: { lockVersion: true }, _count: true }),
        db.configVersion.groupBy({
          by: ['packageId', 'status'],
          _count: true,
          having: { number: { _min: { gt: 0 } } },
          orderBy: [{ packageId: 'asc' }, { status: 'asc' }],
        }),
        db.killSwitch.groupBy({ by: ['scope'], _count: true, orderBy: { scope: 'asc' } }),
      ]),
  },
  {
    title: 'findUniqueOrThrow of a missing row',
    run: (db) => db.configPackage.findUniqueOrThrow({ where: { id: none.packages[0] } }),
    fails: 'P2025',
  },

  // writes
  { title: 'create', run: (db) => db.configPackage.create({ data: { key: 'n', name: 'n' } }) },
  {
    title: 'create with the tenant',
    run: (db) => db.configPackage.create({ data: { key: 'n', name: 'n', tenantId } }),
  },
  {
    title: 'create with the tenant connected',
    run: (db) =>
      db.configPackage.create({ data: { key: 'n', name: 'n', tenant: { connect: { id: tenantId } } } }),
  },
  {
    title: 'create with a key',
    run: (db) => db.configVersion.create({ data: { packageId: packages[1], number: 9, content: {} } }),
  },
  {
    title: 'create with a relation',
    run: (db) =>
      db.configVersion.create({
        data: { package: { connect: { id: packages[1] } }, number: 9, content: [] },
      }),
  },
  {
    title: 'create with a relation and the tenant',
    run: (db) =>
      db.configVersion.create({
        data: {
          package: { connect: { tenantId_key: { tenantId, key: 'key-1' } } },
          tenant: { connect: { id: tenantId } },
          number: 9,
          content: 1,
        },
      }),
  },
  {
    title: 'create with a key to nothing',
    run: (db) => db.configVersion.create({ data: { packageId: none.packages[1], number: 9, content: {} } }),
    fails: 'P2003',
  },
  {
    title: 'createMany with a key to nothing',
    run: (db) =>
      db.configVersion.createMany({ data: [{ packageId: none.packages[1], number: 9, content: {} }] }),
    fails: 'P2003',
  },
  {
    title: 'create of what is there',
    run: (db) => db.configPackage.create({ data: { key: 'key-0', name: 'n' } }),
    fails: 'P2002',
  },
  {
    title: 'createMany that skips',
    run: (db) =>
      db.configPackage.createMany({
        data: [
          { key: 'key-0', name: 'n' },
          { key: 'n', name: 'n' },
        ],
        skipDuplicates: true,
      }),
  },
  {
    title: 'createManyAndReturn',
    run: (db) =>
      db.featureFlag.createManyAndReturn({
        data: [{ key: 'n' }, { key: 'm', tenantId }],
        select: { key: true, tenant: true },
      }),
  },
  {
    title: 'create three deep',
    run: (db) =>
      db.configPackage.create({
        data: {
          key: 'n',
          name: 'n',
          versions: {
            create: [
              {
                number: 1,
                content: {},
                traces: { create: { name: 'n', steps: { create: [{ seq: 1, name: 's' }] } } },
              },
              { number: 2, content: {} },
            ],
          },
        },
        include: {
          versions: { orderBy: { number: 'asc' }, include: { traces: { include: { steps: true } } } },
        },
      }),
  },
  {
    title: 'update three deep',
    run: (db) =>
      db.configPackage.update({
        where: { id: packages[0] },
        data: {
          name: 'u',
          lastVersionNumber: { increment: 1 },
          versions: {
            create: { number: 8, content: {} },
            update: [
              { where: { id: versions[1] }, data: { content: { u: 1 } } },
              {
                where: { id: versions[0] },
                data: {
                  traces: {
                    update: { where: { id: own.trace }, data: { name: 'u' } },
                    createMany: { data: [{ name: 'n' }] },
                  },
                },
              },
            ],
            updateMany: { where: { number: 8 }, data: { authorId: own.user } },
          },
        },
        include: { versions: { orderBy: { number: 'asc' } } },
      }),
  },
  {
    title: 'connect over a key that carries the tenant',
    run: (db) =>
      db.configVersion.update({
        where: { id: versions[2] },
        data: { traces: { connect: { id: own.trace } } },
        include: { traces: true },
      }),
  },
  {
    title: 'connect of a missing row',
    run: (db) =>
      db.configPackage.update({
        where: { id: packages[0] },
        data: { versions: { connect: { id: none.versions[2] } } },
      }),
    fails: 'P2018',
  },
  {
    title: 'set over a required key',
    run: (db) =>
      db.configPackage.update({ where: { id: packages[0] }, data: { versions: { set: [] } } as never }),
    fails: 'P2014',
  },
  {
    title: 'disconnect over a required key',
    run: (db) =>
      db.configPackage.update({
        where: { id: packages[0] },
        data: { versions: { disconnect: { id: versions[0] } } } as never,
      }),
    fails: 'P2014',
  },
  {
    title: 'connectOrCreate',
    run: (db) =>
      db.configPackage.update({
        where: { id: packages[1] },
        data: {
          versions: {
            connectOrCreate: {
              where: { tenantId_packageId_number: { tenantId, packageId: packages[1], number: 5 } },
              create: { number: 5, content: {} },
            },
          },
        },
      }),
  },
  {
    title: 'delete through a relation',
    run: (db) =>
      db.configPackage.update({
        where: { id: packages[1] },
        data: { versions: { delete: { id: versions[2] } } },
      }),
  },
  {
    title: 'deleteMany through a relation',
    run: (db) =>
      db.executionTrace.update({
        where: { id: own.trace },
        data: { steps: { deleteMany: { seq: 1 } } },
        include: { steps: true },
      }),
  },
  {
    title: 'update of the parent through a required relation',
    run: (db) =>
      db.configVersion.update({ where: { id: versions[1] }, data: { package: { update: { name: 'u' } } } }),
  },
  {
    title: 'upsert of the parent through a required relation',
    run: (db) =>
      db.configVersion.update({
        where: { id: versions[1] },
        data: { package: { upsert: { update: { name: 'u' }, create: { key: 'n', name: 'n' } } } },
      }),
  },
  {
    title: 'upsert of a flag, there',
    run: (db) =>
      db.featureFlag.upsert({
        where: { tenantId_key: { tenantId, key: 'flag' } },
        update: { enabled: true },
        create: { key: 'flag' },
      }),
  },
  {
    title: 'upsert of a flag, not there',
    run: (db) =>
      db.featureFlag.upsert({
        where: { tenantId_key: { tenantId, key: 'n' } },
        update: { enabled: true },
        create: { key: 'n', enabled: true },
      }),
  },
  {
    title: 'update of a key',
    run: (db) =>
      db.executionTrace.update({ where: { id: own.trace }, data: { versionId: versions[2], name: 'u' } }),
  },
  {
    title: 'update of a key to nothing',
    run: (db) =>
      db.executionTrace.update({ where: { id: own.trace }, data: { versionId: none.versions[1] } }),
    fails: 'P2003',
  },
  {
    title: 'update of a missing row',
    run: (db) => db.featureFlag.update({ where: { id: none.flag }, data: { enabled: true } }),
    fails: 'P2025',
  },
  {
    title: 'updateMany',
    run: (db) =>
      db.configPackage.updateMany({
        where: { versions: { some: { number: 2 } } },
        data: { description: 'u' },
      }),
  },
  {
    title: 'updateManyAndReturn',
    run: (db) => db.featureFlag.updateManyAndReturn({ data: { enabled: true }, include: { tenant: true } }),
  },
  {
    title: 'updateMany of one’s own switches',
    run: (db) => db.killSwitch.updateMany({ where: { tenantId }, data: { engaged: true, reason: 'r' } }),
  },
  {
    title: 'delete',
    run: (db) => db.featureFlag.delete({ where: { id: own.flag }, include: { tenant: true } }),
  },
  {
    title: 'delete of a missing row',
    run: (db) => db.featureFlag.delete({ where: { id: none.flag } }),
    fails: 'P2025',
  },
  {
    title: 'delete of a row that others need',
    run: (db) => db.configPackage.delete({ where: { id: packages[0] } }),
    fails: 'P2003',
  },
  {
    title: 'deleteMany',
    run: (db) => db.traceStep.deleteMany({ where: { trace: { version: { number: 1 } } } }),
  },
  {
    title: 'update of the tenant',
    run: (db) =>
      db.tenant.update({
        where: { id: tenantId },
        data: { name: 'u', featureFlags: { create: { key: 'n' } } },
      }),
  },
  {
    title: 'an array in a transaction',
    run: (db) => db.$transaction([db.featureFlag.create({ data: { key: 'n' } }), db.featureFlag.count()]),
  },
  {
    title: 'a callback in a transaction that fails',
    run: (db) =>
      db.$transaction(async (tx) => {
        await tx.featureFlag.create({ data: { key: 'n' } })
        await tx.featureFlag.create({ data: { key: 'n' } })
      }),
    fails: 'P2002',
  },
  {
    title: 'an unknown field',
    run: (db) => db.featureFlag.create({ data: { key: 'n', nothing: 1 } as never }),
    fails: 'PrismaClientValidationError',
  },

  // what the database refuses in the project's own words has the project's own class
  {
    title: 'a version that is created active',
    run: (db) =>
      db.configVersion.create({ data: { packageId: packages[1], number: 9, content: {}, status: 'ACTIVE' } }),
    fails: 'P2039',
    tenancyCode: 'DH501',
  },
  {
    title: 'the content of an active version',
    run: (db) => db.configVersion.update({ where: { id: versions[0] }, data: { content: {} } }),
    fails: 'P2039',
    tenancyCode: 'DH502',
  },
  {
    title: 'a change of the audit log',
    run: (db) => db.auditEvent.updateMany({ data: { action: 'u' } }),
    fails: 'P2039',
    tenancyCode: { one: 'DH503', two: 'DH305', both: 'DH305' },
  },
]
