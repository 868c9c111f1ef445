import { TenancyError } from '../../errors.ts'
import { type ExportEnd, parseAuditLine } from './audit-lines.ts'
import { type ChainHead, type ChainReport, ChainVerifier } from './chain-verifier.ts'
import type { Checkpoint, PublicKeys } from './checkpoint.ts'

/** Settings of {@link verifyAuditExport}. */
export interface VerifyExportOptions {
  /** Of checkpoints, by the ids that these name; without them signatures are not verified. */
  readonly publicKeys?: PublicKeys | undefined
  /** The last link, as it was kept elsewhere. */
  readonly head?: ChainHead | undefined
}

/**
 * Verifies an export in NDJSON, without a database. What it can't find is what {@link ChainReport.signedUpTo} says:
 * whoever owns the table can cut events off behind the last checkpoint, or write them anew.
 *
 * @param lines of the file, in order
 * @throws {TenancyError} `DH506` for what is no export in NDJSON, for one that was filtered, and for a key that is none
 *
 * @example
 * ```ts
 * const lines = createInterface({ input: createReadStream('audit.ndjson') })
 * const { ok, brokenAt, reason } = await verifyAuditExport(lines, { publicKeys: { [keyId]: pem } })
 * ```
 */
export async function verifyAuditExport(
  lines: AsyncIterable<string> | Iterable<string>,
  { publicKeys, head }: VerifyExportOptions = {},
): Promise<ChainReport> {
  const checkpoints: Checkpoint[] = []
  let tenantId: string | undefined
  let verifier: ChainVerifier | undefined
  let holds = true
  let end: ExportEnd | undefined
  let seen = 0
  let number = 0
  const start = () => (verifier ??= new ChainVerifier({ tenantId, checkpoints, publicKeys, head }))

  for await (const text of lines) {
    number += 1
    if (text.trim() === '') continue
    const line = parseAuditLine(text, number)
    if (end) throw misplaced(number, 'stands behind the end')
    if ((tenantId === undefined) !== (line.type === 'doublehull.audit.1')) {
      throw misplaced(number, tenantId === undefined ? 'stands before the header' : 'is a second header')
    }
    switch (line.type) {
      case 'doublehull.audit.1':
        if (line.filtered) {
          throw new TenancyError(
            'DH506',
            'a filtered export has gaps, and can’t be verified as a chain; export without filters',
            { details: { issues: [{ path: ['line', number, 'filtered'], message: 'is true' }] } },
          )
        }
        tenantId = line.tenantId
        break
      case 'checkpoint':
        if (verifier) throw misplaced(number, 'stands behind an event')
        checkpoints.push(line)
        break
      case 'event':
        seen += 1
        holds &&= start().take(line)
        break
      case 'end':
        end = line
    }
  }
  if (tenantId === undefined) throw misplaced(number, 'is missing: there is no header')
  const report = start().report()
  const { last = 0 } = report
  if (!report.ok || (end?.events === seen && end.lastSeq === last)) return report
  // the export's own end is missing, or is the end of another
  return { ...report, ok: false, brokenAt: last + 1, reason: 'truncated' }
}

function misplaced(number: number, message: string): TenancyError {
  return new TenancyError('DH506', `line ${number} of the audit export ${message}`, {
    details: { issues: [{ path: ['line', number], message }] },
  })
}
