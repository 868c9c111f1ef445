import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Builds the package as `npm run build` does, in a folder of its own below the repository, where the built files find
 * their dependencies.
 *
 * @param name of the folder, which is emptied
 * @returns its path
 */
export function buildPackage(name: string): string {
  const built = join(root, 'node_modules/.cache', name)
  rmSync(built, { recursive: true, force: true })
  mkdirSync(built, { recursive: true })
  const dist = join(built, 'dist')
  execFileSync(
    join(root, 'node_modules/typescript/bin/tsc'),
    ['-p', 'tsconfig.build.json', '--outDir', dist],
    {
      cwd: root,
    },
  )
  execFileSync(process.execPath, [join(root, 'scripts/copy-sql.mjs'), dist])
  copyFileSync(join(root, 'package.json'), join(built, 'package.json'))
  for (const folder of ['docs', 'prisma']) symlinkSync(join(root, folder), join(built, folder))
  return built
}
