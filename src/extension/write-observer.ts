import type { TenantContext } from '../context/tenant-context.ts'
import type { Manifest } from '../manifest/manifest.ts'
import type { GlobalOmit } from './unique-batch.ts'

/** What an observer knows of the schema. */
export interface ObservedSchema {
  readonly manifest: Manifest
  /** The client's own `omit`: which fields of which model its results lack. */
  readonly globalOmit: GlobalOmit
}

/** A write of a tenant on its way into the database, as every hook of the application has left it. */
export interface ObservedWrite {
  readonly model: string
  readonly operation: string
  readonly args: unknown
  readonly context: TenantContext
  /** A client with hull one and without any extension, in the transaction of the write. */
  readonly client: object
  /** Keeps others from changing rows until the transaction ends; each key has the fields of the primary key. */
  lock(model: string, keys: readonly Readonly<Record<string, unknown>>[]): Promise<void>
  /** Sends the write to hull one, and on. */
  run(args: unknown): Promise<unknown>
  /** Says that another operation has written in the place of {@link run}. */
  sent(): void
  /** Takes something down for {@link WriteObserver.finish}. */
  note(note: unknown): void
}

/**
 * Stands around the writes of a tenancy's clients, between the hooks of all extensions and hull one, wherever in the
 * chain of extensions it was given, and in the clients that extensions have captured too: there is no way around it.
 * Every write that it observes is in a transaction.
 */
export interface WriteObserver {
  observes(model: string, operation: string, args: unknown): boolean
  /** @returns what the caller is answered */
  around(write: ObservedWrite): Promise<unknown>
  /** Writes what was noted in a transaction, once, before that commits. */
  finish(notes: readonly unknown[], client: object, context: TenantContext): Promise<void>
}

type MakeWriteObserver = (schema: ObservedSchema) => WriteObserver

const makers = new WeakMap<object, MakeWriteObserver>()

/** Makes an extension one that observes writes where `createTenancy` gets it. */
export function observing<Definition extends object>(
  definition: Definition,
  make: MakeWriteObserver,
): Definition {
  makers.set(definition, make)
  return definition
}

/** Makes the observer of an extension that {@link observing} has made one. */
export function observerOf(definition: unknown): MakeWriteObserver | undefined {
  return typeof definition === 'object' && definition !== null ? makers.get(definition) : undefined
}
