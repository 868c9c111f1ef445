import { verifyDatabase } from '../catalog/verify.ts'
import type { Manifest } from '../manifest/manifest.ts'
import type { RoleNames } from '../policy/roles.ts'

interface Options {
  readonly manifest: Manifest
  readonly adminUrl: string
  readonly roles?: RoleNames
  readonly signal?: AbortSignal
}

/**
 * The doubts that policies give which are not the manifest's: attacks are made with one context each, so a condition
 * that lets something pass at another time, to another person, or for some rows alone may never be met by any.
 *
 * @returns a reason for each such policy, by the name of its subject
 */
export async function changedPolicies({
  manifest,
  adminUrl,
  roles,
  signal,
}: Options): Promise<ReadonlyMap<string, readonly string[]>> {
  const { findings } = await verifyDatabase({
    connectionString: adminUrl,
    manifest,
    checks: ['DH323'],
    ...(roles && { roles }),
    ...(signal && { signal }),
  })
  const subjects: readonly (readonly [string, { readonly schema: string; readonly table: string }])[] = [
    ...Object.entries(manifest.models),
    ...manifest.joinTables.map((join) => [join.table, join] as const),
  ]
  return new Map(
    subjects.map(([name, { schema, table }]) => {
      const isOfTable = ({ object }: { readonly object: string }) =>
        object.replaceAll('"', '').endsWith(` on ${schema}.${table}`)
      const reasons = findings
        .filter(isOfTable)
        .map(
          ({ object }) =>
            `${object} has another definition than the manifest’s: what it lets pass may depend on what no attack has tried (DH323)`,
        )
      return [name, reasons]
    }),
  )
}
