/** The variables that an application with both hulls has, as comments where each project differs. */
const block = `# Doublehull. The application logs in as doublehull_app, which row-level security holds:
#DATABASE_URL=postgresql://doublehull_app:change-me-please@127.0.0.1:5432/app
# Migrations log in as an administrator the first time, as doublehull_migrator later:
#DIRECT_URL=postgresql://doublehull_migrator:change-me-please@127.0.0.1:5432/app
# Work across tenants (tenancy.system) has a login of its own:
#SYSTEM_DATABASE_URL=postgresql://doublehull_system:change-me-please@127.0.0.1:5432/app
# Passwords that \`doublehull migrate\` gives to the roles, 12 characters or more:
DOUBLEHULL_MIGRATOR_PASSWORD=
DOUBLEHULL_APP_PASSWORD=
DOUBLEHULL_READER_PASSWORD=
DOUBLEHULL_SYSTEM_PASSWORD=
`

/**
 * The text of `.env.example` with the variables of Doublehull.
 *
 * @param text what is there; `undefined` where there is no such file
 * @returns the text, the same where it knows them already
 */
export function withEnvironment(text: string | undefined): string {
  if (text === undefined || text === '') return block
  if (/^#?\s*DOUBLEHULL_APP_PASSWORD=/m.test(text)) return text
  const ending = text.includes('\r\n') ? '\r\n' : '\n'
  return `${text.trimEnd()}${ending}${ending}${block.replaceAll('\n', ending)}`
}
