import fc, { type Arbitrary } from 'fast-check'
import { type Args, idOf, relationsOf, weighed } from './grammar.ts'
import type { ModelName } from './name.ts'
import { rawStatements } from './raw-statements.ts'
import * as reads from './reads.ts'
import { selection } from './reads.ts'
import * as writes from './writes.ts'

/** One operation of one model. */
export interface ModelOperation {
  readonly kind: 'model'
  readonly model: ModelName
  readonly operation: string
  readonly args: Args
  /** The relation that is followed from the row that is found, as `db.configPackage.findUnique(…).versions()`. */
  readonly follow?: { readonly relation: string; readonly args: Args }
}

/** A statement of {@link rawStatements} with its parameters. */
export interface RawOperation {
  readonly kind: 'raw'
  readonly statement: number
  readonly values: readonly unknown[]
}

/** Several unique look-ups of one tick. */
interface Lookups {
  readonly kind: 'together'
  readonly parts: readonly ModelOperation[]
}

/** A transaction: an array, or a callback that may have it rolled back in the end. */
interface Transaction {
  readonly kind: 'array' | 'callback' | 'rolled back'
  readonly parts: readonly (ModelOperation | RawOperation)[]
}

export type Operation = ModelOperation | RawOperation | Lookups | Transaction

/** Which models are asked, and how often. What tenants only read or only append to is asked more rarely. */
const readModels: readonly (readonly [number, ModelName])[] = [
  [2, 'Tenant'],
  // what they are seen through leads outside
  [9, 'User'],
  [2, 'Membership'],
  [5, 'ConfigPackage'],
  [5, 'ConfigVersion'],
  [3, 'Approval'],
  [2, 'ApprovalDecision'],
  [2, 'Activation'],
  [3, 'FeatureFlag'],
  [3, 'KillSwitch'],
  [2, 'Branding'],
  [3, 'ExecutionTrace'],
  [3, 'TraceStep'],
  [2, 'AuditEvent'],
]

const writtenModels: readonly (readonly [number, ModelName])[] = readModels.map(([weight, model]) => {
  if (model === 'User' || model === 'Membership') return [0.2, model]
  if (model === 'Activation' || model === 'AuditEvent' || model === 'ApprovalDecision') return [1, model]
  return [weight, model]
})

type ArgsOf = (model: ModelName) => Arbitrary<Args>

const readOperations: readonly (readonly [number, string, ArgsOf])[] = [
  [3, 'findUnique', reads.lookup],
  [1, 'findUniqueOrThrow', reads.lookup],
  [2, 'findFirst', reads.searchOne],
  [1, 'findFirstOrThrow', reads.searchOne],
  [8, 'findMany', reads.search],
  [2, 'count', reads.count],
  [2, 'aggregate', reads.aggregate],
  [2, 'groupBy', reads.groupBy],
]

const writeOperations: readonly (readonly [number, string, ArgsOf])[] = [
  [4, 'create', writes.create],
  [2, 'createMany', writes.createMany],
  [2, 'createManyAndReturn', writes.createManyAndReturn],
  [6, 'update', writes.update],
  [3, 'updateMany', writes.updateMany],
  [3, 'updateManyAndReturn', writes.updateManyAndReturn],
  [4, 'upsert', writes.upsert],
  [2, 'delete', writes.remove],
  [2, 'deleteMany', writes.deleteMany],
]

function operationsOf(
  models: readonly (readonly [number, ModelName])[],
  operations: readonly (readonly [number, string, ArgsOf])[],
): Arbitrary<ModelOperation> {
  return weighed(
    ...models.flatMap(([often, model]) =>
      operations.map(
        ([weight, operation, argsOf]) =>
          [
            Math.ceil(often * weight * 10),
            argsOf(model).map((args): ModelOperation => ({ kind: 'model', model, operation, args })),
          ] as const,
      ),
    ),
  )
}

const read = operationsOf(readModels, readOperations)
const write = operationsOf(writtenModels, writeOperations)

const lookup = weighed(...readModels.map(([often, model]) => [often, lookupOf(model)] as const))

function lookupOf(model: ModelName): Arbitrary<ModelOperation> {
  return reads.lookup(model).map((args) => ({ kind: 'model', model, operation: 'findUnique', args }))
}

/** A row that is looked up, and one of its relations followed. */
const followed: Arbitrary<ModelOperation> = weighed(
  ...readModels.map(([often, model]) => {
    const relation = fc
      .constantFrom(...relationsOf(model))
      .chain(({ name, model: other, list }) =>
        (list ? reads.search(other) : selection(other, 1)).map((args) => ({ relation: name, args })),
      )
    const made = fc
      .tuple(lookupOf(model), relation)
      .map(([{ args, ...rest }, follow]) => ({ ...rest, args: { where: args['where'] }, follow }))
    return [often, made] as const
  }),
)

/** Look-ups by id alone, which are made one statement. */
const together: Arbitrary<Lookups> = weighed(
  ...readModels
    .filter(([, model]) => model !== 'ApprovalDecision')
    .map(([often, model]) => {
      const ids = fc.array(idOf(model), { minLength: 2, maxLength: 4 })
      return [
        often,
        fc.tuple(ids, selection(model, 1)).map(
          ([ids, chosen]): Lookups => ({
            kind: 'together',
            parts: ids.map((id) => ({
              kind: 'model',
              model,
              operation: 'findUnique',
              args: { where: { id }, ...chosen },
            })),
          }),
        ),
      ] as const
    }),
)

const raw: Arbitrary<RawOperation> = fc
  .nat({ max: rawStatements.length - 1 })
  .chain((statement) =>
    fc
      .tuple(...(rawStatements[statement]?.values ?? []))
      .map((values): RawOperation => ({ kind: 'raw', statement, values })),
  )

const single = weighed<ModelOperation | RawOperation>(
  [9, read],
  [10, write],
  [1, followed],
  [1, raw],
  [1, lookup],
)

const transaction: Arbitrary<Transaction> = fc
  .tuple(
    fc.constantFrom('array' as const, 'callback' as const, 'rolled back' as const),
    fc.array(weighed<ModelOperation | RawOperation>([3, read], [3, write], [1, raw]), {
      minLength: 1,
      maxLength: 3,
    }),
  )
  .map(([kind, parts]) => ({ kind, parts }))

/** Whatever a tenant may do next. */
export const anyOperation: Arbitrary<Operation> = weighed<Operation>(
  [12, single],
  [1, together],
  [2, transaction],
)
