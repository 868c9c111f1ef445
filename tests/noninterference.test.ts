import fc, { type RunDetails } from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { manifest, PrismaClient } from '../src/bundled.ts'
import type { Tenancy } from '../src/index.ts'
import { createUnscopedTenancy } from '../src/testing/index.ts'
import { Distribution } from './noninterference/distribution.ts'
import { modelNames } from './noninterference/name.ts'
import { anyOperation, type Operation } from './noninterference/operation.ts'
import { numberOfSequences, printsDistribution, seed } from './noninterference/settings.ts'
import { type Choice, Theatre } from './noninterference/theatre.ts'
import { vocabulary } from './noninterference/vocabulary.ts'
import { type TestDatabase, useTestDatabase } from './support/test-database.ts'

/**
 * Whatever a tenant does tells it the same in a database that it shares as in one where it is alone: results, errors
 * and the rows that are left, ids and times aside.
 *
 * `DOUBLEHULL_SEQUENCES` says how many sequences of operations are run (500 unless told), `DOUBLEHULL_SEED` which ones:
 * the seed of an earlier run runs its sequences again. `DOUBLEHULL_DISTRIBUTION=1` prints what they were made of.
 *
 * Not asked, because it is known to tell (SECURITY.md): whether an id that a create brings along is another tenant's;
 * and people in the order of the number of their memberships.
 */
const shared = useTestDatabase()
const alone = { one: useTestDatabase(), two: useTestDatabase(), both: useTestDatabase() }

const choices: readonly Choice[] = [
  { title: 'hull one alone', alone: alone.one, open: ({ one }, tenantId) => one.client({ tenantId }) },
  { title: 'hull two alone', alone: alone.two, open: ({ two }, tenantId) => two.client({ tenantId }) },
  { title: 'both hulls', alone: alone.both, open: ({ both }, tenantId) => both.client({ tenantId }) },
]

const sequences = fc.array(anyOperation, { minLength: 1, maxLength: 7 })

// it counts and does not time: a slow machine may take long
const timeout = Math.max(numberOfSequences, 500) * 1_000

function run(theatre: Theatre, numRuns: number): Promise<RunDetails<[sequence: Operation[]]>> {
  const property = fc.asyncProperty(sequences, (sequence) => theatre.verify(sequence))
  return fc.check(property, { seed, numRuns })
}

it('knows every column of every model', () => {
  for (const model of modelNames) {
    expect(Object.keys(vocabulary[model]).sort(), model).toEqual(
      Object.keys(manifest.models[model].columns).sort(),
    )
  }
})

it('a sequence of operations tells and does the same beside other tenants as alone', { timeout }, async ({
  task,
}) => {
  const distribution = new Distribution()
  const theatre = new Theatre(shared, choices, (operation, outcome) => distribution.add(operation, outcome))
  const { failed, numRuns, numShrinks, errorInstance } = await run(theatre, numberOfSequences)
  task.meta.closingLine = `noninterference: ${numRuns} sequences, seed ${seed}`
  if (printsDistribution) console.log(distribution.lines().join('\n'))
  if (failed) {
    const found = errorInstance instanceof Error ? errorInstance.message : String(errorInstance)
    throw new Error(
      `interference in sequence ${numRuns} of DOUBLEHULL_SEED=${seed}, shrunk ${numShrinks} times:\n${found}`,
      { cause: errorInstance },
    )
  }
  // sequences that are all refused, or that ask for nobody's rows but one's own, would show nothing
  if (numRuns < 100) return
  expect(distribution.succeeded).toBeGreaterThan(1 / 2)
  expect(distribution.foreign).toBeGreaterThan(1 / 3)
})

/** Neither hull: clients that set the context and rewrite nothing, with a login that the policies let pass. */
const unheld = new Map<TestDatabase, Tenancy<PrismaClient>>()

beforeAll(() => {
  for (const database of [shared, alone.one]) {
    unheld.set(
      database,
      createUnscopedTenancy({
        PrismaClient,
        manifest,
        connectionString: database.ownerUrl,
        allowRoleThatBypassesRowSecurity: true,
      }),
    )
  }
})

afterAll(async () => {
  for (const tenancy of unheld.values()) await tenancy.disconnect()
})

it('without either hull, a short sequence is found that tells something else', { timeout }, async () => {
  const theatre = new Theatre(shared, [
    {
      title: 'neither hull',
      alone: alone.one,
      open: (database, tenantId) => unheld.get(database)!.client({ tenantId }),
    },
  ])
  const { failed, counterexample } = await run(theatre, 100)
  expect(failed).toBe(true)
  expect(counterexample?.[0].length).toBeLessThanOrEqual(2)
})
