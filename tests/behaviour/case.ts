import type { Client, HullChoice } from '../fixtures/behaviour/behaviour-database.ts'
import type { Model } from './scene.ts'

/** The generated `Prisma` namespace, of which only what it holds at run time is used. */
// oxlint-disable-next-line typescript/no-explicit-any -- generated when the tests run
export type PrismaNamespace = any

export type BehaviourClient = Client<Model>

/** One thing that is asked of a plain client and of a tenant's, and must be answered alike. */
export interface Case {
  readonly title: string
  readonly run: (db: BehaviourClient, Prisma: PrismaNamespace) => unknown
  /** The code, or the class, of the error with which a plain client answers; a value unless told. */
  readonly fails?: string
  /** The rows are planted anew before, and compared behind it. */
  readonly writes: boolean
  /** Where a tenant client answers otherwise, and means to. */
  readonly deliberate?: Deliberate
}

/** A difference that is meant. */
export interface Deliberate {
  readonly reason: string
  readonly hulls: readonly HullChoice[]
  /** What must be found in the outcome with those hulls. */
  readonly outcome: object
}

type Run = Case['run']
type Rest = Pick<Case, 'fails' | 'deliberate'>

export const reads = (title: string, run: Run, rest: Rest = {}): Case => ({
  title,
  run,
  writes: false,
  ...rest,
})

export const writes = (title: string, run: Run, rest: Rest = {}): Case => ({
  title,
  run,
  writes: true,
  ...rest,
})
