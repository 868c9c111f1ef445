import type { Fixture } from './fixture.ts'

export const fixture: Fixture = {
  broken: `create function public.spy(text) returns boolean immutable leakproof language plpgsql
             as $$ begin raise notice '%', $1; return true; end $$`,
  mended: 'alter function public.spy(text) not leakproof',
  object: 'function public.spy(text)',
  detail: /^is LEAKPROOF/,
  after: 'drop function public.spy(text)',
}
