import type { InternalParams } from './unique-batch.ts'

/** What Prisma hands to a query extension's `$allOperations`; `__internalParams` is missing in its types. */
export interface OperationCall {
  readonly model?: string
  readonly operation: string
  readonly args: unknown
  readonly query: (args: unknown, internalParams?: object) => PromiseLike<unknown>
  readonly __internalParams?: InternalParams
}
