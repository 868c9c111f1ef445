import { isTenancyError, type TenancyErrorCode, type TenancyErrorDetails } from '../errors.ts'
import type { CommandOutput } from './command.ts'

/** An error as a command prints it. */
interface Failure {
  readonly code: TenancyErrorCode | 'UNEXPECTED'
  readonly message: string
  readonly details: TenancyErrorDetails
}

/** What is told of an error that ends a command. */
function failureOf(error: unknown): Failure {
  if (isTenancyError(error)) {
    return { code: error.code, message: error.message, details: error.details }
  }
  const message = `unexpected ${error instanceof Error ? `${error.name}: ${error.message}` : 'error'}`
  return { code: 'UNEXPECTED', message, details: {} }
}

/** Prints a failure: as JSON on standard output where that was asked for, else with its hint on standard error. */
export function printFailure(
  error: unknown,
  output: CommandOutput,
  { json }: { readonly json: boolean },
): void {
  const failure = failureOf(error)
  if (json) output.stdout(JSON.stringify({ error: failure }))
  else output.stderr([failure.message, failure.details.hint].filter(Boolean).join('\n'))
}

/**
 * Says that a call was not understood.
 *
 * @param problem the rest of a sentence that begins with the command
 * @returns the exit code
 */
export function refuseCall(command: string, problem: string, output: CommandOutput): 2 {
  output.stderr(`doublehull ${command}: ${problem}; see doublehull ${command} --help`)
  return 2
}
