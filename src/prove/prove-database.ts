import type { Manifest } from '../manifest/manifest.ts'
import type { RoleNames } from '../policy/roles.ts'
import type { PrismaClientClass } from '../tenancy/create-tenancy.ts'
import type { Attack, Hull } from './attack.ts'
import { changedPolicies } from './changed-policies.ts'
import { disputesOf } from './disputed-rows.ts'
import { Matrix } from './matrix.ts'
import { subjectsOf } from './matrix-attacks.ts'
import { type AttackLeak, leaksOf, modelProof } from './model-proof.ts'
import { doubtOf, oraclesOf } from './oracles.ts'
import { ProofClients } from './proof-clients.ts'
import type { ModelProof, ProofReport } from './proof-report.ts'
import type { SeedHook } from './seed-hook.ts'
import { tapped } from './statement-tap.ts'

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
  /** The models to attack; all of them, and the join tables, unless told. Rows are planted in all of them in any case. */
  readonly only?: readonly string[]
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
  return proveWith(options)
}

/** What tests of the proof itself choose beside {@link ProveOptions}. */
interface Experiment {
  /** What hull one goes by, so that it can be another than what is proven. */
  readonly hullOneManifest?: Manifest
}

/** {@link proveDatabase} as an experiment. */
export async function proveWith(options: ProveOptions & Experiment): Promise<ProofReport> {
  const { manifest, onEvent, signal, only, done = [] } = options
  const started = performance.now()
  signal?.throwIfAborted()
  const clients = await ProofClients.open(options)
  try {
    const names = subjectsOf(manifest).filter((name) => only?.includes(name) ?? true)
    const isQuick = (options.depth ?? (names.length > quickFrom ? 'quick' : 'full')) === 'quick'
    let [made, total] = [0, 0]
    const matrix = await Matrix.plant({
      manifest,
      admin: clients.admin,
      watcher: clients.watcher,
      attackers: (tenantId) => clients.attackers(tenantId),
      appendOnly: appendOnlyModels(manifest),
      share: isQuick ? Math.ceil(names.length / quickFrom) : 1,
      oncePerModel: isQuick,
      seed: options.seed,
      signal,
      onAttacks(count) {
        made += count
        onEvent?.({ kind: 'progress', done: Math.min(made, total), total })
      },
    })
    const { scene } = matrix
    onEvent?.({
      kind: 'planted',
      models: Object.keys(manifest.models).length - scene.unplanted.size,
      rows: scene.state.reduce((sum, rows) => sum + rows.length, 0),
    })
    const changed = await changedPolicies(options)
    const proofs = new Map(done.map((proof) => [proof.name, proof]))
    const left = names.filter((name) => !proofs.has(name))
    total = matrix.sizeOf(left)
    for (const group of groupsOf(left, (name) => matrix.sizeOf([name]))) {
      signal?.throwIfAborted()
      for (const [name, outcomes] of await matrix.attack(group)) {
        const oracles = await oraclesOf(scene, matrix.runner, name)
        const disputes = await disputesOf(scene, matrix.runner, name)
        const proof = modelProof(scene, name, outcomes, {
          oracles,
          doubts: [...oracles.flatMap((oracle) => doubtOf(oracle) ?? []), ...(changed.get(name) ?? [])],
          leaks: disputes,
          statements: await statementsOf(options, matrix, leaksOf(outcomes).slice(0, mostStatements)),
        })
        proofs.set(name, proof)
        onEvent?.({ kind: 'model', proof })
      }
    }
    const models = names.flatMap((name) => proofs.get(name) ?? [])
    return {
      ...totalsOf(models),
      models,
      hidden: hiddenOf(manifest),
      seconds: (performance.now() - started) / 1000,
    }
  } finally {
    await clients.close()
  }
}

/** Of how many leaks of a model the statements are told. */
const mostStatements = 20

/** Makes attacks that got through once more, with clients that tell what they send. */
async function statementsOf(
  options: ProveOptions & Experiment,
  { scene, runner }: Matrix,
  leaks: readonly AttackLeak[],
): Promise<ReadonlyMap<Attack, ReadonlyMap<Hull, readonly string[]>>> {
  const statements = new Map<Attack, Map<Hull, readonly string[]>>()
  const ofPrisma = leaks.filter(({ attack }) => attack.sql === undefined)
  if (ofPrisma.length === 0) return statements
  let sent: string[] = []
  const PrismaClient = tapped(options.PrismaClient, (text) => sent.push(text))
  const clients = await ProofClients.open({ ...options, PrismaClient })
  try {
    const attackers = clients.attackers(scene.tenantA)
    for (const { attack, hull } of ofPrisma) {
      sent = []
      await runner.repeat(attack, hull, attackers)
      // the client tells behind its answer
      await new Promise((resolve) => setImmediate(resolve))
      statements.set(attack, (statements.get(attack) ?? new Map()).set(hull, sent))
    }
  } finally {
    await clients.close()
  }
  return statements
}

/** From how many models on a proof is quick unless told. */
const quickFrom = 25
/** How many attacks are made before the two worlds change places. */
const groupSize = 2_500

/** Models together, so that the worlds change seldom, and not all of them, so that some are done early. */
function* groupsOf(names: readonly string[], sizeOf: (name: string) => number): Generator<readonly string[]> {
  let [group, size]: [string[], number] = [[], 0]
  for (const name of names) {
    group.push(name)
    size += sizeOf(name)
    if (size < groupSize) continue
    yield group
    group = []
    size = 0
  }
  if (group.length > 0) yield group
}

function appendOnlyModels(manifest: Manifest): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(manifest.models).flatMap(([name, { appendOnly }]) =>
      appendOnly ? [[name, 'rows are written once'] as const] : [],
    ),
  )
}

function totalsOf(models: readonly ModelProof[]): Pick<ProofReport, 'leaks' | 'unproven' | 'verdict'> {
  const leaks = models.reduce((sum, proof) => sum + proof.leaks, 0)
  const unproven = models.reduce((sum, proof) => sum + proof.unproven.length, 0)
  return { leaks, unproven, verdict: leaks > 0 ? 'leaks' : unproven > 0 ? 'unproven' : 'proven' }
}

function hiddenOf({ hidden }: Manifest): readonly string[] {
  return hidden.map(({ schema, table, column }) =>
    [schema, table, ...(column === undefined ? [] : [column])].join('.'),
  )
}
