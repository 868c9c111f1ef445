import type { Hulls } from './test-database.ts'

/** How an operation reached what is another tenant's. Names alone: a value of a row is in no message. */
export interface Reach {
  /** `answer`: what it returned, or threw, depends on rows of another tenant. `rows`: it changed some. */
  readonly how: 'answer' | 'rows'
  /** The model of the first row of another tenant's, where it is known. */
  readonly model?: string
  /** Where in the answer, such as `[0].customer`. */
  readonly path?: string
}

/** {@link Reach}, and behind which choice of hulls. */
export interface Leak extends Reach {
  readonly hulls: Hulls
}

/**
 * Why `expectIsolated` fails. `leak`: the operation got through a hull; `leaks` says through which, and where.
 * `proves nothing`: it reaches nothing of another tenant's even without hulls, or it failed for a reason of its own, so
 * that nothing is known.
 */
export class IsolationError extends Error {
  override readonly name = 'IsolationError'
  readonly reason: 'leak' | 'proves nothing'
  /** Empty where it proves nothing. */
  readonly leaks: readonly Leak[]

  constructor(
    reason: IsolationError['reason'],
    message: string,
    { leaks = [], cause }: { readonly leaks?: readonly Leak[]; readonly cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.reason = reason
    this.leaks = leaks
  }
}

/** The error of leaks: at least one. */
export function leakError(leaks: readonly Leak[]): IsolationError {
  const lines = leaks.map((leak) => `${behind(leak.hulls)} ${sentenceOf(leak)}`)
  return new IsolationError('leak', `not isolated: ${lines.join('; ')}`, { leaks })
}

export function provesNothing(why: string, cause?: unknown): IsolationError {
  return new IsolationError('proves nothing', `proves nothing: ${why}`, { cause })
}

export function behind(hulls: Hulls): string {
  switch (hulls) {
    case 'one':
      return 'behind hull one alone'
    case 'two':
      return 'behind hull two alone'
    case 'both':
      return 'behind both hulls'
    case 'none':
      return 'without hulls'
  }
}

function sentenceOf({ how, model, path }: Reach): string {
  if (how === 'rows') return `it changed rows of ${model ?? 'a join table'} that are not the tenant's`
  const at = path ? ` at ${path}` : ''
  return model === undefined
    ? `the answer depends on rows of another tenant${at}`
    : `the answer has a row of ${model} that is another tenant's${at}`
}
