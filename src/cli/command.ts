/** Where a command writes, so that a test can read it. */
export interface CommandOutput {
  readonly stdout: (line: string) => void
  readonly stderr: (line: string) => void
  /** Puts a line in place of the last such one, or takes it away; there where standard error is a terminal. */
  readonly status?: (line: string) => void
  /** Whether standard output is a terminal that wants colours. */
  readonly colours: boolean
}

/** One command of `doublehull`. */
export interface Command {
  /** One line for the list of commands. */
  readonly summary: string
  /** What `--help` prints. */
  readonly help: string
  /** @returns the exit code: 0 done, 1 refused or failed, 2 not understood */
  readonly run: (args: readonly string[], output: CommandOutput) => Promise<number>
}
