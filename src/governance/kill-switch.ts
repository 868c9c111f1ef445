import { z } from 'zod'
import { textOf } from './input-parts.ts'

/** Whom a kill switch stops: all tenants, one tenant, or one resource of a tenant. */
export type KillSwitchScope = 'GLOBAL' | 'TENANT' | 'RESOURCE'

/** A kill switch as it stands. */
export interface KillSwitch {
  readonly scope: KillSwitchScope
  /** What it stops; null where it stops everything. */
  readonly resource: string | null
  /** Whether it stops it now: engaged, and not expired by the database's clock. */
  readonly engaged: boolean
  /** Of whoever turned it last; null where nobody has. */
  readonly reason: string | null
  /** The user who turned it last; null for the platform's. */
  readonly actorId: string | null
  readonly engagedAt: Date | null
  /** When it releases itself; null where never. */
  readonly expiresAt: Date | null
}

/** Which switch. */
export interface KillSwitchTarget {
  readonly scope: KillSwitchScope
  /** What it stops, at most 200 characters: for the scope `RESOURCE`, and for a global switch that stops one. */
  readonly resource?: string | undefined
}

/** How a kill switch is engaged. */
export interface EngageInput extends KillSwitchTarget {
  /** Why; at most 1,000 characters, and not blank. */
  readonly reason: string
  /** When it releases itself; never unless told. */
  readonly expiresAt?: Date | undefined
  /** The same as a time from now, by the database's clock. */
  readonly expiresInMillis?: number | undefined
  /** Longest to wait for effects that are under way, in milliseconds; 10,000 unless told. */
  readonly waitMillis?: number | undefined
}

/** How a kill switch is released. */
export interface ReleaseInput extends KillSwitchTarget {
  /** Why; at most 1,000 characters, and not blank. */
  readonly reason: string
  /** Longest to wait for effects that are under way, in milliseconds; 10,000 unless told. */
  readonly waitMillis?: number | undefined
}

const resource = textOf(200)
const target = {
  scope: z.enum(['GLOBAL', 'TENANT', 'RESOURCE']),
  resource: resource.optional(),
  reason: textOf(1_000),
  waitMillis: z.int().min(1).max(600_000).default(10_000),
}
const fits = ({
  scope,
  resource,
}: {
  readonly scope: KillSwitchScope
  readonly resource?: string | undefined
}) => scope === 'GLOBAL' || (scope === 'RESOURCE') === (resource !== undefined)
const atResource = { path: ['resource'], message: 'must be there for the scope RESOURCE, and not for TENANT' }

export const resourceSchema = z.strictObject({ resource: resource.optional() })

export const releaseSchema = z.strictObject(target).refine(fits, atResource)

export const engageSchema = z
  .strictObject({
    ...target,
    expiresAt: z.date().optional(),
    expiresInMillis: z.int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
  })
  .refine(fits, atResource)
  .refine(({ expiresAt, expiresInMillis }) => expiresAt === undefined || expiresInMillis === undefined, {
    path: ['expiresInMillis'],
    message: 'must not stand beside expiresAt',
  })
