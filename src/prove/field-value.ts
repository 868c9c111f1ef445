import { randomUUID } from 'node:crypto'

/** What the catalog knows of a column and the manifest doesn't. */
export interface FieldShape {
  readonly column: string
  /** PostgreSQL's name of the type, under all domains; a list's begins with `_`. */
  readonly type: string
  /** That of a list's elements, or the type itself. */
  readonly element: string
  readonly list: boolean
  /** Of the element: `b` for a base type, `e` enum, `c` composite, `r` range, `m` multirange. */
  readonly category: string
  /** `atttypmod`: the length, or precision and scale; -1 for none. */
  readonly modifier: number
  readonly nullable: boolean
  readonly hasDefault: boolean
  /** `a` for `generated always as identity`, `d` for `by default`. */
  readonly identity: string
  readonly labels: readonly string[]
  /** Prisma's names of the labels, where they differ. */
  readonly names?: Readonly<Record<string, string>>
}

const texts: ReadonlySet<string> = new Set(['text', 'varchar', 'bpchar', 'citext', 'name'])

export function isText({ type }: Pick<FieldShape, 'type'>): boolean {
  return texts.has(type)
}

/** How many characters a text may have, or bits a bit string; `undefined` where nothing limits it. */
export function lengthOf({ element, modifier }: FieldShape): number | undefined {
  if (element === 'name') return 63
  if (modifier === -1) return element === 'bpchar' || element === 'bit' ? 1 : undefined
  if (element === 'varchar' || element === 'bpchar') return modifier - 4
  return element === 'bit' || element === 'varbit' ? modifier : undefined
}

/** The greatest number that fits, where it is small. */
export function maximumOf({ element, modifier }: FieldShape): number {
  if (element === 'int2') return 32_767
  if (element !== 'numeric' || modifier === -1) return 2_147_483_647
  const { digits } = precisionOf(modifier)
  return Math.min(10 ** digits - 1, 2_147_483_647)
}

function precisionOf(modifier: number): { readonly digits: number; readonly scale: number } {
  const precision = ((modifier - 4) >> 16) & 0xffff
  const scale = (modifier - 4) & 0x7ff
  return { digits: Math.max(precision - scale, 0), scale }
}

const day = 86_400_000
const start = Date.UTC(2026, 0, 1)

/**
 * A value of a column's type as `jsonb_populate_record` reads it.
 *
 * @param n different for rows whose values should differ
 * @param position of the column: later ones get later times, and greater numbers
 * @param varied false, labels or small numbers may be equal in all rows
 * @returns `undefined` for types of which no value is known
 */
export function valueOf(shape: FieldShape, n: number, position = 0, varied = true): unknown {
  if (shape.list) return varied && n > 0 ? [elementValue(shape, n, position, varied)] : []
  return elementValue(shape, n, position, varied)
}

function elementValue(shape: FieldShape, n: number, position: number, varied: boolean): unknown {
  const { element, category, labels } = shape
  if (labels.length > 0) return labels[varied ? n % labels.length : 0]
  if (category === 'c') return {}
  if (category === 'm') return '{}'
  const number = varied ? n : 1 + position
  switch (element) {
    case 'uuid':
      return randomUUID()
    case 'text':
    case 'varchar':
    case 'bpchar':
    case 'citext':
    case 'name':
      return textOf(shape, n)
    case 'char':
      return String.fromCharCode(97 + (n % 26))
    case 'int2':
    case 'int4':
    case 'int8':
    case 'float4':
    case 'float8':
      return number % maximumOf(shape)
    case 'numeric':
      return numericOf(shape, number)
    case 'oid':
      return number
    case 'money':
      return number
    case 'bool':
      return varied && n % 2 === 1
    case 'date':
      return new Date(start + n * day).toISOString().slice(0, 10)
    case 'timestamp':
      return new Date(start + n * day + position * 60_000).toISOString().slice(0, -1)
    case 'timestamptz':
      return new Date(start + n * day + position * 60_000).toISOString()
    case 'time':
      return timeOf(n, position)
    case 'timetz':
      return `${timeOf(n, position)}+00`
    case 'interval':
      return `${n + position + 1} minutes`
    case 'json':
    case 'jsonb':
      return varied && n > 0 ? { n } : {}
    case 'bytea':
      return `\\x${n.toString(16).padStart(8, '0')}`
    case 'bit': {
      const length = lengthOf(shape) ?? 1
      return n.toString(2).padStart(length, '0').slice(-length)
    }
    case 'varbit': {
      const length = lengthOf(shape)
      return length === undefined ? n.toString(2) : n.toString(2).slice(-length)
    }
    case 'inet':
      return `10.0.${(n >> 8) & 255}.${n & 255}`
    case 'cidr':
      return `10.0.${(n >> 8) & 255}.${n & 255}/32`
    case 'macaddr':
      return `08:00:2b:01:${hex(n >> 8, 2)}:${hex(n, 2)}`
    case 'macaddr8':
      return `08:00:2b:01:02:03:${hex(n >> 8, 2)}:${hex(n, 2)}`
    case 'xml':
      return `<n>${n}</n>`
    case 'tsvector':
    case 'tsquery':
      return `x${n}`
    case 'point':
      return `(${n},0)`
    case 'line':
      return `{1,1,${n}}`
    case 'lseg':
    case 'path':
      return `[(0,0),(${n + 1},1)]`
    case 'box':
      return `(${n + 1},1),(${n},0)`
    case 'polygon':
      return `((0,0),(${n + 1},0),(0,1))`
    case 'circle':
      return `<(${n},0),1>`
    case 'pg_lsn':
      return `0/${(n + 1).toString(16).toUpperCase()}`
    case 'jsonpath':
      return '$'
    case 'ltree':
      return `x.n${n}`
    case 'hstore':
      return `n=>${n}`
    case 'vector':
    case 'halfvec':
      return `[${Array.from({ length: Math.max(shape.modifier, 1) }, () => n + 1).join()}]`
    case 'geometry':
    case 'geography':
      return `SRID=4326;POINT(${n % 90} ${n % 90})`
    case 'int4range':
    case 'int8range':
    case 'numrange':
      return `[${n * 10},${n * 10 + 5})`
    case 'daterange':
      return `[${valueAt(n)},${valueAt(n + 1)})`
    case 'tsrange':
    case 'tstzrange':
      return `[${valueAt(n)} 08:00:00,${valueAt(n)} 09:00:00)`
    default:
      return category === 'r' ? 'empty' : undefined
  }
}

function valueAt(n: number): string {
  return new Date(start + n * 2 * day).toISOString().slice(0, 10)
}

function hex(n: number, digits: number): string {
  return (n & (16 ** digits - 1)).toString(16).padStart(digits, '0')
}

function timeOf(n: number, position: number): string {
  const seconds = (n * 60 + position) % 86_400
  return new Date(seconds * 1000).toISOString().slice(11, 19)
}

function numericOf(shape: FieldShape, n: number): number {
  if (shape.modifier === -1) return n
  const { digits, scale } = precisionOf(shape.modifier)
  if (n < 10 ** digits) return n
  // what doesn't fit before the point goes behind it
  return Number(((n % 10 ** (digits + scale)) / 10 ** scale).toFixed(scale))
}

/** A text that fits, unlike all of other numbers where there is room. */
function textOf(shape: FieldShape, n: number): string {
  const length = lengthOf(shape)
  const digits = n.toString(36)
  if (length === undefined || length >= 12) {
    const text = `x-${digits.padStart(6, '0')}`
    return shape.element === 'bpchar' && length !== undefined ? text.padEnd(Math.min(length, 40), 'x') : text
  }
  return length < 3
    ? digits.padStart(length, 'a').slice(-length)
    : `x${digits.padStart(length - 1, '0').slice(1 - length)}`
}

let counter = 0

/** A new value of a field's type, which both Prisma and PostgreSQL take; unequal to all others where it can be. */
export function newValue(shape: FieldShape): unknown {
  counter++
  const number = /^(int[48]|float|numeric)/.test(shape.element) && maximumOf(shape) > 3_000_000
  const value =
    isText(shape) && (lengthOf(shape) ?? 99) >= 40
      ? `x-${randomUUID()}`
      : valueOf(shape, number ? 2_000_000 + counter : 500 + counter, 0, !shape.list)
  return prismaValue(shape, value)
}

/** A value as Prisma's client takes it, made of one that PostgreSQL's JSON has; others stay as they are. */
export function prismaValue(shape: FieldShape | undefined, value: unknown): unknown {
  if (!shape || value === null || value === undefined) return value
  if (Array.isArray(value) && shape.list) return value.map((part) => prismaElement(shape, part))
  return prismaElement(shape, value)
}

function prismaElement(shape: FieldShape, value: unknown): unknown {
  if (typeof value === 'string' && shape.names) return shape.names[value] ?? value
  switch (shape.element) {
    case 'int8':
      return typeof value === 'number' || typeof value === 'string' ? BigInt(value) : value
    case 'oid':
      return typeof value === 'string' ? Number(value) : value
    case 'money':
      return typeof value === 'string' ? value.replaceAll(/[^\d.-]/g, '') : value
    case 'bytea':
      return typeof value === 'string' && value.startsWith('\\x')
        ? new Uint8Array(Buffer.from(value.slice(2), 'hex'))
        : value
    case 'date':
      return typeof value === 'string' && value.length === 10 ? `${value}T00:00:00.000Z` : value
    case 'timestamp':
      return typeof value === 'string' && !value.endsWith('Z') ? isoOf(`${value.replace(' ', 'T')}Z`) : value
    case 'timestamptz':
      return typeof value === 'string' ? isoOf(value) : value
    case 'time':
      return typeof value === 'string' && !value.includes('T') ? isoOf(`1970-01-01T${value}Z`) : value
    case 'timetz':
      return typeof value === 'string' && !value.includes('T')
        ? isoOf(`1970-01-01T${value.replace(/([+-]\d\d)$/, '$1:00')}`)
        : value
    default:
      return value
  }
}

function isoOf(text: string): string {
  const date = new Date(text)
  return Number.isNaN(date.getTime()) ? text : date.toISOString()
}

/** A value as `jsonb_populate_record` takes it, made of one that a program may give. */
export function databaseValue(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return value.map(databaseValue)
  return value
}

/** A text that is equal for equal values, however they are written. */
export function sameText(shape: FieldShape | undefined, value: unknown): string {
  const found = prismaValue(shape, value)
  if (typeof found === 'bigint') return String(found)
  return typeof found === 'object' && found !== null ? JSON.stringify(found) : String(found)
}
