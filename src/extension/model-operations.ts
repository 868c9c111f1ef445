import type { TenantScope } from '../context/wire-scope.ts'
import { delegateName, keyOf } from '../manifest/manifest.ts'
import { withoutMissing } from './missing-reference.ts'
import type { OperationCall } from './operation-call.ts'
import { trimOutsideLinks } from './outside-links.ts'
import { type Ask, Questions } from './questions.ts'
import { scopeOperation } from './scope-operation.ts'
import { type Args, isArgs, modelOf, type Rewriting, type Scoping } from './scoping.ts'
import { unbatched, unmerged } from './unbatched.ts'
import { follow, UniqueBatches } from './unique-batch.ts'

export interface ModelOperationsOptions extends Rewriting {
  /** Off only for the proof that the database alone keeps a tenant in. */
  readonly rewrite: boolean
}

/** How an operation is sent, where that differs from how it was called. */
interface Sent {
  readonly action: string
  readonly args: Args
  /** Which part of the result the caller gets; all of it unless told. */
  readonly dataPath?: readonly string[]
}

/**
 * Runs the operations of models, each among its tenant's rows: rewrites its arguments, asks before it what they
 * can't say, and takes out of its result what they can't keep out.
 */
export class ModelOperations {
  readonly #options: ModelOperationsOptions
  readonly #batches: UniqueBatches

  constructor(options: ModelOperationsOptions) {
    this.#options = options
    this.#batches = new UniqueBatches(options.globalOmit)
  }

  run(call: OperationCall, modelName: string, scope: TenantScope): PromiseLike<unknown> {
    const { operation, args } = call
    const scoping = this.#scopingOf(scope)
    const model = modelOf(scoping, modelName)
    const scoped = this.#scope(scoping, modelName, operation, args)
    const alone = unbatched(model, operation, scoped)
    const internal = call.__internalParams ?? {}
    const { dataPath = [] } = internal
    if (!alone) {
      return this.#send(call, scoping, modelName, {
        action: operation,
        args: unmerged(operation, scoped),
        dataPath,
      })
    }
    return this.#batches.join({
      scope,
      model,
      modelName,
      args,
      orThrow: operation === 'findUniqueOrThrow',
      internal,
      findAlone: () => this.#send(call, scoping, modelName, { ...alone, dataPath }),
      findMany: (many) => {
        const together = this.#scopingOf(scope)
        const rows = this.#scope(together, modelName, 'findMany', many)
        return this.#send(call, together, modelName, { action: 'findMany', args: rows })
      },
    })
  }

  #scopingOf({ context }: TenantScope): Scoping {
    return { ...this.#options, context, questions: new Questions(), links: [] }
  }

  #scope(scoping: Scoping, model: string, operation: string, args: unknown): Args {
    if (this.#options.rewrite) return scopeOperation(scoping, model, operation, args)
    return isArgs(args) ? args : {}
  }

  #send(
    { query, __internalParams: internal }: OperationCall,
    scoping: Scoping,
    modelName: string,
    { action, args, dataPath = [] }: Sent,
  ): PromiseLike<unknown> {
    const { questions, links } = scoping
    const isWhole = links.length === 0
    const send = (sent: Pick<Sent, 'action' | 'args'>) =>
      query(sent.args, { ...internal, action: sent.action, dataPath: isWhole ? dataPath : [] })
    if (questions.isEmpty && isWhole) return send({ action, args })

    const ask: Ask = (model, wanted) =>
      query(
        { select: selectedKey(scoping, model), ...wanted },
        {
          ...internal,
          model,
          jsModelName: delegateName(model),
          action: 'findMany',
          dataPath: [],
          argsMapper: undefined,
          middlewareArgsMapper: undefined,
          unpacker: undefined,
        },
      ) as PromiseLike<readonly Args[]>
    const run = async (): Promise<unknown> => {
      const missing = await questions.settle(ask)
      const method = internal?.clientMethod ?? action
      const result = await send(
        await withoutMissing(scoping, modelName, { action, args }, missing, ask, method),
      )
      if (isWhole) return result
      await trimOutsideLinks(scoping, links, result, ask)
      return follow(result, dataPath)
    }
    return run()
  }
}

/** No more is read of a row than is needed to know that it is there. */
function selectedKey(scoping: Scoping, model: string): Args {
  return Object.fromEntries(keyOf(modelOf(scoping, model)).map((field) => [field, true]))
}
