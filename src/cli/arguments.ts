import { parseArgs } from 'node:util'

/** One flag: the parser and the help are both made of it. */
interface Flag {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  /** It may be given more than once. */
  readonly multiple?: true
  /** What the help calls its value. */
  readonly value?: string
  readonly help: string
}

/** The flags of a command, by their names without dashes. */
export type FlagTable = Readonly<Record<string, Flag>>

/** What {@link parseFlags} makes of the table: a text, a list of texts or true for each flag that was given. */
export type FlagValues<Flags extends FlagTable> = {
  readonly [Name in keyof Flags]?: Flags[Name] extends { readonly type: 'boolean' }
    ? boolean
    : Flags[Name] extends { readonly multiple: true }
      ? readonly string[]
      : string
}

/**
 * Reads the arguments of a command.
 *
 * @returns the values, or what is wrong with the arguments, as the rest of a sentence that begins with the command
 *
 * @example
 * ```ts
 * const parsed = parseFlags({ json: { type: 'boolean', help: 'print JSON' } }, ['--json'])
 * if (typeof parsed === 'string') return refuseCall('migrate', parsed, output)
 * ```
 */
export function parseFlags<const Flags extends FlagTable>(
  flags: Flags,
  args: readonly string[],
): FlagValues<Flags> | string {
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

function unknownFlag(flags: FlagTable, args: readonly string[]): string {
  const names = args.filter((arg) => arg.startsWith('-')).map((arg) => arg.replace(/=.*/s, ''))
  return names.find((name) => !Object.hasOwn(flags, name.slice(2)) && name !== '-h') ?? 'a flag'
}

/** The lines of the help about the flags, aligned. */
export function flagHelp(flags: FlagTable): readonly string[] {
  const rows = Object.entries(flags).map(([name, { value, short, help }]) => ({
    left: `--${name}${value === undefined ? '' : ` ${value}`}${short === undefined ? '' : `, -${short}`}`,
    help,
  }))
  const width = Math.max(...rows.map(({ left }) => left.length))
  return rows.map(({ left, help }) => `  ${left.padEnd(width)}  ${help}`)
}
