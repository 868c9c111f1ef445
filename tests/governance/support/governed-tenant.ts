import { randomUUID } from 'node:crypto'
import type pg from 'pg'

/** A tenant with people for every part of a version's life, planted as an administrator. */
export interface GovernedTenant {
  readonly tenantId: string
  /** Writes and submits. */
  readonly author: string
  /** Changes what the author wrote. */
  readonly editor: string
  readonly reviewer: string
  readonly secondReviewer: string
  /** An administrator. */
  readonly activator: string
  readonly viewer: string
}

const roles = {
  author: 'EDITOR',
  editor: 'EDITOR',
  reviewer: 'REVIEWER',
  secondReviewer: 'REVIEWER',
  activator: 'ADMIN',
  viewer: 'VIEWER',
} as const

export async function plantGovernedTenant(admin: pg.Client): Promise<GovernedTenant> {
  const tenantId = randomUUID()
  await admin.query(`insert into tenancy.tenant (id, name, updated_at) values ($1, 'tenant', now())`, [
    tenantId,
  ])
  const people = Object.entries(roles).map(([name, role]) => ({ name, role, id: randomUUID() }))
  for (const { id, name, role } of people) {
    await admin.query(`insert into tenancy."user" (id, email, display_name) values ($1, $2, $3)`, [
      id,
      `${id}@example.org`,
      name,
    ])
    await admin.query(
      `insert into tenancy.membership (id, tenant_id, user_id, role) values (gen_random_uuid(), $1, $2, $3)`,
      [tenantId, id, role],
    )
  }
  const idOf = (name: keyof typeof roles) => people.find((one) => one.name === name)?.id ?? ''
  return {
    tenantId,
    author: idOf('author'),
    editor: idOf('editor'),
    reviewer: idOf('reviewer'),
    secondReviewer: idOf('secondReviewer'),
    activator: idOf('activator'),
    viewer: idOf('viewer'),
  }
}
