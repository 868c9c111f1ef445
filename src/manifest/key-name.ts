/**
 * What a column's name says of the row that it may refer to. Nothing is settled by it: it is told to the person who
 * settles it.
 */

/** A name without what spellings differ in: `Team_ID` and `teamId` are both `teamid`. */
export function plainName(name: string): string {
  return name.replaceAll('_', '').toLowerCase()
}

/** What a key's name says it is the key of: `team` of `teamId`, `team_id` and `teamID`; `undefined` of another name. */
export function stemOf(name: string): string | undefined {
  const [, stem] = /^(.*[^_])_?(?:Id|ID|_id|_ID)$/.exec(name) ?? []
  return stem
}

/** Whether a name is, but for spelling or a slip, one of the others. */
export function resembles(name: string, others: readonly string[]): boolean {
  const plain = plainName(name)
  return others.some((other) => {
    const wanted = plainName(other)
    // the relation's name for its key
    if (plain === wanted || `${plain}id` === wanted) return true
    return wanted.length >= 5 && editDistance(plain, wanted) <= (wanted.length >= 10 ? 2 : 1)
  })
}

/** Whether a name is, but for spelling, the plural of one of the others. */
export function isPluralOf(name: string, others: readonly string[]): boolean {
  const plain = plainName(name)
  return others.some((other) => {
    const wanted = plainName(other)
    return plain === `${wanted}s` || plain === `${wanted.replace(/id$/, '')}s` || plain === wanted
  })
}

/** How many letters must be put in, left out or replaced to make one name of the other. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [index, letter] of Array.from(from).entries()) {
    const next = [index + 1]
    for (const [column, other] of Array.from(to).entries()) {
      const replaced = (row[column] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}
