import type { z } from 'zod'
import type { InputIssue } from '../errors.ts'

/**
 * What zod refused, without the values: its own messages may quote them, and those of a rule that an application wrote
 * may say anything.
 *
 * @param issues as `safeParse` gives them
 * @param options `areOwn`: the schema is the package's, so that what its rules say may be told
 */
export function zodIssues(
  issues: readonly z.core.$ZodIssue[],
  { areOwn = false }: { readonly areOwn?: boolean } = {},
): readonly InputIssue[] {
  return issues.map((issue) => ({
    path: issue.path.map((part) => (typeof part === 'number' ? part : String(part))),
    // where a rule has no words of its own, zod has some, which begin otherwise
    message: areOwn && issue.message.startsWith('must ') ? issue.message : messageOf(issue),
  }))
}

function messageOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected === 'nonoptional' ? 'must be there' : `must be ${issue.expected}`
    case 'too_small':
      return `must be ${unitOf(issue.origin)}${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`
    case 'too_big':
      return `must be ${unitOf(issue.origin)}${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`
    case 'invalid_format':
      return `must be of the format ${issue.format}`
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`
    case 'unrecognized_keys':
      return 'must have no other properties'
    case 'invalid_key':
      return 'must have other property names'
    case 'invalid_union':
      return 'must be one of the kinds that are allowed'
    default:
      return 'must keep the rules of its schema'
  }
}

function unitOf(origin: string): string {
  if (origin === 'string') return 'in characters '
  return origin === 'array' || origin === 'set' ? 'in elements ' : ''
}
