import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { Prisma } from '../../src/generated/prisma/client.ts'
import type { BundledTenantClient } from '../../src/index.ts'
import type { Hull, HullName } from './hulls.ts'

/** How one attack ended. */
export interface AttackResult {
  readonly name: string
  readonly hull: HullName
  readonly blocked: boolean
}

/** Two tenants and a package of each, planted for one attack. */
interface Scene {
  readonly hull: Hull
  readonly attacker: BundledTenantClient
  readonly victim: BundledTenantClient
  readonly attackerId: string
  readonly victimId: string
  readonly ownPackageId: string
  readonly victimPackageId: string
  /** The name of the victim's package: seen by the attacker, it is a leak. */
  readonly secret: string
  /** Counts rows as an administrator, whom nothing holds: what really happened. */
  count(condition: string, ...values: readonly string[]): Promise<number>
}

/** An attempt of one tenant on another. */
interface Attack {
  readonly name: string
  /** Returns what the attacker was answered; an error is an answer too. */
  attempt(scene: Scene): Promise<unknown>
  /** Whether it left its mark in the database; reading leaves none. */
  succeeded?(scene: Scene): Promise<boolean>
}

const attacks: readonly Attack[] = [
  {
    name: 'read',
    attempt: async ({ attacker, victimPackageId }) => [
      await attacker.configPackage.findUnique({ where: { id: victimPackageId } }),
      await attacker.configPackage.findMany(),
    ],
  },
  {
    name: 'write',
    attempt: ({ attacker, victimPackageId }) =>
      attacker.configPackage.updateMany({ where: { id: victimPackageId }, data: { name: 'overwritten' } }),
    succeeded: async ({ count, victimPackageId }) =>
      (await count(`config_package where id = $1::uuid and name = 'overwritten'`, victimPackageId)) > 0,
  },
  {
    name: 'move',
    attempt: ({ attacker, ownPackageId, victimId }) =>
      attacker.configPackage.update({ where: { id: ownPackageId }, data: { tenantId: victimId } }),
    succeeded: async ({ count, ownPackageId, victimId }) =>
      (await count('config_package where id = $1::uuid and tenant_id = $2::uuid', ownPackageId, victimId)) >
      0,
  },
  {
    name: 'connect',
    attempt: ({ attacker, victimPackageId }) =>
      attacker.configVersion.create({
        data: { number: 99, content: {}, package: { connect: { id: victimPackageId } } },
      }),
    succeeded: async ({ count, victimPackageId }) =>
      (await count('config_version where package_id = $1::uuid and number = 99', victimPackageId)) > 0,
  },
  {
    name: 'raw SQL',
    attempt: ({ attacker }) => attacker.$queryRaw`select name from governance.config_package`,
  },
  {
    name: 'no context',
    attempt: ({ hull }) => hull.clientWithoutContext().configPackage.findMany(),
  },
  {
    name: 'forged id',
    attempt: ({ hull, attackerId }) => hull.packageNamesOf(`${attackerId}' or 'a' = 'a`),
  },
  {
    name: 'same-tick findUnique',
    // Prisma merges both into one statement, in the context of whoever came first
    attempt: async ({ attacker, victim, victimPackageId: id }) => {
      const [, answer] = await Promise.all([
        victim.configPackage.findUnique({ where: { id } }),
        attacker.configPackage.findUnique({ where: { id } }),
      ])
      return answer
    },
  },
  {
    name: 'rolled-back transaction',
    attempt: ({ attacker }) =>
      attacker.$transaction(async (tx) => {
        await tx.configPackage.create({ data: { key: 'ghost', name: 'written in a transaction' } })
        throw new Error('the caller changes their mind')
      }),
    succeeded: async ({ count, attackerId }) =>
      (await count(`config_package where tenant_id = $1::uuid and key = 'ghost'`, attackerId)) > 0,
  },
  {
    name: 'stacked SQL',
    attempt: ({ attacker, victimPackageId }) =>
      attacker.$queryRaw(
        Prisma.raw(
          `select 1; update governance.config_package set name = 'stacked' where id = '${victimPackageId}'`,
        ),
      ),
    succeeded: async ({ count, victimPackageId }) =>
      (await count(`config_package where id = $1::uuid and name = 'stacked'`, victimPackageId)) > 0,
  },
]

/** How many attacks there are, for a progress line. */
export const attackCount = attacks.length

/**
 * Makes every attack on a hull, each on rows of its own.
 *
 * @param admin a connection that sees and may plant every row
 * @param tenants the attacker and the victim, who exist
 */
export async function attackHull(
  hull: Hull,
  admin: pg.Client,
  [attackerId, victimId]: readonly [string, string],
): Promise<readonly AttackResult[]> {
  const results: AttackResult[] = []
  for (const attack of attacks) {
    const scene = await plant(hull, admin, attackerId, victimId)
    await assertAbleToAttack(scene)
    const answer = await answerTo(attack, scene)
    const seen = (JSON.stringify(answer) ?? '').includes(scene.secret)
    const marked = (await attack.succeeded?.(scene)) ?? false
    results.push({ name: attack.name, hull: hull.name, blocked: !seen && !marked })
  }
  return results
}

/** A client that can't read its own rows would be refused everything, and prove nothing. */
async function assertAbleToAttack({ hull, attacker, ownPackageId }: Scene): Promise<void> {
  const own = await attacker.configPackage.findUnique({ where: { id: ownPackageId } })
  if (!own)
    throw new Error(`behind hull ${hull.name} the attacker cannot read its own package: nothing is proven`)
}

/** What the attacker was told; a refusal is an answer too, and may itself tell too much. */
async function answerTo(attack: Attack, scene: Scene): Promise<unknown> {
  try {
    return await attack.attempt(scene)
  } catch (error) {
    return { refusal: String(error) }
  }
}

async function plant(hull: Hull, admin: pg.Client, attackerId: string, victimId: string): Promise<Scene> {
  const mark = randomBytes(6).toString('hex')
  const secret = `secret ${mark}`
  const insert = async (tenantId: string, name: string): Promise<string> => {
    const { rows } = await admin.query<{ id: string }>(
      `insert into governance.config_package (id, tenant_id, key, name, updated_at)
       values (gen_random_uuid(), $1, $2, $3, now()) returning id`,
      [tenantId, `attacked-${tenantId}-${mark}`, name],
    )
    return rows[0]?.id ?? ''
  }
  return {
    hull,
    attacker: hull.client(attackerId),
    victim: hull.client(victimId),
    attackerId,
    victimId,
    ownPackageId: await insert(attackerId, 'own'),
    victimPackageId: await insert(victimId, secret),
    secret,
    async count(condition, ...values) {
      const { rows } = await admin.query<{ count: number }>(
        `select count(*)::int as count from governance.${condition}`,
        [...values],
      )
      return rows[0]?.count ?? 0
    },
  }
}
