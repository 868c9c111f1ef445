import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { TenancyError } from '../errors.ts'
import { loadProjectModule } from './load-project-module.ts'
import type { SeedHook } from './seed-hook.ts'

/**
 * Loads the module that gives rows values of the project's own.
 *
 * @param file its path, of a module that exports `seed`
 * @throws {TenancyError} `DH309` where it can't be loaded, or exports no such function
 *
 * @example
 * ```ts
 * const seed = await loadSeed('prisma/prove-seed.ts')
 * ```
 */
export async function loadSeed(file: string): Promise<SeedHook> {
  if (!existsSync(file)) {
    throw new TenancyError('DH309', `there is no seed ${file}; give the path of a module that exports seed`)
  }
  const { seed } = await loadProjectModule(resolve(file)).catch((cause: Error) => {
    throw new TenancyError('DH309', `the seed ${file} ${cause.message}`, { cause })
  })
  if (typeof seed === 'function') return seed as SeedHook
  throw new TenancyError(
    'DH309',
    `the seed ${file} exports no function seed; write: export const seed = (model, row, owner) => ({ … })`,
  )
}
