import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { TenancyError } from '../errors.ts'
import { loadProjectModule } from './load-project-module.ts'
import type { SeedHook } from './seed-hook.ts'

const seedJson = z.record(z.string(), z.record(z.string(), z.json()))
type SeedJson = z.infer<typeof seedJson>

/**
 * Loads a project's own values for the rows that the proof plants: a module that exports a {@link SeedHook} as `seed`
 * or as its default, or a JSON file `{ "Model": { "field": value } }`. A list of values is gone through row by row, so
 * that rows differ; a value that is a list itself stands in a list: `[["a", "b"]]`.
 *
 * @param file its path
 * @throws {TenancyError} `DH309` where it can't be loaded, or says something else
 *
 * @example
 * ```ts
 * // seed.json: { "Invoice": { "vatId": ["DE136695976", "DE129273398"] } }
 * const seed = await loadSeed('prisma/seed.json')
 * ```
 */
export async function loadSeed(file: string): Promise<SeedHook> {
  if (!existsSync(file)) {
    throw new TenancyError('DH309', `there is no seed ${file}; give the path of a module or of a JSON file`)
  }
  if (file.endsWith('.json')) return seedOfJson(parseSeed(file, readFileSync(file, 'utf8')))
  const module = await loadProjectModule(resolve(file)).catch((cause: Error) => {
    throw new TenancyError('DH309', `the seed ${file} ${cause.message}`, { cause })
  })
  const hook = module['seed'] ?? module['default']
  if (typeof hook === 'function') return hook as SeedHook
  throw new TenancyError(
    'DH309',
    `the seed ${file} exports no function seed; write: export const seed = (model, row, owner) => ({ … })`,
  )
}

function parseSeed(path: string, text: string): SeedJson {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    // what the parser says would repeat the text
    throw new TenancyError('DH309', `the seed ${path} is no JSON; correct it`)
  }
  const parsed = seedJson.safeParse(json)
  if (parsed.success) return parsed.data
  const places = [...new Set(parsed.error.issues.map(({ path: at }) => at.join('.') || 'the file itself'))]
  throw new TenancyError(
    'DH309',
    `the seed ${path} must be { "Model": { "field": value or [values] } }, and is not at ${places.join(', ')}`,
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
