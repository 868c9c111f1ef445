import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { createTemporaryLogin } from '../src/testing/index.ts'
import { type ContextDatabase, contextServers, useContextDatabases } from './support/context-databases.ts'

// What PostgREST does: one transaction for each request, the claims of the verified token in a local setting.

const names = 'select name from governance.config_package'

describe.each(contextServers)('claims of a token, on %s', (server) => {
  const databases = useContextDatabases(server)

  /** The rows, or the code of the refusal, of a request. */
  async function request(
    connectionString: string,
    settings: Readonly<Record<string, string>>,
    ...statements: readonly string[]
  ): Promise<unknown> {
    const client = new pg.Client({ connectionString })
    await client.connect()
    try {
      await client.query('begin read only')
      for (const [name, value] of Object.entries(settings)) {
        await client.query('select set_config($1, $2, true)', [name, value])
      }
      let rows: unknown
      for (const statement of statements) ({ rows } = await client.query(statement))
      return rows
    } catch (error) {
      return (error as pg.DatabaseError).code
    } finally {
      await client.end()
    }
  }

  const claims = (value: object) => ({ 'request.jwt.claims': JSON.stringify(value) })

  /** A role of an API: the application's rights, and the right to take claims for the context. */
  async function withApi<Result>(
    { admin, adminUrl }: ContextDatabase,
    work: (url: string) => Promise<Result>,
  ) {
    const login = await createTemporaryLogin(adminUrl, 'doublehull_app')
    const user = decodeURIComponent(new URL(login.connectionString).username)
    await admin.query(`grant execute on function tenancy.pre_request() to ${user}`)
    try {
      return await work(login.connectionString)
    } finally {
      await admin.query(`revoke execute on function tenancy.pre_request() from ${user}`)
      await login.drop()
    }
  }

  describe('where contexts are believed', () => {
    const ask = (settings: Readonly<Record<string, string>>) =>
      request(databases.plain.url(), settings, names)

    it('tenant_id is the tenant', async () => {
      const { a, b } = databases.plain.scene
      expect(await ask(claims({ tenant_id: a.tenantId, sub: 'x' }))).toEqual([{ name: a.secret }])
      expect(await ask(claims({ tenant_id: b.tenantId.toUpperCase() }))).toEqual([{ name: b.secret }])
      expect(await ask({ ...claims({ tenant_id: a.tenantId }), 'app.tenant_id': a.tenantId })).toEqual([
        { name: a.secret },
      ])
      expect(await ask({ 'request.jwt.claims': '' })).toBe('DH101')
    })

    it.each([
      ['name no tenant', () => claims({ role: 'anon' })],
      [
        'name none, beside a context',
        () => ({ ...claims({}), 'app.tenant_id': databases.plain.scene.a.tenantId }),
      ],
      [
        'name another than the context',
        () => ({
          ...claims({ tenant_id: databases.plain.scene.b.tenantId }),
          'app.tenant_id': databases.plain.scene.a.tenantId,
        }),
      ],
      ['name what is no uuid', () => claims({ tenant_id: 'b' })],
      ['name a number', () => claims({ tenant_id: 7 })],
      ['name a list', () => claims({ tenant_id: [databases.plain.scene.a.tenantId] })],
      ['are a list', () => claims([databases.plain.scene.a.tenantId])],
      ['are null', () => ({ 'request.jwt.claims': 'null' })],
    ])('that %s are refused with DH102', async (_, settings) => {
      expect(await ask(settings())).toBe('DH102')
    })
  })

  it('count for nothing where contexts are signed', async () => {
    const { a } = databases.signed.scene
    expect(await request(databases.signed.url(), claims({ tenant_id: a.tenantId }), names)).toBe('DH101')
    const both = { ...claims({ tenant_id: a.tenantId }), 'app.tenant_id': a.tenantId }
    expect(await request(databases.signed.url(), both, names)).toBe('DH102')
  })

  describe.each(['plain', 'signed'] as const)('tenancy.pre_request(), %s', (mode) => {
    const context = `select current_setting('app.user_id') as user, tenancy.current_tenant_id()::text as tenant`
    const first = 'select tenancy.pre_request()'

    it('is nobody’s to execute', async () => {
      const database = databases[mode]
      const settings = claims({ tenant_id: database.scene.a.tenantId })
      for (const role of ['app', 'reader', 'system'] as const) {
        expect(await request(database.url(role), settings, first)).toBe('42501')
      }
    })

    it('makes the claims the context, for this transaction alone', async () => {
      const { a, b } = databases[mode].scene
      await withApi(databases[mode], async (url) => {
        for (const { tenantId, secret, userId } of [a, b]) {
          const settings = claims({ tenant_id: tenantId, sub: userId })
          expect(await request(url, settings, first, names)).toEqual([{ name: secret }])
          expect(await request(url, settings, first, context)).toEqual([{ user: userId, tenant: tenantId }])
          const foreign = claims({ tenant_id: tenantId, sub: 'auth0|7' })
          expect(await request(url, foreign, first, context)).toEqual([{ user: '', tenant: tenantId }])
        }
        const signature = `select split_part(current_setting('app.context_signature'), '.', 1)::int8
                             - floor(extract(epoch from transaction_timestamp())) as seconds`
        if (mode === 'signed') {
          expect(await request(url, claims({ tenant_id: a.tenantId }), first, signature)).toEqual([
            { seconds: '1' },
          ])
        }
      })
    })

    it('lets a request without a tenant pass, which then has none', async () => {
      await withApi(databases[mode], async (url) => {
        expect(await request(url, {}, first, 'select 1 as one')).toEqual([{ one: 1 }])
        expect(await request(url, {}, first, names)).toBe('DH101')
        expect(await request(url, claims({ role: 'anon' }), first, 'select 1 as one')).toEqual([{ one: 1 }])
        expect(await request(url, claims({ role: 'anon' }), first, names)).toBe('DH102')
      })
    })

    it('refuses a tenant that is none, and another than the transaction has', async () => {
      const { a } = databases[mode].scene
      await withApi(databases[mode], async (url) => {
        expect(await request(url, claims({ tenant_id: 'b' }), first)).toBe('DH102')
        const other = { ...claims({ tenant_id: a.tenantId }), 'app.tenant_id': randomUUID() }
        expect(await request(url, other, first)).toBe('DH103')
      })
    })
  })

  it('are any tenant’s to whoever may execute pre_request and write SQL: the limit that is documented', async () => {
    const { b } = databases.signed.scene
    await withApi(databases.signed, async (url) => {
      const injected = `select set_config('request.jwt.claims', '{"tenant_id":"${b.tenantId}"}', true)`
      expect(await request(url, {}, injected, 'select tenancy.pre_request()', names)).toEqual([
        { name: b.secret },
      ])
    })
  })
})
