import { type Json, jsonbText } from './jsonb-text.ts'
import { writers } from './roles.ts'
import { type TenantHistory, timeText } from './tenant-history.ts'

interface Flag {
  readonly id: string
  readonly key: string
  readonly type: 'BOOLEAN' | 'STRING'
  readonly createdAt: number
  enabled: boolean
  targeting: string | null
  lockVersion: number
  updatedAt: number
  archivedAt: number | null
}

const names = [
  'checkout',
  'dark-mode',
  'search',
  'invoice',
  'export',
  'assistant',
  'onboarding',
  'pricing-page',
]

/** The feature flags of a tenant. */
export class FlagHistory {
  readonly #history: TenantHistory
  readonly #flags: Flag[] = []

  constructor(history: TenantHistory) {
    this.#history = history
  }

  /** A flag is created, changed or archived. At most two rows. */
  step(): void {
    const { random, budget } = this.#history
    const open = this.#flags.filter(({ archivedAt }) => archivedAt === null)
    if (open.length < 2 || (this.#flags.length < 3 + Math.sqrt(budget) / 8 && random.chance(0.3)))
      return this.#create()
    const flag = random.of(open)
    flag.updatedAt = this.#history.tick()
    flag.lockVersion += 1
    if (random.chance(0.05)) flag.archivedAt = flag.updatedAt
    else if (random.chance(0.4)) flag.enabled = !flag.enabled
    else flag.targeting = this.#targeting(flag.type)
    this.#record(flag, flag.archivedAt === null ? 'flag.update' : 'flag.archive')
  }

  /** Writes what could change until now. */
  finish(): void {
    for (const flag of this.#flags) {
      this.#history.write('governance.feature_flag', {
        id: flag.id,
        tenant_id: this.#history.tenantId,
        key: flag.key,
        description: null,
        type: flag.type,
        enabled: flag.enabled,
        variants: jsonbText(flag.type === 'BOOLEAN' ? { on: true, off: false } : { on: 'new', off: 'old' }),
        default_variant: 'on',
        off_variant: 'off',
        prerequisites: '[]',
        targeting: flag.targeting,
        lock_version: flag.lockVersion,
        archived_at: flag.archivedAt === null ? null : timeText(flag.archivedAt),
        created_at: timeText(flag.createdAt),
        updated_at: timeText(flag.updatedAt),
      })
    }
  }

  #create(): void {
    const { random } = this.#history
    const now = this.#history.tick()
    const type = random.chance(0.8) ? 'BOOLEAN' : 'STRING'
    const flag: Flag = {
      id: random.uuid(now),
      key: `${random.of(names)}-${this.#flags.length + 1}`,
      type,
      createdAt: now,
      enabled: random.chance(0.7),
      targeting: random.chance(0.6) ? this.#targeting(type) : null,
      lockVersion: 1,
      updatedAt: now,
      archivedAt: null,
    }
    this.#flags.push(flag)
    this.#history.reserve()
    this.#record(flag, 'flag.create')
  }

  #record(flag: Flag, action: string): void {
    const stage = flag.archivedAt === null ? (flag.enabled ? 'ENABLED' : 'DISABLED') : 'ARCHIVED'
    this.#history.record({
      action,
      actor: this.#history.member(writers) ?? '',
      target: { type: 'flag', id: flag.id },
      metadata: { stage, lockVersion: flag.lockVersion },
    })
  }

  #targeting(_type: Flag['type']): string {
    const { random } = this.#history
    const weight = 100 * random.below(100)
    const condition: Json = {
      attribute: 'plan',
      operator: 'in',
      value: random.of([['pro'], ['pro', 'team'], ['trial']]),
    }
    return jsonbText({
      rules: [{ name: 'plans', if: [condition], serve: { variant: random.of(['on', 'off']) } }],
      default: {
        rollout: [
          { variant: 'on', weight },
          { variant: 'off', weight: 10_000 - weight },
        ],
      },
    })
  }
}
