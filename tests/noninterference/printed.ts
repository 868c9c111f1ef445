import { Prisma } from '../../src/bundled.ts'
import { Email, Generated, Name } from './name.ts'
import type { ModelOperation, Operation, RawOperation } from './operation.ts'
import { rawStatements } from './raw-statements.ts'

/** A sequence as code that can be read: names in place of ids. */
export function printedSequence(sequence: readonly Operation[]): string {
  return sequence.map((operation, n) => `${n + 1}. ${printed(operation)}`).join('\n')
}

function printed(operation: Operation): string {
  switch (operation.kind) {
    case 'model':
    case 'raw':
      return `db.${printedCall(operation)}`
    case 'together':
      return `Promise.all([${operation.parts.map((part) => `db.${printedCall(part)}`).join(', ')}])`
    case 'array':
      return `db.$transaction([${operation.parts.map((part) => `db.${printedCall(part)}`).join(', ')}])`
    default: {
      const end = operation.kind === 'rolled back' ? '; throw …' : ''
      return `db.$transaction(async (tx) => { ${operation.parts.map((part) => `await tx.${printedCall(part)}`).join('; ')}${end} })`
    }
  }
}

function printedCall(operation: ModelOperation | RawOperation): string {
  if (operation.kind === 'raw') {
    const statement = rawStatements[operation.statement]
    const values = operation.values.map((value) => `\${${printedValue(value)}}`)
    const text = statement?.texts.map((text, n) => `${text}${values[n] ?? ''}`).join('') ?? ''
    return `${statement?.method}\`${text.replace(/\s+/g, ' ')}\``
  }
  const { model, operation: method, args, follow } = operation
  const found = `${model.charAt(0).toLowerCase()}${model.slice(1)}.${method}(${printedValue(args)})`
  return follow ? `${found}.${follow.relation}(${printedValue(follow.args)})` : found
}

function printedValue(value: unknown): string {
  if (value instanceof Name || value instanceof Generated || value instanceof Email) return String(value)
  if (value instanceof Date) return `new Date('${value.toISOString()}')`
  if (value === Prisma.DbNull) return 'Prisma.DbNull'
  if (value === Prisma.AnyNull) return 'Prisma.AnyNull'
  if (Array.isArray(value)) return `[${value.map(printedValue).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const parts = Object.entries(value).map(([key, part]) => `${key}: ${printedValue(part)}`)
    return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`
  }
  return JSON.stringify(value)
}
