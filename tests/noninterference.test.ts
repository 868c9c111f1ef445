import fc from 'fast-check'
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
  { title: 'hull one alone', alone: alone.one, open: ({ one }, who) => one.client(who) },
  { title: 'hull two alone', alone: alone.two, open: ({ two }, who) => two.client(who) },
  { title: 'both hulls', alone: alone.both, open: ({ both }, who) => both.client(who) },
]

const anySequence = fc.array(anyOperation, { minLength: 1, maxLength: 6 })

// it counts and does not time: a slow machine may take long
const timeout = Math.max(numberOfSequences, 500) * 1_000

/** What runs of sequences have found. */
interface Findings {
  readonly sequences: number
  /** The shortest sequence that was found to tell something else, and how that is reported. */
  readonly found?: { readonly length: number; readonly report: string; readonly cause: unknown }
}

async function run(theatre: Theatre, numRuns: number): Promise<Findings> {
  const property = fc.asyncProperty(anySequence, (sequence) => theatre.verify(sequence))
  const details = await fc.check(property, { seed, numRuns })
  if (!details.failed) return { sequences: details.numRuns }
  const { sequence, error } = await shorten(theatre, details.counterexample?.[0] ?? [], details.errorInstance)
  const report =
    `interference in sequence ${details.numRuns} of DOUBLEHULL_SEED=${seed}, shrunk ${details.numShrinks} times:\n` +
    (error instanceof Error ? error.message : String(error))
  return { sequences: details.numRuns, found: { length: sequence.length, report, cause: error } }
}

/** Leaves out whatever something else is told without: fast-check keeps some of it at the end. */
async function shorten(
  theatre: Theatre,
  sequence: readonly Operation[],
  error: unknown,
): Promise<{ readonly sequence: readonly Operation[]; readonly error: unknown }> {
  for (const shorter of shorterOnes(sequence)) {
    try {
      await theatre.verify(shorter)
    } catch (found) {
      return shorten(theatre, shorter, found)
    }
  }
  return { sequence, error }
}

/** A sequence without one of its operations, or of the parts of one. */
function shorterOnes(sequence: readonly Operation[]): readonly (readonly Operation[])[] {
  return sequence.flatMap((operation, n) => {
    const parts = 'parts' in operation ? operation.parts : []
    const fewer = parts.map((_, at) => ({ ...operation, parts: parts.toSpliced(at, 1) }) as Operation)
    return [[], ...parts.map((part) => [part]), ...fewer.map((one) => [one])].map((instead) =>
      sequence.toSpliced(n, 1, ...instead),
    )
  })
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
  const { sequences, found } = await run(theatre, numberOfSequences)
  task.meta.closingLine = `noninterference: ${sequences} sequences, seed ${seed}`
  if (printsDistribution) console.log(distribution.lines().join('\n'))
  if (found) throw new Error(found.report, { cause: found.cause })
  // sequences that are all refused, or that ask for nobody's rows but one's own, would show nothing
  if (sequences < 100) return
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
      open: (database, who) => (database === shared ? beside : apart).client(who),
    },
  ])
  const { found } = await run(theatre, 100)
  expect(found?.length).toBeLessThanOrEqual(2)
  expect(found?.report).toMatch(
    /DOUBLEHULL_SEED=\d+, .*\nwith neither hull, .*\n1\. [^]*db\.[^]*\nalone:\n[^]*\nbeside others:\n/,
  )
})
