import { config } from 'dotenv'
import { defineConfig } from 'prisma/config'

config({ quiet: true })

// A migrator goes past a pooler: DIRECT_URL is its connection where the application's is pooled.
const url = process.env['DIRECT_URL'] || process.env['DATABASE_URL']
const shadowDatabaseUrl = process.env['SHADOW_DATABASE_URL']

export default defineConfig({
  schema: 'prisma/schema',
  migrations: { path: 'prisma/migrations' },
  datasource: {
    // Left out where it is not set: `prisma generate` needs no database, and runs in every `npm ci`.
    ...(url ? { url } : {}),
    ...(shadowDatabaseUrl ? { shadowDatabaseUrl } : {}),
  },
})
