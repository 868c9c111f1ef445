import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** The test files that take longest, the longest first. */
const longest: readonly string[] = [
  'tests/verify.test.ts',
  'tests/matrix.test.ts',
  'tests/any-schema.test.ts',
  'tests/matrix-of-ids.test.ts',
  'tests/noninterference.test.ts',
  'tests/soak.test.ts',
  'tests/prove-command.test.ts',
  'tests/behaviour/foreign-rows.test.ts',
  'tests/attacks.test.ts',
  'tests/prove-sabotage.test.ts',
  'tests/behaviour/bundled.test.ts',
  'tests/governance/hazards.test.ts',
  'tests/verify-command.test.ts',
]

/** Begins with the files that take longest, so that none of them runs on alone at the end; the others in Vitest's order. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const place = ({ moduleId }: TestSpecification) => {
      const index = longest.findIndex((name) => moduleId.endsWith(`/${name}`))
      return index === -1 ? longest.length : index
    }
    return sorted.toSorted((one, other) => place(one) - place(other))
  }
}
