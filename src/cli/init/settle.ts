import { TenancyError } from '../../errors.ts'
import type { ModelClassification } from '../../manifest/classification.ts'
import { classifyDraft, type Draft, directivesIn, unsettled, withDirectives } from './draft.ts'
import { type ChosenDirectives, scopeFlag } from './scope-flags.ts'
import { choose, type Terminal } from './terminal.ts'

/** What can be said of every model, whatever its relations. */
const always = [
  { directives: ['system'], means: 'no tenant sees it' },
  { directives: ['global'], means: 'every tenant reads all of it' },
]

/** One thing that would settle a model. */
interface ScopeChoice {
  readonly directives: readonly string[]
  /** What it means, where the directive alone doesn't say. */
  readonly means: string
}

/** What settles a model: what its relations suggest, then what can always be said. */
function choicesFor({ suggestions }: ModelClassification): readonly ScopeChoice[] {
  const suggested = suggestions.map((suggestion) => {
    const directives = directivesIn(suggestion)
    const known = always.find((one) => one.directives.every((name) => directives.includes(name)))
    return { directives, means: known?.means ?? '' }
  })
  const rest = always.filter(
    // one that is suggested with more, as global with what confirms it, would not do alone
    ({ directives }) => !suggested.some((one) => directives.every((name) => one.directives.includes(name))),
  )
  return [...suggested, ...rest]
}

/**
 * Applies what was chosen with flags.
 *
 * @throws {TenancyError} `DH304` for a model that there is not
 */
export function applyFlags(draft: Draft, chosen: ChosenDirectives): Draft {
  const names = draft.source.datamodel.models.map(({ name }) => name)
  const stray = [...chosen.keys()].find((name) => !names.includes(name))
  if (stray !== undefined)
    throw new TenancyError(
      'DH304',
      `--scope ${stray}=… names no model of the schema; its models are ${names.join(', ')}`,
    )
  return withDirectives(draft, chosen)
}

/**
 * Asks for each model that isn't settled, one after the other: what one is told may settle those that hang on it.
 *
 * @throws {TenancyError} `DH304` for a model that no directive settles
 */
export async function settle(draft: Draft, terminal: Terminal): Promise<Draft> {
  const asked = new Set<string>()
  let current = draft
  for (;;) {
    const [next] = unsettled(classifyDraft(current))
    if (!next) return current
    if (asked.has(next.model)) throw notSettled(next)
    asked.add(next.model)
    const choices = choicesFor(next).map((choice) => ({
      label: `${choice.directives.join(', ')}${choice.means === '' ? '' : `: ${choice.means}`}`,
      value: choice.directives,
    }))
    const directives = await choose(terminal, `\n${next.model}: ${next.why}`, choices)
    current = withDirectives(current, new Map([[next.model, directives]]))
  }
}

function notSettled({ model, why }: ModelClassification): TenancyError {
  return new TenancyError(
    'DH304',
    `${model} is not settled by it: ${why}; change the schema, then run it again`,
  )
}

/** For whoever can't be asked: each model that isn't settled, and the flags of which one settles it. */
export function flagsFor(models: readonly ModelClassification[]): string {
  return models
    .map((model) => {
      const flags = choicesFor(model).map(({ directives, means }) => ({
        flag: scopeFlag(model.model, directives),
        means,
      }))
      const width = Math.max(...flags.map(({ flag }) => flag.length))
      const lines = flags.map(({ flag, means }) => `    ${flag.padEnd(width)}  ${means}`.trimEnd())
      return [`  ${model.model}: ${model.why}`, ...lines].join('\n')
    })
    .join('\n')
}
