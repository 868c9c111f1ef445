import { type Hull, hulls } from '../attack.ts'
import { readOperations, sqlWrites, writeOperations } from '../operations.ts'
import type { CellProof, ModelProof, ProofReport } from '../proof-report.ts'

/** The order in which people think of operations: reads, writes, then plain SQL. What is not listed comes last. */
const order = [...readOperations, ...writeOperations, 'sql.select', ...sqlWrites]

/** All operations that the cells of models are about, each once. */
export function operationsOf(models: readonly ModelProof[]): readonly string[] {
  const found = new Set(models.flatMap(({ details }) => details.map(({ operation }) => operation)))
  return [
    ...order.filter((one) => found.has(one)),
    ...[...found].filter((one) => !order.includes(one)).sort(),
  ]
}

/** A model's cells of one operation, by the hulls that stood. */
export function cellsOf(model: ModelProof, operation: string): ReadonlyMap<Hull, CellProof> {
  const cells = model.details.filter((cell) => cell.operation === operation)
  return new Map(
    hulls.flatMap((hull) => cells.filter((cell) => cell.hull === hull).map((cell) => [hull, cell])),
  )
}

/** What a choice of hulls is called in a sentence. */
export const hullNames: Readonly<Record<Hull, string>> = {
  one: 'hull one alone',
  two: 'hull two alone',
  both: 'both hulls',
}

/** The verdict, in a sentence for the top of a report. */
export function verdictSentence({ verdict, leaks, unproven, models }: ProofReport): string {
  const attacked = models.filter((model) => model.verdict !== 'listed').length
  switch (verdict) {
    case 'proven':
      return `proven: no attack on ${counted(attacked, 'model')} reached another tenant’s rows`
    case 'leaks':
      return `leaks: ${counted(leaks, 'attack')} reached what is another tenant’s${unproven > 0 ? `, and ${counted(unproven, 'cell')} ${unproven === 1 ? 'is' : 'are'} unproven` : ''}`
    case 'unproven':
      return `unproven: nothing leaked, but of ${counted(unproven, 'cell')} nothing is known`
  }
}

/** `1 model`, `2 models`. */
export function counted(count: number, what: string): string {
  return `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`
}

/** The reasons why cells are unproven, each once, with the models that give it, the most frequent first. */
export function unprovenReasons({
  models,
}: ProofReport): readonly { readonly reason: string; readonly models: readonly string[] }[] {
  const reasons = new Map<string, Set<string>>()
  for (const { name, unproven } of models) {
    for (const reason of unproven) reasons.set(reason, (reasons.get(reason) ?? new Set()).add(name))
  }
  return [...reasons]
    .map(([reason, names]) => ({ reason, models: [...names] }))
    .sort((a, b) => b.models.length - a.models.length || (a.reason < b.reason ? -1 : 1))
}

/** The models of which every tenant reads all rows, as their scope says. */
export function listedModels({ models }: ProofReport): readonly ModelProof[] {
  return models.filter(({ verdict }) => verdict === 'listed')
}
