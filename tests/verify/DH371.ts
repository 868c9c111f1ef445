import { documents } from './documents.ts'
import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  ...documents,
  broken: 'alter table documents."_DocumentToTag" drop constraint "_DocumentToTag_B_fkey"',
  mended: `
    alter table documents."_DocumentToTag" add constraint "_DocumentToTag_B_fkey"
      foreign key ("B") references documents.tag (id) on delete cascade on update cascade`,
  object: 'table documents."_DocumentToTag"',
  detail: /^has no foreign key to documents.tag \(column "B"\)$/,
}
