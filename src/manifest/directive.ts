import type { DMMF } from '@prisma/generator-helper'
import { type Command, everyCommand } from './manifest.ts'

/** Whose a model's rows are, as the model says it. */
export type ScopeDirective =
  | { readonly kind: 'key' | 'through' | 'member'; readonly field: string }
  | { readonly kind: 'shared' | 'global' | 'system' }

/** What a model says of itself. */
export type Directive =
  | ScopeDirective
  | { readonly kind: 'not'; readonly fields: readonly string[] }
  | { readonly kind: 'allow'; readonly commands: readonly Command[] }
  | { readonly kind: 'appendOnly' }

/** Whether a directive says whose a model's rows are. */
export function isScopeDirective(directive: Directive): directive is ScopeDirective {
  return directive.kind !== 'not' && directive.kind !== 'allow' && directive.kind !== 'appendOnly'
}

/**
 * The directives of a model.
 *
 * @param replacing those of `doublehull.json`, without `@tenancy.`: the comments say nothing then
 * @throws {Error} for a line that is none, and for one that stands at a field
 */
export function directivesOf(model: DMMF.Model, replacing: readonly string[] | undefined): Directive[] {
  if (replacing) return replacing.map((text) => parseDirective(`@tenancy.${text.trim()}`, text))
  for (const field of model.fields) {
    const [line] = directiveLines(field.documentation)
    if (line) throw new Error(`"${line}" stands at the field "${field.name}"; write it above the model`)
  }
  return directiveLines(model.documentation).map((line) => parseDirective(line, line))
}

/** The directives in lines as {@link ModelClassification.suggestions} has them. */
export function suggestedDirectives(suggestion: string): Directive[] {
  return suggestion.split('\n').map((line) => parseDirective(line.slice('/// '.length), line))
}

const directivePattern = /^@tenancy\.([a-zA-Z]+)(?:\(([\w, ]+)\))?$/

function parseDirective(line: string, written: string): Directive {
  const [, kind, list] = directivePattern.exec(line) ?? []
  const names = list?.split(',').map((name) => name.trim()) ?? []
  const [field] = names
  if ((kind === 'key' || kind === 'through' || kind === 'member') && field && names.length === 1) {
    return { kind, field }
  }
  if (kind === 'not' && names.length > 0 && names.every((name) => name !== '')) return { kind, fields: names }
  const isBare = kind === 'shared' || kind === 'global' || kind === 'system' || kind === 'appendOnly'
  if (isBare && list === undefined) return { kind }
  const commands = everyCommand.filter((command) => names.includes(command))
  if (kind === 'allow' && field && commands.length === names.length) return { kind, commands }
  throw new Error(
    `"${written}" is no directive; known are @tenancy.key(field), .through(relation), .member(relation), .shared, .global, .system, ` +
      `.not(field), .allow(select, insert, update, delete) and .appendOnly`,
  )
}

function directiveLines(documentation: string | undefined): string[] {
  const lines = (documentation ?? '').split('\n').map((line) => line.trim())
  return lines.filter((line) => line.startsWith('@tenancy'))
}
