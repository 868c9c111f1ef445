import { z } from 'zod'
import { TenancyError } from '../../errors.ts'
import type { Prisma } from '../../generated/prisma/client.ts'
import type { BundledTransaction } from '../../tenancy/bundled.ts'
import { conflict, notFound } from '../governance-error.ts'
import type { GovernedScope } from '../governed-scope.ts'
import { limitSchema } from '../input-parts.ts'
import { type Page, pageOf } from '../page.ts'
import { type BrandingTokensInput, invalid, parseBrandingTokens } from './branding-tokens.ts'
import { type ContrastResult, contrastOfTokens } from './contrast.ts'

/** One state of a tenant's branding. */
export interface Branding {
  readonly id: string
  /** Counted by the database, from 1; that of a draft that was discarded is used again. */
  readonly number: number
  readonly status: 'DRAFT' | 'PUBLISHED' | 'SUPERSEDED'
  /** As they were saved, with their references: for `toCssVariables`, `toDesignTokens` and `contrastOf`. */
  readonly tokens: BrandingTokensInput
  /** Counts the edits, from 1. */
  readonly lockVersion: number
  readonly authorId: string | null
  readonly publisherId: string | null
  readonly publishedAt: Date | null
  /** Why it was published although its contrast fails. */
  readonly reason: string | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** Which state of the draft the caller saw. */
export interface DraftExpectation {
  /** The `lockVersion` that was read, or null where there was no draft; what came later is overwritten unless told. */
  readonly expectedLockVersion?: number | null | undefined
}

/** How a draft is published. */
export interface PublishOptions {
  /** The `lockVersion` that was read; whatever the draft is by now unless told. */
  readonly expectedLockVersion?: number | undefined
  /** Publishes also where a text is hard to read on its background; needs a `reason`. */
  readonly acceptContrast?: boolean | undefined
  /** Why; at most 1000 characters. It is kept with the branding and in the audit trail. */
  readonly reason?: string | undefined
}

/** The branding of one tenant: what is published, one draft of the next, and the ones before. */
export interface BrandingRepository {
  /** What is published; null where nothing is yet. */
  get(): Promise<Branding | null>
  /** The draft; null where there is none. */
  getDraft(): Promise<Branding | null>
  /**
   * What was published, the newest first.
   *
   * @param page `limit`: how many, 50 unless told, at most 500; `after`: the `next` of the page before
   */
  history(page?: {
    readonly limit?: number | undefined
    readonly after?: number | undefined
  }): Promise<Page<Branding, number>>
  /**
   * Begins a draft, or changes the one that there is.
   *
   * @throws {TenancyError} `DH506` where the tokens are not valid, with a path for each fault; `DH504` where the draft
   *   is not the one that was expected
   *
   * @example
   * ```ts
   * const draft = await branding.saveDraft({ tokens: { colors: { primary: { $value: '#336699' } } } })
   * await branding.saveDraft({ tokens }, { expectedLockVersion: draft.lockVersion })
   * ```
   */
  saveDraft(
    input: { readonly tokens: BrandingTokensInput },
    expectation?: DraftExpectation,
  ): Promise<Branding>
  /**
   * Publishes the draft exactly as it was checked; what was published until then is superseded by the same statement.
   *
   * @throws {TenancyError} `DH507` where there is no draft; `DH506` where its tokens are not valid, or a contrast is
   *   below AA and not accepted; `DH504` where the draft is not the one that was expected, or changed meanwhile
   */
  publish(options?: PublishOptions): Promise<Branding>
  /**
   * Deletes the draft.
   *
   * @throws {TenancyError} `DH507` where there is none, `DH504` where it is not the one that was expected
   */
  discardDraft(expectation?: { readonly expectedLockVersion?: number | undefined }): Promise<void>
  /**
   * Makes a draft of what was published before, to be published again.
   *
   * @param id of {@link BrandingRepository.history}
   * @param expectation a draft that there is, is replaced only where its `lockVersion` is named
   * @throws {TenancyError} `DH507` where there is no such branding or it never was published; `DH504` where there is a
   *   draft that was not named
   */
  draftFrom(
    id: string,
    expectation?: { readonly expectedLockVersion?: number | undefined },
  ): Promise<Branding>
}

const lockVersion = z.int().min(1)
const inputs = {
  expectation: z.strictObject({ expectedLockVersion: lockVersion.nullable().optional() }),
  id: z.uuid(),
  page: z.strictObject({
    limit: limitSchema,
    after: z.int().min(0).max(2_147_483_647).optional(),
  }),
  publish: z
    .strictObject({
      expectedLockVersion: lockVersion.optional(),
      acceptContrast: z.boolean().default(false),
      reason: z.string().trim().min(1).max(1000).optional(),
    })
    .refine(({ acceptContrast, reason }) => !acceptContrast || reason !== undefined, {
      path: ['reason'],
      message: 'to accept a contrast needs a reason',
    }),
}

/** The branding of the scope's tenant. */
export function brandingOf(scope: GovernedScope): BrandingRepository {
  const resource = { type: 'branding' } as const

  const writeDraft = async (
    tx: BundledTransaction,
    tokens: BrandingTokensInput,
    expected: number | null | undefined,
  ): Promise<Branding> => {
    const data = { tokens: tokens as Prisma.InputJsonObject }
    const draft = await findDraft(tx)
    refuseOther(draft, expected)
    // where another began one meanwhile, the database tells its lock version
    if (!draft) return branding(await tx.branding.create({ data }))
    const { count } = await tx.branding.updateMany({ where: asRead(draft, expected), data })
    if (count === 0) throw await draftConflict(tx, draft.lockVersion)
    return branding(await tx.branding.findFirstOrThrow({ where: { id: draft.id } }))
  }

  return {
    get: async () => {
      const published = await scope.reader.branding.findFirst({ where: { status: 'PUBLISHED' } })
      return published && branding(published)
    },

    getDraft: () => findDraft(scope.reader),

    history: async (page = {}) => {
      const { limit, after } = parse(inputs.page, page)
      const rows = await scope.reader.branding.findMany({
        where: { status: { not: 'DRAFT' }, ...(after === undefined ? {} : { number: { lt: after } }) },
        orderBy: { number: 'desc' },
        take: limit + 1,
      })
      return pageOf(rows.map(branding), limit, ({ number }) => number)
    },

    saveDraft: async ({ tokens }, expectation = {}) => {
      const { expectedLockVersion } = parse(inputs.expectation, expectation)
      // what was checked is what is written, whatever becomes of the caller's object
      const { source } = parseBrandingTokens(tokens)
      return scope.mutate({ action: 'branding.edit', permission: 'branding:edit', resource }, (tx) =>
        writeDraft(tx, source, expectedLockVersion),
      )
    },

    publish: async (options = {}) => {
      const { expectedLockVersion, acceptContrast, reason } = parse(inputs.publish, options)
      return scope.mutate(
        { action: 'branding.publish', permission: 'branding:publish', resource },
        async (tx) => {
          const draft = await findDraft(tx)
          if (!draft) throw notFound('draft of the branding')
          refuseOther(draft, expectedLockVersion)
          const failing = contrastOfTokens(parseBrandingTokens(draft.tokens)).filter(
            ({ level }) => level === 'fail',
          )
          if (failing.length > 0 && !acceptContrast) throw contrastRefusal(failing)
          const { count } = await tx.branding.updateMany({
            // exactly what was checked
            where: { id: draft.id, status: 'DRAFT', lockVersion: draft.lockVersion },
            data: { status: 'PUBLISHED', ...(failing.length > 0 && reason !== undefined ? { reason } : {}) },
          })
          if (count === 0) throw await draftConflict(tx, draft.lockVersion)
          return branding(await tx.branding.findFirstOrThrow({ where: { id: draft.id } }))
        },
      )
    },

    discardDraft: async (expectation = {}) => {
      const { expectedLockVersion } = parse(inputs.expectation, expectation)
      await scope.mutate({ action: 'branding.delete', permission: 'branding:edit', resource }, async (tx) => {
        const draft = await findDraft(tx)
        if (!draft) throw notFound('draft of the branding')
        refuseOther(draft, expectedLockVersion)
        const { count } = await tx.branding.deleteMany({ where: asRead(draft, expectedLockVersion) })
        if (count === 0) throw await draftConflict(tx, draft.lockVersion)
      })
    },

    draftFrom: async (id, expectation = {}) => {
      const { expectedLockVersion = null } = parse(inputs.expectation, expectation)
      // an id that is none is nobody's
      if (!inputs.id.safeParse(id).success) throw notFound('branding')
      return scope.mutate(
        { action: 'branding.edit', permission: 'branding:edit', resource: { ...resource, id } },
        async (tx) => {
          const source = await tx.branding.findFirst({ where: { id, status: { not: 'DRAFT' } } })
          if (!source) throw notFound('branding')
          const { tokens } = branding(source)
          parseBrandingTokens(tokens)
          return writeDraft(tx, tokens, expectedLockVersion)
        },
      )
    },
  }
}

/** Only its draft: where nothing was expected, with whatever lock version. */
function asRead(draft: Branding, expected: number | null | undefined) {
  return {
    id: draft.id,
    status: 'DRAFT',
    ...(typeof expected === 'number' ? { lockVersion: expected } : {}),
  } as const
}

async function findDraft(tx: BundledTransaction): Promise<Branding | null> {
  const draft = await tx.branding.findFirst({ where: { status: 'DRAFT' } })
  return draft && branding(draft)
}

function refuseOther(draft: Branding | null, expected: number | null | undefined): void {
  const actual = draft?.lockVersion ?? null
  if (expected !== undefined && expected !== actual)
    throw conflict('the draft of the branding', { expected, actual })
}

async function draftConflict(tx: BundledTransaction, expected: number): Promise<TenancyError> {
  const now = await findDraft(tx)
  return conflict('the draft of the branding', { expected, actual: now?.lockVersion ?? null })
}

function contrastRefusal(failing: readonly ContrastResult[]): TenancyError {
  const issues = failing.map(({ text, background, size }) => ({
    path: text.split('.'),
    message: `its contrast on ${background} is below AA (${size === 'large' ? '3' : '4.5'}:1)`,
  }))
  return new TenancyError(
    'DH506',
    'the branding is hard to read: mend the colours of the issues, or publish it with acceptContrast and a reason',
    { details: { issues } },
  )
}

/** A row of the table, whose tokens the database holds to be JSON without anything hostile. */
function branding({ tenantId: _tenantId, tokens, ...row }: Prisma.BrandingModel): Branding {
  return { ...row, tokens: tokens as BrandingTokensInput }
}

function parse<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  throw invalid(
    parsed.error.issues.map(({ path, message }) => ({
      path: path.filter((key) => typeof key !== 'symbol'),
      message,
    })),
  )
}
