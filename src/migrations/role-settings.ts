import { TenancyError } from '../errors.ts'
import { identifierFault } from '../policy/identifier.ts'
import { defaultRoleNames, type RoleNames } from '../policy/roles.ts'
import { parsePassword } from './scram.ts'

/** The roles that log in. The owner never does. */
export type LoginRole = Exclude<keyof RoleNames, 'owner'>

/** Where a login role's password comes from when the options don't give one. */
export const passwordVariables: Readonly<Record<LoginRole, string>> = {
  migrator: 'DOUBLEHULL_MIGRATOR_PASSWORD',
  app: 'DOUBLEHULL_APP_PASSWORD',
  reader: 'DOUBLEHULL_READER_PASSWORD',
  system: 'DOUBLEHULL_SYSTEM_PASSWORD',
}

/** How {@link runMigrations} treats the roles. */
export interface RoleOptions {
  /** `false` leaves roles and their grants alone; the owner must exist. Default `true`. */
  readonly manage?: boolean
  /** Names other than the default ones. The bundled migrations use the default names. */
  readonly names?: Partial<RoleNames>
  /**
   * Passwords, printable ASCII of 12 characters or more. One that isn't given is taken from
   * {@link passwordVariables}; a role without one cannot log in with a password.
   */
  readonly passwords?: Partial<Readonly<Record<LoginRole, string>>>
}

/** {@link RoleOptions} that have been checked. */
export interface RoleSettings {
  readonly manage: boolean
  readonly names: RoleNames
  readonly passwords: Partial<Readonly<Record<LoginRole, string>>>
}

const loginRoles: readonly LoginRole[] = ['migrator', 'app', 'reader', 'system']

/**
 * Checks role options and completes them from the environment.
 *
 * @param environment where the password variables are looked up; an empty variable counts as not set
 * @throws {TenancyError} `DH408` for a name PostgreSQL doesn't allow or that is given twice, and for a
 * password that is too short or not printable ASCII
 *
 * @example
 * ```ts
 * const { names } = parseRoleOptions({ names: { app: 'billing_app' } }, process.env)
 * ```
 */
export function parseRoleOptions(
  options: RoleOptions,
  environment: Readonly<Record<string, string | undefined>>,
): RoleSettings {
  const names: RoleNames = { ...defaultRoleNames, ...options.names }
  for (const [purpose, name] of Object.entries(names)) refuseName(purpose, name, names)
  const manage = options.manage ?? true
  const passwords = manage
    ? Object.fromEntries(loginRoles.flatMap((role) => passwordEntry(role, options, environment)))
    : {}
  return { manage, names, passwords }
}

function refuseName(purpose: string, name: string, names: RoleNames): void {
  const fault = roleNameFault(name)
  if (fault !== undefined)
    throw new TenancyError('DH408', `the name of the ${purpose} role ${fault}; choose another`)
  if (Object.entries(names).some(([other, same]) => other !== purpose && same === name)) {
    throw new TenancyError(
      'DH408',
      `the ${purpose} role has the same name as another, ${name}; choose another`,
      {
        details: { role: name },
      },
    )
  }
}

/** What is wrong with a name for a role, as the rest of a sentence; `undefined` where nothing is. */
export function roleNameFault(name: string): string | undefined {
  const fault = identifierFault(name)
  if (fault !== undefined) return fault
  // quoted or not, PostgreSQL reads these as keywords of role grammar
  const reserved = ['public', 'none', 'current_user', 'current_role', 'session_user']
  return name.startsWith('pg_') || reserved.includes(name) ? 'is reserved by PostgreSQL' : undefined
}

function passwordEntry(
  role: LoginRole,
  { passwords = {} }: RoleOptions,
  environment: Readonly<Record<string, string | undefined>>,
): [LoginRole, string][] {
  const variable = passwordVariables[role]
  const given = passwords[role]
  if (given !== undefined) return [[role, parsePassword(given, `the password of the ${role} role`)]]
  const fromEnvironment = environment[variable]
  return fromEnvironment ? [[role, parsePassword(fromEnvironment, variable)]] : []
}
