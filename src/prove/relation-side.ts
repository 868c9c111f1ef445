import type { RelationManifest } from '../manifest/manifest.ts'
import { collides, givesTenant, keyTo, newRow } from './row-data.ts'
import { tenantColumn } from './row-filter.ts'
import type { Scene } from './scene.ts'
import { isUnique } from './schema-shape.ts'
import type { Row } from './world.ts'

/** One relation, seen from one of its ends, and the rows that attacks on it need. */
export class RelationSide {
  readonly scene: Scene
  readonly model: string
  readonly name: string
  readonly relation: RelationManifest
  readonly other: string
  /** The relation's name at the other end. */
  readonly via: string
  readonly inverse: RelationManifest | undefined
  readonly keyIsHere: boolean
  readonly keyIsThere: boolean

  constructor(scene: Scene, model: string, name: string) {
    const { relation, inverse } = scene.world.relation(model, name)
    this.scene = scene
    this.model = model
    this.name = name
    this.relation = relation
    this.inverse = inverse
    this.other = relation.model
    this.via = relation.inverse
    this.keyIsHere = relation.fields.length > 0
    this.keyIsThere = !this.keyIsHere && (inverse?.fields.length ?? 0) > 0
  }

  get scope() {
    return this.scene.world.model(this.other).scope
  }

  /** Rows of the other model have their tenant from this end. */
  get givesTenantThere(): boolean {
    return this.keyIsThere && givesTenant(this.scene, this.other, this.via)
  }

  /** A parent for what is put into the relation: one of A's, or one of nobody's. */
  get target(): Row | undefined {
    const unique = this.keyIsThere && this.inverse && isUniqueKey(this.scene, this.other, this.inverse)
    const slot = this.keyIsHere || unique ? 'free' : 'own'
    return this.scene.row(this.model, 'a', slot) ?? this.scene.row(this.model, 'nobody', slot)
  }

  /** Parents from which rows are reached that A must not write, and one of those rows. */
  *reached(accept: (row: Row) => boolean): Generator<{ readonly parent: Row; readonly row: Row }> {
    const { world } = this.scene
    for (const parent of world.rowsOf(this.model)) {
      if (!world.isVisible(parent)) continue
      const row = world.follow(parent, this.name).find((found) => !world.isWritable(found) && accept(found))
      if (row) {
        yield { parent, row }
        return
      }
    }
  }

  /** A row of the other model that A may not see, or that is everybody's to see and nobody's to write. */
  get victim(): Row | undefined {
    const { scene, target } = this
    for (const slot of ['free', 'own', 'cross'] as const) {
      const row = scene.row(this.other, 'b', slot)
      if (row && !(target && this.#collides(target, row))) return row
    }
    return scene.row(this.other, 'nobody', 'free')
  }

  /** Whether a unique key would keep a row from being put under a parent. */
  #collides(parent: Row, row: Row): boolean {
    return this.keyIsThere && collides(this.scene, row, keyTo(this.scene, this.other, this.via, parent))
  }

  /** The owner whom new rows are made for, so that making them is a success. */
  get strangerThere(): 'a' | 'b' | 'nobody' | undefined {
    const { kind } = this.scope
    if (kind === 'global' || kind === 'member') return 'nobody'
    if (this.givesTenantThere) return this.scene.world.model(this.other).readOnly ? 'a' : undefined
    return 'b'
  }

  newOwn(): object {
    const global = this.scope.kind === 'global' || this.scope.kind === 'member'
    return newRow(this.scene, this.other, {
      owner: global ? 'nobody' : 'a',
      form: 'unchecked',
      via: this.keyIsHere ? undefined : this.via,
    })
  }

  newStrange(owner: 'a' | 'b' | 'nobody', form: 'unchecked' | 'checked'): object {
    return newRow(this.scene, this.other, { owner, form, via: this.keyIsHere ? undefined : this.via })
  }
}

function isUniqueKey(scene: Scene, model: string, relation: RelationManifest): boolean {
  const shape = scene.shape[model]
  return shape !== undefined && isUnique(shape, relation.fields, tenantColumn(scene, model))
}
