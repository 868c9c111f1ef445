import type { z } from 'zod'
import type { InputIssue } from '../errors.ts'
import { invalid } from './checked-input.ts'
import { type JsonValue, maxContentBytes, parseJson } from './json-content.ts'
import { compileSchema, maxSchemaBytes } from './json-schema.ts'
import { zodIssues } from './zod-issues.ts'

/** Zod schemas that content is held to, by the keys of the packages. */
export type ContentSchemas = Readonly<Record<string, z.ZodType>>

/** What content is held to: the JSON Schema of its package, and the zod schema that the application has for it. */
export class ContentRules {
  readonly #schemas: ReadonlyMap<string, z.ZodType>

  constructor(schemas: ContentSchemas = {}) {
    this.#schemas = new Map(Object.entries(schemas))
  }

  /**
   * Content that can be stored. Whether it keeps the rules of its package is asked when it is submitted: a draft may be
   * unfinished.
   *
   * @throws {TenancyError} `DH506`
   */
  parse(content: unknown): JsonValue & {} {
    const parsed = parseJson('content', content, maxContentBytes)
    if (parsed === null) throw invalid('content', [{ path: [], message: 'must not be null' }])
    return parsed
  }

  /**
   * A JSON Schema that can be stored and that content can be checked against.
   *
   * @throws {TenancyError} `DH506`
   */
  parseSchema(schema: unknown): JsonValue & {} {
    const parsed = parseJson('contentSchema', schema, maxSchemaBytes)
    compileSchema(parsed)
    // only an object and a boolean compile
    return parsed as JsonValue & {}
  }

  /**
   * Checks content as it stands in the database, however it came there.
   *
   * @throws {TenancyError} `DH506` with the paths of what is not valid, from the content's root; never a value
   */
  async assertValid(
    { key, contentSchema }: { readonly key: string; readonly contentSchema: unknown },
    content: unknown,
  ): Promise<void> {
    const issues: InputIssue[] = []
    if (contentSchema !== null)
      issues.push(...compileSchema(contentSchema as JsonValue).check(content as JsonValue))
    const own = this.#schemas.get(key)
    // a schema may wait for something
    const parsed = await own?.safeParseAsync(content)
    if (parsed?.success === false) issues.push(...zodIssues(parsed.error.issues))
    if (issues.length > 0) throw invalid('the content of the version', issues)
  }
}
