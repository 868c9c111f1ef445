import { expect, it } from 'vitest'
import { hullChoices } from '../fixtures/behaviour/behaviour-database.ts'
import type { Behaviour } from './behaviour.ts'
import type { Case } from './case.ts'
import { verdict } from './outcome.ts'

/** A test for each case: with each choice of hulls its outcome is that of a plain client, unless it says otherwise. */
export function behavesAlike(behaviour: Behaviour, cases: readonly Case[]): void {
  it.each(cases.map((one) => [one.title, one] as const))('%s', async (_, one) => {
    const [plain, ...held] = await Promise.all([
      behaviour.outcome('plain', one),
      ...hullChoices.map(async (hulls) => [hulls, await behaviour.outcome(hulls, one)] as const),
    ])
    expect(verdict(plain)).toBe(one.fails ?? 'a value')
    for (const [hulls, outcome] of held) {
      if (one.deliberate?.hulls.includes(hulls)) {
        expect(outcome, hulls).toMatchObject(one.deliberate.outcome)
        expect(outcome, hulls).not.toEqual(plain)
        continue
      }
      expect(outcome, hulls).toEqual(plain)
      // the order of the fields is theirs too
      expect(JSON.stringify(outcome), hulls).toBe(JSON.stringify(plain))
    }
  })
}
