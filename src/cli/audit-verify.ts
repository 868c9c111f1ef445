import { createPublicKey } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { TenancyError } from '../errors.ts'
import type { ChainReport } from '../governance/audit/chain-verifier.ts'
import { keyFingerprint } from '../governance/audit/checkpoint.ts'
import { verifyAuditExport } from '../governance/audit/verify-audit-export.ts'
import { type FlagTable, flagHelp, parseFlags } from './arguments.ts'
import type { Command, CommandOutput } from './command.ts'
import { printFailure, refuseCall } from './failure.ts'

const flags = {
  'public-key': {
    type: 'string',
    multiple: true,
    value: '[ID=]FILE',
    help: 'PEM of a key that signs checkpoints, by its fingerprint unless an id is given; may be repeated',
  },
  head: {
    type: 'string',
    value: 'SEQ:HASH',
    help: 'the last link as it was kept elsewhere: what was cut off behind it is found then',
  },
  json: {
    type: 'boolean',
    help: 'print one JSON object: the report, or { "error": { code, message, details } }',
  },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies FlagTable

/**
 * `doublehull audit verify`: what {@link verifyAuditExport} finds, told by the exit code.
 *
 * @example
 * ```ts
 * process.exitCode = await auditVerifyCommand.run(['audit.ndjson', '--json'], output)
 * ```
 */
export const auditVerifyCommand: Command = {
  summary: 'verify an export, without a database',
  help: [
    'doublehull audit verify: verifies an export in NDJSON, without a database.',
    '',
    'Usage: doublehull audit verify <export.ndjson|-> [flags]',
    '',
    ...flagHelp(flags),
    '',
    'Whoever owns the database can write the end of a chain anew, behind the last checkpoint that a known key signs,',
    'or cut it off. Only a checkpoint, or a last link that was kept elsewhere, finds that.',
    '',
    'Exit code: 0 the chain holds, 1 it is broken, 2 not understood, or no export.',
  ].join('\n'),
  run,
}

async function run(args: readonly string[], output: CommandOutput): Promise<number> {
  const [first, ...others] = args
  const file = first === '-' || first?.startsWith('-') === false ? first : undefined
  const parsed = parseFlags(flags, file === undefined ? args : others)
  if (typeof parsed === 'string') return refuseCall('audit verify', parsed, output)
  if (parsed.help) {
    output.stdout(auditVerifyCommand.help)
    return 0
  }
  if (file === undefined)
    return refuseCall('audit verify', 'needs the export first, or - for standard input', output)
  const head = parsed.head === undefined ? undefined : /^([1-9]\d{0,15}):([0-9a-f]{64})$/.exec(parsed.head)
  if (head === null) return refuseCall('audit verify', '--head takes a sequence, a colon and a hash', output)
  try {
    const publicKeys = readKeys(parsed['public-key'])
    const input = file === '-' ? process.stdin : await openedFile(file)
    const report = await verifyAuditExport(createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }), {
      ...(publicKeys && { publicKeys }),
      ...(head && { head: { seq: Number(head[1]), hash: String(head[2]) } }),
    })
    output.stdout(parsed.json ? JSON.stringify(report) : textOf(report))
    return report.ok ? 0 : 1
  } catch (error) {
    printFailure(error, output, { json: parsed.json ?? false })
    return 2
  }
}

function readKeys(given: readonly string[] | undefined): Record<string, string> | undefined {
  if (given === undefined) return undefined
  return Object.fromEntries(
    given.map((argument) => {
      const [, id, file = argument] = /^([^=/\\]+)=(.+)$/s.exec(argument) ?? []
      let pem: string
      try {
        pem = readFileSync(file, 'utf8')
      } catch (cause) {
        throw new TenancyError('DH506', `${file} cannot be read; --public-key takes a file in PEM`, { cause })
      }
      return [id ?? fingerprintOf(pem, file), pem]
    }),
  )
}

function fingerprintOf(pem: string, file: string): string {
  try {
    return keyFingerprint(createPublicKey(pem))
  } catch {
    throw new TenancyError('DH506', `${file} holds no public key in PEM`)
  }
}

async function openedFile(file: string) {
  const stream = createReadStream(file)
  await new Promise((resolve, reject) => {
    stream.once('open', resolve)
    stream.once('error', () =>
      reject(new TenancyError('DH506', `${file} cannot be read; is it there, and a file?`)),
    )
  })
  return stream
}

function textOf(report: ChainReport): string {
  const { ok, tenantId, first, last, events, signedUpTo, brokenAt, reason } = report
  const range = first === undefined ? 'no events' : `${events} events, ${first} to ${last}`
  const whose = tenantId === undefined ? '' : ` of tenant ${tenantId}`
  if (!ok) return `broken at ${brokenAt}: ${reason}; ${range} before it hold${whose}`
  const signed =
    signedUpTo === undefined
      ? 'no checkpoint of a known key: whoever owns the database may have written all of it anew'
      : `signed up to ${signedUpTo}${signedUpTo === last ? '' : '; what comes behind could have been cut off or written anew'}`
  return `the chain holds${whose}: ${range}\n${signed}`
}
