import { describe } from 'vitest'
import { useFixtureDatabase } from './fixtures/fixture-database.ts'
import { describeSubject, fixtureSubject } from './support/matrix-subject.ts'

describe('a schema whose ids are text, and whose rows may have no tenant', () => {
  describeSubject(fixtureSubject('text-ids', useFixtureDatabase('text-ids', ['public']), []))
})
describe('a schema whose ids are numbers', () => {
  describeSubject(fixtureSubject('int-ids', useFixtureDatabase('int-ids', ['public']), []))
})
describe('a schema whose ids are numbers of 64 bits, without foreign keys in the database', () => {
  describeSubject(fixtureSubject('bigint-ids', useFixtureDatabase('bigint-ids', ['public']), []))
})
