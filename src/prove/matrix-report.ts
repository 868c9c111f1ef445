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

/** What an attack behind a choice of hulls says of them. */
export interface Judgement {
  readonly attack: Attack
  /** `limit`: one that the hull alone is not there to stop, and from which nothing was learned. */
  readonly kind: 'stopped' | 'leak' | 'unproven' | 'limit'
  /** What it reached, or why it proves nothing. */
  readonly reason: string
}

/**
 * Judges the attacks behind one choice of hulls by the same attacks without any. What reaches nothing without a
 * hull has no victim, and proves nothing.
 */
export function* judgementsOf(hull: Hull, behind: Verdicts, without: Verdicts): Generator<Judgement> {
  for (const [attack, { reached, error }] of behind) {
    const isLimit = attack.limit?.hull === hull
    const bare = without.get(attack)
    // where the hull alone can't keep a key from naming another's row, it must still show nothing of that row
    if (reached && !(isLimit && reached.kind === 'reference')) {
      yield { attack, kind: 'leak', reason: reached.text }
    } else if (isLimit) {
      yield { attack, kind: 'limit', reason: attack.limit.reason }
    } else if (!bare?.reached) {
      const reason = `without a hull it reaches nothing${because(bare?.error)}`
      yield { attack, kind: 'unproven', reason }
    } else if (error?.name === 'PrismaClientValidationError') {
      // stopped by an error of the rewriting and not by its rule
      yield { attack, kind: 'unproven', reason: `the hull makes no legal Prisma of it${because(error)}` }
    } else {
      yield { attack, kind: 'stopped', reason: '' }
    }
  }
}

/** The same as numbers, each attack being a cell, and texts. */
export function reportOf(hull: Hull, behind: Verdicts, without: Verdicts): MatrixReport {
  const problems: string[] = []
  const count = { cells: 0, leak: 0, unproven: 0 }
  for (const { attack, kind, reason } of judgementsOf(hull, behind, without)) {
    if (attack.heldBySchema !== undefined) continue
    // what is no cell can still leak
    if (attack.limit?.hull !== hull) count.cells++
    if (kind === 'leak' || kind === 'unproven') {
      count[kind]++
      problems.push(problem(kind, hull, attack, reason))
    }
  }
  return { cells: count.cells, leaks: count.leak, unproven: count.unproven, problems }
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
  const what = attack.sql ?? attack.args
  const args = inspect(what, { depth: null, breakLength: 110, compact: 6 })
  return `${kind} behind hull ${hull}: ${titleOf(attack)}\n  ${text}\n${args.replaceAll(/^/gm, '  ')}`
}

function because(error: Error | undefined): string {
  if (!error) return ''
  const lines = error.message.split('\n').filter((line) => line.trim() !== '')
  return ` (${[error.name, ...lines.slice(-1)].join(': ')})`
}
