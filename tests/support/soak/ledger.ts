import type pg from 'pg'
import type { Planted } from '../test-database.ts'
import type { Findings } from './findings.ts'

/**
 * What one write does to one row. A row is known by its id and shown by its mark, a text that names its tenant
 * and is never used twice; `undefined` stands for a row that is not there.
 */
export interface Write {
  readonly id: string
  readonly tenant: Planted
  readonly before: string | undefined
  readonly after: string | undefined
}

/** The writes of one transaction, which PostgreSQL makes together or not at all. */
interface Group {
  readonly writes: readonly Write[]
  /** `pg_current_xact_id()` as the caller read it within, where it did. */
  readonly transactionId: string | undefined
}

interface Entry {
  readonly tenant: Planted
  readonly mark: string | undefined
  /** Who wrote it, where it is there. */
  readonly group: Group | undefined
}

interface ObservedRow {
  readonly id: string
  readonly tenantId: string
  readonly mark: string
  readonly xmin: string
}

/** How often a tenant's counter was raised. */
interface Count {
  sure: number
  doubtful: number
}

/**
 * The book of what was written: what must be there, what must not, and what nobody can know because a
 * connection was lost before the answer. It relies on each row having one writer at a time, and none after a
 * write in doubt.
 */
export class Ledger {
  readonly #entries = new Map<string, Entry>()
  readonly #inDoubt: Group[] = []
  readonly #counts = new Map<string, Count>()

  /** The writes were answered: they must be there. */
  acknowledge(writes: readonly Write[], transactionId?: string): void {
    const group = { writes, transactionId }
    for (const { id, tenant, after } of writes) this.#entries.set(id, { tenant, mark: after, group })
  }

  /** The writes were refused or rolled back: nothing of them may be there. */
  undo(writes: readonly Write[]): void {
    for (const { id, tenant, before } of writes) {
      if (!this.#entries.has(id)) this.#entries.set(id, { tenant, mark: before, group: undefined })
    }
  }

  /** Nobody knows: all of them are there, or none. */
  doubt(writes: readonly Write[], transactionId?: string): void {
    if (writes.length > 0) this.#inDoubt.push({ writes, transactionId })
    this.undo(writes)
  }

  countOnce(tenant: Planted, certainty: keyof Count): void {
    const count = this.#counts.get(tenant.tenantId) ?? { sure: 0, doubtful: 0 }
    count[certainty]++
    this.#counts.set(tenant.tenantId, count)
  }

  /** Compares the book with the database, as an administrator who sees every row. */
  async verify(admin: pg.Client, tenants: readonly Planted[], findings: Findings): Promise<void> {
    const rows = await this.#observe(admin, tenants)
    const settled = this.#settleDoubts(rows, findings)
    for (const [id, entry] of settled) verifyRow(id, entry, rows.get(id), findings)
    for (const row of rows.values()) {
      findings.unless(settled.has(row.id), 'ghost write', () => `nobody wrote the row ${row.id}`)
    }
    verifyTransactions(settled, rows, findings)
    await this.#verifyCounts(admin, tenants, findings)
  }

  /** Every row that the soak can have written: those in its tenants' names, and its own wherever they are. */
  async #observe(admin: pg.Client, tenants: readonly Planted[]): Promise<ReadonlyMap<string, ObservedRow>> {
    const { rows } = await admin.query<ObservedRow>(
      `select id, tenant_id as "tenantId", mark, xmin from (
         select id, tenant_id, description as mark, xmin::text from governance.feature_flag
         union all select id, tenant_id, request_id, xmin::text from governance.execution_trace
         union all select id, tenant_id, name, xmin::text from governance.trace_step
       ) as written
       where (tenant_id = any($1) or id = any($2)) and id <> all($3)`,
      [
        tenants.map(({ tenantId }) => tenantId),
        [...this.#entries.keys()],
        tenants.map(({ flagId }) => flagId),
      ],
    )
    return new Map(rows.map((row) => [row.id, row]))
  }

  /** The entries, with what the database says of the doubtful ones. */
  #settleDoubts(rows: ReadonlyMap<string, ObservedRow>, findings: Findings): ReadonlyMap<string, Entry> {
    const settled = new Map(this.#entries)
    for (const group of this.#inDoubt) {
      const made = group.writes.filter(({ id, after }) => rows.get(id)?.mark === after)
      if (made.length === 0) continue
      findings.unless(
        made.length === group.writes.length,
        'half a transaction',
        () => `${made.length} of ${group.writes.length} writes, with ${made[0]?.id}`,
      )
      for (const { id, tenant, after } of made) settled.set(id, { tenant, mark: after, group })
    }
    return settled
  }

  async #verifyCounts(admin: pg.Client, tenants: readonly Planted[], findings: Findings): Promise<void> {
    const { rows } = await admin.query<{ id: string; name: string; count: number; description: string }>(
      // the version that each package begins with is counted as well
      `select id, name, last_version_number - 1 as count, coalesce(description, '') as description
         from governance.config_package where tenant_id = any($1)`,
      [tenants.map(({ tenantId }) => tenantId)],
    )
    const packages = new Map(rows.map((row) => [row.id, row]))
    for (const { tenantId, packageId, secret } of tenants) {
      const found = packages.get(packageId)
      const { sure, doubtful } = this.#counts.get(tenantId) ?? { sure: 0, doubtful: 0 }
      const count = found?.count ?? 0
      findings.unless(count >= sure, 'lost write', () => `${secret} counted ${sure}, and ${count} are there`)
      findings.unless(
        count <= sure + doubtful,
        'ghost write',
        () => `${secret} counted ${sure} and perhaps ${doubtful}, and ${count} are there`,
      )
      findings.unless(
        found?.name === secret && (found.description === '' || found.description === secret),
        'written in another name',
        () => `the package of ${secret} is called ${found?.name} and described as ${found?.description}`,
      )
    }
    findings.unless(rows.length === tenants.length, 'ghost write', () => `${rows.length} packages`)
  }
}

function verifyRow(id: string, entry: Entry, row: ObservedRow | undefined, findings: Findings): void {
  const { tenant, mark } = entry
  if (!row) {
    findings.unless(mark === undefined, 'lost write', () => `${mark} is not there (row ${id})`)
    return
  }
  findings.unless(
    row.tenantId === tenant.tenantId,
    'written in another name',
    () => `${row.mark} stands in the name of ${row.tenantId}`,
  )
  if (mark === undefined) findings.add('ghost write', `${row.mark} must not be there (row ${id})`)
  else findings.unless(row.mark === mark, 'lost write', () => `${row.mark} stands where ${mark} was written`)
}

/** What was written in one transaction bears one `xmin`, and nothing else bears it. */
function verifyTransactions(
  entries: ReadonlyMap<string, Entry>,
  rows: ReadonlyMap<string, ObservedRow>,
  findings: Findings,
): void {
  const groups = new Map<string, Group>()
  const stamps = new Map<Group, string>()
  for (const [id, { group, mark }] of entries) {
    const xmin = rows.get(id)?.xmin
    if (!group || xmin === undefined) continue
    const expected = group.transactionId === undefined ? stamps.get(group) : xminOf(group.transactionId)
    findings.unless(
      expected === undefined || expected === xmin,
      'outside its transaction',
      () => `${mark} was written by transaction ${xmin} and not by ${expected}`,
    )
    findings.unless(
      (groups.get(xmin) ?? group) === group,
      'outside its transaction',
      () => `${mark} was written by transaction ${xmin}, which is another caller's`,
    )
    groups.set(xmin, group)
    stamps.set(group, xmin)
  }
}

/** `xmin` has the lower half of a transaction id. */
function xminOf(transactionId: string): string {
  return (BigInt(transactionId) & 0xffff_ffffn).toString()
}
