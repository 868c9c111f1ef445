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

/** What settles a model: what its relations suggest, then what can always be said, where nothing speaks against it. */
function choicesFor({ model, suggestions }: ModelClassification, draft: Draft): readonly ScopeChoice[] {
  const suggested = suggestions.map((suggestion) => {
    const directives = directivesIn(suggestion)
    const known = always.find((one) => one.directives.every((name) => directives.includes(name)))
    return { directives, means: known?.means ?? '' }
  })
  const rest = always.filter(
    ({ directives }) =>
      // one that is suggested with more, as global with what confirms it, would not do alone
      !suggested.some((one) => directives.every((name) => one.directives.includes(name))) &&
      !problemAfter(draft, model, directives),
  )
  return [...suggested, ...rest]
}

/** What would still be wrong with a model if these were its directives. */
function problemAfter(draft: Draft, model: string, directives: readonly string[]) {
  // in place of those in the schema, so that its text need not be read anew for each of them
  const models = { ...draft.models, [model]: directives }
  return unsettled(classifyDraft({ ...draft, models })).find((one) => one.model === model)
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

/** Asks for each model that isn't settled, one after the other: what one is told may settle those that hang on it. */
export async function settle(draft: Draft, terminal: Terminal): Promise<Draft> {
  let current = draft
  let [next] = unsettled(classifyDraft(current))
  while (next) {
    const { model, why } = next
    const choices = choicesFor(next, current).map((choice) => ({
      label: `${choice.directives.join(', ')}${choice.means === '' ? '' : `: ${choice.means}`}`,
      value: choice.directives,
    }))
    if (choices.length === 0) throw unsettleable(next)
    const directives = await choose(terminal, `\n${model}: ${why}`, choices)
    const chosen = withDirectives(current, new Map([[model, directives]]))
    const open = unsettled(classifyDraft(chosen))
    const still = open.find((one) => one.model === model)
    // what the model says already may speak against each of them: then the schema must change
    if (still) throw unsettleable(still)
    current = chosen
    next = open[0]
  }
  return current
}

function unsettleable({ model, why }: ModelClassification): TenancyError {
  return new TenancyError(
    'DH304',
    `${model} is not settled by it: ${why}; change the schema, then run it again`,
  )
}

/** For whoever can't be asked: each model that isn't settled, and the flags of which one settles it. */
export function flagsFor(models: readonly ModelClassification[], draft: Draft): string {
  return models
    .map((model) => {
      const flags = choicesFor(model, draft).map(({ directives, means }) => ({
        flag: scopeFlag(model.model, directives),
        means,
      }))
      const width = Math.max(...flags.map(({ flag }) => flag.length))
      const lines = flags.map(({ flag, means }) => `    ${flag.padEnd(width)}  ${means}`.trimEnd())
      return [`  ${model.model}: ${model.why}`, ...lines].join('\n')
    })
    .join('\n')
}
