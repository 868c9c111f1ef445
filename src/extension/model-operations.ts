import type { WireScope } from '../context/wire-scope.ts'
import type { Manifest } from '../manifest/manifest.ts'
import type { OperationCall } from './operation-call.ts'
import { scopeOperation } from './scope-operation.ts'
import { type Args, isArgs, modelOf } from './scoping.ts'
import { unbatched, unmerged } from './unbatched.ts'
import { type GlobalOmit, UniqueBatches } from './unique-batch.ts'

export interface ModelOperationsOptions {
  readonly manifest: Manifest
  /** Off only for the proof that the database alone keeps a tenant in. */
  readonly rewrite: boolean
  /** The client's own `omit`: which fields of which model its results lack. */
  readonly globalOmit?: GlobalOmit
}

/** Runs the operations of models, each in its tenant's part of the rows. */
export class ModelOperations {
  readonly #options: ModelOperationsOptions
  readonly #batches: UniqueBatches

  constructor(options: ModelOperationsOptions) {
    this.#options = options
    this.#batches = new UniqueBatches(options.globalOmit)
  }

  run(call: OperationCall, model: string, scope: WireScope): PromiseLike<unknown> {
    const { manifest, rewrite } = this.#options
    const scoping = { manifest, context: scope.context }
    const scoped = (operation: string, args: unknown): Args =>
      rewrite ? scopeOperation(scoping, model, operation, args) : isArgs(args) ? args : {}
    const args = scoped(call.operation, call.args)
    const alone = unbatched(modelOf(scoping, model), call.operation, args)
    if (!alone) return call.query(unmerged(call.operation, args))
    const internal = call.__internalParams
    return this.#batches.join({
      scope,
      model: modelOf(scoping, model),
      modelName: model,
      args: call.args,
      orThrow: call.operation === 'findUniqueOrThrow',
      internal: internal ?? {},
      findAlone: () => call.query(alone.args, { ...internal, action: alone.action }),
      findMany: (many) =>
        call.query(scoped('findMany', many), { ...internal, action: 'findMany', dataPath: [] }),
    })
  }
}
