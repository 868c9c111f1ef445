import { createContext, Script } from 'node:vm'
import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { default as formats } from 'ajv-formats'
import type { InputIssue } from '../errors.ts'
import { invalid } from './checked-input.ts'
import type { JsonValue } from './json-content.ts'

// A schema is a tenant's, and so is hostile input: it is bounded in size, it loads nothing, and it runs against the clock.

/** The largest JSON Schema of a package, as JSON text in UTF-8: 256 KiB. */
export const maxSchemaBytes = 262_144

/** Longest that a schema is compiled, or checks a content, in milliseconds. */
const maxMillis = 2_000
/** How many compiled schemas are kept. */
const maxKept = 200
/** How many issues are told. */
const maxIssues = 20
/** The size of a content, in bytes of JSON, up to which all that is wrong is looked for, and not the first thing only. */
const maxThorough = 65_536

const dialects: ReadonlyMap<string, new (options: Options) => Ajv> = new Map([
  ['https://json-schema.org/draft/2020-12/schema', Ajv2020],
  ['http://json-schema.org/draft-07/schema', Ajv],
])

const options: Options = {
  // an unknown keyword or format is a typing mistake that would check nothing
  strictSchema: true,
  strictNumbers: true,
  // what these refuse is good JSON Schema
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  validateFormats: true,
  // a schema that refers to itself many times over must not be written out many times over
  inlineRefs: false,
  logger: false,
}

/** A JSON Schema that content is checked against. */
export interface ContentSchema {
  /** What of a content is not valid: where, and which rule; never a value. */
  check(content: JsonValue): readonly InputIssue[]
}

// by the text, so that no schema is ever taken for another; the one that was used last stands last
const kept = new Map<string, ContentSchema>()

/**
 * Compiles a JSON Schema of draft 2020-12 or, where its `$schema` says so, draft-07.
 *
 * @param schema as `parseJson` gives it
 * @throws {TenancyError} `DH506` for what is no such schema, for one that refers to another document, and for one that
 *   takes too long to compile
 */
export function compileSchema(schema: JsonValue): ContentSchema {
  const text = JSON.stringify(schema)
  const compiled = kept.get(text) ?? new CompiledSchema(schema)
  kept.delete(text)
  kept.set(text, compiled)
  for (const oldest of kept.keys()) {
    if (kept.size <= maxKept) break
    kept.delete(oldest)
  }
  return compiled
}

class CompiledSchema implements ContentSchema {
  readonly #schema: JsonValue
  readonly #first: ValidateFunction
  #all: ValidateFunction | undefined

  constructor(schema: JsonValue) {
    this.#schema = schema
    this.#first = compile(schema, false)
  }

  check(content: JsonValue): readonly InputIssue[] {
    const issues = check(this.#first, content)
    // as many issues as a large content may have would fill the memory
    if (issues.length === 0 || Buffer.byteLength(JSON.stringify(content)) > maxThorough) return issues
    this.#all ??= compile(this.#schema, true)
    return check(this.#all, content)
  }
}

function check(validate: ValidateFunction, content: JsonValue): readonly InputIssue[] {
  try {
    if (inTime(() => validate(content))) return []
    return (validate.errors ?? []).slice(0, maxIssues).map(issueOf)
  } catch (error) {
    if (!isTimeout(error)) throw error
    const message = `must be checked by its schema within ${maxMillis} ms: look for patterns that backtrack`
    return [{ path: [], message }]
  } finally {
    // they hold the content
    validate.errors = null
  }
}

function compile(schema: JsonValue, allErrors: boolean): ValidateFunction {
  const refuse = (message: string, path: InputIssue['path'] = [], cause?: unknown): never => {
    throw invalid('contentSchema', [{ path, message }], cause)
  }
  if (
    typeof schema !== 'boolean' &&
    (typeof schema !== 'object' || schema === null || Array.isArray(schema))
  ) {
    return refuse('must be a JSON Schema: an object or a boolean')
  }
  const asObject = schema as { readonly [key: string]: JsonValue }
  const dialect = Object.hasOwn(asObject, '$schema') ? asObject['$schema'] : undefined
  const Validator = dialectOf(dialect)
  if (!Validator) return refuse(`must be one of ${[...dialects.keys()].join(', ')}`, ['$schema'])
  // it would answer with a promise, which is as good as true
  if (Object.hasOwn(asObject, '$async')) return refuse('must not be there', ['$async'])
  try {
    // one for each, because it keeps schemas by their $id, and another tenant may have one of the same
    const validator = new Validator({ ...options, allErrors })
    formats.default(validator)
    return inTime(() => validator.compile(asObject))
  } catch (error) {
    if (isTimeout(error)) return refuse(`must compile within ${maxMillis} ms`, [], error)
    return refuse(
      'must be a JSON Schema with known keywords and formats, and no reference to another document',
      [],
      error,
    )
  }
}

function dialectOf($schema: JsonValue | undefined): (new (options: Options) => Ajv) | undefined {
  if ($schema === undefined) return Ajv2020
  return typeof $schema === 'string' ? dialects.get($schema.replace(/#$/, '')) : undefined
}

function issueOf({ instancePath, keyword, message, params }: ErrorObject): InputIssue {
  const path: (string | number)[] = instancePath
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((token) => (/^(0|[1-9]\d{0,8})$/.test(token) ? Number(token) : token))
  const extra: unknown =
    params['additionalProperty'] ?? params['unevaluatedProperty'] ?? params['missingProperty']
  return {
    path: typeof extra === 'string' ? [...path, extra] : path,
    message: message ?? `must hold ${keyword}`,
  }
}

// Only a script of node:vm has a time limit that also ends a regular expression; what it calls runs in this realm.
const clock = createContext({ work: undefined as unknown })
const call = new Script('work()')

function inTime<Result>(work: () => Result): Result {
  const outer: unknown = clock['work']
  clock['work'] = work
  try {
    return call.runInContext(clock, { timeout: maxMillis }) as Result
  } finally {
    clock['work'] = outer
  }
}

function isTimeout(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
}
