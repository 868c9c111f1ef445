import { describe } from 'vitest'
import { useFixtureDatabase } from './fixtures/fixture-database.ts'
import { describeSubject, fixtureSubject } from './support/matrix-subject.ts'

const heldBecause = [
  'other rows refer to the row by a key with the tenant',
  'the key carries the tenant',
  'the row can’t do without the key',
  'the row’s other keys carry the tenant',
]

describe('a schema whose ids are text, and whose rows may have no tenant', () => {
  const database = useFixtureDatabase('text-ids', ['public'])
  describeSubject(fixtureSubject('text-ids', database, heldBecause))
})
describe('a schema whose ids are numbers', () => {
  const database = useFixtureDatabase('int-ids', ['public'])
  describeSubject(fixtureSubject('int-ids', database, heldBecause))
})
describe('a schema whose ids are numbers of 64 bits, without foreign keys in the database', () => {
  const database = useFixtureDatabase('bigint-ids', ['public'])
  describeSubject(fixtureSubject('bigint-ids', database, ['the row can’t do without the key']))
})
