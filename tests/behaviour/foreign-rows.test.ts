import { beforeAll, describe, expect, it } from 'vitest'
import { variants } from '../fixtures/behaviour/behaviour-database.ts'
import { Behaviour } from './behaviour.ts'
import { foreignRowCases } from './foreign-row-cases.ts'
import type { Outcome } from './outcome.ts'
import { a, b, missing } from './scene.ts'

const behaviour = new Behaviour()

/** What is said of another tenant's row, in the words for a missing one. */
function renamed({ changes, ...said }: Outcome): Outcome {
  const text = JSON.stringify(said)
    .replaceAll('bbbb', 'cccc')
    .replaceAll(/\bb(-[12]|[XYZ]|-first|-second|\.ann)\b/g, 'c$1')
    .replaceAll(/\b10([1-4])\b/g, '90$1')
  return { ...(JSON.parse(text) as Outcome), changes }
}

describe('another tenant’s row is answered for like a missing one', () => {
  beforeAll(() => behaviour.plant(a, b))

  it.each(foreignRowCases.map((one) => [one.title, one] as const))('%s', async (_, one) => {
    await Promise.all(
      variants.map(async (variant) => {
        const { run, writes } = one
        const foreign = renamed(await behaviour.outcome(variant, { run: (db) => run(db, b), writes }))
        const absent = await behaviour.outcome(variant, { run: (db) => run(db, missing), writes })
        if (variant !== 'plain' && !one.told?.hulls.includes(variant)) {
          expect(foreign, variant).toEqual(absent)
        } else if (!one.alikeAnyway) {
          // so that the test can fail
          expect(foreign, variant).not.toEqual(absent)
        }
      }),
    )
  })
})
