import { manifest as bundled } from '../../src/generated/tenancy.ts'
import type { Manifest, ModelManifest } from '../../src/manifest/manifest.ts'
import type { Fixture } from './fixture.ts'
import { schemaSql } from './protection.ts'

const schema = 'documents'

function model(
  table: string,
  { columns, ...rest }: Pick<ModelManifest, 'scope' | 'columns'> & Partial<ModelManifest>,
): ModelManifest {
  return {
    schema,
    table,
    isView: false,
    readOnly: false,
    commands: ['select', 'insert', 'update', 'delete'],
    appendOnly: false,
    columns: { id: 'id', ...columns },
    jsonFields: [],
    primaryKey: ['id'],
    uniqueFields: ['id'],
    compoundUniques: {},
    relations: {},
    ...rest,
  }
}

const direct = { scope: { kind: 'direct', field: 'tenantId' }, columns: { tenantId: 'tenant_id' } } as const

const withDocuments = (base: Manifest): Manifest => ({
  ...base,
  models: {
    ...base.models,
    Document: model('document', direct),
    Tag: model('tag', direct),
    Event: model('event', direct),
    Paragraph: model('paragraph', {
      scope: { kind: 'through', relation: 'document' },
      columns: { documentId: 'document_id' },
      relations: {
        document: {
          model: 'Document',
          list: false,
          required: true,
          fields: ['documentId'],
          references: ['id'],
          inverse: 'paragraphs',
        },
      },
    }),
  },
  joinTables: [{ schema, table: '_DocumentToTag', a: 'Document', b: 'Tag' }],
})

const tables = `
  create table ${schema}.document (
    id uuid primary key,
    tenant_id uuid not null default tenancy.require_tenant_id()
      references tenancy.tenant (id) on delete restrict on update restrict,
    unique (tenant_id, id)
  );
  create table ${schema}.tag (like ${schema}.document including all);
  alter table ${schema}.tag add foreign key (tenant_id) references tenancy.tenant (id);
  create table ${schema}.paragraph (
    id uuid primary key,
    document_id uuid not null references ${schema}.document (id) on delete cascade
  );
  create index paragraph_document_id_idx on ${schema}.paragraph (document_id);
  create table ${schema}."_DocumentToTag" (
    "A" uuid not null references ${schema}.document (id) on delete cascade on update cascade,
    "B" uuid not null references ${schema}.tag (id) on delete cascade on update cascade,
    constraint "_DocumentToTag_AB_pkey" primary key ("A", "B")
  );
  create index "_DocumentToTag_B_index" on ${schema}."_DocumentToTag" ("B");
  create table ${schema}.event (
    id uuid not null,
    tenant_id uuid not null default tenancy.require_tenant_id() references tenancy.tenant (id),
    at date not null,
    primary key (tenant_id, at, id)
  ) partition by range (at);
  create table ${schema}.event_2026 partition of ${schema}.event for values from ('2026-01-01') to ('2027-01-01');
`

const manifest = withDocuments(bundled)

/**
 * A schema beside the bundled one, protected as it must be: a model that is a tenant's through its parent, an implicit
 * many-to-many relation, and a partitioned table.
 */
export const documents: Required<Pick<Fixture, 'manifest' | 'before' | 'after'>> = {
  manifest: withDocuments,
  before: schemaSql(manifest, schema, tables),
  after: `drop schema ${schema} cascade`,
}
