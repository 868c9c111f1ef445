import { inspect } from 'node:util'
import { type Attack, type Hull, titleOf } from './attack.ts'
import type { Verdicts } from './run-matrix.ts'

/** Numbers of one or more parts of the matrix. A cell is one attack behind one choice of hulls. */
export interface MatrixCount {
  readonly cells: number
  readonly leaks: number
  readonly unproven: number
}

export interface MatrixReport extends MatrixCount {
  /** Each leak and each unproven cell, with the arguments that make it again. */
  readonly problems: readonly string[]
}

/**
 * Judges the attacks behind one choice of hulls by the same attacks without any. What reaches nothing without a
 * hull has no victim, and proves nothing.
 */
export function reportOf(hull: Hull, behind: Verdicts, without: Verdicts): MatrixReport {
  const problems: string[] = []
  let [cells, leaks, unproven] = [0, 0, 0]
  for (const [attack, { reached, error }] of behind) {
    if (attack.heldBySchema !== undefined) continue
    const isLimit = attack.limit?.hull === hull
    // where the hull alone can't keep a key from naming another's row, it must still show nothing of that row
    if (reached && !(isLimit && reached.kind === 'reference')) {
      leaks++
      problems.push(problem('leak', hull, attack, reached.text))
    }
    if (isLimit) continue
    cells++
    const bare = without.get(attack)
    if (!bare?.reached) {
      unproven++
      problems.push(
        problem('unproven', hull, attack, `without a hull it reaches nothing${because(bare?.error)}`),
      )
    } else if (error?.name === 'PrismaClientValidationError') {
      // stopped by an error of the rewriting and not by its rule
      unproven++
      problems.push(
        problem('unproven', hull, attack, `the hull makes no legal Prisma of it${because(error)}`),
      )
    }
  }
  return { cells, leaks, unproven, problems }
}

/** What the schema is said to hold and doesn't, and why it holds the rest. */
export function heldBySchema(without: Verdicts): {
  readonly reasons: readonly string[]
  readonly problems: readonly string[]
} {
  const reasons = new Set<string>()
  const problems: string[] = []
  for (const [attack, { reached, error }] of without) {
    if (attack.heldBySchema === undefined) continue
    reasons.add(attack.heldBySchema)
    if (reached) problems.push(problem('not held by the schema', 'none', attack, reached.text))
    else if (!error) problems.push(problem('not held by the schema', 'none', attack, 'nothing refused it'))
  }
  return { reasons: [...reasons].sort(), problems }
}

function problem(kind: string, hull: Hull | 'none', attack: Attack, text: string): string {
  const args = inspect(attack.args, { depth: null, breakLength: 110, compact: 6 })
  return `${kind} behind hull ${hull}: ${titleOf(attack)}\n  ${text}\n${args.replaceAll(/^/gm, '  ')}`
}

function because(error: Error | undefined): string {
  if (!error) return ''
  const lines = error.message.split('\n').filter((line) => line.trim() !== '')
  return ` (${[error.name, ...lines.slice(-1)].join(': ')})`
}
