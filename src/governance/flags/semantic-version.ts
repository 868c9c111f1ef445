/** A version as {@link https://semver.org/spec/v2.0.0.html} writes it, without its build metadata. */
export interface SemanticVersion {
  readonly core: readonly [major: number, minor: number, patch: number]
  /** Identifiers of a pre-release; empty for a release. */
  readonly preRelease: readonly (string | number)[]
}

/** Longer texts are no versions: what reads them comes from outside. */
const longest = 256

// no two parts of it can take the same character, so it needs no backtracking
const pattern =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/

/**
 * @returns `undefined` for what is no semantic version: `1.2`, `v1.2.3`, `01.2.3`, `1.2.3-01`
 *
 * @example
 * ```ts
 * parseSemanticVersion('1.2.3-rc.1')?.preRelease // ['rc', 1]
 * ```
 */
export function parseSemanticVersion(text: string): SemanticVersion | undefined {
  if (text.length > longest) return undefined
  const [, major, minor, patch, preRelease = ''] = pattern.exec(text) ?? []
  if (major === undefined || minor === undefined || patch === undefined) return undefined
  const core = [Number(major), Number(minor), Number(patch)] as const
  if (!core.every(Number.isSafeInteger)) return undefined
  const identifiers = preRelease === '' ? [] : preRelease.split('.')
  if (identifiers.some((identifier) => /^0\d+$/.test(identifier))) return undefined
  return {
    core,
    preRelease: identifiers.map((identifier) => (/^\d+$/.test(identifier) ? Number(identifier) : identifier)),
  }
}

/** By semver.org's precedence: negative where `a` comes first, 0 where they differ in build metadata at most. */
export function compareSemanticVersions(a: SemanticVersion, b: SemanticVersion): number {
  for (const [at, number] of a.core.entries()) {
    const difference = number - (b.core[at] ?? 0)
    if (difference !== 0) return difference
  }
  // a release comes after its pre-releases
  if (a.preRelease.length === 0 || b.preRelease.length === 0) return b.preRelease.length - a.preRelease.length
  for (const [at, one] of a.preRelease.entries()) {
    const other = b.preRelease[at]
    if (other === undefined) return 1
    const difference = compareIdentifiers(one, other)
    if (difference !== 0) return difference
  }
  return a.preRelease.length - b.preRelease.length
}

/** Numbers by size, and before texts; texts by their characters, which are ASCII. */
function compareIdentifiers(a: string | number, b: string | number): number {
  if (typeof a === 'number') return typeof b === 'number' ? a - b : -1
  if (typeof b === 'number') return 1
  return a < b ? -1 : a > b ? 1 : 0
}
