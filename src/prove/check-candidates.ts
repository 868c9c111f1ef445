/**
 * Values that may satisfy a condition, read off its text. They are proposals, and many: PostgreSQL decides which of
 * them holds.
 */
import { type FieldShape, isText, lengthOf, maximumOf, valueOf } from './field-value.ts'
import { regexSample } from './regex-sample.ts'

/** What a condition says, as far as values can be guessed from it. */
interface Hints {
  readonly literals: readonly string[]
  readonly numbers: readonly number[]
  readonly patterns: readonly string[]
}

/**
 * Values to try in one column, the likely ones first.
 *
 * @param expressions conditions as PostgreSQL prints them
 * @param n different for each row, so that rows come to different values
 * @param siblings values of the row's other columns in these conditions
 */
export function candidatesFor(
  shape: FieldShape,
  expressions: readonly string[],
  n: number,
  siblings: readonly unknown[],
): readonly unknown[] {
  const hints = hintsOf(expressions)
  const found = shape.list
    ? lists(elementsFor({ ...shape, list: false }, hints, n, siblings), hints)
    : elementsFor(shape, hints, n, siblings)
  if (shape.nullable) found.splice(1, 0, null)
  const seen = new Set<string>()
  return found.filter((value) => {
    const text = JSON.stringify(value)
    if (value === undefined || seen.has(text)) return false
    seen.add(text)
    return true
  })
}

const knownHints = new Map<string, Hints>()

function hintsOf(expressions: readonly string[]): Hints {
  const text = expressions.join('\n')
  const known = knownHints.get(text) ?? readHints(expressions)
  knownHints.set(text, known)
  return known
}

function readHints(expressions: readonly string[]): Hints {
  const literals: string[] = []
  const numbers: number[] = []
  const patterns: string[] = []
  for (const expression of expressions) {
    const rest = expression.replaceAll(
      /(!?~~?\*?\s*|similar_to_escape\(|regexp_like\([^']*|\bE)?'((?:[^']|'')*)'/g,
      (_, before: string | undefined, quoted: string) => {
        const text = quoted.replaceAll("''", "'").replaceAll(before === 'E' ? /\\\\/g : /$^/g, '\\')
        const operator = before?.trim() ?? ''
        if (operator.startsWith('~~')) patterns.push(likePattern(text))
        else if (operator.startsWith('similar'))
          patterns.push(text.replaceAll('%', '.*').replaceAll('_', '.'))
        else if (operator.startsWith('~') || operator.startsWith('regexp')) patterns.push(text)
        else literals.push(text)
        return ' '
      },
    )
    for (const [number] of rest.matchAll(/(?<![\w.$"])-?\d+(?:\.\d+)?(?![\w"])/g))
      numbers.push(Number(number))
  }
  for (const text of literals) if (/^-?\d+(\.\d+)?$/.test(text)) numbers.push(Number(text))
  return { literals, numbers: [...new Set(numbers)], patterns }
}

function likePattern(text: string): string {
  return text
    .replaceAll(/[.*+?^${}()|[\]]/g, '\\$&')
    .replaceAll('%', '.+')
    .replaceAll('_', '.')
}

function elementsFor(shape: FieldShape, hints: Hints, n: number, siblings: readonly unknown[]): unknown[] {
  if (shape.labels.length > 0) return rotate(shape.labels, n)
  if (isText(shape)) return textsFor(shape, hints, n)
  switch (shape.element) {
    case 'int2':
    case 'int4':
    case 'int8':
    case 'oid':
      return numbersFor(hints, n, siblings, maximumOf(shape)).filter(Number.isInteger)
    case 'numeric':
    case 'float4':
    case 'float8':
    case 'money':
      return numbersFor(hints, n, siblings, maximumOf(shape))
    case 'bool':
      return n % 2 === 0 ? [false, true] : [true, false]
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return momentsFor(shape, hints, n, siblings)
    case 'time':
    case 'timetz':
      return [
        ...hints.literals,
        ...[8, 12, 17, 0, 23].map(
          (hour) => `${String(hour).padStart(2, '0')}:${String(n % 60).padStart(2, '0')}:00`,
        ),
      ]
    case 'interval':
      return [...hints.literals, `${n + 1} minutes`, '1 hour', '1 day', '1 month', '0', '-1 day']
    case 'json':
    case 'jsonb':
      return jsonFor(hints, n)
    case 'bytea':
      return [16, 32, 12, 20, 64, ...hints.numbers]
        .filter((length) => Number.isInteger(length) && length > 0 && length <= 4096)
        .flatMap((length) => [length, length + 1])
        .map(
          (length) =>
            `\\x${n
              .toString(16)
              .padStart(length * 2, '0')
              .slice(-2 * length)}`,
        )
    default:
      return [valueOf(shape, n, 0), ...hints.literals, valueOf(shape, n + 1, 0), valueOf(shape, n + 1000, 0)]
  }
}

function textsFor(shape: FieldShape, { literals, numbers, patterns }: Hints, n: number): unknown[] {
  const plain = String(valueOf(shape, n))
  const samples = patterns.flatMap((pattern) =>
    Array.from({ length: 8 }, (_, index) => regexSample(pattern, n * 8 + index)),
  )
  const long = `${plain.replaceAll('-', '')}abcdefghijklmnopqrstuvwxyz0123456789`.repeat(3)
  const lengths = numbers
    .filter((length) => Number.isInteger(length) && length >= 0 && length <= 10_000)
    .flatMap((length) => [length, length + 1, Math.max(length - 1, 0)])
  const number = 100_000 + n
  const kinds = [
    plain,
    plain.toUpperCase(),
    plain.replaceAll('-', ''),
    `u${n}@example.com`,
    `https://example.com/${n}`,
    `+4930${number}`,
    String(number),
    letterText(n, 6),
    letterText(n, 3).toUpperCase(),
    letterText(n, 2).toUpperCase(),
    letterText(n, 2),
    `#${number.toString(16).padStart(6, '0')}`,
    `1.0.${n}`,
    `/x/${n}`,
    `host${n}.example.com`,
    '2026-01-01',
    '10:00',
    'UTC',
    '{}',
    `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`,
    n.toString(16).padStart(32, '0'),
    n.toString(16).padStart(40, '0'),
    n.toString(16).padStart(64, '0'),
    '',
  ]
  const sized = lengths.flatMap((length) => [
    long.padEnd(length, 'x').slice(0, length),
    String(n)
      .padStart(length, '0')
      .slice(-length || length),
    letterText(n, length).toUpperCase(),
  ])
  const most = lengthOf(shape)
  return [...rotate(literals, n), ...samples, ...sized, ...kinds].filter(
    (text) => text === undefined || most === undefined || text.length <= most,
  )
}

function letterText(n: number, length: number): string {
  let text = ''
  for (let rest = n; text.length < length; rest = Math.floor(rest / 26)) {
    text = String.fromCharCode(97 + (rest % 26)) + text
  }
  return text
}

function numbersFor({ numbers }: Hints, n: number, siblings: readonly unknown[], most: number): number[] {
  const others = siblings.filter((value): value is number => typeof value === 'number')
  const sorted = [...numbers].sort((one, other) => one - other)
  const between = sorted.flatMap((low, index) => {
    const high = sorted[index + 1]
    if (high === undefined) return []
    const width = Math.floor(high - low)
    return width > 1 ? [low + 1 + (n % (width - 1)), low + (high - low) / 2] : [low + (high - low) / 2]
  })
  return [
    ...between,
    ...numbers.flatMap((number) => [number, number + 1, number - 1, number + n, number * 2, number / 2]),
    ...others.flatMap((number) => [number, number + 1, number - 1, number * 2, -number]),
    ...(others.length > 1 ? [others.reduce((sum, number) => sum + number, 0)] : []),
    n,
    1,
    0,
    -1,
    0.5,
    10,
    100,
    1000 + n,
  ].filter((number) => Math.abs(number) <= most)
}

const day = 86_400_000

function momentsFor(
  shape: FieldShape,
  { literals }: Hints,
  n: number,
  siblings: readonly unknown[],
): unknown[] {
  const times = [...literals, ...siblings]
    .map((value) =>
      typeof value === 'string' && /^\d{4}-\d\d/.test(value) ? Date.parse(zoned(value)) : Number.NaN,
    )
    .filter((time) => !Number.isNaN(time))
  const now = Date.UTC(2026, 0, 1) + n * day
  const all = [
    ...times.flatMap((time) => [
      time + day * (1 + n),
      time - day * (1 + n),
      time + 3_600_000,
      time,
      time - 3_600_000,
    ]),
    now,
    Date.UTC(2100, 0, 1) + n * day,
    Date.UTC(1990, 0, 1) + n * day,
    // the first of a month, the last of one, and days of each kind
    Date.UTC(2026, n % 12, 1),
    Date.UTC(2026, (n % 12) + 1, 0),
    ...Array.from({ length: 7 }, (_, index) => now + index * day),
  ].map((time) => new Date(time).toISOString())
  return shape.element === 'date'
    ? all.map((text) => text.slice(0, 10))
    : shape.element === 'timestamp'
      ? all.map((text) => text.slice(0, -1))
      : all
}

function zoned(text: string): string {
  const iso = text.trim().replace(' ', 'T')
  if (!iso.includes('T')) return `${iso}T00:00:00Z`
  return /(Z|[+-]\d\d(:?\d\d)?)$/.test(iso) ? iso.replace(/([+-]\d\d)$/, '$1:00') : `${iso}Z`
}

function jsonFor({ literals, numbers }: Hints, n: number): unknown[] {
  const keys = literals.filter((text) => /^[\w-]+$/.test(text))
  const fillings: readonly unknown[] = ['x', n, true, [], {}, null, ['x'], ...keys]
  const full = fillings.map((value) => Object.fromEntries(keys.map((key) => [key, value])))
  const single = keys.flatMap((key) => fillings.map((value) => ({ [key]: value })))
  return [{}, [], ...full, { n }, ['x'], [{}], [n], 'x', n, true, ...literals, ...numbers, null, ...single]
}

function lists(elements: readonly unknown[], { numbers }: Hints): unknown[] {
  const some = elements.slice(0, 12)
  const lengths = numbers.filter((length) => Number.isInteger(length) && length > 0 && length <= 50)
  return [
    [],
    ...some.map((value) => [value]),
    some.slice(0, 2),
    some.slice(0, 3),
    ...lengths.flatMap((length) =>
      [length, length + 1].map((count) =>
        Array.from({ length: count }, (_, index) => elements[index % elements.length]),
      ),
    ),
  ]
}

function rotate<T>(list: readonly T[], by: number): T[] {
  const at = list.length === 0 ? 0 : by % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}

/**
 * Combinations of one option from each list, those that change least first; a list's first option changes nothing.
 *
 * @param most how many combinations come out at most
 */
export function combinations<Option>(
  lists: readonly (readonly Option[])[],
  most: number,
): readonly (readonly Option[])[] {
  // one list alone, whatever its option, before two
  const found: (readonly Option[])[] = lists.flatMap((list) => list.slice(1).map((option) => [option]))
  if (lists.length < 2) return found.slice(0, most)
  const width = Math.max(2, Math.floor(Math.max(most - found.length, 1) ** (1 / lists.length)))
  let product: { readonly options: readonly Option[]; readonly cost: number }[] = [{ options: [], cost: 0 }]
  for (const list of lists) {
    product = product
      .flatMap(({ options, cost }) =>
        list.slice(0, width).map((option, index) => ({
          options: index === 0 ? options : [...options, option],
          cost: cost + index,
        })),
      )
      .sort((one, other) => one.cost - other.cost)
      .slice(0, most)
  }
  return [...found, ...product.map(({ options }) => options).filter(({ length }) => length > 1)].slice(
    0,
    most,
  )
}
