import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: 'create policy careless on governance.branding using (true)',
  mended: 'drop policy careless on governance.branding',
  object: 'policy careless on governance.branding',
  detail: /^permits every command to everybody beside/,
  more: [
    {
      broken: `create policy "Careless too" on governance.activation for delete to doublehull_app using (true)`,
      mended: 'drop policy "Careless too" on governance.activation',
      object: 'policy "Careless too" on governance.activation',
      detail: /^permits delete to doublehull_app beside/,
    },
  ],
}
