import { documents } from './documents.ts'
import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  ...documents,
  broken: 'alter table documents.paragraph drop constraint paragraph_document_id_fkey',
  mended: `
    alter table documents.paragraph add constraint paragraph_document_id_fkey
      foreign key (document_id) references documents.document (id) on delete cascade`,
  object: 'table documents.paragraph',
  detail: /^no foreign key holds its parent in documents.document$/,
  more: [
    {
      broken: 'alter table documents.paragraph alter column document_id drop not null',
      mended: 'alter table documents.paragraph alter column document_id set not null',
      object: 'table documents.paragraph',
      detail: /^its key may be null/,
    },
  ],
}
