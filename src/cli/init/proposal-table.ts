import { printable } from '../../catalog/printable.ts'
import type { Classification } from '../../manifest/classification.ts'
import type { Scope } from '../../manifest/manifest.ts'
import type { Draft } from './draft.ts'
import type { ChosenDirectives } from './scope-flags.ts'

/** One line of what is proposed. */
export interface ProposedScope {
  readonly model: string
  readonly table: string
  /** As a directive says it; `?` where it isn't settled. */
  readonly scope: string
  readonly why: string
  /** The directives that are written for it. */
  readonly write: readonly string[]
}

/** What is proposed for each model. */
export function proposalOf(
  { models }: Classification,
  { source }: Draft,
  written: ChosenDirectives,
): readonly ProposedScope[] {
  const tables = new Map(source.datamodel.models.map(({ name, dbName }) => [name, dbName ?? name]))
  return models.map(({ model, scope, why, severity }) => ({
    model,
    table: tables.get(model) ?? model,
    scope: scope ? `${scopeText(scope)}${severity === 'guess' ? ' (guess)' : ''}` : '?',
    why,
    write: (written.get(model) ?? []).map((directive) => `@tenancy.${directive}`),
  }))
}

function scopeText(scope: Scope): string {
  if ('field' in scope) return `${scope.kind}(${scope.field})`
  return 'relation' in scope ? `${scope.kind}(${scope.relation})` : scope.kind
}

/** The proposal for people. */
export function proposalTable(
  proposal: readonly ProposedScope[],
  { colours }: { readonly colours: boolean },
): string {
  const rows = [
    { mark: ' ', model: 'model', table: 'table', scope: 'scope', rest: 'why' },
    ...proposal.map(({ model, table, scope, why, write }) => ({
      mark: scope === '?' ? '?' : write.length > 0 ? '+' : ' ',
      model,
      table,
      scope,
      rest: write.length > 0 ? `${why} (writes ${write.join(', ')})` : why,
    })),
  ]
  const width = (key: 'model' | 'table' | 'scope') => Math.max(...rows.map((row) => row[key].length))
  const [models, tables, scopes] = [width('model'), width('table'), width('scope')]
  return rows
    .map(({ mark, model, table, scope, rest }, index) => {
      const line = printable(
        `${mark} ${model.padEnd(models)}  ${table.padEnd(tables)}  ${scope.padEnd(scopes)}  ${rest}`,
      )
      if (!colours) return line
      const code = index === 0 ? 2 : { '?': 33, '+': 32, ' ': undefined }[mark]
      return code === undefined ? line : `\u001b[${code}m${line}\u001b[0m`
    })
    .join('\n')
}
