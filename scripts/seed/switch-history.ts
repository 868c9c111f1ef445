import { activators } from './roles.ts'
import { type TenantHistory, timeText } from './tenant-history.ts'

interface Switch {
  readonly id: string
  readonly resource: string
  readonly createdAt: number
  reason: string | null
  actor: string | null
  engagedAt: number | null
  updatedAt: number
}

const resources = ['', 'payments', 'emails', 'exports', 'webhooks']
const incidents = ['duplicate payments', 'messages to the wrong customers', 'the partner is down', 'a drill']

/** The kill switches of a tenant. Nobody left one engaged but by a small chance. */
export class SwitchHistory {
  readonly #history: TenantHistory
  readonly #switches: Switch[] = []

  constructor(history: TenantHistory) {
    this.#history = history
  }

  /** A switch is engaged or released. At most two rows. */
  step(): void {
    const { random } = this.#history
    const engaged = this.#switches.find(({ engagedAt }) => engagedAt !== null)
    const now = this.#history.tick()
    const actor = this.#history.member(activators) ?? ''
    const chosen = engaged ?? this.#switchOf(random.of(resources), now)
    chosen.engagedAt = engaged ? null : now
    chosen.actor = actor
    chosen.updatedAt = now
    chosen.reason = random.of(incidents)
    this.#history.record({
      action: engaged ? 'kill_switch.release' : 'kill_switch.engage',
      actor,
      target: { type: 'kill-switch', id: chosen.id },
      metadata: {
        stage: engaged ? 'RELEASED' : 'ENGAGED',
        scope: chosen.resource === '' ? 'TENANT' : 'RESOURCE',
        resource: chosen.resource === '' ? undefined : chosen.resource,
        reason: chosen.reason,
      },
    })
  }

  /** Writes what could change until now. */
  finish(): void {
    for (const each of this.#switches) {
      this.#history.write('governance.kill_switch', {
        id: each.id,
        tenant_id: this.#history.tenantId,
        scope: each.resource === '' ? 'TENANT' : 'RESOURCE',
        resource: each.resource,
        engaged: each.engagedAt !== null,
        reason: each.reason,
        actor_id: each.actor,
        engaged_at: each.engagedAt === null ? null : timeText(each.engagedAt),
        expires_at: null,
        created_at: timeText(each.createdAt),
        updated_at: timeText(each.updatedAt),
      })
    }
  }

  #switchOf(resource: string, now: number): Switch {
    const known = this.#switches.find((each) => each.resource === resource)
    if (known) return known
    const created: Switch = {
      id: this.#history.random.uuid(now),
      resource,
      createdAt: now,
      reason: null,
      actor: null,
      engagedAt: null,
      updatedAt: now,
    }
    this.#switches.push(created)
    this.#history.reserve()
    return created
  }
}
