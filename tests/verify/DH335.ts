import { documents } from './documents.ts'
import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  ...documents,
  broken: `
    drop index governance.branding_tenant_id_id_key;
    drop index governance.branding_tenant_id_number_key;
    -- serves some queries only
    create index branding_of_drafts on governance.branding (tenant_id) where status = 'DRAFT'`,
  mended: `
    drop index governance.branding_of_drafts;
    create unique index branding_tenant_id_id_key on governance.branding (tenant_id, id);
    create unique index branding_tenant_id_number_key on governance.branding (tenant_id, number)`,
  object: 'table governance.branding',
  detail: /no index that begins with tenant_id/,
  more: [
    {
      broken: 'drop index documents.paragraph_document_id_idx',
      mended: 'create index paragraph_document_id_idx on documents.paragraph (document_id)',
      object: 'table documents.paragraph',
      detail: /no index that begins with document_id/,
    },
    {
      broken: 'drop index documents."_DocumentToTag_B_index"',
      mended: 'create index "_DocumentToTag_B_index" on documents."_DocumentToTag" ("B")',
      object: 'table documents."_DocumentToTag"',
      detail: /no index that begins with "B"/,
    },
  ],
}
