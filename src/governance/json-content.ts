import type { InputIssue } from '../errors.ts'
import { invalid, isStorable } from './checked-input.ts'

/** JSON, as PostgreSQL stores it; what Prisma reads is assignable to it. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [Key in string]?: JsonValue }

/** The largest content of a version, as JSON text in UTF-8: 1 MiB. */
export const maxContentBytes = 1_048_576

/** How deep arrays and objects may stand in one another. */
const maxContentDepth = 64

type Path = InputIssue['path']

/**
 * A copy of what was given as JSON, if PostgreSQL can store it as it is: no NUL and no half of a surrogate pair in
 * texts, no NaN, no infinity, no undefined, no bigint, no instance of a class, nothing that ends nowhere.
 * The copy is what is checked and sent, so that no getter can give one thing to the check and another to the database.
 *
 * @param what what it is, for the message: `content`
 * @throws {TenancyError} `DH506` with the path of the first such thing, and never a value
 */
export function parseJson(what: string, input: unknown, maxBytes = maxContentBytes): JsonValue {
  const copy = new JsonCopy(what, maxBytes)
  const value = copy.of(input, [])
  if (Buffer.byteLength(JSON.stringify(value)) > maxBytes) copy.refuseSize()
  return value
}

class JsonCopy {
  readonly #what: string
  readonly #maxBytes: number
  /** At least as many bytes as this have been seen: what is shared many times over is refused before it is all copied. */
  #bytes = 0
  /** How many of the objects around have a property called `constructor`. */
  #disguised = 0

  constructor(what: string, maxBytes: number) {
    this.#what = what
    this.#maxBytes = maxBytes
  }

  of(input: unknown, path: Path): JsonValue {
    this.#count(1)
    switch (typeof input) {
      case 'string':
        return this.#text(input, path)
      case 'number':
        return Number.isFinite(input) ? input : this.#refuse(path, 'must be a finite number')
      case 'boolean':
        return input
      case 'object':
        return input === null ? null : this.#composite(input, path)
      default:
        return this.#refuse(path, `must be JSON, and no ${typeof input}`)
    }
  }

  refuseSize(): never {
    return this.#refuse([], `must be at most ${this.#maxBytes} bytes of JSON`)
  }

  #composite(input: object, path: Path): JsonValue {
    if (path.length >= maxContentDepth) {
      return this.#refuse(path.slice(0, 3), `must be at most ${maxContentDepth} levels deep`)
    }
    if (Array.isArray(input)) {
      // a hole is undefined
      return Array.from({ length: this.#lengthOf(input) }, (_, at) =>
        this.of((input as readonly unknown[])[at], [...path, at]),
      )
    }
    const prototype = Object.getPrototypeOf(input) as unknown
    // of another realm, such as a test's, too
    const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null
    if (!isPlain) return this.#refuse(path, 'must be a plain object')
    // Prisma marks what has a $type, and takes an object around it whose constructor is none for no object: the mark stays
    if (this.#disguised > 0 && Object.hasOwn(input, '$type')) {
      return this.#refuse(path, 'must have no $type within an object that has a property called constructor')
    }
    const disguises = Object.hasOwn(input, 'constructor') ? 1 : 0
    const copy: Record<string, JsonValue> = {}
    if (Object.getOwnPropertySymbols(input).length > 0) {
      return this.#refuse(path, 'must have no symbol as a property name')
    }
    this.#disguised += disguises
    for (const key of Object.keys(input)) {
      this.#text(key, path)
      // on its way through Prisma it would become nothing
      if (key === '__proto__') return this.#refuse(path, 'must have no property called __proto__')
      copy[key] = this.of((input as Record<string, unknown>)[key], [...path, key])
    }
    this.#disguised -= disguises
    return copy
  }

  #lengthOf(input: readonly unknown[]): number {
    this.#count(input.length)
    return input.length
  }

  #text(text: string, path: Path): string {
    this.#count(text.length)
    return isStorable(text)
      ? text
      : this.#refuse(path, 'must have no NUL character and no half of a surrogate pair')
  }

  #count(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes > this.#maxBytes) this.refuseSize()
  }

  #refuse(path: Path, message: string): never {
    throw invalid(this.#what, [{ path, message }])
  }
}
