import { beforeAll, describe } from 'vitest'
import { behavesAlike } from './behaves-alike.ts'
import { Behaviour } from './behaviour.ts'
import { nestedWriteCases } from './nested-write-cases.ts'
import { a } from './scene.ts'
import { writeCases } from './write-cases.ts'

const behaviour = new Behaviour()
beforeAll(() => behaviour.plant(a))

describe('a lone tenant behaves as with a plain client', () => {
  describe('in writes', () => {
    behavesAlike(behaviour, writeCases)
  })
  describe('in writes through relations', () => {
    behavesAlike(behaviour, nestedWriteCases)
  })
})
