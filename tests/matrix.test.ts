import { describe } from 'vitest'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { manifest as bundledManifest } from '../src/generated/tenancy.ts'
import type { Manifest } from '../src/manifest/manifest.ts'
import { ProofClients } from '../src/prove/proof-clients.ts'
import { useScopesDatabase } from './fixtures/scopes/scopes-database.ts'
import { describeSubject, fixtureSubject, type Subject } from './support/matrix-subject.ts'
import { useTestDatabase } from './support/test-database.ts'

const scopesSubject = () =>
  fixtureSubject('scopes', useScopesDatabase(), ['the row can’t do without the key'])

function bundledSubject(): Subject {
  const database = useTestDatabase()
  const manifest: Manifest = bundledManifest
  const appendOnly = new Map(
    ['Activation', 'ApprovalDecision', 'AuditEvent'].map(
      (model) => [model, 'rows are written once'] as const,
    ),
  )
  return {
    models: Object.keys(manifest.models),
    // its tables are many and much alike
    open: async () => {
      const clients = await ProofClients.open({ adminUrl: database.adminUrl, PrismaClient, manifest })
      return { clients, manifest, appendOnly, share: 3 }
    },
    heldBecause: [
      'other rows refer to the row by a key with the tenant',
      'the key carries the tenant',
      'the row can’t do without the key',
      'the row’s other keys carry the tenant',
      'rows are written once',
    ],
  }
}

describe('a schema of every scope whose keys do not carry the tenant', () => {
  describeSubject(scopesSubject())
})
describe('the bundled schema, whose keys carry the tenant', () => {
  describeSubject(bundledSubject())
})
