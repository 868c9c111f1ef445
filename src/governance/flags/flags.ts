import { TenancyError } from '../../errors.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import type { BundledTransaction } from '../../tenancy/bundled.ts'
import { contextOf } from '../../tenancy/tenant-client.ts'
import { conflict, notFound } from '../governance-error.ts'
import type { GovernedScope } from '../governed-scope.ts'
import { evaluateFlag } from './evaluate-flag.ts'
import {
  type FlagDefinition,
  type FlagInput,
  isFlagId,
  parseFlagDefinition,
  parseFlagPatch,
} from './flag-definition.ts'
import type { EvaluationContext, FlagEvaluation } from './flag-evaluation.ts'
import { compileFlagSet } from './flag-set.ts'

/** A flag of the tenant's. */
export interface Flag extends FlagDefinition {
  readonly id: string
  /** Counts its changes. */
  readonly lockVersion: number
  readonly archivedAt: Date | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** What may be changed of a flag: what is left out stays as it is. */
export type FlagPatch = Partial<Omit<FlagInput, 'key' | 'type'>>

/** The flags of one tenant. Each is named by its key or by its id. */
export interface Flags {
  /**
   * Makes a flag; it is off unless told.
   *
   * @throws {TenancyError} `DH506` where it is not valid, a prerequisite is not there, or they lead back to it;
   *   `DH504` where the key is taken, by an archived flag as well; `DH505` without the permission `flag:edit`
   *
   * @example
   * ```ts
   * await governance.flags.create({ key: 'new-checkout', description: 'The checkout in one page' })
   * ```
   */
  create(input: FlagInput): Promise<Flag>
  /**
   * Changes a flag, if it still is as whoever changes it has read it.
   *
   * @param options `expectedLockVersion`: the `lockVersion` of the flag that was read
   * @throws {TenancyError} `DH504` with `expected` and `actual` where it was changed meanwhile; `DH506` where it would not
   *   be valid, or others need a variant that is gone; `DH502` where it is archived; `DH507` where there is none; `DH505`
   *
   * @example
   * ```ts
   * const flag = await governance.flags.get('new-checkout')
   * await governance.flags.update(flag.key, { enabled: true }, { expectedLockVersion: flag.lockVersion })
   * ```
   */
  update(flag: string, patch: FlagPatch, options: { readonly expectedLockVersion: number }): Promise<Flag>
  /**
   * Takes a flag out of use for good: it evaluates as if it were not there, and its key stays taken.
   *
   * @throws {TenancyError} `DH501` where another flag needs it; `DH502` where it is archived already; `DH504` where it is
   *   not as expected; `DH507` where there is none; `DH505`
   *
   * @example
   * ```ts
   * await governance.flags.archive('new-checkout')
   * ```
   */
  archive(flag: string, options?: { readonly expectedLockVersion?: number | undefined }): Promise<Flag>
  /**
   * @throws {TenancyError} `DH507` where there is none
   *
   * @example
   * ```ts
   * const { enabled } = await governance.flags.get('new-checkout')
   * ```
   */
  get(flag: string): Promise<Flag>
  /**
   * All flags, by their keys.
   *
   * @param options `archived`: those that are archived, too
   *
   * @example
   * ```ts
   * const flags = await governance.flags.list()
   * ```
   */
  list(options?: { readonly archived?: boolean | undefined }): Promise<readonly Flag[]>
  /**
   * Fetches the flags and evaluates one: for a job that asks once. Whoever asks often holds a snapshot; see
   * `openFlagSnapshot`.
   *
   * @returns never rejects because of the flag: see its `errorCode`
   *
   * @example
   * ```ts
   * const { value = false } = await governance.flags.evaluate('new-checkout', { targetingKey: userId })
   * ```
   */
  evaluate(key: string, context?: EvaluationContext): Promise<FlagEvaluation>
}

export function flagsOf(scope: GovernedScope): Flags {
  return {
    async create(input) {
      const definition = parseFlagDefinition(input)
      return scope.mutate(
        { action: 'flag.create', permission: 'flag:edit', resource: { type: 'flag' } },
        async (tx) => {
          try {
            return flagOf(await tx.featureFlag.create({ data: columnsOf(definition), omit }))
          } catch (error) {
            throw isTaken(error)
              ? new TenancyError('DH504', 'the tenant has a flag of this key already')
              : error
          }
        },
      )
    },

    async update(flag, patch, { expectedLockVersion }) {
      const changes = parseFlagPatch(patch)
      return scope.mutate(callOn(flag, 'flag.update'), async (tx) => {
        const before = await find(tx, flag)
        if (before.lockVersion !== expectedLockVersion) throw stale(expectedLockVersion, before.lockVersion)
        const data = columnsOf(parseFlagDefinition({ ...definitionOf(before), ...changes }))
        // asked again where the row is locked: another may have come between
        return change(tx, { id: before.id, lockVersion: expectedLockVersion }, data)
      })
    },

    async archive(flag, { expectedLockVersion } = {}) {
      return scope.mutate(callOn(flag, 'flag.archive'), async (tx) => {
        const { id } = await find(tx, flag)
        const where = {
          id,
          ...(expectedLockVersion === undefined ? {} : { lockVersion: expectedLockVersion }),
        }
        return change(tx, where, { archivedAt: new Date() })
      })
    },

    get: async (flag) => find(scope.reader, flag),

    async list({ archived = false } = {}) {
      const where = archived ? {} : { archivedAt: null }
      return (await scope.reader.featureFlag.findMany({ where, omit, orderBy: { key: 'asc' } })).map(flagOf)
    },

    async evaluate(key, context) {
      const tenantId = String(contextOf(scope.reader)?.tenantId)
      const flags = await scope.reader.featureFlag.findMany({ where: { archivedAt: null }, omit })
      return evaluateFlag(compileFlagSet(tenantId, flags), key, context)
    },
  }
}

const omit = { tenantId: true } as const

type Row = Awaited<ReturnType<typeof rowOf>>

async function rowOf(tx: BundledTransaction, where: { readonly id: string } | { readonly key: string }) {
  return tx.featureFlag.findFirst({ where, omit })
}

async function find(tx: BundledTransaction, flag: string): Promise<Flag> {
  // out of an unchecked request it may be an object, which Prisma would take for a filter
  if (typeof flag !== 'string') throw notFound('flag')
  const row = await rowOf(tx, isFlagId(flag) ? { id: flag } : { key: flag })
  if (!row) throw notFound('flag')
  return flagOf(row)
}

/** The database counts the change, holds what may become of a flag, and has the last word on what is expected. */
async function change(
  tx: BundledTransaction,
  where: { readonly id: string; readonly lockVersion?: number },
  data: Prisma.FeatureFlagUpdateManyMutationInput,
): Promise<Flag> {
  const [row] = await tx.featureFlag.updateManyAndReturn({ where, data, omit })
  if (row) return flagOf(row)
  const now = await rowOf(tx, { id: where.id })
  if (!now || where.lockVersion === undefined) throw notFound('flag')
  throw stale(where.lockVersion, now.lockVersion)
}

function callOn(flag: string, action: string) {
  return { action, permission: 'flag:edit', resource: { type: 'flag', id: flag } } as const
}

function stale(expected: number, actual: number): TenancyError {
  return conflict('the flag', { expected, actual })
}

/** What is stored may have been written by other hands; the evaluation says so where it is not valid. */
function flagOf(row: NonNullable<Row>): Flag {
  return row as unknown as Flag
}

function definitionOf(flag: Flag): FlagDefinition {
  const { key, description, type, enabled, variants, defaultVariant, offVariant, prerequisites, targeting } =
    flag
  return { key, description, type, enabled, variants, defaultVariant, offVariant, prerequisites, targeting }
}

function columnsOf({ variants, prerequisites, targeting, ...rest }: FlagDefinition) {
  return {
    ...rest,
    variants: variants as Prisma.InputJsonObject,
    prerequisites: prerequisites as unknown as Prisma.InputJsonArray,
    targeting: targeting === null ? Prisma.DbNull : (targeting as unknown as Prisma.InputJsonObject),
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'P2002'
}
