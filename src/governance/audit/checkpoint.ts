import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { TenancyError } from '../../errors.ts'

/** A signature over the chain of a tenant as it was at one event. */
export interface Checkpoint {
  readonly tenantId: string
  readonly seq: number
  /** The hash of that event. */
  readonly hash: string
  readonly keyId: string
  /** Ed25519, in base64. */
  readonly signature: string
  /** To the microsecond, in UTC. */
  readonly createdAt: string
}

/** A key as PEM text, or as `node:crypto` has it. */
export type CheckpointKey = string | KeyObject

/** Public keys by the ids that checkpoints name them by. */
export type PublicKeys = Readonly<Record<string, CheckpointKey>>

/**
 * Signs a chain at one event.
 *
 * @param keyId what the public key is found by; by default the key's fingerprint
 * @throws {TenancyError} `DH506` where it is no private Ed25519 key
 */
export function signCheckpoint(
  at: Omit<Checkpoint, 'keyId' | 'signature'>,
  privateKey: CheckpointKey,
  keyId?: string,
): Checkpoint {
  const key = ed25519Key(privateKey, 'private')
  const checkpoint = { ...at, keyId: keyId ?? keyFingerprint(key) }
  return { ...checkpoint, signature: sign(null, payloadOf(checkpoint), key).toString('base64') }
}

/** Whether the signature is the key's, over exactly this. */
export function isSignedBy(checkpoint: Checkpoint, publicKey: KeyObject): boolean {
  return verify(null, payloadOf(checkpoint), publicKey, Buffer.from(checkpoint.signature, 'base64'))
}

/**
 * Reads public keys once, for many checkpoints.
 *
 * @throws {TenancyError} `DH506` where one is no Ed25519 key
 */
export function readPublicKeys(keys: PublicKeys): ReadonlyMap<string, KeyObject> {
  return new Map(Object.entries(keys).map(([id, key]) => [id, ed25519Key(key, 'public')]))
}

/** The id of a key that has no other: the beginning of the SHA-256 of its public half. */
export function keyFingerprint(key: KeyObject): string {
  const half = key.type === 'private' ? createPublicKey(key) : key
  return createHash('sha256')
    .update(half.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16)
}

function payloadOf({ tenantId, seq, hash, keyId, createdAt }: Omit<Checkpoint, 'signature'>): Buffer {
  return Buffer.from(
    JSON.stringify(['doublehull.audit.checkpoint.1', tenantId, String(seq), hash, keyId, createdAt]),
  )
}

function ed25519Key(key: CheckpointKey, type: 'private' | 'public'): KeyObject {
  const parsed = typeof key === 'string' ? parseKey(key, type) : key
  if (parsed?.asymmetricKeyType === 'ed25519' && parsed.type === type) return parsed
  throw new TenancyError('DH506', `a ${type} key of checkpoints is not an Ed25519 ${type} key in PEM`, {
    details: { issues: [{ path: [`${type}Key`], message: `is not an Ed25519 ${type} key in PEM` }] },
  })
}

function parseKey(pem: string, type: 'private' | 'public'): KeyObject | undefined {
  // a private key would pass for its public half, and so end where public keys are
  if (type === 'public' && pem.includes('PRIVATE')) return undefined
  try {
    return type === 'private' ? createPrivateKey(pem) : createPublicKey(pem)
  } catch {
    // no cause: the parser's error could carry the key
    return undefined
  }
}
