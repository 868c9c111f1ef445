import { afterAll, describe, expect, it } from 'vitest'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest as bundledManifest } from '../src/generated/tenancy.ts'
import type { Manifest } from '../src/manifest/manifest.ts'
import { hulls } from '../src/prove/attack.ts'
import { Matrix } from '../src/prove/matrix.ts'
import { judgementsOf } from '../src/prove/matrix-report.ts'
import { ProofClients } from '../src/prove/proof-clients.ts'
import { useScopesDatabase } from './fixtures/scopes/scopes-database.ts'
import { describeSubject, fixtureSubject, type Subject } from './support/matrix-subject.ts'
import { useTestDatabase } from './support/test-database.ts'

const scopesSubject = () =>
  fixtureSubject('scopes', useScopesDatabase(), ['the row can’t do without the key'])

const manifest: Manifest = bundledManifest

/** Takes the life cycles away: triggers, and the keys and checks over numbers that triggers count. */
const withoutLifeCycles = `
  do $$ declare t regclass; begin
    for t in select c.oid from pg_class c
              where c.relkind in ('r', 'p') and c.relnamespace in ('tenancy'::regnamespace, 'governance'::regnamespace, 'audit'::regnamespace)
    loop execute format('alter table %s disable trigger user', t); end loop;
    for t in select indexrelid from pg_index
              where indexrelid::regclass::text ~ '^audit\\.audit_event_.*_(seq|prev_hash)_key$'
    loop execute format('drop index %s', t); end loop;
  end $$;
  drop index governance.activation_tenant_id_package_id_seq_key;
  alter table governance.config_version drop constraint config_version_number;`

/**
 * The bundled schema without its life cycles: they refuse most of what one tenant tries on another's rows before a hull
 * has to, and the hulls are to be proven by themselves.
 */
function bundledSubject(): Subject {
  const database = useTestDatabase()
  return {
    models: Object.keys(manifest.models),
    // its tables are many and much alike
    open: async () => {
      await database.admin.query(withoutLifeCycles)
      const clients = await ProofClients.open({ adminUrl: database.adminUrl, PrismaClient, manifest })
      return { clients, manifest, share: 3 }
    },
    heldBecause: [
      'other rows refer to the row by a key with the tenant',
      'the key carries the tenant',
      'the row can’t do without the key',
      'the row’s other keys carry the tenant',
    ],
  }
}

describe('a schema of every scope whose keys do not carry the tenant', () => {
  describeSubject(scopesSubject())
})
describe('the bundled schema, whose keys carry the tenant, without its life cycles', () => {
  describeSubject(bundledSubject())
})

describe('the bundled schema with its life cycles', () => {
  const database = useTestDatabase()
  let clients: ProofClients | undefined
  afterAll(() => clients?.close())

  // what a trigger refuses without a hull is no merit of a hull: those cells are proven above
  it('is reached past no hull, for all that they do by themselves', { timeout: 600_000 }, async () => {
    clients = await ProofClients.open({ adminUrl: database.adminUrl, PrismaClient, manifest })
    const { admin, watcher } = clients
    const matrix = await Matrix.plant({
      manifest,
      admin,
      watcher,
      attackers: (tenantId) => (clients as ProofClients).attackers(tenantId),
      share: 12,
    })
    const outcomes = await matrix.attack(Object.keys(manifest.models))
    const judged = [...outcomes.values()].flatMap(({ behind, without }) =>
      hulls.flatMap((hull) => [...judgementsOf(hull, behind[hull], without)]),
    )
    expect(judged.filter(({ kind }) => kind === 'leak')).toEqual([])
    expect(judged.filter(({ kind }) => kind === 'stopped').length).toBeGreaterThan(judged.length / 2)
  })
})
