import type { PrismaClientClass } from '../tenancy/create-tenancy.ts'

interface Listening {
  $on(event: 'query', listener: (event: { readonly query: string }) => void): void
}

/** A client class whose clients tell each statement that they send, with $1 for values. */
export function tapped(
  PrismaClient: PrismaClientClass<object>,
  onStatement: (text: string) => void,
): PrismaClientClass<object> {
  return class extends PrismaClient {
    constructor(options: object) {
      super({ ...options, log: [{ emit: 'event', level: 'query' }] })
      ;(this as unknown as Listening).$on('query', ({ query }) => onStatement(query))
    }
  }
}
