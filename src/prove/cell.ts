import type { FieldShape } from './field-value.ts'

/**
 * One value of one planted row. Keys that must be equal are one cell after {@link Cell.unite}, so that a foreign key
 * follows what it refers to, in whatever order rows are linked, and in circles.
 */
export class Cell {
  #up: Cell | undefined
  #value: unknown
  #isSet = false
  #fill: (() => unknown) | undefined
  readonly #shapes: FieldShape[]
  /** The rows whose own the value is, by table and column: of two rows of one table it can't be one. */
  readonly #anchors = new Map<string, object>()

  constructor(shape: FieldShape) {
    this.#shapes = [shape]
  }

  /** A value that a row has of itself; it is made when it is asked for, of the narrowest column that it stands in. */
  static own(shape: FieldShape, place: string, row: object, fill: (shape: FieldShape) => unknown): Cell {
    const cell = new Cell(shape)
    cell.#anchors.set(place, row)
    cell.#fill = () => fill(cell.#root().narrowest)
    return cell
  }

  #root(): Cell {
    if (!this.#up) return this
    this.#up = this.#up.#root()
    return this.#up
  }

  /** Nothing says what stands here: it is empty. */
  get isOpen(): boolean {
    const root = this.#root()
    return !root.#isSet && root.#fill === undefined
  }

  get value(): unknown {
    const root = this.#root()
    if (!root.#isSet && root.#fill) root.set(root.#fill())
    return root.#isSet ? root.#value : null
  }

  set(value: unknown): void {
    const root = this.#root()
    root.#value = value
    root.#isSet = true
  }

  /** Gives a cell that nothing says anything of a value all the same. */
  fillIfOpen(fill: (shape: FieldShape) => unknown): void {
    if (this.isOpen) this.set(fill(this.#root().narrowest))
  }

  get narrowest(): FieldShape {
    const [first, ...others] = this.#shapes
    if (!first) throw new Error('a cell of no column')
    return others.reduce((one, other) => (roomOf(other) < roomOf(one) ? other : one), first)
  }

  isSame(other: Cell): boolean {
    return this.#root() === other.#root()
  }

  /** Whether the two may be one value: no two rows of a table would have the same in a column of their own. */
  mayUnite(other: Cell): boolean {
    const [one, two] = [this.#root(), other.#root()]
    if (one === two) return true
    if (one.#isSet && two.#isSet) return false
    for (const [place, row] of one.#anchors) {
      const found = two.#anchors.get(place)
      if (found !== undefined && found !== row) return false
    }
    return true
  }

  /** Makes this cell, a foreign key's, one with the cell that it refers to. */
  unite(referred: Cell): void {
    const [one, two] = [this.#root(), referred.#root()]
    if (one === two) return
    one.#up = two
    if (one.#isSet) two.set(one.#value)
    two.#fill ??= one.#fill
    two.#shapes.push(...one.#shapes)
    for (const [place, row] of one.#anchors) two.#anchors.set(place, row)
  }
}

/** Smaller for columns that take less. */
function roomOf({ element, modifier, labels }: FieldShape): number {
  if (labels.length > 0) return 1
  switch (element) {
    case 'uuid':
      return 2
    case 'int2':
      return 3
    case 'int4':
    case 'oid':
      return 4
    case 'int8':
      return 5
    case 'varchar':
    case 'bpchar':
      return modifier === -1 ? 1e6 : modifier
    case 'text':
    case 'citext':
      return 1e7
    default:
      return 10
  }
}
