import { tenantFieldOf } from '../manifest/manifest.ts'
import { type Attack, hulls } from './attack.ts'
import { callOf } from './call-text.ts'
import type { ProofFinding } from './proof-report.ts'
import { uniqueWhere } from './row-filter.ts'
import type { AttackRunner } from './run-matrix.ts'
import type { Scene } from './scene.ts'
import type { Row } from './world.ts'

/**
 * Rows that are A's by the scope of their model, and B's by another column. Whoever gets to see them shows what is B's:
 * the scope lies about the way to the tenant.
 */
export async function disputesOf(
  scene: Scene,
  runner: AttackRunner,
  model: string,
): Promise<readonly ProofFinding[]> {
  const row = disputedRow(scene, model)
  const field = row && strangeField(scene, row)
  if (!row || field === undefined) return []
  const attack: Attack = {
    model,
    operation: 'findUnique',
    form: `a row whose ${field} is another’s`,
    args: { where: uniqueWhere(scene, row) },
    kind: 'read',
  }
  const findings: ProofFinding[] = []
  for (const hull of hulls) {
    if ((await runner.kindOfAnswer(attack, hull)) !== 'row') continue
    findings.push({
      kind: 'leak',
      model,
      operation: attack.operation,
      hull,
      form: attack.form,
      reason: `the scope ${scopeText(scene, model)} shows A a row whose ${field} is B’s`,
      call: callOf(attack),
      sql: [],
    })
  }
  return findings
}

function disputedRow(scene: Scene, model: string): Row | undefined {
  const planted = scene.disputed(model)
  if (planted) return planted
  return scene.world.rowsOf(model).find((row) => isOwn(scene, row) && strangeField(scene, row) !== undefined)
}

function isOwn(scene: Scene, row: Row): boolean {
  return scene.world.model(row.model).scope.kind === 'through' && scene.world.isVisible(row)
}

/**
 * A field beside the scope's that says the row is B's: a key to the tenant, or one named as the tenant is elsewhere. What
 * the schema disowns says nothing.
 */
function strangeField(scene: Scene, row: Row): string | undefined {
  const model = scene.world.model(row.model)
  const own = tenantFieldOf(model)
  const named = new Set(
    Object.values(scene.manifest.models).flatMap((other) =>
      other.scope.kind === 'direct' || other.scope.kind === 'shared' ? [other.scope.field] : [],
    ),
  )
  for (const { model: target, fields } of Object.values(model.relations)) {
    const [field] = fields
    if (target === scene.manifest.tenantModel && fields.length === 1 && field !== undefined) named.add(field)
  }
  const disowned = new Set(model.disowned)
  return Object.keys(model.columns).find(
    (field) =>
      field !== own &&
      named.has(field) &&
      !disowned.has(field) &&
      String(row.values[field]) === scene.tenantB,
  )
}

function scopeText(scene: Scene, model: string): string {
  const { scope } = scene.world.model(model)
  if ('relation' in scope) return `@tenancy.${scope.kind}(${scope.relation})`
  if ('field' in scope) return `@tenancy.key(${scope.field})`
  return `@tenancy.${scope.kind}`
}
