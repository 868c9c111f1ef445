import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TenancyErrorCode } from '../src/errors.ts'
import {
  type Client,
  type ModelName,
  plantScene,
  type Scene,
  type ScopesDatabase,
  tables,
  useScopesDatabase,
} from './fixtures/scopes/scopes-database.ts'

/** An attempt of tenant A on tenant B, or on what all tenants share. */
interface Attack {
  readonly title: string
  /** It succeeds if the answer holds B's secret, or if `marked` finds a mark. */
  attempt(client: Client, scene: Scene): Promise<unknown>
  /** The end of a `select count(*)` that counts the marks of a success. */
  marked?(scene: Scene): string
  /** Hull one does not rewrite but refuse it, with this code. */
  readonly refused?: TenancyErrorCode | 'P2003'
}

const stolen = 'stolen'
const models = Object.keys(tables) as ModelName[]
/** Tenants see these rows and write none of them. */
const readOnly: ReadonlySet<ModelName> = new Set(['person'])

const marked = (model: ModelName, id: string) =>
  `from ${tables[model].table} where id = '${id}' and ${tables[model].text} = '${stolen}'`
const gone = (table: string, id: string) => `where not exists (select from ${table} where id = '${id}')`
const linked = (table: string, a: string, b: string) => `from ${table} where "A" = '${a}' and "B" = '${b}'`
const unlinked = (table: string, a: string, b: string) =>
  `where not exists (select from ${table} where "A" = '${a}' and "B" = '${b}')`

/** The operations that every model has, on B's row. */
function attacksOn(model: ModelName): readonly Attack[] {
  const { table, text } = tables[model]
  const write = {
    marked: ({ b }: Scene) => marked(model, b.spare[model]),
    ...(readOnly.has(model) ? { refused: 'DH203' as const } : {}),
  }
  const remove = { ...write, marked: ({ b }: Scene) => gone(table, b.spare[model]) }
  return [
    { title: `${model}.findMany`, attempt: (db) => db[model].findMany() },
    {
      title: `${model}.findUnique`,
      attempt: (db, { b }) => db[model].findUnique({ where: { id: b[model] } }),
    },
    {
      title: `${model}.findUniqueOrThrow`,
      attempt: (db, { b }) => db[model].findUniqueOrThrow({ where: { id: b[model] } }),
    },
    {
      title: `${model}.findFirst through OR and NOT`,
      attempt: (db, { b }) =>
        db[model].findFirst({
          where: { OR: [{ id: b[model] }, { NOT: { id: randomUUID() } }], [text]: b.secret },
        }),
    },
    {
      title: `${model}.count as an oracle`,
      attempt: async (db, { b }) => (await db[model].count({ where: { [text]: b.secret } })) > 0 && b.secret,
    },
    {
      title: `${model}.aggregate`,
      attempt: (db, { b }) => db[model].aggregate({ where: { id: b[model] }, _max: { [text]: true } }),
    },
    {
      title: `${model}.groupBy`,
      attempt: (db) => db[model].groupBy({ by: [text], _count: true }),
    },
    {
      title: `${model}.findMany from a cursor`,
      attempt: (db, { b }) => db[model].findMany({ cursor: { id: b[model] }, take: 2 }),
    },
    {
      title: `${model}.update`,
      attempt: (db, { b }) => db[model].update({ where: { id: b.spare[model] }, data: { [text]: stolen } }),
      ...write,
    },
    {
      title: `${model}.updateMany`,
      attempt: (db, { b }) =>
        db[model].updateMany({ where: { id: b.spare[model] }, data: { [text]: stolen } }),
      ...write,
    },
    {
      title: `${model}.updateManyAndReturn`,
      attempt: (db, { b }) =>
        db[model].updateManyAndReturn({ where: { id: b.spare[model] }, data: { [text]: stolen } }),
      ...write,
    },
    {
      title: `${model}.delete`,
      attempt: (db, { b }) => db[model].delete({ where: { id: b.spare[model] } }),
      ...remove,
    },
    {
      title: `${model}.deleteMany`,
      attempt: (db, { b }) => db[model].deleteMany({ where: { id: { in: [b.spare[model]] } } }),
      ...remove,
    },
  ]
}

const id = () => randomUUID()

const attacks: readonly Attack[] = [
  ...models.flatMap(attacksOn),

  // what is read along with a row of one's own, over links that an administrator planted
  {
    title: 'include of a to-one relation that leads outside',
    attempt: (db) => db.project.findMany({ include: { lead: true } }),
  },
  {
    title: 'select through a to-one relation that leads outside',
    attempt: (db) => db.project.findMany({ select: { lead: { select: { name: true } } } }),
  },
  {
    title: 'fluent to-one relation that leads outside',
    attempt: (db, { a }) =>
      (db.project.findUnique({ where: { id: a.project } }) as unknown as { lead(): Promise<unknown> }).lead(),
  },
  {
    title: 'include of a to-one relation of a through model that leads outside',
    attempt: (db) => db.task.findMany({ include: { assignee: true } }),
  },
  {
    title: 'include of a one-to-one relation from the end without the key',
    attempt: (db) => db.employee.findMany({ include: { badge: true } }),
  },
  {
    title: 'include of a one-to-one relation from the end with the key',
    attempt: (db) => db.badge.findMany({ include: { employee: true } }),
  },
  {
    title: 'include of another tenant’s private template',
    attempt: (db) => db.project.findMany({ include: { template: true } }),
  },
  {
    title: 'include of a list with another tenant’s rows in it',
    attempt: (db) => db.employee.findMany({ include: { projects: true, tasks: true } }),
  },
  {
    title: 'include of a many-to-many relation',
    attempt: (db) => db.label.findMany({ include: { projects: true } }),
  },
  {
    title: 'include of a many-to-many relation from its other end',
    attempt: (db) => db.project.findMany({ include: { labels: true, templates: true } }),
  },
  {
    title: 'select of a many-to-many relation four levels deep',
    attempt: (db) =>
      db.organization.findMany({
        select: { labels: { select: { projects: { select: { tasks: { select: { comments: true } } } } } } },
      }),
  },
  {
    title: 'include down from the tenant model',
    attempt: (db) =>
      db.organization.findMany({
        include: { projects: { include: { tasks: { include: { comments: true } } } } },
      }),
  },
  {
    title: 'include up to the tenant model',
    attempt: (db) =>
      db.comment.findMany({
        include: { task: { include: { project: { include: { organization: true } } } } },
      }),
  },
  {
    title: 'the other memberships of a person in common',
    attempt: (db) =>
      db.person.findMany({ include: { memberships: { include: { organization: true } }, employees: true } }),
  },
  {
    title: 'include down from a global model',
    attempt: (db) => db.country.findMany({ include: { projects: true, templates: true } }),
  },
  {
    title: 'include over two global models',
    attempt: (db) => db.region.findMany({ include: { countries: { include: { projects: true } } } }),
  },
  {
    title: 'include of everybody’s projects from a shared row',
    attempt: (db) => db.template.findMany({ include: { projects: true, usedBy: true } }),
  },
  {
    title: '_count of a list with another tenant’s rows in it',
    attempt: async (db, { a, b }) => {
      const found = await db.employee.findUnique({
        where: { id: a.employee },
        include: { _count: { select: { projects: true } } },
      })
      return found._count.projects > 0 && b.secret
    },
  },
  {
    title: '_count of everything at once',
    attempt: async (db, { a, b }) => {
      const found = await db.employee.findUnique({ where: { id: a.employee }, include: { _count: true } })
      return found._count.tasks > 0 && b.secret
    },
  },
  {
    title: '_count with a filter over a many-to-many relation',
    attempt: async (db, { a, b }) => {
      const found = await db.project.findUnique({
        where: { id: a.project },
        select: { _count: { select: { labels: { where: { name: b.secret } } } } },
      })
      return found._count.labels > 0 && b.secret
    },
  },
  {
    title: 'include of what an update returns',
    attempt: (db, { a }) =>
      db.label.update({ where: { id: a.label }, data: { name: 'x' }, include: { projects: true } }),
  },

  // filters that answer yes or no
  ...oracles('project', [
    ['a to-one filter', (secret) => ({ lead: { name: secret } })],
    ['is', (secret) => ({ lead: { is: { name: secret } } })],
    ['isNot within NOT', (secret) => ({ NOT: { lead: { isNot: { name: secret } } } })],
    ['a private template', (secret) => ({ template: { name: secret } })],
    ['some over a many-to-many relation', (secret) => ({ labels: { some: { name: secret } } })],
    ['none within NOT', (secret) => ({ NOT: { labels: { none: { name: secret } } } })],
    ['every within NOT', (secret) => ({ NOT: { labels: { every: { name: { not: secret } } } } })],
    [
      'a filter three relations deep',
      (secret) => ({ tasks: { some: { assignee: { is: { name: { startsWith: secret } } } } } }),
    ],
    ['a filter over the global country', (secret) => ({ country: { projects: { some: { name: secret } } } })],
    [
      'OR within AND',
      (secret) => ({ AND: [{ OR: [{ lead: { name: secret } }, { labels: { some: { name: secret } } }] }] }),
    ],
  ]),
  ...oracles('employee', [
    ['some over a list', (secret) => ({ projects: { some: { name: secret } } })],
    ['a one-to-one filter', (secret) => ({ badge: { number: secret } })],
    ['a person in common', (secret) => ({ person: { employees: { some: { name: secret } } } })],
    [
      'the memberships of a person in common',
      (secret) => ({ person: { memberships: { some: { organization: { name: secret } } } } }),
    ],
  ]),
  ...oracles('comment', [
    ['the assignee of its task', (secret) => ({ task: { assignee: { name: secret } } })],
    [
      'the labels of its project',
      (secret) => ({ task: { project: { labels: { some: { name: secret } } } } }),
    ],
  ]),
  ...oracles('country', [
    ['some over a list', (secret) => ({ projects: { some: { name: secret } } })],
    [
      'regions and back',
      (secret) => ({ regions: { some: { countries: { some: { templates: { some: { name: secret } } } } } } }),
    ],
  ]),
  ...oracles('organization', [
    ['labels on projects', (secret) => ({ labels: { some: { projects: { some: { name: secret } } } } })],
  ]),
  {
    title: 'an order by a row that lies outside',
    attempt: async (db, { a, b }) => {
      const [first] = await db.project.findMany({
        where: { id: { in: [a.project, a.spare.project] } },
        orderBy: { lead: { name: 'asc' } },
      })
      return first.id === a.project && b.secret
    },
  },
  {
    title: 'an order by the number of rows that lie outside',
    attempt: async (db, { a, b }) => {
      const [first] = await db.employee.findMany({
        where: { id: { in: [a.employee, a.spare.employee] } },
        orderBy: [{ projects: { _count: 'desc' } }, { name: 'asc' }],
      })
      return first.id === a.employee && b.secret
    },
  },

  // rows that are made or moved under another tenant's
  {
    title: 'create under another tenant’s parent by key',
    attempt: (db, { b }) => db.task.create({ data: { title: stolen, projectId: b.project } }),
    marked: ({ b }) => `from work.task where project_id = '${b.project}' and title = '${stolen}'`,
    refused: 'P2003',
  },
  {
    title: 'createMany under another tenant’s parent',
    attempt: (db, { b }) => db.task.createMany({ data: [{ title: stolen, projectId: b.project }] }),
    marked: ({ b }) => `from work.task where project_id = '${b.project}' and title = '${stolen}'`,
    refused: 'P2003',
  },
  {
    title: 'create under another tenant’s parent by connect',
    attempt: (db, { b }) =>
      db.task.create({ data: { title: stolen, project: { connect: { id: b.project } } } }),
    marked: ({ b }) => `from work.task where project_id = '${b.project}' and title = '${stolen}'`,
  },
  {
    title: 'create under another tenant’s grandparent by connect',
    attempt: (db, { b }) => db.comment.create({ data: { text: stolen, task: { connect: { id: b.task } } } }),
    marked: ({ b }) => `from work.comment where task_id = '${b.task}' and text = '${stolen}'`,
  },
  {
    title: 'create of a parent under another tenant’s grandparent',
    attempt: (db, { b }) =>
      db.comment.create({
        data: { text: stolen, task: { create: { title: stolen, project: { connect: { id: b.project } } } } },
      }),
    marked: ({ b }) => `from work.task where project_id = '${b.project}' and title = '${stolen}'`,
  },
  {
    title: 'connectOrCreate of another tenant’s parent',
    attempt: (db, { a, b }) =>
      db.comment.create({
        data: {
          text: stolen,
          task: {
            connectOrCreate: {
              where: { id: b.task },
              create: { title: 'own', project: { connect: { id: a.project } } },
            },
          },
        },
      }),
    marked: ({ b }) => `from work.comment where task_id = '${b.task}' and text = '${stolen}'`,
  },
  {
    title: 'nested create inside another tenant’s row',
    attempt: (db, { b }) =>
      db.task.update({ where: { id: b.task }, data: { comments: { create: { text: stolen } } } }),
    marked: ({ b }) => `from work.comment where task_id = '${b.task}' and text = '${stolen}'`,
  },
  {
    title: 'moving a row under another tenant’s parent by connect',
    attempt: (db, { a, b }) =>
      db.task.update({ where: { id: a.task }, data: { project: { connect: { id: b.project } } } }),
    marked: ({ a, b }) => `from work.task where id = '${a.task}' and project_id = '${b.project}'`,
  },
  {
    title: 'moving a row under another tenant’s parent by key',
    attempt: (db, { a, b }) => db.task.updateMany({ where: { id: a.task }, data: { projectId: b.project } }),
    marked: ({ a, b }) => `from work.task where id = '${a.task}' and project_id = '${b.project}'`,
    refused: 'P2003',
  },
  {
    title: 'pulling another tenant’s row under a parent of one’s own',
    attempt: (db, { a, b }) =>
      db.project.update({ where: { id: a.project }, data: { tasks: { connect: { id: b.task } } } }),
    marked: ({ a, b }) => `from work.task where id = '${b.task}' and project_id = '${a.project}'`,
  },
  {
    title: 'nested create with another tenant’s id',
    attempt: (db, { a, b }) =>
      db.employee.update({
        where: { id: a.employee },
        data: { projects: { create: { name: stolen, organizationId: b.organization } } },
      }),
    marked: ({ b }) => `from work.project where organization_id = '${b.organization}' and name = '${stolen}'`,
    refused: 'DH202',
  },
  {
    title: 'nested createMany with another tenant’s id',
    attempt: (db, { a, b }) =>
      db.employee.update({
        where: { id: a.employee },
        data: { projects: { createMany: { data: [{ name: stolen, organizationId: b.organization }] } } },
      }),
    marked: ({ b }) => `from work.project where organization_id = '${b.organization}' and name = '${stolen}'`,
    refused: 'DH202',
  },
  {
    title: 'nested create with another tenant connected',
    attempt: (db, { a, b }) =>
      db.label.update({
        where: { id: a.label },
        data: {
          projects: { create: { name: stolen, organization: { connect: { id: b.organization } } } },
        },
      }),
    marked: ({ b }) => `from work.project where organization_id = '${b.organization}' and name = '${stolen}'`,
  },
  {
    title: 'create of another tenant',
    attempt: (db, { newId }) => db.organization.create({ data: { id: newId, name: stolen } }),
    marked: ({ newId }) => `from directory.organization where id = '${newId}'`,
    refused: 'DH202',
  },

  // a list whose key stands in another tenant's row
  {
    title: 'connect of another tenant’s row to a row of one’s own',
    attempt: (db, { a, b }) =>
      db.employee.update({
        where: { id: a.employee },
        data: { projects: { connect: { id: b.spare.project } } },
      }),
    marked: ({ a, b }) => `from work.project where id = '${b.spare.project}' and lead_id = '${a.employee}'`,
  },
  {
    title: 'connect of another tenant’s row to a new row',
    attempt: (db, { a, b }) =>
      db.employee.create({
        data: {
          name: stolen,
          organizationId: a.organization,
          projects: { connect: { id: b.spare.project } },
        },
      }),
    marked: ({ b }) => `from work.project where id = '${b.spare.project}' and lead_id is not null`,
  },
  ...nestedInList('employee', 'projects', 'project', ({ b }) => ({
    cut: `from work.project where id = '${b.project}' and lead_id is null`,
  })),
  ...nestedInList('employee', 'tasks', 'task', ({ b }) => ({
    cut: `from work.task where id = '${b.task}' and assignee_id is null`,
  })),

  // one to one, with the key in another tenant's row
  ...nestedInBadge(),
  {
    title: 'pushing another tenant’s row off by connecting from the end with the key',
    attempt: (db, { a }) =>
      db.badge.update({ where: { id: a.spare.badge }, data: { employee: { connect: { id: a.employee } } } }),
    marked: badgeCut,
  },
  {
    title: 'pushing another tenant’s row off by a create that connects',
    attempt: (db, { a }) =>
      db.badge.create({
        data: {
          number: stolen,
          organization: { connect: { id: a.organization } },
          employee: { connect: { id: a.employee } },
        },
      }),
    marked: badgeCut,
  },
  {
    title: 'pushing another tenant’s row off by a create that connects or creates',
    attempt: (db, { a }) =>
      db.badge.create({
        data: {
          number: stolen,
          organization: { connect: { id: a.organization } },
          employee: {
            connectOrCreate: {
              where: { id: a.employee },
              create: { name: 'own', organization: { connect: { id: a.organization } } },
            },
          },
        },
      }),
    marked: badgeCut,
  },

  // to one, with the key in a row of one's own
  ...nestedInToOne('project', 'lead', 'employee'),
  ...nestedInToOne('task', 'assignee', 'employee'),
  ...nestedInToOne('badge', 'employee', 'employee'),
  ...nestedInToOne('project', 'template', 'template'),
  {
    title: 'a link to another tenant’s row by connect',
    attempt: (db, { a, b }) =>
      db.project.update({
        where: { id: a.spare.project },
        data: { lead: { connect: { id: b.spare.employee } } },
      }),
    marked: ({ a, b }) =>
      `from work.project where id = '${a.spare.project}' and lead_id = '${b.spare.employee}'`,
  },
  {
    title: 'a link to another tenant’s private template by connect',
    attempt: (db, { a, b }) =>
      db.project.update({
        where: { id: a.spare.project },
        data: { template: { connect: { id: b.spare.template } } },
      }),
    marked: ({ a, b }) =>
      `from work.project where id = '${a.spare.project}' and template_id = '${b.spare.template}'`,
  },
  {
    title: 'a link to another tenant’s person by connect',
    attempt: (db, { a, b }) =>
      db.employee.update({
        where: { id: a.spare.employee },
        data: { person: { connect: { id: b.person } } },
      }),
    marked: ({ a, b }) =>
      `from directory.employee where id = '${a.spare.employee}' and person_id = '${b.person}'`,
  },

  // many to many
  {
    title: 'connect of another tenant’s row over a many-to-many relation',
    attempt: (db, { a, b }) =>
      db.project.update({ where: { id: a.project }, data: { labels: { connect: { id: b.spare.label } } } }),
    marked: ({ a, b }) => linked('work."_LabelToProject"', b.spare.label, a.project),
  },
  {
    title: 'set of another tenant’s row over a many-to-many relation',
    attempt: (db, { a, b }) =>
      db.project.update({ where: { id: a.project }, data: { labels: { set: [{ id: b.spare.label }] } } }),
    marked: ({ a, b }) => linked('work."_LabelToProject"', b.spare.label, a.project),
  },
  {
    title: 'a new row connected to another tenant’s over a many-to-many relation',
    attempt: (db, { a, b }) =>
      db.label.create({
        data: { name: stolen, organizationId: a.organization, projects: { connect: { id: b.project } } },
      }),
    marked: ({ b }) =>
      `from work."_LabelToProject" l join work.label x on x.id = l."A" where l."B" = '${b.project}' and x.name = '${stolen}'`,
  },
  {
    title: 'connectOrCreate of another tenant’s row over a many-to-many relation',
    attempt: (db, { a, b }) =>
      db.project.update({
        where: { id: a.project },
        data: {
          labels: {
            connectOrCreate: {
              where: { id: b.spare.label },
              create: { name: 'own', organizationId: a.organization },
            },
          },
        },
      }),
    marked: ({ a, b }) => linked('work."_LabelToProject"', b.spare.label, a.project),
  },
  {
    title: 'a link of another tenant’s taken away over a many-to-many relation',
    attempt: (db, { b }) =>
      db.project.update({ where: { id: b.project }, data: { labels: { disconnect: { id: b.label } } } }),
    marked: ({ b }) => unlinked('work."_LabelToProject"', b.label, b.project),
  },
  {
    title: 'all links of another tenant’s taken away over a many-to-many relation',
    attempt: (db, { b }) => db.label.update({ where: { id: b.label }, data: { projects: { set: [] } } }),
    marked: ({ b }) => unlinked('work."_LabelToProject"', b.label, b.project),
  },
  ...nestedInList('project', 'labels', 'label'),
  ...nestedInList('label', 'projects', 'project'),
  ...nestedInList('project', 'templates', 'template'),

  // shared rows: read by all, written by no tenant
  ...writesTo('a shared row', 'template', ({ shared }) => shared),
  {
    title: 'a row for all tenants',
    attempt: (db, { newId }) =>
      db.template.create({ data: { id: newId, name: stolen, organizationId: null } }),
    marked: ({ newId }) => `from work.template where id = '${newId}'`,
    refused: 'DH202',
  },
  {
    title: 'a row for all tenants by createMany',
    attempt: (db, { newId }) =>
      db.template.createMany({ data: [{ id: newId, name: stolen, organizationId: null }] }),
    marked: ({ newId }) => `from work.template where id = '${newId}'`,
    refused: 'DH202',
  },
  {
    title: 'a row of one’s own given to all by its key',
    attempt: (db, { a }) => db.template.update({ where: { id: a.template }, data: { organizationId: null } }),
    marked: ({ a }) => `from work.template where id = '${a.template}' and organization_id is null`,
    refused: 'DH202',
  },
  {
    title: 'a row of one’s own given to all by disconnect',
    attempt: (db, { a }) =>
      db.template.update({ where: { id: a.template }, data: { organization: { disconnect: true } } }),
    marked: ({ a }) => `from work.template where id = '${a.template}' and organization_id is null`,
    refused: 'DH202',
  },
  {
    title: 'a row of one’s own given to all from the tenant model',
    attempt: (db, { a }) =>
      db.organization.update({ where: { id: a.organization }, data: { templates: { set: [] } } }),
    marked: ({ a }) => `from work.template where id = '${a.template}' and organization_id is null`,
    refused: 'DH202',
  },
  {
    title: 'a shared row claimed by its key',
    attempt: (db, { a, shared }) =>
      db.template.update({ where: { id: shared }, data: { organizationId: a.organization } }),
    marked: ({ shared }) => `from work.template where id = '${shared}' and organization_id is not null`,
  },
  {
    title: 'a shared row claimed by connect',
    attempt: (db, { a, shared }) =>
      db.organization.update({
        where: { id: a.organization },
        data: { templates: { connect: { id: shared } } },
      }),
    marked: ({ shared }) => `from work.template where id = '${shared}' and organization_id is not null`,
  },
  {
    title: 'a shared row linked to a global one',
    attempt: (db, { shared, otherCountry }) =>
      db.template.update({
        where: { id: shared },
        data: { countries: { connect: { code: otherCountry } } },
      }),
    marked: ({ shared, otherCountry }) => linked('directory."_CountryToTemplate"', otherCountry, shared),
  },
  {
    title: 'a global row linked to a shared one',
    attempt: (db, { shared, otherCountry }) =>
      db.country.update({ where: { code: otherCountry }, data: { templates: { connect: { id: shared } } } }),
    marked: ({ shared, otherCountry }) => linked('directory."_CountryToTemplate"', otherCountry, shared),
    refused: 'DH203',
  },
  {
    title: 'the links of a shared row taken away',
    attempt: (db, { shared }) =>
      db.template.update({ where: { id: shared }, data: { countries: { set: [] } } }),
    marked: ({ shared, country }) => unlinked('directory."_CountryToTemplate"', country, shared),
  },

  // global rows: read by all, written by no tenant
  {
    title: 'country.create',
    attempt: (db, { newId }) => db.country.create({ data: { code: newId, name: stolen } }),
    marked: ({ newId }) => `from directory.country where code = '${newId}'`,
    refused: 'DH203',
  },
  {
    title: 'country.createMany',
    attempt: (db, { newId }) => db.country.createMany({ data: [{ code: newId, name: stolen }] }),
    marked: ({ newId }) => `from directory.country where code = '${newId}'`,
    refused: 'DH203',
  },
  {
    title: 'country.update',
    attempt: (db, { country }) => db.country.update({ where: { code: country }, data: { name: stolen } }),
    marked: ({ country }) => `from directory.country where code = '${country}' and name = '${stolen}'`,
    refused: 'DH203',
  },
  {
    title: 'country.upsert',
    attempt: (db, { country }) =>
      db.country.upsert({
        where: { code: country },
        update: { name: stolen },
        create: { code: id(), name: stolen },
      }),
    marked: ({ country }) => `from directory.country where code = '${country}' and name = '${stolen}'`,
    refused: 'DH203',
  },
  {
    title: 'country.deleteMany',
    attempt: (db, { otherCountry }) => db.country.deleteMany({ where: { code: otherCountry } }),
    marked: ({ otherCountry }) =>
      `where not exists (select from directory.country where code = '${otherCountry}')`,
    refused: 'DH203',
  },
  {
    title: 'a global row changed from a row of one’s own',
    attempt: (db, { a }) =>
      db.project.update({ where: { id: a.project }, data: { country: { update: { name: stolen } } } }),
    marked: ({ country }) => `from directory.country where code = '${country}' and name = '${stolen}'`,
    refused: 'DH203',
  },
  {
    title: 'a global row made from a row of one’s own',
    attempt: (db, { a, newId }) =>
      db.project.update({
        where: { id: a.project },
        data: { country: { create: { code: newId, name: stolen } } },
      }),
    marked: ({ newId }) => `from directory.country where code = '${newId}'`,
    refused: 'DH203',
  },
  {
    title: 'two global rows linked',
    attempt: (db, { region, otherCountry }) =>
      db.region.update({ where: { id: region }, data: { countries: { connect: { code: otherCountry } } } }),
    marked: ({ region, otherCountry }) => linked('directory."_CountryToRegion"', otherCountry, region),
    refused: 'DH203',
  },
  {
    title: 'the link of two global rows taken away',
    attempt: (db, { region }) =>
      db.region.update({ where: { id: region }, data: { countries: { set: [] } } }),
    marked: ({ region, country }) => unlinked('directory."_CountryToRegion"', country, region),
    refused: 'DH203',
  },

  // members: whoever writes a membership chooses whose people a tenant sees
  {
    title: 'a membership for another tenant’s person',
    attempt: (db, { a, b }) =>
      db.membership.create({ data: { organizationId: a.organization, personId: b.person } }),
    marked: membershipTaken,
    refused: 'DH203',
  },
  {
    title: 'a membership for another tenant’s person from the tenant model',
    attempt: (db, { a, b }) =>
      db.organization.update({
        where: { id: a.organization },
        data: { memberships: { create: { person: { connect: { id: b.person } } } } },
      }),
    marked: membershipTaken,
    refused: 'DH203',
  },
  {
    title: 'a membership of one’s own given to another tenant’s person',
    attempt: (db, { a, b }) =>
      db.membership.update({ where: { id: a.membership }, data: { personId: b.person } }),
    marked: membershipTaken,
    refused: 'DH203',
  },
  {
    title: 'another tenant’s membership moved to oneself',
    attempt: (db, { a, b }) =>
      db.organization.update({
        where: { id: a.organization },
        data: { memberships: { connect: { id: b.membership } } },
      }),
    marked: membershipTaken,
    refused: 'DH203',
  },
  {
    title: 'a person in common changed',
    attempt: (db, { common }) => db.person.update({ where: { id: common }, data: { name: stolen } }),
    marked: ({ common }) => marked('person', common),
    refused: 'DH203',
  },
  {
    title: 'a person in common changed from a row of one’s own',
    attempt: (db, { a }) =>
      db.employee.update({ where: { id: a.employee }, data: { person: { update: { name: stolen } } } }),
    marked: ({ common }) => marked('person', common),
    refused: 'DH203',
  },
]

function membershipTaken({ a, b }: Scene): string {
  return `from directory.membership where organization_id = '${a.organization}' and person_id = '${b.person}'`
}

function badgeCut({ b }: Scene): string {
  return `from directory.badge where id = '${b.badge}' and employee_id is null`
}

type Filter = (secret: string) => object

/** Filters on rows of one's own, or of all, that only B's rows make true. */
function oracles(model: ModelName | 'country', filters: readonly (readonly [string, Filter])[]): Attack[] {
  return filters.map(([title, filter]) => ({
    title: `${model} filtered by ${title}`,
    attempt: async (db, { a, b }) => {
      // B's own rows are not what is asked for
      const own =
        model === 'country' ? {} : { NOT: { id: { in: [b[model], b.spare[model], b.spare[model]] } } }
      const where = model === 'country' ? filter(b.secret) : { AND: [filter(b.secret), own] }
      return (await db[model].count({ where })) > 0 && a.secret !== b.secret && b.secret
    },
  }))
}

/** Writes through a list of A's row that has B's row in it. */
function nestedInList(
  parent: ModelName,
  relation: string,
  child: ModelName,
  key?: (scene: Scene) => { readonly cut: string },
): Attack[] {
  const { text } = tables[child]
  const through = (data: (scene: Scene) => object) => (db: Client, scene: Scene) =>
    db[parent].update({ where: { id: scene.a[parent] }, data: { [relation]: data(scene) } })
  const changed = ({ b }: Scene) => marked(child, b[child])
  const attack = (title: string, data: (scene: Scene) => object, end: (scene: Scene) => string): Attack => ({
    title: `${title} through ${parent}.${relation}`,
    attempt: through(data),
    marked: end,
  })
  return [
    attack('update', ({ b }) => ({ update: { where: { id: b[child] }, data: { [text]: stolen } } }), changed),
    attack('updateMany', () => ({ updateMany: { where: {}, data: { [text]: stolen } } }), changed),
    attack(
      'upsert',
      ({ a, b }) => ({
        upsert: {
          where: { id: b[child] },
          update: { [text]: stolen },
          create: {
            [text]: 'own',
            ...(child === 'task'
              ? { project: { connect: { id: a.project } } }
              : { organization: { connect: { id: a.organization } } }),
          },
        },
      }),
      changed,
    ),
    ...(key
      ? [
          attack(
            'disconnect',
            ({ b }) => ({ disconnect: { id: b[child] } }),
            (scene) => key(scene).cut,
          ),
          attack(
            'set of nothing',
            () => ({ set: [] }),
            (scene) => key(scene).cut,
          ),
          attack(
            'set of a row of one’s own',
            ({ a }) => ({ set: [{ id: a[child] }] }),
            (scene) => key(scene).cut,
          ),
        ]
      : []),
  ]
}

/** Writes through A's employee, whose badge is B's. */
function nestedInBadge(): Attack[] {
  const attack = (
    title: string,
    badge: (scene: Scene) => object,
    end: (scene: Scene) => string,
    refused?: TenancyErrorCode,
  ): Attack => ({
    title: `${title} through a one-to-one relation`,
    attempt: (db, scene) =>
      db.employee.update({ where: { id: scene.a.employee }, data: { badge: badge(scene) } }),
    marked: end,
    ...(refused ? { refused } : {}),
  })
  const changed = ({ b }: Scene) => marked('badge', b.badge)
  const created = ({ a }: Scene) => ({ number: 'own', organization: { connect: { id: a.organization } } })
  return [
    attack('update', () => ({ update: { number: stolen } }), changed),
    attack('update with a filter', () => ({ update: { where: {}, data: { number: stolen } } }), changed),
    attack(
      'delete',
      () => ({ delete: true }),
      ({ b }) => gone('directory.badge', b.badge),
    ),
    attack(
      'delete with a filter',
      () => ({ delete: {} }),
      ({ b }) => gone('directory.badge', b.badge),
    ),
    attack('disconnect', () => ({ disconnect: true }), badgeCut),
    attack('disconnect with a filter', () => ({ disconnect: {} }), badgeCut),
    attack('upsert', (s) => ({ upsert: { create: created(s), update: { number: stolen } } }), changed),
    attack('create', (s) => ({ create: created(s) }), badgeCut),
    attack('connect', ({ a }) => ({ connect: { id: a.spare.badge } }), badgeCut),
    {
      title: 'connect of another tenant’s row through a one-to-one relation',
      attempt: (db, { a, b }) =>
        db.employee.update({
          where: { id: a.spare.employee },
          data: { badge: { connect: { id: b.spare.badge } } },
        }),
      marked: ({ a, b }) =>
        `from directory.badge where id = '${b.spare.badge}' and employee_id = '${a.spare.employee}'`,
    },
  ]
}

/** Writes through a to-one relation of A's row that leads to B's. */
function nestedInToOne(parent: ModelName, relation: string, child: ModelName): Attack[] {
  const { text } = tables[child]
  const attack = (title: string, data: (scene: Scene) => object): Attack => ({
    title: `${title} through ${parent}.${relation}`,
    attempt: (db, scene) =>
      db[parent].update({ where: { id: scene.a[parent] }, data: { [relation]: data(scene) } }),
    marked: ({ b }) => marked(child, b[child]),
  })
  return [
    attack('update', () => ({ update: { [text]: stolen } })),
    attack('update with a filter', () => ({ update: { where: {}, data: { [text]: stolen } } })),
    attack('upsert', ({ a }) => ({
      upsert: {
        update: { [text]: stolen },
        create: { [text]: 'own', organization: { connect: { id: a.organization } } },
      },
    })),
    {
      ...attack('delete', () => ({ delete: true })),
      marked: ({ b }) => gone(tables[child].table, b[child]),
    },
  ]
}

/** Every way to write one row. */
function writesTo(what: string, model: ModelName, of: (scene: Scene) => string): Attack[] {
  const { table, text } = tables[model]
  const changed = (scene: Scene) => marked(model, of(scene))
  const removed = (scene: Scene) => gone(table, of(scene))
  return [
    {
      title: `update of ${what}`,
      attempt: (db, scene) => db[model].update({ where: { id: of(scene) }, data: { [text]: stolen } }),
      marked: changed,
    },
    {
      title: `updateMany of ${what}`,
      attempt: (db, scene) => db[model].updateMany({ where: { id: of(scene) }, data: { [text]: stolen } }),
      marked: changed,
    },
    {
      title: `upsert of ${what}`,
      attempt: (db, scene) =>
        db[model].upsert({ where: { id: of(scene) }, update: { [text]: stolen }, create: { [text]: 'own' } }),
      marked: changed,
    },
    {
      title: `delete of ${what}`,
      attempt: (db, scene) => db[model].delete({ where: { id: of(scene) } }),
      marked: removed,
    },
    {
      title: `deleteMany of ${what}`,
      attempt: (db, scene) => db[model].deleteMany({ where: { id: of(scene) } }),
      marked: removed,
    },
  ]
}

const database = useScopesDatabase()
const hulls = ['one', 'two', 'both'] as const

// first, while the tables are empty: an empty result would look like an answer
describe('without a context, on empty tables', () => {
  let app: pg.Client
  beforeAll(async () => {
    app = new pg.Client({ connectionString: database.appUrl })
    await app.connect()
  })
  afterAll(() => app.end())

  it('every query on a table of every scope raises DH101, but for the global ones', async () => {
    const { models: all, joinTables } = database.manifest
    const scoped = Object.values(all).filter(({ scope }) => scope.kind !== 'global')
    const tableSet = [
      ...scoped.map(({ schema, table, readOnly, scope }) => ({
        table: `${schema}.${table}`,
        column: 'id',
        // a write that no policy permits at all is turned away before the guard is asked, and does nothing
        writes: readOnly ? [] : scope.kind === 'root' ? ['update'] : ['update', 'delete'],
      })),
      ...joinTables
        .filter((join) => all[join.a]?.scope.kind !== 'global' || all[join.b]?.scope.kind !== 'global')
        .map(({ schema, table }) => ({
          table: `${schema}."${table}"`,
          column: '"A"',
          writes: ['update', 'delete'],
        })),
    ]
    expect(tableSet).toHaveLength(13)
    for (const { table, column, writes } of tableSet) {
      for (const query of [
        `select * from ${table}`,
        `select count(*) from ${table}`,
        `select * from ${table} where ${column}::text = ''`,
        `select exists (select from ${table} limit 1)`,
        `select 1 from ${table} a join ${table} b on a.${column} = b.${column}`,
        `select t.* from (values (1)) v left join ${table} t on true`,
        ...(writes.includes('update') ? [`update ${table} set ${column} = ${column}`] : []),
        ...(writes.includes('delete') ? [`delete from ${table}`] : []),
      ]) {
        const sqlState = await app.query(query).then(
          () => '00000',
          (error: pg.DatabaseError) => error.code,
        )
        expect(sqlState, query).toBe('DH101')
      }
    }
  })
})

let readScene: Promise<Scene> | undefined
/** A scene to attack: one for all that only read, one of its own for each that writes. */
function sceneFor(attack: Attack): Promise<Scene> {
  if (attack.marked) return plantScene(database.admin)
  readScene ??= plantScene(database.admin)
  return readScene
}

describe.each(attacks.map((attack) => [attack.title, attack] as const))('%s', (_, attack) => {
  it.each(hulls)('of tenant A does not reach tenant B behind hull %s', async (hull) => {
    const scene = await sceneFor(attack)
    const client = database[hull].client({ tenantId: scene.a.organization })
    const { reached, error } = await run(attack, client, scene, database)
    expect(reached).toBe(false)
    if (attack.refused && hull !== 'two') expect(error).toMatchObject({ code: attack.refused })
    // an attack that is no Prisma would prove nothing
    else expect((error as { name?: string } | undefined)?.name).not.toBe('PrismaClientValidationError')
  })

  it('reaches tenant B without a hull', async () => {
    const scene = await sceneFor(attack)
    expect((await run(attack, database.none, scene, database)).reached).toBe(true)
  })
})

async function run(
  attack: Attack,
  client: Client,
  scene: Scene,
  { admin }: ScopesDatabase,
): Promise<{ reached: boolean; error?: unknown }> {
  let answer: unknown
  let error: unknown
  try {
    answer = await attack.attempt(client, scene)
  } catch (thrown) {
    error = thrown
  }
  const text = JSON.stringify(error instanceof Error ? error.message : answer) ?? ''
  if (text.includes(scene.b.secret)) return { reached: true, error }
  if (!attack.marked) return { reached: false, error }
  const { rows } = await admin.query<{ count: number }>(
    `select count(*)::int as count ${attack.marked(scene)}`,
  )
  return { reached: (rows[0]?.count ?? 0) > 0, error }
}

/** What a tenant does all day, and must not notice a hull at. */
const work: readonly (readonly [string, (client: Client, scene: Scene) => Promise<void>])[] = [
  [
    'reads its own rows and those of nobody',
    async (db, { a, common, shared }) => {
      const ids = async (model: ModelName) =>
        (await db[model].findMany({ select: { id: true } })).map((row: { id: string }) => row.id).sort()
      expect(await ids('organization')).toEqual([a.organization])
      expect(await ids('person')).toEqual([a.person, common].sort())
      expect(await ids('template')).toEqual(
        expect.arrayContaining([a.template, a.spare.template, shared].sort()),
      )
      for (const model of ['employee', 'badge', 'project', 'label', 'task', 'comment'] as const) {
        expect(await ids(model)).toEqual([a[model], a.spare[model]].sort())
      }
      expect(await db.membership.count()).toBe(2)
    },
  ],
  [
    'reads up, down and across its own rows',
    async (db, { a, country }) => {
      const found = await db.comment.findMany({
        where: { task: { project: { labels: { some: { id: a.label } }, country: { code: country } } } },
        include: {
          task: { include: { project: { include: { labels: true, country: true, _count: true } } } },
        },
        orderBy: [{ task: { project: { name: 'asc' } } }, { id: 'asc' }],
      })
      expect(found).toHaveLength(2)
      expect(found[0].task.project.labels).toMatchObject([{ id: a.label }])
      expect(found[0].task.project._count).toEqual({ tasks: 2, labels: 1, templates: 0 })
    },
  ],
  [
    'pages by a cursor over rows that name their tenant',
    async (db, { a }) => {
      const [first, last] = [a.project, a.spare.project].sort()
      const page = { orderBy: { id: 'asc' }, cursor: { id: first }, skip: 1, take: 1 }
      expect(await db.project.findMany(page)).toMatchObject([{ id: last }])
    },
  ],
  [
    'creates itself and renames itself',
    async (db, { a }) => {
      await db.organization.update({ where: { id: a.organization }, data: { name: 'renamed' } })
      expect(await db.organization.findMany()).toMatchObject([{ name: 'renamed' }])
    },
  ],
  [
    'creates rows without naming itself',
    async (db, { a }) => {
      expect(await db.label.create({ data: { name: 'x' } })).toMatchObject({ organizationId: a.organization })
      expect(await db.label.createMany({ data: [{ name: 'x' }, { name: 'y' }] })).toEqual({ count: 2 })
      expect(await db.label.createManyAndReturn({ data: [{ name: 'z' }] })).toMatchObject([
        { organizationId: a.organization },
      ])
      const upsert = { where: { id: a.label }, create: { name: 'made' }, update: { name: 'changed' } }
      expect(await db.label.upsert(upsert)).toMatchObject({ id: a.label, name: 'changed' })
      expect(await db.label.upsert({ ...upsert, where: { id: randomUUID() } })).toMatchObject({
        name: 'made',
      })
    },
  ],
  [
    'creates a tree of rows at once',
    async (db, { a, country, shared }) => {
      const project = await db.project.create({
        data: {
          name: 'tree',
          lead: { connect: { id: a.spare.employee } },
          template: { connect: { id: shared } },
          country: { connect: { code: country } },
          labels: { connect: { id: a.label }, create: [{ name: 'new' }] },
          templates: { connect: [{ id: shared }, { id: a.template }] },
          tasks: {
            create: {
              title: 'first',
              assignee: { connect: { id: a.spare.employee } },
              comments: { create: { text: 'deep' } },
            },
            createMany: { data: [{ title: 'second' }] },
          },
        },
        include: { labels: true, templates: true, tasks: { include: { comments: true } } },
      })
      expect(project).toMatchObject({
        organizationId: a.organization,
        countryCode: country,
        templateId: shared,
      })
      expect(project.labels).toHaveLength(2)
      expect(project.templates).toHaveLength(2)
      expect(project.tasks).toHaveLength(2)
    },
  ],
  [
    'creates rows of different forms in one list',
    async (db, { a }) => {
      const { projects } = await db.employee.create({
        data: {
          name: 'x',
          projects: {
            create: [{ name: 'keys', templateId: a.template }, { name: 'neither' }],
          },
          badge: { create: { number: 'x' } },
          tasks: {
            create: [
              { title: 'x', project: { connect: { id: a.project } } },
              { title: 'y', project: { create: { name: 'made' } } },
            ],
          },
        },
        include: { projects: true },
      })
      expect(projects).toHaveLength(2)
      const made = await db.employee.create({
        data: {
          name: 'x',
          projects: {
            create: [{ name: 'relations', template: { connect: { id: a.template } } }, { name: 'z' }],
          },
        },
        include: { projects: true },
      })
      expect(made.projects).toHaveLength(2)
      expect(await db.project.count()).toBe(7)
    },
  ],
  [
    'creates through a parent and a grandparent',
    async (db, { a }) => {
      await db.task.create({ data: { title: 'x', project: { connect: { id: a.project } } } })
      const comment = await db.comment.create({
        data: { text: 'x', task: { create: { title: 'x', project: { connect: { id: a.project } } } } },
        include: { task: true },
      })
      expect(comment.task.projectId).toBe(a.project)
      expect(await db.comment.count({ where: { task: { title: 'x' } } })).toBe(1)
    },
  ],
  [
    'names rows by keys that do not carry it, at every depth',
    async (db, { a, common, shared }) => {
      const data = { leadId: a.spare.employee, templateId: shared }
      expect(await db.project.update({ where: { id: a.project }, data })).toMatchObject(data)
      expect(await db.task.createMany({ data: [{ title: 'x', projectId: a.project }] })).toEqual({ count: 1 })
      await db.employee.updateMany({ data: { personId: { set: common } } })
      const made = await db.employee.create({
        data: {
          name: 'x',
          personId: a.person,
          projects: {
            create: [
              {
                name: 'x',
                templateId: a.template,
                tasks: { create: { title: 'x', assigneeId: a.employee.toUpperCase() } },
              },
            ],
          },
        },
        include: { projects: { include: { tasks: true } } },
      })
      expect(made.projects[0].tasks).toMatchObject([{ assigneeId: a.employee }])
    },
  ],
  [
    'names rows that the same operation makes',
    async (db, { a }) => {
      const made = { employee: randomUUID(), project: randomUUID() }
      await db.employee.create({
        data: {
          id: made.employee,
          name: 'x',
          projects: {
            create: {
              id: made.project,
              name: 'x',
              tasks: { create: { title: 'x', assigneeId: made.employee } },
            },
          },
        },
      })
      expect(await db.task.count({ where: { assigneeId: made.employee } })).toBe(1)
      expect(await db.organization.findMany({ where: { id: a.organization } })).toHaveLength(1)
    },
  ],
  [
    'reads to-one relations, and nothing of what was needed to look at them',
    async (db, { a, b, common, shared }) => {
      await db.project.update({
        where: { id: a.spare.project },
        data: { template: { connect: { id: shared } } },
      })
      const select = {
        lead: { select: { name: true, person: { select: { name: true } } } },
        template: { select: { name: true } },
      }
      const found = await db.project.findMany({ select, orderBy: { id: 'asc' } })
      expect(found).toEqual(
        [
          { id: a.project, row: { lead: null, template: null } },
          { id: a.spare.project, row: { lead: { name: 'zzz', person: null }, template: { name: 'shared' } } },
        ]
          .sort((one, other) => (one.id < other.id ? -1 : 1))
          .map(({ row }) => row),
      )
      const [badge] = await db.badge.findMany({ where: { id: a.badge }, include: { employee: true } })
      expect(badge).toMatchObject({ employeeId: b.employee, employee: null })
      await db.employee.update({ where: { id: a.employee }, data: { personId: common } })
      expect(
        await db.employee.update({
          where: { id: a.employee },
          data: {},
          select: { person: { omit: { id: true } }, badge: true },
        }),
      ).toEqual({ person: { name: 'common' }, badge: null })
      const lead = db.project.findUnique({ where: { id: a.spare.project } }) as unknown as {
        lead(): Promise<unknown>
      }
      expect(await lead.lead()).toMatchObject({ id: a.spare.employee, name: 'zzz' })
    },
  ],
  [
    'pages by a cursor over rows that do not name it',
    async (db, { a, b }) => {
      const [first, last] = [a.task, a.spare.task].sort()
      const page = { orderBy: { id: 'asc' }, skip: 1, take: 1 }
      expect(await db.task.findMany({ ...page, cursor: { id: first } })).toMatchObject([{ id: last }])
      expect(await db.task.findMany({ cursor: { id: b.task } })).toEqual([])
      expect(await db.task.count({ cursor: { id: b.task } })).toBe(0)
      expect(await db.template.findMany({ cursor: { id: b.template } })).toEqual([])
      expect(await db.organization.findMany({ cursor: { id: b.organization } })).toEqual([])
    },
  ],
  [
    'orders its rows by what lies behind relations',
    async (db, { a }) => {
      await db.project.updateMany({ data: { leadId: null } })
      const where = { id: a.spare.project }
      await db.project.update({ where, data: { leadId: a.spare.employee } })
      const nulls = { orderBy: { lead: { name: 'desc' } } }
      expect((await db.project.findMany(nulls)).map(({ id }: { id: string }) => id)).toEqual([
        a.project,
        a.spare.project,
      ])
      const most = { orderBy: { lead: { projects: { _count: 'desc' } } } }
      expect(await db.project.findMany({ ...most, where })).toMatchObject([where])
    },
  ],
  [
    'replaces and changes whole lists that hold only its own rows',
    async (db, { a }) => {
      const employee = { where: { id: a.spare.employee }, include: { projects: true, tasks: true } }
      await db.comment.deleteMany()
      const set = { projects: { set: [{ id: a.project }] }, tasks: { set: [{ id: a.task }] } }
      expect(await db.employee.update({ ...employee, data: set })).toMatchObject({
        projects: [{ id: a.project }],
        tasks: [{ id: a.task }],
      })
      const change = { tasks: { updateMany: { where: {}, data: { title: 'x' } } } }
      expect(await db.employee.update({ ...employee, data: change })).toMatchObject({
        tasks: [{ id: a.task, title: 'x' }],
      })
      expect(await db.employee.update({ ...employee, data: { tasks: { deleteMany: {} } } })).toMatchObject({
        tasks: [],
      })
    },
  ],
  [
    'names a global row by its key',
    async (db, { a, otherCountry }) => {
      const data = { countryCode: otherCountry }
      expect(await db.project.update({ where: { id: a.project }, data })).toMatchObject(data)
    },
  ],
  [
    'links, moves and unlinks rows through lists',
    async (db, { a }) => {
      const employee = { where: { id: a.spare.employee }, include: { projects: true } }
      const ids = async (projects: object) =>
        (await db.employee.update({ ...employee, data: { projects } })).projects.map(
          (row: { id: string }) => row.id,
        )
      expect(await ids({ disconnect: { id: a.spare.project } })).toEqual([])
      expect(await ids({ connect: { id: a.spare.project } })).toEqual([a.spare.project])
      expect(await ids({ updateMany: { where: { name: a.secret }, data: { name: 'x' } } })).toHaveLength(1)
      expect(await db.project.count({ where: { name: 'x' } })).toBe(1)
      expect(await ids({ delete: { id: a.spare.project } })).toEqual([])
    },
  ],
  [
    'writes many rows of a parent at once',
    async (db, { a }) => {
      await db.project.update({
        where: { id: a.project },
        data: { tasks: { updateMany: { where: { title: a.secret }, data: { title: 'x' } } } },
      })
      expect(await db.task.count({ where: { title: 'x' } })).toBe(2)
      await db.task.update({ where: { id: a.task }, data: { comments: { deleteMany: {} } } })
      expect(await db.comment.count()).toBe(0)
    },
  ],
  [
    'links, replaces and unlinks a many-to-many relation, shared rows included',
    async (db, { a, shared }) => {
      const ids = async (relation: string, write: object) => {
        const data = { [relation]: write }
        const found = await db.project.update({
          where: { id: a.spare.project },
          data,
          include: { [relation]: true },
        })
        return found[relation].map((row: { id: string }) => row.id)
      }
      expect(await ids('labels', { connect: { id: a.label } })).toEqual([a.label])
      expect(await ids('labels', { set: [{ id: a.spare.label }] })).toEqual([a.spare.label])
      expect(await ids('labels', { disconnect: { id: a.spare.label } })).toEqual([])
      expect(await ids('templates', { connect: { id: shared } })).toEqual([shared])
      expect(await ids('templates', { set: [{ id: shared }] })).toEqual([shared])
      expect(await ids('templates', { disconnect: { id: shared } })).toEqual([])
    },
  ],
  [
    'writes one-to-one relations from both ends',
    async (db, { a }) => {
      const where = { id: a.spare.employee }
      const write = (badge: object) => db.employee.update({ where, data: { badge } })
      const worn = () => db.badge.findMany({ where: { employeeId: a.spare.employee } })
      await write({ create: { number: 'created' } })
      expect(await worn()).toMatchObject([{ number: 'created' }])
      await write({ update: { number: 'updated' } })
      expect(await worn()).toMatchObject([{ number: 'updated' }])
      await write({ connect: { id: a.spare.badge } })
      expect(await worn()).toMatchObject([{ id: a.spare.badge }])
      await write({ disconnect: true })
      expect(await worn()).toEqual([])
      await db.badge.update({ where: { id: a.spare.badge }, data: { employee: { connect: where } } })
      await db.badge.create({ data: { number: 'pushing', employee: { connect: where } } })
      expect(await worn()).toMatchObject([{ number: 'pushing' }])
      await write({ upsert: { create: { number: 'no' }, update: { number: 'upserted' } } })
      expect(await worn()).toMatchObject([{ number: 'upserted' }])
      await write({ delete: true })
      expect(await worn()).toEqual([])
    },
  ],
  [
    'writes to-one relations from the end with the key',
    async (db, { a }) => {
      const where = { id: a.spare.project }
      const lead = (write: object) => db.project.update({ where, data: { lead: write } })
      await lead({ update: { name: 'updated' } })
      expect(await db.employee.count({ where: { name: 'updated' } })).toBe(1)
      expect(await lead({ connect: { id: a.employee } })).toMatchObject({ leadId: a.employee })
      expect(await lead({ disconnect: true })).toMatchObject({ leadId: null })
      await lead({ create: { name: 'created' } })
      expect(await db.project.count({ where: { lead: { name: 'created' } } })).toBe(1)
      const unset = await db.project.update({ where, data: { leadId: null } })
      expect(unset).toMatchObject({ leadId: null })
    },
  ],
  [
    'refers to the people of its memberships',
    async (db, { a, common }) => {
      const data = { person: { connect: { id: a.person } } }
      expect(await db.employee.update({ where: { id: a.employee }, data })).toMatchObject({
        personId: a.person,
      })
      const members = await db.membership.findMany({ include: { person: true } })
      const ids = members.map((membership: { person: { id: string } }) => membership.person.id)
      expect(ids.sort()).toEqual([a.person, common].sort())
    },
  ],
  [
    'has private rows beside the shared ones',
    async (db, { a, otherCountry }) => {
      const made = await db.template.create({
        data: { name: 'private', countries: { connect: { code: otherCountry } } },
        include: { countries: true },
      })
      expect(made).toMatchObject({ organizationId: a.organization, countries: [{ code: otherCountry }] })
      const where = { id: made.id }
      await db.template.update({ where, data: { countries: { set: [] } } })
      expect(await db.template.delete({ where })).toMatchObject({ name: 'private' })
    },
  ],
  [
    'reads global rows and what is its own behind them',
    async (db, { a, country, region }) => {
      const found = await db.region.findUnique({
        where: { id: region },
        include: { countries: { include: { projects: true, templates: { orderBy: { name: 'desc' } } } } },
      })
      expect(found.countries).toMatchObject([{ code: country, projects: [{ id: a.project }] }])
      expect(found.countries[0].templates.map(({ name }: { name: string }) => name)).toEqual([
        'shared',
        a.secret,
      ])
    },
  ],
  [
    'deletes what is its own',
    async (db, { a }) => {
      await db.comment.deleteMany({ where: { taskId: a.task } })
      expect(await db.task.deleteMany()).toEqual({ count: 2 })
      expect(await db.project.delete({ where: { id: a.project } })).toMatchObject({ id: a.project })
      expect(await db.label.deleteMany()).toEqual({ count: 2 })
    },
  ],
]

describe.each(['both', 'one'] as const)('behind hull %s', (hull) => {
  it.each(work)('a tenant %s', async (_, task) => {
    const scene = await plantScene(database.admin)
    await task(database[hull].client({ tenantId: scene.a.organization }), scene)
  })

  it('a new tenant comes into being in its own context', async () => {
    const tenantId = randomUUID()
    const client = database[hull].client({ tenantId })
    expect(await client.organization.create({ data: { name: 'new' } })).toMatchObject({ id: tenantId })
  })
})

/** Legal Prisma that hull one refuses where a link leads outside, because it could not hold it. */
const refusals: readonly (readonly [string, (client: Client, scene: Scene) => Promise<unknown>])[] = [
  [
    'a set over a list with another tenant’s row in it',
    (db, { a }) =>
      db.employee.update({ where: { id: a.employee }, data: { projects: { set: [{ id: a.project }] } } }),
  ],
  [
    'a nested updateMany over a list with another tenant’s through row in it',
    (db, { a }) =>
      db.employee.update({
        where: { id: a.employee },
        data: { tasks: { updateMany: { where: {}, data: { title: 'x' } } } },
      }),
  ],
  [
    'a nested deleteMany over a list with another tenant’s through row in it',
    (db, { a }) => db.employee.update({ where: { id: a.employee }, data: { tasks: { deleteMany: {} } } }),
  ],
  [
    'an order by a many-to-many relation with another tenant’s rows in it',
    (db) => db.project.findMany({ orderBy: { labels: { _count: 'asc' } } }),
  ],
  [
    'an order by another tenant’s row',
    (db) => db.project.findMany({ orderBy: [{ name: 'asc' }, { lead: { name: 'asc' } }] }),
  ],
  [
    'an order by what lies behind another tenant’s row, within an include',
    (db) =>
      db.organization.findMany({
        include: { badges: { orderBy: { employee: { person: { name: 'asc' } } } } },
      }),
  ],
]

it.each(refusals)('hull one answers DH207 to %s', async (_, attempt) => {
  const scene = await plantScene(database.admin)
  const client = database.one.client({ tenantId: scene.a.organization })
  await expect(attempt(client, scene)).rejects.toMatchObject({ name: 'TenancyError', code: 'DH207' })
})

it('a row that an operation may make or not is not taken for one that it makes', async () => {
  const { a, b } = await plantScene(database.admin)
  const db = database.one.client({ tenantId: a.organization })
  const links = (id: string) => ({
    create: { name: 'x', tasks: { create: { title: stolen, assigneeId: id } } },
  })
  for (const attempt of [
    // the employee is found by another key and not made, but for the other one it is made with B's id
    () =>
      db.project.update({
        where: { id: a.project },
        data: {
          lead: {
            upsert: {
              where: { id: a.spare.employee },
              create: { id: b.spare.employee, name: 'x' },
              update: { projects: links(b.spare.employee) },
            },
          },
          tasks: { create: { title: stolen, assigneeId: b.spare.employee } },
        },
      }),
    () =>
      db.employee
        .createMany({ data: [{ id: b.spare.employee, name: 'x' }], skipDuplicates: true })
        .then(() =>
          db.task.create({ data: { title: stolen, projectId: a.project, assigneeId: b.spare.employee } }),
        ),
    () =>
      db.project.update({
        where: { id: a.project },
        data: {
          tasks: {
            create: { title: stolen, assigneeId: b.spare.employee },
            connectOrCreate: {
              where: { id: a.task },
              create: { title: 'x', assignee: { create: { id: b.spare.employee, name: 'x' } } },
            },
          },
        },
      }),
  ]) {
    await expect(attempt()).rejects.toMatchObject({ code: 'P2003' })
  }
  const { rows } = await database.admin.query(`select from work.task where assignee_id = $1`, [
    b.spare.employee,
  ])
  expect(rows).toEqual([])
})

it('hull one answers DH206 to a foreign key that is not given as a value', async () => {
  const { a } = await plantScene(database.admin)
  const client = database.one.client({ tenantId: a.organization })
  await expect(
    client.project.update({ where: { id: a.project }, data: { leadId: { push: a.employee } } }),
  ).rejects.toMatchObject({ code: 'DH206' })
})

describe('a key that does not carry the tenant', () => {
  it('links to another tenant’s row behind hull two alone, and shows nothing of it', async () => {
    const { a, b } = await plantScene(database.admin)
    const db = database.two.client({ tenantId: a.organization })
    // PostgreSQL checks foreign keys without row-level security; only a key with the tenant in it answers 23503
    const linked = await db.project.update({
      where: { id: a.project },
      data: { leadId: b.spare.employee },
      include: { lead: true },
    })
    expect(linked).toMatchObject({ leadId: b.spare.employee, lead: null })
  })

  it('hands on a delete to another tenant’s row behind both hulls', async () => {
    const { a, b } = await plantScene(database.admin)
    const db = database.both.client({ tenantId: a.organization })
    await db.employee.delete({ where: { id: a.employee } })
    const { rows } = await database.admin.query('select lead_id from work.project where id = $1', [b.project])
    // `on delete set null` is PostgreSQL's own update, which no hull sees: a limit that is written down
    expect(rows).toEqual([{ lead_id: null }])
  })
})

it('work across tenants sees every organization of a schema of one’s own, and is recorded', async () => {
  const { a, b } = await plantScene(database.admin)
  const actor = `job-${randomUUID()}`
  const system = database.both.system({ actor, reason: 'a schema of one’s own' })
  const where = { id: { in: [a.organization, b.organization] } }
  expect(await system.organization.count({ where })).toBe(2)
  expect(await system.task.findMany({ where: { id: { in: [a.task, b.task] } } })).toHaveLength(2)
  const { rows } = await database.admin.query(
    'select model, operation from audit.system_work where actor = $1 order by created_at',
    [actor],
  )
  expect(rows).toEqual([
    { model: 'Organization', operation: 'count' },
    { model: 'Task', operation: 'findMany' },
  ])
  expect(await database.both.client({ tenantId: a.organization }).organization.count({ where })).toBe(1)
})
