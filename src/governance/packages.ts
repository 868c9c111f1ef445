import { z } from 'zod'
import { TenancyError } from '../errors.ts'
import { checkedInput } from './checked-input.ts'
import type { ContentRules } from './content-rules.ts'
import { illegalMove, isTaken, notFound } from './governance-error.ts'
import type { GovernedScope } from './governed-scope.ts'
import { idSchema, limitSchema, textOf } from './input-parts.ts'
import type { JsonValue } from './json-content.ts'
import { type Page, pageOf } from './page.ts'

/** A named piece of a tenant's configuration. */
export interface ConfigPackage {
  readonly id: string
  readonly key: string
  readonly name: string
  readonly description: string | null
  readonly contentSchema: JsonValue | null
  readonly quorum: number
  readonly separateActivator: boolean
  /** The number of its newest version; 0 where it has none yet. */
  readonly lastVersionNumber: number
  readonly archivedAt: Date | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** What a package is made of. */
export interface NewPackage {
  /** What it is called in code: 1 to 128 of the characters `A-Z a-z 0-9 . _ / -`, unique in the tenant. */
  readonly key: string
  /** What it is called among people; at most 200 characters. */
  readonly name: string
  /** At most 2000 characters. */
  readonly description?: string | undefined
  /**
   * The JSON Schema that its versions' content is held to: draft 2020-12, or draft-07 where `$schema` says so; at most
   * 256 KiB. Keywords and formats that are not known are refused, and so are references to other documents. A pattern
   * that backtracks makes content that it is slow on invalid: each check ends after two seconds.
   */
  readonly contentSchema?: unknown
  /** How many reviewers must approve a version, from 1 to 20; 1 unless told. */
  readonly quorum?: number | undefined
  /** Whoever puts a version in force must then be none of those who wrote, submitted or reviewed it. */
  readonly separateActivator?: boolean | undefined
}

/** Which packages are listed. */
export interface PackageListOptions {
  /** The `next` of the page before. */
  readonly after?: string | undefined
  /** From 1 to 500; 50 unless told. */
  readonly limit?: number | undefined
  /** The archived ones, and not those that are in use. */
  readonly archived?: boolean | undefined
}

/** The packages of a tenant. */
export interface Packages {
  /**
   * Creates a package. Needs `config:create`.
   *
   * @throws {TenancyError} `DH506` for input that is not valid, such as a bad JSON Schema, `DH504` where the tenant has a
   *   package of this key, `DH505` without the permission
   *
   * @example
   * ```ts
   * const limits = await governance.packages.create({ key: 'limits', name: 'Limits', quorum: 2 })
   * ```
   */
  create(input: NewPackage): Promise<ConfigPackage>
  /**
   * @throws {TenancyError} `DH507` where the tenant has no such package
   *
   * @example
   * ```ts
   * const { name } = await governance.packages.get(packageId)
   * ```
   */
  get(id: string): Promise<ConfigPackage>
  /**
   * @throws {TenancyError} `DH507` where the tenant has no package of this key
   *
   * @example
   * ```ts
   * const { id } = await governance.packages.getByKey('limits')
   * ```
   */
  getByKey(key: string): Promise<ConfigPackage>
  /**
   * The packages in the order of their ids, which is about that of their creation.
   *
   * @throws {TenancyError} `DH506` for options that are not valid
   *
   * @example
   * ```ts
   * const { items, next } = await governance.packages.list()
   * const more = next === null ? undefined : await governance.packages.list({ after: next })
   * ```
   */
  list(options?: PackageListOptions): Promise<Page<ConfigPackage>>
  /**
   * Archives a package for good: it gets no new versions, and none is put in force any more. What is in force stays so
   * until it is deprecated. Needs `config:archive`.
   *
   * @throws {TenancyError} `DH507` where the tenant has no such package, `DH501` where it is archived already, `DH505`
   *   without the permission
   *
   * @example
   * ```ts
   * await governance.packages.archive(packageId)
   * ```
   */
  archive(id: string): Promise<ConfigPackage>
}

const select = {
  id: true,
  key: true,
  name: true,
  description: true,
  contentSchema: true,
  quorum: true,
  separateActivator: true,
  lastVersionNumber: true,
  archivedAt: true,
  createdAt: true,
  updatedAt: true,
} as const

const keySchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/,
    'must be 1 to 128 letters, digits, dots, hyphens, underscores or slashes, the first a letter or a digit',
  )

const newPackage = z.strictObject({
  key: keySchema,
  name: textOf(200),
  description: textOf(2_000).optional(),
  contentSchema: z.unknown().optional(),
  quorum: z.int().min(1).max(20).default(1),
  separateActivator: z.boolean().default(false),
})

const listOptions = z.strictObject({
  after: idSchema.optional(),
  limit: limitSchema,
  archived: z.boolean().default(false),
})

export function packagesOf(scope: GovernedScope, rules: ContentRules): Packages {
  return {
    async create(input) {
      const { contentSchema, description, ...data } = checkedInput('packages.create', newPackage, input)
      const schema = contentSchema === undefined ? undefined : rules.parseSchema(contentSchema)
      const call = {
        action: 'config.package.create',
        permission: 'config:create',
        resource: { type: 'package' },
      } as const
      return scope.mutate(call, async (tx) => {
        // asked first, because after a statement that failed the caller's transaction would be of no more use
        if (await tx.configPackage.findFirst({ where: { key: data.key }, select: { id: true } }))
          throw taken()
        try {
          return await tx.configPackage.create({
            data: {
              ...data,
              ...(description === undefined ? {} : { description }),
              ...(schema === undefined ? {} : { contentSchema: schema }),
            },
            select,
          })
        } catch (error) {
          throw isTaken(error) ? taken(error) : error
        }
      })
    },

    async get(id) {
      const where = { id: checkedInput('packages.get', idSchema, id) }
      return found(await scope.reader.configPackage.findFirst({ where, select }))
    },

    async getByKey(key) {
      const where = { key: checkedInput('packages.getByKey', keySchema, key) }
      return found(await scope.reader.configPackage.findFirst({ where, select }))
    },

    async list(options = {}) {
      const { after, limit, archived } = checkedInput('packages.list', listOptions, options)
      const rows = await scope.reader.configPackage.findMany({
        where: {
          archivedAt: archived ? { not: null } : null,
          ...(after === undefined ? {} : { id: { gt: after } }),
        },
        orderBy: { id: 'asc' },
        take: limit + 1,
        select,
      })
      return pageOf(rows, limit, ({ id }) => id)
    },

    async archive(input) {
      const id = checkedInput('packages.archive', idSchema, input)
      const call = {
        action: 'config.package.archive',
        permission: 'config:archive',
        resource: { type: 'package', id },
      } as const
      return scope.mutate(call, async (tx) => {
        const [archived] = await tx.configPackage.updateManyAndReturn({
          where: { id, archivedAt: null },
          data: { archivedAt: new Date() },
          select,
        })
        if (archived) return archived
        found(await tx.configPackage.findFirst({ where: { id }, select: { id: true } }))
        throw illegalMove('the package is archived already', { from: 'ARCHIVED', to: 'ARCHIVED' })
      })
    },
  }
}

function found<Row>(row: Row | null): Row {
  if (row === null) throw notFound('package')
  return row
}

function taken(cause?: unknown): TenancyError {
  return new TenancyError(
    'DH504',
    'the tenant has a package of this key already: read it with packages.getByKey, or choose another key',
    { details: { field: 'key' }, ...(cause === undefined ? {} : { cause }) },
  )
}
