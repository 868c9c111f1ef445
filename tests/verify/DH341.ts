import { plainContextFunctions, signedContextFunctions } from '../../src/policy/context-sql.ts'
import type { Fixture } from './fixture.ts'

const sqlOf = (functions: readonly { readonly sql: string }[]) => functions.map(({ sql }) => sql).join('')

export const fixture: Fixture = {
  standing: true,
  before: sqlOf(signedContextFunctions('uuid')),
  broken: sqlOf(plainContextFunctions('uuid')),
  mended: sqlOf(signedContextFunctions('uuid')),
  object: 'function tenancy.current_tenant_id()',
  detail: /^believes what the transaction's settings say/,
  after: sqlOf(plainContextFunctions('uuid')),
}
