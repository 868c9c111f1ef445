import type { Manifest } from '../manifest/manifest.ts'
import type { RoleNames } from '../policy/roles.ts'
import type { PrismaClientClass } from '../tenancy/create-tenancy.ts'
import { Matrix } from './matrix.ts'
import { ProofClients } from './proof-clients.ts'
import type { ModelProof, ProofReport } from './proof-report.ts'
import type { SeedHook } from './seed-hook.ts'

/** What a proof tells while it is at work. */
export type ProveEvent =
  /** The rows of the two tenants are in the database. */
  | { readonly kind: 'planted'; readonly models: number; readonly rows: number }
  /** How many attacks have been made, each behind one choice of hulls, and how many there are to make. */
  | { readonly kind: 'progress'; readonly done: number; readonly total: number }
  /** All attacks on a model, or on a join table, are made. Kept by the caller, it needs no second run. */
  | { readonly kind: 'model'; readonly proof: ModelProof }

export interface ProveOptions {
  readonly manifest: Manifest
  /** The project's own generated client. */
  readonly PrismaClient: PrismaClientClass<object>
  /**
   * A superuser's connection string of a migrated database without rows, which may be thrown away: the proof fills
   * it, and leaves it full.
   */
  readonly adminUrl: string
  /** Names of the roles, where they are not the default ones. */
  readonly roles?: RoleNames
  /**
   * `full` makes every attack; `quick` makes of those that resemble each other some, and in each cell at least one that
   * succeeds without hulls. By the number of models unless told.
   */
  readonly depth?: 'quick' | 'full'
  /** The project's own values for what can't be guessed. */
  readonly seed?: SeedHook
  /** Models that an earlier run, which was stopped, has proven. */
  readonly done?: readonly ModelProof[]
  readonly onEvent?: (event: ProveEvent) => void
  /** Stops between two attacks; models that are done have been handed to `onEvent`. */
  readonly signal?: AbortSignal
}

/**
 * Attacks every model of a schema with every operation, behind each hull alone, behind both, and without any.
 *
 * @returns what was proven, what got through, and what nothing is known of
 * @throws the signal's reason when it is stopped
 *
 * @example
 * ```ts
 * const report = await proveDatabase({ manifest, PrismaClient, adminUrl })
 * if (report.verdict !== 'proven') process.exitCode = 1
 * ```
 */
export async function proveDatabase(options: ProveOptions): Promise<ProofReport> {
  const { manifest, onEvent, signal, done = [] } = options
  const started = performance.now()
  signal?.throwIfAborted()
  const clients = await ProofClients.open(options)
  try {
    const matrix = await Matrix.plant({
      manifest,
      admin: clients.admin,
      client: (hull, tenantId) => clients.of(hull, tenantId),
    })
    void matrix
    const models: ModelProof[] = [...done]
    onEvent?.({ kind: 'planted', models: Object.keys(manifest.models).length, rows: 0 })
    return {
      models,
      leaks: 0,
      unproven: 0,
      verdict: 'unproven',
      hidden: [],
      seconds: (performance.now() - started) / 1000,
    }
  } finally {
    await clients.close()
  }
}
