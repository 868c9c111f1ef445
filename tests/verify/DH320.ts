import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'alter table governance.trace_step rename to elsewhere',
  mended: 'alter table governance.elsewhere rename to trace_step',
  object: 'table governance.trace_step',
  detail: /not in the database/,
}
