import { documents } from './documents.ts'
import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  ...documents,
  broken: 'alter table documents.paragraph rename column document_id to document',
  mended: 'alter table documents.paragraph rename column document to document_id',
  object: 'table documents.paragraph',
  detail: /^has no column document_id$/,
}
