import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'alter table governance.trace_step rename to elsewhere',
  mended: 'alter table governance.elsewhere rename to trace_step',
  object: 'table governance.trace_step',
  detail: /not in the database/,
  more: [
    {
      broken: `alter table governance.trace_step rename to elsewhere;
               create view governance.trace_step as select * from governance.elsewhere`,
      mended: 'drop view governance.trace_step; alter table governance.elsewhere rename to trace_step',
      object: 'view governance.trace_step',
      detail: /where the manifest has a table/,
    },
  ],
}
