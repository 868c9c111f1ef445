import { BrandingHistory } from './branding-history.ts'
import { ConfigHistory } from './config-history.ts'
import type { CopyWriter } from './copy-writer.ts'
import { FlagHistory } from './flag-history.ts'
import { Random } from './random.ts'
import type { Role } from './roles.ts'
import { SwitchHistory } from './switch-history.ts'
import { historySpan, type Member, TenantHistory, timeText } from './tenant-history.ts'
import { addTrace } from './trace-history.ts'

/** People who work for more than one tenant: some of those who were made last. */
export interface Consultants {
  readonly userIds: string[]
}

/** Which tenant it is, and how large. */
export interface TenantPlan {
  readonly seed: number
  readonly index: number
  /** Exactly how many rows it gets. */
  readonly budget: number
  /** The end of its history, in microseconds. */
  readonly until: number
}

const firstRoles: readonly Role[] = ['OWNER', 'ADMIN', 'EDITOR', 'EDITOR', 'REVIEWER', 'REVIEWER']
const laterRoles: readonly Role[] = [
  'EDITOR',
  'EDITOR',
  'REVIEWER',
  'REVIEWER',
  'VIEWER',
  'VIEWER',
  'VIEWER',
  'ADMIN',
]
const words = [
  'Alder',
  'Birch',
  'Cedar',
  'Dogwood',
  'Elm',
  'Fir',
  'Ginkgo',
  'Hazel',
  'Ivy',
  'Juniper',
  'Larch',
  'Maple',
]
const kinds = [
  'Bank',
  'Foods',
  'Freight',
  'Health',
  'Insurance',
  'Labs',
  'Logistics',
  'Media',
  'Retail',
  'Travel',
]

/** Lives one tenant's history, from its first member to its last event. */
export async function seedTenant(
  writer: CopyWriter,
  plan: TenantPlan,
  consultants: Consultants,
): Promise<void> {
  const { seed, index, budget, until } = plan
  const random = new Random(`tenant:${seed}:${index}`)
  const start = until - historySpan
  const begun = writer.rows
  const tenantId = random.uuid(start)
  writer.add('tenancy.tenant', {
    id: tenantId,
    name: `${random.of(words)} ${random.of(kinds)} ${index + 1}`,
    status: random.chance(0.02) ? 'SUSPENDED' : 'ACTIVE',
    topic: random.uuid(start),
    created_at: timeText(start),
    updated_at: timeText(start),
  })
  writer.add('governance.kill_switch_gate', { tenant_id: tenantId })
  const members = addMembers(writer, random, { ...plan, tenantId, start }, consultants)

  const history = new TenantHistory(writer, random, {
    tenantId,
    members,
    // the last link of the chain comes last
    budget: budget - (writer.rows - begun) - 1,
    start,
  })
  const config = new ConfigHistory(history)
  const flags = new FlagHistory(history)
  const switches = new SwitchHistory(history)
  const brandings = new BrandingHistory(history)
  config.begin()
  while (history.left >= 10) {
    const kind = random.below(100)
    if (kind < 34) config.step()
    else if (kind < 40) flags.step()
    else if (kind < 42) switches.step()
    else if (kind < 45) brandings.step()
    else if (kind < 48) addEvent(history)
    else addTrace(history, config.traceable(), 8)
    if (writer.isFull) await writer.flush()
  }
  while (history.left > 0) addTrace(history, config.traceable(), 0)
  config.finish()
  flags.finish()
  switches.finish()
  brandings.finish()
  history.close()
  if (writer.isFull) await writer.flush()
}

function addMembers(
  writer: CopyWriter,
  random: Random,
  {
    seed,
    index,
    budget,
    tenantId,
    start,
  }: TenantPlan & { readonly tenantId: string; readonly start: number },
  { userIds }: Consultants,
): readonly Member[] {
  const count = firstRoles.length + Math.min(200, Math.floor(Math.sqrt(Math.max(0, budget - 60)) / 4))
  const members: Member[] = []
  for (let at = 0; at < count; at++) {
    const role = firstRoles[at] ?? random.of(laterRoles)
    const known = random.chance(0.03) && userIds.length > 0 ? random.of(userIds) : undefined
    const isShared = known !== undefined && !members.some(({ userId }) => userId === known)
    const userId = isShared ? known : random.uuid(start + at)
    if (!isShared) {
      writer.add('tenancy."user"', {
        id: userId,
        email: `user-${index + 1}-${at + 1}.s${seed}@example.org`,
        display_name: `${random.of(words)} ${at + 1}`,
        created_at: timeText(start),
      })
      if (userIds.length < 64) userIds.push(userId)
      else userIds[random.below(64)] = userId
    }
    writer.add('tenancy.membership', {
      id: random.uuid(start + at),
      tenant_id: tenantId,
      user_id: userId,
      role,
      created_at: timeText(start),
    })
    members.push({ userId, role })
  }
  return members
}

/** What the application itself records: who came, and who was refused. */
function addEvent(history: TenantHistory): void {
  const { random } = history
  history.tick()
  const { userId, role } = random.of(history.members)
  if (role === 'VIEWER' && random.chance(0.3)) {
    history.record({
      action: 'flag.update',
      actor: userId,
      target: [{ type: 'flag', id: random.uuid(history.now) }],
      metadata: { code: 'DH505', permission: 'flag:edit' },
      origin: 'APPLICATION',
      outcome: 'DENIED',
    })
    return
  }
  history.record({
    action: 'session.start',
    actor: userId,
    target: { type: 'user', id: userId },
    metadata: { method: random.of(['sso', 'password', 'passkey']) },
    origin: 'APPLICATION',
  })
}
