import type { DatasourceAddresses } from './schema-edits.ts'

/**
 * The `prisma.config.ts` that Prisma 7 takes the place of the datasource's addresses in.
 *
 * @param paths of the schema, and of the folder of migrations, from the current folder
 * @returns the text, or `undefined` where an address is not simply a variable of the environment
 */
export function prismaConfig(
  { schema, migrations: folder }: { readonly schema: string; readonly migrations: string },
  addresses: DatasourceAddresses,
): string | undefined {
  // the CLI goes past a pooler where it can; directUrl is no more
  const migrations = addresses.directUrl ?? addresses.url
  const shadow = addresses.shadowDatabaseUrl
  const url = migrations === undefined ? undefined : variableOf(migrations)
  const shadowUrl = shadow === undefined ? undefined : variableOf(shadow)
  if (url === undefined || (shadow !== undefined && shadowUrl === undefined)) return undefined
  return `import { existsSync } from 'node:fs'
import { defineConfig } from 'prisma/config'

// Prisma 7 reads no .env by itself
if (existsSync('.env')) process.loadEnvFile()
// migrations go past a pooler, and as another login than the application's
const url = ${url === 'DIRECT_URL' ? '' : "process.env['DIRECT_URL'] || "}process.env['${url}']
${shadowUrl === undefined ? '' : `const shadowDatabaseUrl = process.env['${shadowUrl}']\n`}
export default defineConfig({
  schema: '${schema}',
  migrations: { path: '${folder}' },
  // left out where it is not set: \`prisma generate\` needs no database
  datasource: { ...(url ? { url } : {})${shadowUrl === undefined ? '' : ', ...(shadowDatabaseUrl ? { shadowDatabaseUrl } : {})'} },
})
`
}

function variableOf(value: string): string | undefined {
  return /^env\("(\w+)"\)$/.exec(value)?.[1]
}
