/** One page of a list. The next one begins behind its last item, whatever was added or removed meanwhile. */
export interface Page<Item, Cursor = string> {
  readonly items: readonly Item[]
  /** What to give as `after` for the page behind it; null where there is none. */
  readonly next: Cursor | null
}

/**
 * A page out of one row more than it has, by which it knows whether there is another.
 *
 * @param rows at most `limit + 1`
 * @param cursorOf what the page behind an item begins after
 */
export function pageOf<Item, Cursor>(
  rows: readonly Item[],
  limit: number,
  cursorOf: (last: Item) => Cursor,
): Page<Item, Cursor> {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return { items, next: rows.length > limit && last !== undefined ? cursorOf(last) : null }
}
