import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { TenancyError } from '../errors.ts'
import type { SeedHook } from './seed-hook.ts'

const seedJson = z.record(z.string(), z.record(z.string(), z.json()))
type SeedJson = z.infer<typeof seedJson>

/**
 * Reads a project's own values for the rows that the proof plants: a JSON file, or a module that exports a
 * {@link SeedHook} as `seed` or as its default.
 *
 * JSON is `{ "Model": { "field": value } }`. A list of values is gone through row by row, so that rows differ; a
 * value that is a list itself stands in a list: `[["a", "b"]]`.
 *
 * @param path of the file; `.json` is read as JSON, anything else is imported
 * @throws {TenancyError} `DH309` when the file can't be read, or says something else
 *
 * @example
 * ```ts
 * // seed.json: { "Invoice": { "vatId": ["DE136695976", "DE129273398"] } }
 * const seed = await readSeedFile('seed.json')
 * ```
 */
export async function readSeedFile(path: string): Promise<SeedHook> {
  const file = resolve(path)
  return file.endsWith('.json')
    ? seedOfJson(parseSeed(path, await readText(path, file)))
    : importSeed(path, file)
}

async function readText(path: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new TenancyError('DH309', `the seed file ${path} can't be read; give the path of a file`, { cause })
  }
}

function parseSeed(path: string, text: string): SeedJson {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    // what the parser says would repeat the text
    throw new TenancyError('DH309', `the seed file ${path} is no JSON; correct it`)
  }
  const parsed = seedJson.safeParse(json)
  if (parsed.success) return parsed.data
  const places = [...new Set(parsed.error.issues.map(({ path: at }) => at.join('.') || 'the file itself'))]
  throw new TenancyError(
    'DH309',
    `the seed file ${path} must be { "Model": { "field": value or [values] } }, and is not at ${places.join(', ')}`,
  )
}

function seedOfJson(seed: SeedJson): SeedHook {
  const turns = new Map<string, number>()
  return (model) => {
    const given = seed[model]
    if (!given) return undefined
    const turn = turns.get(model) ?? 0
    turns.set(model, turn + 1)
    return Object.fromEntries(
      Object.entries(given).map(([field, value]) => [
        field,
        Array.isArray(value) && value.length > 0 ? value[turn % value.length] : value,
      ]),
    )
  }
}

async function importSeed(path: string, file: string): Promise<SeedHook> {
  let module: { readonly default?: unknown; readonly seed?: unknown }
  try {
    module = (await import(pathToFileURL(file).href)) as typeof module
  } catch (cause) {
    throw new TenancyError('DH309', `the seed file ${path} can't be imported; correct it, or write JSON`, {
      cause,
    })
  }
  const hook = module.seed ?? module.default
  if (typeof hook === 'function') return hook as SeedHook
  throw new TenancyError(
    'DH309',
    `the seed file ${path} must export a function (model, row, owner) as its default, or as "seed"`,
  )
}
