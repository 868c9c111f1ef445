/** What a proof was made of: the head of each report. */
export interface ProofFacts {
  /** Where the manifest is from, for people. */
  readonly manifest: string
  readonly tenantModel: string
  /** Where the migrations are from, how many, and the last one. */
  readonly migrations: { readonly directory: string; readonly count: number; readonly last: string }
  /** The module that planted rows of its own, where there was one. */
  readonly seed?: string
  /** The models that were asked for, where not all of them were. */
  readonly only?: readonly string[]
  readonly depth: 'quick' | 'full'
  /** When it was done, ISO 8601 in UTC. */
  readonly at: string
  readonly versions: {
    readonly doublehull: string
    readonly prisma: string
    readonly postgresql: string
  }
}
