import type { BundledTransaction } from '../../tenancy/bundled.ts'
import { csvHeader, csvLine, type ExportFormat, ndjsonLine } from './audit-lines.ts'
import type { ChainedEvent } from './chained-event.ts'
import { type AuditFilters, readCheckpoints, streamEvents } from './read-events.ts'

/**
 * The lines of an export, each with its end, page by page out of the database.
 *
 * @param reader a tenant client, or a transaction of one
 */
export async function* exportLines(
  reader: BundledTransaction,
  tenantId: string,
  format: ExportFormat,
  filters: AuditFilters = {},
): AsyncGenerator<string> {
  if (format === 'csv') {
    yield csvHeader
    for await (const event of streamEvents(reader, tenantId, filters)) yield csvLine(event)
    return
  }
  const filtered = Object.values(filters).some((filter) => filter !== undefined)
  yield ndjsonLine.header({ tenantId, filtered })
  // before the events, so that none is of an event that is not read any more
  for (const checkpoint of await readCheckpoints(reader, tenantId)) yield ndjsonLine.checkpoint(checkpoint)
  let events = 0
  let last: ChainedEvent | undefined
  for await (const event of streamEvents(reader, tenantId, filters)) {
    yield ndjsonLine.event(event)
    events += 1
    last = event
  }
  yield ndjsonLine.end({ events, lastSeq: last?.seq ?? 0, lastHash: last?.hash ?? '' })
}
