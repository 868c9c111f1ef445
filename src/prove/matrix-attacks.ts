import type { Manifest } from '../manifest/manifest.ts'
import type { Attack } from './attack.ts'
import { nestedWrites } from './nested-writes.ts'
import { orders } from './orders.ts'
import { readAttacks } from './read-attacks.ts'
import { relationFilters } from './relation-filters.ts'
import { relationReads } from './relation-reads.ts'
import { returnedRelations } from './returned-relations.ts'
import type { Scene } from './scene.ts'
import { sqlAttacks, sqlAttacksOnJoinTable } from './sql-attacks.ts'
import { writeAttacks } from './write-attacks.ts'

const reads = [readAttacks, relationReads, relationFilters, orders, sqlAttacks]
const writes = [returnedRelations, writeAttacks, nestedWrites]

/** What attacks begin with: the models, and the tables of implicit many-to-many relations. */
export function subjectsOf(manifest: Manifest): readonly string[] {
  return [...Object.keys(manifest.models), ...manifest.joinTables.map(({ table }) => table)]
}

/** Every attack on a model, or on a join table, of a scene. */
export function attacksOn(scene: Scene, subject: string): readonly Attack[] {
  const model = scene.manifest.models[subject]
  if (!model) {
    const position = scene.manifest.joinTables.findIndex(({ table }) => table === subject)
    return [...sqlAttacksOnJoinTable(scene, position)]
  }
  if (scene.unplanted.has(subject)) return []
  const sources = model.isView ? reads : [...reads, ...writes]
  return sources.flatMap((source) => [...source(scene, subject)])
}
