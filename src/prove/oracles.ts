import { type Attack, type Hull, hulls } from './attack.ts'
import { newValue, prismaValue } from './field-value.ts'
import type { KeyOracle } from './proof-report.ts'
import { keyTo, newRow } from './row-data.ts'
import { tenantColumn, uniqueWhere } from './row-filter.ts'
import type { AttackRunner } from './run-matrix.ts'
import type { Scene } from './scene.ts'

import type { Row } from './world.ts'

/** Two calls of tenant A's that differ in this: one names what is B's, the other what is nobody's. */
interface Probe {
  readonly kind: KeyOracle['kind']
  readonly columns: readonly string[]
  readonly named: Attack
  readonly unnamed: Attack
}

/**
 * By which keys of a model a tenant learns that another tenant's row is there: PostgreSQL checks keys without asking a
 * policy. Both calls are made behind each choice of hulls; a key tells where their answers differ.
 */
export async function oraclesOf(
  scene: Scene,
  runner: AttackRunner,
  model: string,
): Promise<readonly KeyOracle[]> {
  const oracles: KeyOracle[] = []
  for (const { kind, columns, named, unnamed } of probesOf(scene, model)) {
    const tells: Hull[] = []
    for (const hull of hulls) {
      if ((await runner.kindOfAnswer(named, hull)) !== (await runner.kindOfAnswer(unnamed, hull)))
        tells.push(hull)
    }
    if (tells.length > 0) oracles.push({ model, kind, columns, tells })
  }
  return oracles
}

/** Why a key makes a proof incomplete, and what to do about it. */
export function doubtOf({ kind, columns, tells }: KeyOracle): string | undefined {
  if (!tells.includes('both')) return undefined
  const key = `(${columns.join(', ')})`
  return kind === 'foreignKey'
    ? `the foreign key ${key} answers otherwise for another tenant’s row than for none: let it carry the tenant (DH330)`
    : `the unique key ${key} answers otherwise for another tenant’s value than for a new one: let the tenant be part of it (DH333)`
}

function* probesOf(scene: Scene, name: string): Generator<Probe> {
  const model = scene.manifest.models[name]
  if (!model || model.isView || model.readOnly || scene.unplanted.has(name)) return
  if (!['direct', 'shared', 'through'].includes(model.scope.kind)) return
  yield* foreignKeyProbes(scene, name)
  if (model.commands.includes('insert')) yield* uniqueKeyProbes(scene, name)
}

function* foreignKeyProbes(scene: Scene, model: string): Generator<Probe> {
  const { columns, relations, commands } = scene.world.model(model)
  const tenant = tenantColumn(scene, model)
  const own = scene.row(model, 'a', 'free')
  const isUpdatable = commands.includes('update') && !scene.appendOnly.has(model)
  if (!own || !scene.world.isWritable(own) || !(isUpdatable || commands.includes('insert'))) return
  for (const [name, relation] of Object.entries(relations)) {
    const fields = relation.fields.filter((field) => field !== tenant)
    const victim = scene.row(relation.model, 'b', 'free')
    if (fields.length === 0 || !victim || scene.world.isVisible(victim)) continue
    const key = keyTo(scene, model, name, victim)
    const theirs = Object.fromEntries(fields.map((field) => [field, key[field]]))
    const nobodys = Object.fromEntries(
      fields.map((field) => {
        const shape = scene.shape[model]?.fields[field]
        return [field, shape && newValue(shape)]
      }),
    )
    const call = (data: object): Attack => {
      const select = keySelect(scene, own)
      return {
        ...callOn(model, `the key of ${name}`),
        ...(isUpdatable
          ? { operation: 'update', args: { where: uniqueWhere(scene, own), data, select } }
          : {
              operation: 'create',
              args: { data: { ...newRow(scene, model, { owner: 'a', form: 'unchecked' }), ...data } },
            }),
      }
    }
    yield {
      kind: 'foreignKey',
      columns: fields.map((field) => columns[field] ?? field),
      named: call(theirs),
      unnamed: call(nobodys),
    }
  }
}

function* uniqueKeyProbes(scene: Scene, model: string): Generator<Probe> {
  const { columns } = scene.world.model(model)
  const victim = scene.row(model, 'b', 'free')
  if (!victim || scene.world.isVisible(victim)) return
  for (const fields of scene.shape[model]?.uniqueSets ?? []) {
    const values = fields.map((field) => victim.values[field])
    if (fields.length === 0 || values.some((value) => value === null || value === undefined)) continue
    if (isOfOneTenant(scene, model, fields) || isUnguessable(scene, model, fields)) continue
    const data = () => newRow(scene, model, { owner: 'a', form: 'unchecked' })
    const call = (args: object): Attack => ({ ...callOn(model, 'a unique key'), operation: 'create', args })
    const theirs = Object.fromEntries(
      fields.map((field, index) => [field, prismaValue(scene.shape[model]?.fields[field], values[index])]),
    )
    yield {
      kind: 'uniqueKey',
      columns: fields.map((field) => columns[field] ?? field),
      named: call({ data: { ...data(), ...theirs } }),
      unnamed: call({ data: data() }),
    }
  }
}

/** Whether a key has the tenant in it, or a parent that is the tenant's and whose policy is asked first. */
function isOfOneTenant(scene: Scene, model: string, fields: readonly string[]): boolean {
  const { relations, scope } = scene.world.model(model)
  const tenant = tenantColumn(scene, model)
  if (tenant !== undefined && fields.includes(tenant)) return true
  const parent = scope.kind === 'through' ? (relations[scope.relation]?.fields ?? []) : []
  return parent.length > 0 && parent.every((field) => fields.includes(field))
}

/** Whether nobody guesses another's value: it is a made-up key, of this table or of another of the tenants'. */
function isUnguessable(scene: Scene, model: string, fields: readonly string[]): boolean {
  const { relations, primaryKey } = scene.world.model(model)
  return fields.some((field) => {
    const targets = Object.values(relations)
      .filter((relation) => relation.fields.includes(field))
      .map((relation) => scene.world.model(relation.model).scope.kind)
    const isKnownToMany = targets.some((kind) => kind === 'global' || kind === 'member')
    if (scene.shape[model]?.fields[field]?.type === 'uuid') return !isKnownToMany
    if (targets.length > 0) return !isKnownToMany
    // what a number tells, its sequence tells as well
    return primaryKey.length === 1 && primaryKey[0] === field
  })
}

function callOn(model: string, form: string): Pick<Attack, 'model' | 'form' | 'kind'> {
  return { model, form, kind: 'write' }
}

function keySelect(scene: Scene, row: Row): object {
  return Object.fromEntries(scene.world.model(row.model).primaryKey.map((field) => [field, true]))
}
