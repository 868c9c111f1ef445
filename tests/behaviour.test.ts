import { beforeAll, describe } from 'vitest'
import { behavesAlike } from './behaviour/behaves-alike.ts'
import { Behaviour } from './behaviour/behaviour.ts'
import { clientCases } from './behaviour/client-cases.ts'
import { readCases } from './behaviour/read-cases.ts'
import { a } from './behaviour/scene.ts'

// Scoping changes what is seen, and not how Prisma behaves. Writes, other schemas and other tenants' rows stand
// beside this, in `behaviour/`.
const behaviour = new Behaviour()
beforeAll(() => behaviour.plant(a))

describe('a lone tenant behaves as with a plain client', () => {
  describe('in reads', () => {
    behavesAlike(behaviour, readCases)
  })
  describe('in transactions and in what else a client has', () => {
    behavesAlike(behaviour, clientCases)
  })
})
