import type { TenantIdType } from '../manifest/manifest.ts'

/**
 * How the functions of the context treat the ids of one type: the rule of `parseTenantId` in SQL. It is the same on
 * both sides, so that what one of them takes for a tenant is one for the other, in the same spelling.
 */
export interface TenantIdSql {
  /** What the functions return. */
  readonly type: TenantIdType
  /**
   * Tells cheaply that nearly every good setting is one, with no claims beside it; what it doesn't tell is asked of
   * `tenancy.read_tenant_id()`. In names that no search_path leads elsewhere.
   */
  isPlainly(setting: string, claims: string): string
  /** The same, whatever the claims say. */
  isPlainlyClaimed(setting: string): string
  /** What a claim of a token says, in the one spelling. */
  claimed(text: string): string
  /** What to say of {@link isNone} in the function, if anything. */
  readonly spelling: string
  /** Whether a text, which is not null, is no id. */
  isNone(text: string): string
  /** As {@link isNone}, where {@link claimed} has seen to the spelling. */
  isNoClaim(text: string): string
  /** Whether a text is no id of a user. */
  isNoUser(text: string): string
  /** What the ids are, for an error. */
  readonly what: string
  /** What a token must say of its subject for it to be the user. */
  readonly user: string
}

const uuidPattern = `'^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'`

// the cast refuses the rest, as 22P02; a regular expression would take as long as finding the row
const looksLikeUuid = (text: string) =>
  `${text} operator(pg_catalog.~~) '________-____-____-____-____________'`

const uuid: TenantIdSql = {
  type: 'uuid',
  // with claims behind it, it is no uuid
  isPlainly: (setting, claims) => looksLikeUuid(`pg_catalog.concat(${setting}, ${claims})`),
  isPlainlyClaimed: looksLikeUuid,
  claimed: (text) => `lower(${text})`,
  spelling:
    '  -- one spelling of a uuid only; a regular expression would say it shorter and take longer, in every query\n',
  isNone: (text) => `${text} not like '________-____-____-____-____________'
     or translate(${text}, '0123456789abcdef', '') <> '----'`,
  isNoClaim: (text) => `${text} !~ ${uuidPattern}`,
  isNoUser: (text) => `${text} !~ ${uuidPattern}`,
  what: 'a uuid',
  user: 'a uuid',
}

// No colon is in it, for the text that is signed joins with colons; and nothing that JSON begins with, so claims
// before the setting are no id.
const characters = '[A-Za-z0-9_.@|~-]'
/** Longest id of a tenant or a user, in characters, all of which are single bytes. */
const most = 128
const isNoText = (text: string) =>
  `(${text} !~ '^${characters}+$' or pg_catalog.octet_length(${text}) > ${most})`

// A pattern that counts to 128 takes ten times as long as one that doesn't and a length.
const isTextAfter = (before: string, setting: string, text: string) =>
  `${text} operator(pg_catalog.~) '^${before}${characters}+$' and pg_catalog.octet_length(${setting}) operator(pg_catalog.<=) ${most}`

// claims that are there stand before a colon, and are no id
const behindClaims = (setting: string, claims: string) => `pg_catalog.concat(${claims}, ':', ${setting})`

const text: TenantIdSql = {
  type: 'text',
  isPlainly: (setting, claims) => isTextAfter(':', setting, behindClaims(setting, claims)),
  isPlainlyClaimed: (setting) => isTextAfter('', setting, setting),
  claimed: (claim) => claim,
  spelling: '',
  isNone: isNoText,
  isNoClaim: isNoText,
  isNoUser: isNoText,
  what: `a text of 1 to ${most} of the characters A-Z a-z 0-9 _ . @ | ~ -`,
  user: 'an id',
}

function integer(type: 'int4' | 'int8', digits: number, largest: string): TenantIdSql {
  // so many digits that any number of them is in the range
  const plainly = `(0|[1-9][0-9]{0,${digits - 2}})`
  const isNone = (number: string) =>
    `(case when ${number} ~ '^(0|[1-9][0-9]{0,${digits - 1}})$' then ${number}::pg_catalog.numeric > ${largest} else ${number} is not null end)`
  return {
    type,
    isPlainly: (setting, claims) => `${behindClaims(setting, claims)} operator(pg_catalog.~) '^:${plainly}$'`,
    isPlainlyClaimed: (setting) => `${setting} operator(pg_catalog.~) '^${plainly}$'`,
    claimed: (claim) => claim,
    spelling: '',
    isNone,
    isNoClaim: isNone,
    isNoUser: isNoText,
    what: `a number from 0 to ${largest} in plain digits`,
    user: 'an id',
  }
}

const forms: Readonly<Record<TenantIdType, TenantIdSql>> = {
  uuid,
  text,
  int4: integer('int4', 10, '2147483647'),
  int8: integer('int8', 19, '9223372036854775807'),
}

/** How the functions of the context treat ids of a type. */
export function tenantIdSql(type: TenantIdType): TenantIdSql {
  return forms[type]
}
