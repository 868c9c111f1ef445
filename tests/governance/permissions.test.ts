import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Permission, PermissionPort } from '../../src/governance/index.ts'
import { useTestDatabase } from '../support/test-database.ts'
import { People, type Person, refusalOf } from './support/people.ts'

const database = useTestDatabase()
let people: People
beforeAll(async () => {
  people = await People.plant(database)
})

interface Attempt {
  readonly permission: Permission
  readonly action: string
  /** Readies what is acted on, as others; and then acts. */
  readonly ready: () => Promise<(person: Person, can?: PermissionPort) => Promise<unknown>>
}

const on = (person: Person, can?: PermissionPort) => people.as(person, can ? { can } : {})
// what is readied is never the work of whoever acts, so that the permission alone decides
const attempts: Readonly<Record<string, Attempt>> = {
  'packages.create': {
    permission: 'config:create',
    action: 'config.package.create',
    ready: async () => (person, can) =>
      on(person, can).packages.create({ key: `key-${randomUUID()}`, name: 'Package' }),
  },
  'packages.archive': {
    permission: 'config:archive',
    action: 'config.package.archive',
    ready: async () => {
      const id = await people.package()
      return (person, can) => on(person, can).packages.archive(id)
    },
  },
  'versions.createDraft': {
    permission: 'config:create',
    action: 'config.version.create',
    ready: async () => {
      const id = await people.package()
      return (person, can) => on(person, can).versions.createDraft(id, { content: {} })
    },
  },
  'versions.updateDraft': {
    permission: 'config:edit',
    action: 'config.version.edit',
    ready: async () => {
      const id = await people.draft()
      return (person, can) =>
        on(person, can).versions.updateDraft(id, { content: {} }, { expectedLockVersion: 1 })
    },
  },
  'versions.deleteDraft': {
    permission: 'config:edit',
    action: 'config.version.delete',
    ready: async () => {
      const id = await people.draft()
      return (person, can) => on(person, can).versions.deleteDraft(id)
    },
  },
  'versions.submitForReview': {
    permission: 'config:submit',
    action: 'config.version.submit',
    ready: async () => {
      const id = await people.draft()
      return (person, can) => on(person, can).versions.submitForReview(id)
    },
  },
  'approvals.request': {
    permission: 'config:submit',
    action: 'config.version.submit',
    ready: async () => {
      const id = await people.draft()
      return (person, can) => on(person, can).approvals.request(id)
    },
  },
  'versions.withdraw': {
    permission: 'config:review',
    action: 'config.approval.cancel',
    ready: async () => {
      const { versionId } = await people.inReview()
      return (person, can) => on(person, can).versions.withdraw(versionId)
    },
  },
  'approvals.cancel': {
    permission: 'config:review',
    action: 'config.approval.cancel',
    ready: async () => {
      const { approvalId } = await people.inReview()
      return (person, can) => on(person, can).approvals.cancel(approvalId)
    },
  },
  'approvals.approve': {
    permission: 'config:approve',
    action: 'config.approval.approve',
    ready: async () => {
      const { approvalId } = await people.inReview()
      return (person, can) => on(person, can).approvals.approve(approvalId)
    },
  },
  'approvals.reject': {
    permission: 'config:review',
    action: 'config.approval.reject',
    ready: async () => {
      const { approvalId } = await people.inReview()
      return (person, can) => on(person, can).approvals.reject(approvalId, { comment: 'no' })
    },
  },
  'versions.activate': {
    permission: 'config:activate',
    action: 'config.version.activate',
    ready: async () => {
      const id = await people.approved()
      return (person, can) => on(person, can).versions.activate(id, { expectedActiveId: null })
    },
  },
  'versions.rollback': {
    permission: 'config:rollback',
    action: 'config.version.rollback',
    ready: async () => {
      const id = await people.active(await people.package())
      await people.as('admin').versions.deprecate(id)
      return (person, can) => on(person, can).versions.rollback(id, { reason: 'it worked' })
    },
  },
  'versions.deprecate': {
    permission: 'config:activate',
    action: 'config.version.deprecate',
    ready: async () => {
      const id = await people.active(await people.package())
      return (person, can) => on(person, can).versions.deprecate(id)
    },
  },
  'versions.breakGlass': {
    permission: 'config:break-glass',
    action: 'config.version.break_glass',
    ready: async () => {
      const id = await people.draft()
      return (person, can) => on(person, can).versions.breakGlass(id, { reason: 'an emergency' })
    },
  },
}

const editors = ['config:create', 'config:edit', 'config:submit']
const reviewers = ['config:review', 'config:approve']
const all = [...new Set(Object.values(attempts).map(({ permission }) => permission))]
const allowed: Readonly<Partial<Record<Person, readonly string[]>>> = {
  owner: all,
  admin: all,
  editor: editors,
  reviewer: reviewers,
  viewer: [],
  stranger: [],
}
const cells = Object.keys(attempts).flatMap((call) =>
  (Object.keys(allowed) as Person[]).map((person) => ({
    call,
    person,
    verb: allowed[person]?.includes(attempts[call]?.permission ?? '') ? 'allowed' : 'refused',
  })),
)

describe('by the role of the membership', () => {
  it.each(cells)('$call is $verb to the $person', async ({ call, person, verb }) => {
    const { ready, permission, action } = attempts[call] as Attempt
    const act = await ready()
    const before = await rows()
    const events = await people.eventsOf(async () => {
      if (verb === 'allowed') return act(person)
      expect(await refusalOf(act(person))).toMatchObject({ code: 'DH505', details: { permission } })
      return expect(await rows()).toEqual(before)
    })
    // exactly one, whichever way it went
    expect(events).toMatchObject([
      verb === 'allowed'
        ? { action, outcome: 'SUCCESS', origin: 'DATABASE', actorId: people.id(person) }
        : {
            action,
            outcome: 'DENIED',
            origin: 'APPLICATION',
            actorId: people.id(person),
            metadata: { code: 'DH505', permission },
          },
    ])
  })
})

describe('a port of the application’s own', () => {
  it('is asked with the actor, the permission, the resource and the transaction of the change', async () => {
    const id = await people.draft()
    const asked: unknown[] = []
    const can: PermissionPort = async (actor, permission, resource, tx) => {
      asked.push([actor, permission, resource, (await tx.configVersion.findFirst({ where: { id } }))?.status])
      return true
    }
    await people.as('viewer', { can }).versions.submitForReview(id)
    expect(asked).toEqual([
      [
        { tenantId: people.tenantId, userId: people.id('viewer'), roles: [] },
        'config:submit',
        { type: 'version', id },
        'DRAFT',
      ],
    ])
  })

  it.each(Object.keys(attempts))('that says no refuses %s to the owner too', async (call) => {
    const { ready, permission } = attempts[call] as Attempt
    const act = await ready()
    const events = await people.eventsOf(async () => {
      expect(await refusalOf(act('owner', () => false))).toMatchObject({
        code: 'DH505',
        details: { permission },
      })
    })
    expect(events).toHaveLength(1)
  })

  it('that answers with anything but true says no', async () => {
    const id = await people.draft()
    for (const answer of [1, 'yes', {}, undefined]) {
      const can = (() => answer) as unknown as PermissionPort
      expect(await refusalOf(people.as('owner', { can }).versions.submitForReview(id))).toMatchObject({
        code: 'DH505',
      })
    }
  })

  it('that fails lets nothing happen, and its error through', async () => {
    const id = await people.draft()
    const can = () => Promise.reject(new Error('the directory is down'))
    await expect(people.as('owner', { can }).versions.submitForReview(id)).rejects.toThrow(
      'the directory is down',
    )
    expect(await people.as('viewer').versions.get(id)).toMatchObject({ status: 'DRAFT' })
  })

  it('that lets everybody break the glass leaves the database to refuse it', async () => {
    const id = await people.draft()
    const events = await people.eventsOf(async () => {
      const broken = people
        .as('editor', { can: () => true })
        .versions.breakGlass(id, { reason: 'an emergency' })
      expect(await refusalOf(broken)).toMatchObject({
        code: 'DH505',
        details: { permission: 'config:break-glass' },
      })
    })
    expect(events).toMatchObject([{ outcome: 'DENIED', action: 'config.version.break_glass' }])
  })
})

async function rows(): Promise<readonly unknown[]> {
  const tables = ['config_package', 'config_version', 'approval', 'approval_decision', 'activation']
  const answers: unknown[] = []
  for (const table of tables) {
    const { rows } = await database.admin.query(
      `select t::text from governance.${table} t where tenant_id = $1 order by 1`,
      [people.tenantId],
    )
    answers.push(rows)
  }
  return answers
}
