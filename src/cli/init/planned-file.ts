import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'

/** A file as it is and as it is to be. */
export interface PlannedFile {
  /** From the current folder, with slashes. */
  readonly path: string
  /** What is there; `undefined` where there is nothing. */
  readonly before: string | undefined
  readonly after: string
  /** It is made of the other files, and nobody writes in it. */
  readonly isGenerated: boolean
}

/** The files that would not be what they are. */
export function changed(files: readonly PlannedFile[]): readonly PlannedFile[] {
  return files.filter(({ before, after }) => before !== after)
}

/**
 * The change of a file as a unified diff, such as `git apply` takes; of one that is generated from the others, one
 * line, unless all is asked for.
 *
 * @param options `whole`, generated files with their text, too; `colours`, whether the reader is a terminal
 */
export function diffOf(
  { path, before, after, isGenerated }: PlannedFile,
  { whole, colours }: { readonly whole: boolean; readonly colours: boolean },
): string {
  if (isGenerated && !whole) {
    const lines = after.split('\n').length - 1
    return `${before === undefined ? 'new file' : 'generated anew'}: ${path} (${lines} lines, made of the rest; --whole-diff shows them)`
  }
  const patch = createTwoFilesPatch(
    before === undefined ? '/dev/null' : `a/${path}`,
    `b/${path}`,
    before ?? '',
    after,
    undefined,
    undefined,
    { context: 3, headerOptions: FILE_HEADERS_ONLY },
  ).trimEnd()
  if (!colours) return patch
  return patch
    .split('\n')
    .map((line, index) => {
      if (index < 2) return `\u001b[1m${line}\u001b[0m`
      const code = { '+': 32, '-': 31, '@': 36 }[line.charAt(0)]
      return code === undefined ? line : `\u001b[${code}m${line}\u001b[0m`
    })
    .join('\n')
}
