import type { Scope } from './manifest.ts'
import type { SchemaFile } from './schema-text.ts'

/** How a project names its tenant, and what it says of its models elsewhere than in the schema. */
export interface ClassifyOptions {
  /** The model whose rows are the tenants. */
  readonly tenantModel: string
  /** Names of the field that holds the tenant's id in the other models. */
  readonly tenantFields: readonly string[]
  /** With `false`, the first suggestion of each model that isn't settled is taken, as a guess; default `true`. */
  readonly strict?: boolean | undefined
  /** Directives of models, without `@tenancy.`, as in `doublehull.json`: they replace those in the schema's comments. */
  readonly models?: Readonly<Record<string, readonly string[]>> | undefined
  /** The schema's text: views and what Prisma's client hides are found there alone. */
  readonly files?: readonly SchemaFile[] | undefined
}

/** What is known of a model, and what can be done about what isn't. */
export interface ModelClassification {
  readonly model: string
  /** Which rows are a tenant's; `undefined` where it isn't settled. */
  readonly scope: Scope | undefined
  /** One sentence: where the scope is from, or what stands in its way. */
  readonly why: string
  /**
   * - `settled`: the schema leaves no doubt, or a directive says so
   * - `guess`: the first suggestion was taken, because `strict` is `false`
   * - `waiting`: it goes as its parents go, and one of them isn't settled
   * - `problem`: somebody must choose, or mend what the model says
   */
  readonly severity: 'settled' | 'guess' | 'waiting' | 'problem'
  /**
   * What settles it, the likeliest first, and of the likely the one that shows tenants least: each one or more lines
   * `/// @tenancy.…` to write above the model. Empty where only a change of the schema helps; `why` tells of it.
   */
  readonly suggestions: readonly string[]
}

/** What {@link classifyModels} makes of a schema. */
export interface Classification {
  /** Every model and view of the datamodel, in its order. */
  readonly models: readonly ModelClassification[]
  /** What is wrong with the options or the tenant model: with any of it nothing else can be told. */
  readonly problems: readonly string[]
}
