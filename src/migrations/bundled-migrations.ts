import { fileURLToPath } from 'node:url'

/** Those that come with the package; the same place seen from `src/migrations` and from `dist/migrations`. */
export const bundledMigrations = fileURLToPath(new URL('../../prisma/migrations', import.meta.url))
