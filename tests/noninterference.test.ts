import fc, { type RunDetails } from 'fast-check'
import { afterAll, expect, it } from 'vitest'
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

type Details = RunDetails<[sequence: Operation[]]>

function run(theatre: Theatre, numRuns: number): Promise<Details> {
  const property = fc.asyncProperty(sequences, (sequence) => theatre.verify(sequence))
  return fc.check(property, { seed, numRuns })
}

/** What was found, with the shortest sequence that shows it. */
function report({ numRuns, numShrinks, errorInstance }: Details): string {
  const found = errorInstance instanceof Error ? errorInstance.message : String(errorInstance)
  return `interference in sequence ${numRuns} of DOUBLEHULL_SEED=${seed}, shrunk ${numShrinks} times:\n${found}`
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
  const details = await run(theatre, numberOfSequences)
  task.meta.closingLine = `noninterference: ${details.numRuns} sequences, seed ${seed}`
  if (printsDistribution) console.log(distribution.lines().join('\n'))
  if (details.failed) throw new Error(report(details), { cause: details.errorInstance })
  // sequences that are all refused, or that ask for nobody's rows but one's own, would show nothing
  if (details.numRuns < 100) return
  expect(distribution.succeeded).toBeGreaterThan(1 / 2)
  expect(distribution.foreign).toBeGreaterThan(1 / 3)
})

const unheld: Tenancy<PrismaClient>[] = []

afterAll(async () => {
  for (const tenancy of unheld) await tenancy.disconnect()
})

/** Neither hull: a tenancy that sets the context and rewrites nothing, with a login that the policies let pass. */
function openUnheld({ ownerUrl }: TestDatabase): Tenancy<PrismaClient> {
  const tenancy = createUnscopedTenancy({
    PrismaClient,
    manifest,
    connectionString: ownerUrl,
    allowRoleThatBypassesRowSecurity: true,
  })
  unheld.push(tenancy)
  return tenancy
}

it('without either hull, a short sequence is found that tells something else', { timeout }, async () => {
  const beside = openUnheld(shared)
  const apart = openUnheld(alone.one)
  const theatre = new Theatre(shared, [
    {
      title: 'neither hull',
      alone: alone.one,
      open: (database, tenantId) => (database === shared ? beside : apart).client({ tenantId }),
    },
  ])
  const details = await run(theatre, 100)
  expect(details.failed).toBe(true)
  expect(details.counterexample?.[0].length).toBeLessThanOrEqual(2)
  expect(report(details)).toMatch(
    /DOUBLEHULL_SEED=\d+, .*\nwith neither hull, .*\n1\. db\.[^]*\nalone:\n[^]*\nbeside others:\n/,
  )
})
