import { documents } from './documents.ts'
import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  ...documents,
  broken: 'alter table documents.paragraph add column tag_id uuid references documents.tag (id)',
  mended: 'alter table documents.paragraph drop column tag_id',
  object: 'foreign key paragraph_tag_id_fkey on documents.paragraph',
  detail: /^documents.paragraph has no tenant column: .* in documents.tag$/,
  more: [
    {
      broken: 'alter table documents.tag add column paragraph_id uuid references documents.paragraph (id)',
      mended: 'alter table documents.tag drop column paragraph_id',
      object: 'foreign key tag_paragraph_id_fkey on documents.tag',
      detail: /^documents.paragraph has no tenant column/,
    },
    {
      // the key carries the parent instead
      broken: `
        alter table documents.paragraph add unique (document_id, id), add column reply_to uuid,
          add constraint answers foreign key (reply_to) references documents.paragraph (id)`,
      mended: `
        alter table documents.paragraph drop constraint answers,
          add constraint answers foreign key (document_id, reply_to)
            references documents.paragraph (document_id, id)`,
      object: 'foreign key answers on documents.paragraph',
      detail: /^documents.paragraph has no tenant column/,
    },
    {
      broken:
        'alter table governance.feature_flag add column switch_id uuid references governance.kill_switch (id)',
      mended: 'alter table governance.feature_flag drop column switch_id',
      object: 'foreign key feature_flag_switch_id_fkey on governance.feature_flag',
      detail: /^governance.kill_switch has shared rows/,
    },
  ],
}
