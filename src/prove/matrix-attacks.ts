import type { Attack } from './attack.ts'
import { nestedWrites } from './nested-writes.ts'
import { orders } from './orders.ts'
import { readAttacks } from './read-attacks.ts'
import { relationFilters } from './relation-filters.ts'
import { relationReads } from './relation-reads.ts'
import { returnedRelations } from './returned-relations.ts'
import type { Scene } from './scene.ts'
import { writeAttacks } from './write-attacks.ts'

const sources = [
  readAttacks,
  relationReads,
  relationFilters,
  orders,
  returnedRelations,
  writeAttacks,
  nestedWrites,
]

/** Every attack on a model of a scene. */
export function attacksOn(scene: Scene, model: string): readonly Attack[] {
  return sources.flatMap((source) => [...source(scene, model)])
}
