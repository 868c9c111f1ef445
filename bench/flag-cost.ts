import { compileFlagSet, evaluateFlag, parseFlagDefinition } from '../src/governance/index.ts'
import { tenantIdOf } from './load.ts'
import { median } from './measure.ts'

/** What it takes to say what a flag is for somebody, in time of one core. */
export interface FlagCost {
  /** Evaluations a second of a flag with five rules, none of which matches, and a rollout; of a thousand flags. */
  readonly perSecond: number
  /** Microseconds of a single one of them. */
  readonly micros: number
}

const flagCount = 1_000
const blocks = 20

/** Nothing is asked of a database: the flags are in memory, as a snapshot has them. */
export function measureFlags(evaluations: number): FlagCost {
  const flags = compileFlagSet(
    tenantIdOf(0),
    Array.from({ length: flagCount }, (_, at) => stored(at)),
  )
  const keys = [...flags.flags.keys()]
  const contexts = Array.from({ length: 1_000 }, (_, at) => ({
    targetingKey: `user-${at}`,
    plan: 'free',
    user: { country: 'CH', age: at % 90, version: '2.4.1' },
  }))
  let served = 0
  const block = (count: number): void => {
    for (let at = 0; at < count; at++) {
      const context = contexts[at % contexts.length]
      if (evaluateFlag(flags, keys[at % keys.length] ?? '', context).value === true) served += 1
    }
  }
  const count = Math.ceil(evaluations / blocks)
  block(count)
  const times = Array.from({ length: blocks }, () => {
    // of the processor, because one core is what is asked for, whoever else works on the machine
    const start = process.cpuUsage()
    block(count)
    return process.cpuUsage(start).user
  })
  if (served === 0) throw new Error('no flag was served')
  const micros = median(times) / count
  return { perSecond: 1_000_000 / micros, micros }
}

function stored(at: number) {
  const definition = parseFlagDefinition({
    key: `flag-${at}`,
    enabled: true,
    targeting: {
      rules: [
        {
          if: [{ attribute: 'plan', operator: 'in', value: ['pro', 'team', 'enterprise'] }],
          serve: { variant: 'on' },
        },
        { if: [{ attribute: 'user.country', operator: 'equals', value: 'IS' }], serve: { variant: 'on' } },
        { if: [{ attribute: 'user.age', operator: 'greaterThan', value: 100 }], serve: { variant: 'on' } },
        {
          if: [{ attribute: 'user.version', operator: 'semverAtLeast', value: '3.0.0' }],
          serve: { variant: 'on' },
        },
        {
          if: [{ attribute: 'user.email', operator: 'endsWith', value: '@example.org' }],
          serve: { variant: 'on' },
        },
      ],
      default: {
        rollout: [
          { variant: 'on', weight: 2_500 },
          { variant: 'off', weight: 7_500 },
        ],
      },
    },
  })
  return { ...definition, id: tenantIdOf(at), lockVersion: 1, archivedAt: null }
}
