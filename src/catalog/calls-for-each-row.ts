/** What `DH328` puts beside a policy. */
interface CallEvidence {
  /** The conditions, as `pg_get_expr` prints them with an empty search_path. */
  readonly conditions: readonly string[]
  /** The functions that they call and that are not PostgreSQL's, as it prints them. */
  readonly functions: readonly string[]
}

/**
 * Judges whether a policy calls a function for each row although its answer is the same for all: one that is given
 * nothing of the row and stands in no sub-select of its own, such as `(select f())`.
 *
 * @param evidence of `DH328`
 * @returns which functions it calls so, or `undefined` for none
 */
export function callsForEachRow(evidence: unknown): string | undefined {
  const { conditions, functions } = evidence as CallEvidence
  const called = functions.filter((name) => {
    const call = callOf(name)
    return conditions.some((text) => call.test(outsideSelect(text)))
  })
  return called.length === 0
    ? undefined
    : `calls ${called.join(', ')} for each row, and not once for a statement`
}

/** A call with nothing, or with constants alone. */
function callOf(name: string): RegExp {
  const literal = String.raw`'(?:[^']|'')*'(?:::[\w. "]+)?`
  const escaped = name.replaceAll(/[^\w]/g, '\\$&')
  return new RegExp(`(?<![\\w".])${escaped}\\((?:${literal}(?:, )?)*\\)`)
}

/** A condition without its sub-selects that read from no table, which PostgreSQL asks once for a statement. */
function outsideSelect(text: string): string {
  const kept: string[] = []
  /** Where each parenthesis that is still open began, of those in `kept`. */
  const open: number[] = []
  for (const part of text.match(/'(?:[^']|'')*'|"(?:[^"]|"")*"|[()]|[^'"()]+/g) ?? []) {
    kept.push(part)
    if (part === '(') open.push(kept.length - 1)
    if (part !== ')') continue
    const start = open.pop() ?? 0
    const own = kept.slice(start + 1, -1)
    if (/^\s*SELECT\b/.test(own[0] ?? '') && !own.some((one) => /\sFROM\s/.test(one))) kept.length = start
  }
  return kept.join('')
}
