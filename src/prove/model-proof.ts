import type { ModelManifest } from '../manifest/manifest.ts'
import { type Attack, type Hull, hulls } from './attack.ts'
import { callOf } from './call-text.ts'
import type { Outcomes } from './matrix.ts'
import { type Judgement, judgementsOf } from './matrix-report.ts'
import { readOperations, sqlWrites, writeOperations } from './operations.ts'
import type { CellProof, KeyOracle, ModelProof, ProofFinding } from './proof-report.ts'
import type { Scene } from './scene.ts'

/** What else is known of a model than how its attacks went. */
interface Beside {
  readonly oracles: readonly KeyOracle[]
  /** Why something of the model is not known, whatever its cells say. */
  readonly doubts: readonly string[]
  /** The statements that PostgreSQL got for the attacks that got through, as far as they were asked for. */
  readonly statements: ReadonlyMap<Attack, ReadonlyMap<Hull, readonly string[]>>
  /** Leaks that are not an attack's. */
  readonly leaks: readonly ProofFinding[]
}

/** A leak that was found by an attack, which can be made again. */
export interface AttackLeak {
  readonly attack: Attack
  readonly hull: Hull
}

/** The attacks that got through. */
export function leaksOf({ behind, without }: Outcomes): readonly AttackLeak[] {
  return hulls.flatMap((hull) =>
    [...judgementsOf(hull, behind[hull], without)]
      .filter(({ kind }) => kind === 'leak')
      .map(({ attack }) => ({ attack, hull })),
  )
}

/** What the attacks on a model, or on a join table, prove. */
export function modelProof(scene: Scene, name: string, outcomes: Outcomes, beside: Beside): ModelProof {
  const model = scene.manifest.models[name]
  const details: CellProof[] = []
  const findings: ProofFinding[] = [...beside.leaks]
  const reasons = new Map<string, Set<string>>()
  const doubt = (operation: string, hull: Hull, reason: string) => {
    const cells = reasons.get(reason) ?? new Set()
    reasons.set(reason, cells.add(`${operation} behind ${hull}`))
  }
  const finding = (kind: ProofFinding['kind'], hull: Hull, { attack, reason }: Judgement): ProofFinding => ({
    kind,
    model: name,
    operation: attack.operation,
    hull,
    form: attack.form,
    reason,
    call: callOf(attack),
    sql: attack.sql ? [attack.sql.text] : (beside.statements.get(attack)?.get(hull) ?? []),
  })

  for (const hull of hulls) {
    const cells = new Map<string, Judgement[]>()
    for (const judgement of judgementsOf(hull, outcomes.behind[hull], outcomes.without)) {
      const { operation } = judgement.attack
      cells.set(operation, [...(cells.get(operation) ?? []), judgement])
    }
    for (const [operation, judgements] of cells) {
      const leaks = judgements.filter(({ kind }) => kind === 'leak')
      findings.push(...leaks.map((leak) => finding('leak', hull, leak)))
      const unproven = judgements.find(({ kind }) => kind === 'unproven')
      const isProven = judgements.some(({ kind }) => kind === 'stopped')
      if (leaks.length === 0 && !isProven && !unproven) continue
      const verdict = leaks.length > 0 ? 'leak' : isProven ? 'proven' : 'unproven'
      if (verdict === 'unproven' && unproven) {
        doubt(operation, hull, (isCreate(operation) && scene.uncreatable.get(name)) || unproven.reason)
        findings.push(finding('unproven', hull, unproven))
      }
      details.push({ operation, hull, verdict, attacks: judgements.length })
    }
    const held = new Set(
      [...outcomes.without.keys()]
        .filter(({ heldBySchema }) => heldBySchema !== undefined)
        .map(({ operation }) => operation),
    )
    for (const operation of model ? operationsOf(model, hull) : []) {
      if (cells.has(operation) || held.has(operation)) continue
      details.push({ operation, hull, verdict: 'unproven', attacks: 0 })
      doubt(
        operation,
        hull,
        scene.unplanted.get(name) ?? scene.uncreatable.get(name) ?? 'no row of another’s could be attacked',
      )
    }
  }

  const leaks = findings.filter(({ kind }) => kind === 'leak').length
  const unproven = [
    ...[...reasons].map(([reason, cells]) => `${listOf([...cells])}: ${reason}`),
    ...beside.doubts,
  ]
  return {
    name,
    scope: model?.scope.kind ?? 'joinTable',
    cells: details.length,
    leaks,
    unproven,
    verdict:
      leaks > 0
        ? 'leaks'
        : unproven.length > 0
          ? 'unproven'
          : model?.scope.kind === 'global'
            ? 'listed'
            : 'proven',
    details,
    findings,
    oracles: beside.oracles,
  }
}

/** The operations that must have a cell: whose rows everybody reads can only be attacked by writes, and a view by reads. */
function operationsOf({ scope, isView }: ModelManifest, hull: Hull): readonly string[] {
  return [
    ...(scope.kind === 'global' ? [] : readOperations),
    ...(isView ? [] : writeOperations),
    ...(hull === 'two' && scope.kind !== 'global' ? ['sql.select'] : []),
    ...(hull === 'two' && !isView ? sqlWrites : []),
  ]
}

/** Prisma's client makes no row by itself of what it does not know whole. */
function isCreate(operation: string): boolean {
  return operation.startsWith('create') || operation === 'upsert'
}

function listOf(cells: readonly string[]): string {
  return cells.length > 6 ? `${cells.slice(0, 5).join(', ')} and ${cells.length - 5} more` : cells.join(', ')
}
