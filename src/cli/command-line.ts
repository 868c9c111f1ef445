/** What the commands that work on a database have in common: flags, the database's URL, and how an error is told. */
import { parseArgs } from 'node:util'
import { isTenancyError, TenancyError } from '../errors.ts'

/** The flags of a command: its parser and its help are both made of them. */
export type Flags = Readonly<
  Record<
    string,
    {
      readonly type: 'string' | 'boolean'
      readonly short?: string
      /** Stands for the value in the help. */
      readonly value?: string
      readonly help: string
    }
  >
>

/** @returns the flags' values, or what is wrong with the arguments, which it doesn't repeat */
export function parseFlags<Known extends Flags>(flags: Known, args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: flags, strict: true, allowPositionals: false }).values
  } catch (error) {
    // a stray argument may be a connection string with its password: it isn't repeated
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL') return 'takes flags only, but an argument was given'
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return `does not know ${unknownFlag(flags, args)}`
    return 'a flag lacks its value, or has one that it does not take'
  }
}

function unknownFlag(flags: Flags, args: readonly string[]): string {
  const names = args.filter((arg) => arg.startsWith('-')).map((arg) => arg.replace(/=.*/s, ''))
  return names.find((name) => !Object.hasOwn(flags, name.slice(2)) && name !== '-h') ?? 'a flag'
}

/** The lines of the help that tell the flags. */
export function flagLines(flags: Flags): readonly string[] {
  const left = Object.entries(flags).map(
    ([name, { value, short }]) =>
      `--${name}${value === undefined ? '' : ` ${value}`}${short === undefined ? '' : `, -${short}`}`,
  )
  const width = Math.max(...left.map((text) => text.length))
  return Object.values(flags).map(({ help }, index) => `  ${(left[index] ?? '').padEnd(width)}  ${help}`)
}

/** Variables that are set win over `.env`, as everywhere. */
export function loadEnvironment(): void {
  try {
    process.loadEnvFile()
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (!isMissing)
      throw new TenancyError('DH409', 'the file .env cannot be read; check its permissions', { cause: error })
  }
}

/** The database that a flag or, without it, the environment names. */
export function databaseUrl(flag: string | undefined): string {
  // `||`, because a variable that is set to nothing is not set
  const url = flag ?? (process.env['DIRECT_URL'] || process.env['DATABASE_URL'])
  if (url) return url
  throw new TenancyError(
    'DH409',
    'no database is named; set DIRECT_URL or DATABASE_URL, or give --database-url',
  )
}

/** An error as `--json` prints it. */
export function describeError(error: unknown) {
  if (isTenancyError(error)) {
    return { code: error.code, message: error.message, details: error.details }
  }
  const message = `unexpected ${error instanceof Error ? `${error.name}: ${error.message}` : 'error'}`
  return { code: 'UNEXPECTED', message, details: { hint: undefined } }
}
