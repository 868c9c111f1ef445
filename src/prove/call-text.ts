import { inspect } from 'node:util'
import pg from 'pg'
import { delegateName } from '../manifest/manifest.ts'
import type { Attack } from './attack.ts'

/** A call as it can be made again: JavaScript for Prisma, or a statement. */
export function callOf({ model, operation, args, fluent, sql }: Attack): string {
  if (sql) {
    const text = sql.text.replaceAll(/\$(\d+)/g, (_, number: string) =>
      literal(sql.values[Number(number) - 1]),
    )
    return sql.withoutContext ? `${text} -- without a context` : text
  }
  const text = inspect(withTimes(args), {
    depth: null,
    breakLength: 100,
    compact: 4,
    maxArrayLength: null,
    maxStringLength: null,
  })
  return `prisma.${delegateName(model)}.${operation}(${text})${fluent === undefined ? '' : `.${fluent}()`}`
}

/** Prints a time as the code that makes it. */
function withTimes(value: unknown): unknown {
  if (value instanceof Date) return { [inspect.custom]: () => `new Date('${value.toISOString()}')` }
  if (Array.isArray(value)) return value.map(withTimes)
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withTimes(part)]))
}

function literal(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value)
  if (value instanceof Date) return pg.escapeLiteral(value.toISOString())
  if (value instanceof Uint8Array) return pg.escapeLiteral(`\\x${Buffer.from(value).toString('hex')}`)
  return pg.escapeLiteral(typeof value === 'string' ? value : JSON.stringify(value))
}
