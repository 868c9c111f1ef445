/**
 * SCRAM-SHA-256 verifiers, made on this side. Invariant: a password never reaches the server, its log or
 * `pg_stat_activity`; `alter role … password` carries what PostgreSQL would have stored anyway. It does not
 * protect a weak password from whoever can read `pg_authid`.
 *
 * RFC 5802 (SCRAM), RFC 7677 (SCRAM-SHA-256); the stored form is that of PostgreSQL's `scram-common.c`.
 */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { TenancyError } from '../errors.ts'

/** RFC 7677 asks for at least 4096, which is also PostgreSQL's own default (`scram_iterations`). */
const iterations = 4096
const saltBytes = 16
const minimumLength = 12

const pbkdf2Async = promisify(pbkdf2)

/**
 * Checks a role's password against what can be hashed honestly.
 *
 * SCRAM hashes the SASLprep form (RFC 4013) of a password. For printable ASCII that is the password itself.
 * For anything else drivers disagree about the form, so a role could log in with one and not with another:
 * such passwords are refused.
 *
 * @param password 12 characters or more, printable ASCII
 * @param purpose the role, or the variable that the password came from; it goes into the message
 * @throws {TenancyError} `DH408` when the password is too short or not printable ASCII
 *
 * @example
 * ```ts
 * const password = parsePassword(process.env.DOUBLEHULL_APP_PASSWORD ?? '', 'DOUBLEHULL_APP_PASSWORD')
 * ```
 */
export function parsePassword(password: string, purpose: string): string {
  if (password.length < minimumLength) {
    throw new TenancyError(
      'DH408',
      `${purpose} is shorter than ${minimumLength} characters; generate one, for example with openssl rand -base64 24`,
    )
  }
  if (!/^[\x20-\x7e]*$/.test(password)) {
    throw new TenancyError(
      'DH408',
      `${purpose} contains a character that is not printable ASCII; drivers hash such passwords differently, so choose one of ASCII letters, digits and punctuation`,
    )
  }
  return password
}

/**
 * Makes the verifier that PostgreSQL stores for a password, with a random salt.
 *
 * @param password one that {@link parsePassword} let pass
 * @returns `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`
 *
 * @example
 * ```ts
 * await client.query(`alter role app password ${quoteLiteral(await scramVerifier(password))}`)
 * ```
 */
export function scramVerifier(password: string): Promise<string> {
  return verifierWith(password, randomBytes(saltBytes), iterations)
}

/**
 * Whether a stored verifier is that of a password. Anything that is no SCRAM-SHA-256 verifier is not.
 *
 * @param verifier `rolpassword` of `pg_authid`, null when the role has none
 */
export async function verifierMatches(verifier: string | null, password: string): Promise<boolean> {
  const parts = /^SCRAM-SHA-256\$(\d{1,9}):([A-Za-z0-9+/=]+)\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+$/.exec(
    verifier ?? '',
  )
  if (verifier === null || parts === null) return false
  const [, count = '', salt = ''] = parts
  // fewer rounds than ours is a verifier worth replacing, whosever password it is
  if (Number(count) < iterations) return false
  const expected = Buffer.from(await verifierWith(password, Buffer.from(salt, 'base64'), Number(count)))
  const stored = Buffer.from(verifier)
  return stored.length === expected.length && timingSafeEqual(stored, expected)
}

async function verifierWith(password: string, salt: Buffer, count: number): Promise<string> {
  const saltedPassword = await pbkdf2Async(password, salt, count, 32, 'sha256')
  const clientKey = createHmac('sha256', saltedPassword).update('Client Key').digest()
  const storedKey = createHash('sha256').update(clientKey).digest('base64')
  const serverKey = createHmac('sha256', saltedPassword).update('Server Key').digest('base64')
  return `SCRAM-SHA-256$${count}:${salt.toString('base64')}$${storedKey}:${serverKey}`
}
