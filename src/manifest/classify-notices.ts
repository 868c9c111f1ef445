import type { ClassifyOutcome } from './classify.ts'
import type { HiddenElement, Manifest } from './manifest.ts'

/** What a person should know of a manifest that was written: one line for each, the first of them a summary. */
export function classifyNotices(
  { models }: Pick<ClassifyOutcome, 'models'>,
  manifest: Manifest,
): readonly string[] {
  const entries = Object.entries(manifest.models)
  const kinds = ['root', 'direct', 'through', 'shared', 'member', 'global', 'system'] as const
  const namesOf = (kind: (typeof kinds)[number]) =>
    entries.filter(([, { scope }]) => scope.kind === kind).map(([name]) => name)
  const counts = kinds.flatMap((kind) => {
    const { length } = namesOf(kind)
    return length > 0 ? [`${length} ${kind}`] : []
  })
  const listed = (names: readonly string[], meaning: string) =>
    names.length > 0 ? [`  ${meaning}: ${names.join(', ')}`] : []
  const views = entries.filter(([, { isView }]) => isView).map(([name]) => name)
  return [
    `tenancy: ${entries.length} models: ${counts.join(', ')}`,
    ...listed(namesOf('global'), 'global, every tenant reads every row'),
    ...listed(namesOf('system'), 'system, no tenant sees a row'),
    ...listed(views, 'views, held by the policies of their tables alone'),
    ...listed(manifest.hidden.map(hiddenName), 'hidden from the client, and in the database all the same'),
    ...models.flatMap(({ model, severity, why, suggestions }) =>
      severity === 'guess'
        ? [`  guessed for ${model}: ${suggestions[0]?.split('\n').join(' with ')}, because ${why}`]
        : [],
    ),
  ]
}

function hiddenName({ kind, model, column }: HiddenElement): string {
  if (kind === 'ignoredModel') return `${model} (@@ignore)`
  return `${model}.${column} (${kind === 'ignoredField' ? '@ignore' : 'Unsupported'})`
}
