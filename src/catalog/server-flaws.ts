/** A flaw of PostgreSQL by which row-level security leaked, and where it was mended. */
export interface ServerFlaw {
  readonly cve: string
  /** What could be done, as a clause. */
  readonly what: string
  /** The first release of each major version that has the fix, as `server_version_num` says it: `150014` for 15.14. */
  readonly fixedIn: readonly number[]
  /** `any`: the application's own queries are enough. `roles`: only where roles are changed while sessions last. */
  readonly needs: 'any' | 'roles'
}

/**
 * The flaws since PostgreSQL 15 that let rows, or statistics over them, past policies. Each is described at
 * https://www.postgresql.org/support/security/ under its number, and in the notes of the releases named here.
 * CVE-2024-4317 is mended in new clusters by 15.7 and 16.3; an older cluster needs the script of these notes as well.
 */
export const serverFlaws: readonly ServerFlaw[] = [
  {
    cve: 'CVE-2023-2455',
    what: 'a function that was inlined ran with the policies of another role',
    fixedIn: [150003],
    needs: 'any',
  },
  {
    cve: 'CVE-2023-39418',
    what: 'MERGE updated rows without asking the policies for it',
    fixedIn: [150004],
    needs: 'any',
  },
  {
    cve: 'CVE-2024-4317',
    what: 'pg_stats_ext showed the most common values of protected tables',
    fixedIn: [150007, 160003],
    needs: 'any',
  },
  {
    cve: 'CVE-2024-10976',
    what: 'a plan with a protected table in a sub-select was used for another role',
    fixedIn: [150009, 160005, 170001],
    needs: 'any',
  },
  {
    cve: 'CVE-2025-8713',
    what: 'leaky operators were given sampled values of protected partitions and children',
    fixedIn: [150014, 160010, 170006],
    needs: 'any',
  },
  {
    cve: 'CVE-2026-14666',
    what: "a prepared plan outlived a change of its role's attributes or memberships",
    fixedIn: [150019, 160015, 170011, 180006],
    needs: 'roles',
  },
]
