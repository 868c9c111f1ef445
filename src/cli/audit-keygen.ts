import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { TenancyError } from '../errors.ts'
import { keyFingerprint } from '../governance/audit/checkpoint.ts'
import { type FlagTable, flagHelp, parseFlags } from './arguments.ts'
import type { Command, CommandOutput } from './command.ts'
import { printFailure, refuseCall } from './failure.ts'

const flags = {
  'private-key': {
    type: 'string',
    value: 'FILE',
    help: 'where the private key goes, readable by you alone; default audit-private.pem',
  },
  'public-key': {
    type: 'string',
    value: 'FILE',
    help: 'where the public key goes; default audit-public.pem',
  },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies FlagTable

/**
 * `doublehull audit keygen`: makes the keys of checkpoints, and overwrites none.
 *
 * @example
 * ```ts
 * process.exitCode = await auditKeygenCommand.run([], output)
 * ```
 */
export const auditKeygenCommand: Command = {
  summary: 'make the keys that checkpoints are signed with',
  help: [
    'doublehull audit keygen: makes an Ed25519 key pair in PEM, which checkpoints are signed and verified with. Keep the',
    'private key where the owner of the database has no access: what it signs is what they cannot write anew.',
    '',
    'Usage: doublehull audit keygen [flags]',
    '',
    ...flagHelp(flags),
    '',
    'Exit code: 0 done, 1 a file is there already or cannot be written, 2 not understood.',
  ].join('\n'),
  run,
}

async function run(args: readonly string[], output: CommandOutput): Promise<number> {
  const parsed = parseFlags(flags, args)
  if (typeof parsed === 'string') return refuseCall('audit keygen', parsed, output)
  if (parsed.help) {
    output.stdout(auditKeygenCommand.help)
    return 0
  }
  try {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    write(
      parsed['private-key'] ?? 'audit-private.pem',
      privateKey.export({ type: 'pkcs8', format: 'pem' }),
      0o600,
    )
    write(
      parsed['public-key'] ?? 'audit-public.pem',
      publicKey.export({ type: 'spki', format: 'pem' }),
      0o644,
    )
    output.stdout(`key id  ${keyFingerprint(publicKey)}`)
    return 0
  } catch (error) {
    printFailure(error, output, { json: false })
    return 1
  }
}

function write(file: string, pem: string | Buffer, mode: number): void {
  try {
    writeFileSync(file, pem, { flag: 'wx', mode })
  } catch (cause) {
    throw new TenancyError(
      'DH409',
      `${file} cannot be written; a key that is there already is not overwritten`,
      {
        cause,
      },
    )
  }
}
