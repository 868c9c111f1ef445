import { createHash, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { useTestDatabase } from '../support/test-database.ts'
import { People, refusalOf } from './support/people.ts'

const database = useTestDatabase()
let people: People
beforeAll(async () => {
  people = await People.plant(database)
})

/** What Prisma would store otherwise, and what is therefore refused. */
function hasTypeWithinConstructor(value: unknown, within = false): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (within && Object.hasOwn(value, '$type')) return true
  const below = within || (!Array.isArray(value) && Object.hasOwn(value, 'constructor'))
  return Object.values(value).some((item) => hasTypeWithinConstructor(item, below))
}

const secret = 'a-value-that-nobody-may-read'
const deep = (levels: number): unknown => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`)
const cyclic: Record<string, unknown> = {}
cyclic['self'] = cyclic
let doubled: unknown = {}
for (let level = 0; level < 40; level++) doubled = [doubled, doubled]

describe('content that PostgreSQL could not store as it is', () => {
  const cases: readonly (readonly [string, unknown, readonly (string | number)[]])[] = [
    ['NUL in a text', { a: ['x\0'] }, ['a', 0]],
    ['NUL in a name', { 'x\0': 1 }, []],
    ['half of a surrogate pair', { a: '\ud800' }, ['a']],
    ['half of a surrogate pair in a name', { '\udc00': 1 }, []],
    ['NaN', { a: Number.NaN }, ['a']],
    ['infinity', [-Infinity], [0]],
    ['undefined', { a: undefined }, ['a']],
    ['a hole', Array(2), [0]],
    ['a bigint', { a: 1n }, ['a']],
    ['a function', { a: () => secret }, ['a']],
    ['a symbol', { a: Symbol(secret) }, ['a']],
    ['a symbol as a name', { [Symbol(secret)]: 1 }, []],
    ['a date', { a: new Date() }, ['a']],
    ['a map', new Map(), []],
    ['an instance of a class', { a: new URL('https://example.org') }, ['a']],
    ['a property called __proto__', JSON.parse('{"a":{"__proto__":{}}}'), ['a']],
    ['a $type within what has a constructor', { a: { constructor: 'x', b: { $type: 'Json' } } }, ['a', 'b']],
    ['null alone', null, []],
    ['nothing', undefined, []],
    ['too deep', deep(66), [0, 0, 0]],
    ['itself', cyclic, ['self', 'self', 'self']],
    ['the same twice over, again and again', doubled, []],
    ['an array that says it is endless', Array(4_000_000_000), []],
    ['more than 1 MiB', { a: 'ä'.repeat(524_288) }, []],
  ]

  it.each(cases)('is refused where it has %s, before any SQL', async (_, content, path) => {
    const packageId = randomUUID()
    const { versions } = people.as('author')
    const calls = [
      () => versions.createDraft(packageId, { content }),
      () => versions.updateDraft(packageId, { content }, { expectedLockVersion: 1 }),
    ]
    for (const call of calls) {
      // with SQL, it would be that there is no such package
      const { code, message, details } = await refusalOf(call())
      expect(code).toBe('DH506')
      expect(details).toMatchObject({ issues: [{ path }] })
      expect(`${message}${JSON.stringify(details)}`).not.toContain(secret)
    }
  })

  it('is what was checked, whatever a getter gives the next time', async () => {
    let asked = 0
    const content = {
      get limit() {
        return asked++ === 0 ? 1 : Number.NaN
      },
    }
    const id = await people.draft(undefined, content)
    expect(await people.as('viewer').versions.get(id)).toMatchObject({ content: { limit: 1 } })
  })
})

describe('content that it can store', () => {
  it('comes back as it was given, whatever its names mean elsewhere', async () => {
    const names = fc.constantFrom(
      '$type',
      'value',
      'set',
      'create',
      'connect',
      'tenantId',
      'tenant_id',
      'where',
      'toJSON',
      'constructor',
      'prototype',
      '',
      'id',
    )
    const anything = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom(
          'Json',
          'DbNull',
          'Param',
          'Raw',
          "'; drop table x; --",
          '\\u0000',
          '💥',
          null,
          true,
          0,
          -1.5e300,
        ),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(names, tie('value'), { maxKeys: 4 }),
      ),
    })).value
    const packageId = await people.package()
    const { versions } = people.as('author')
    const id = await people.draft(packageId)
    await fc.assert(
      fc.asyncProperty(anything, async (value) => {
        const content = JSON.parse(JSON.stringify({ value })) as unknown
        fc.pre(!hasTypeWithinConstructor(content))
        const { lockVersion } = await versions.get(id)
        const edited = await versions.updateDraft(id, { content }, { expectedLockVersion: lockVersion })
        expect(canonical(edited.content)).toBe(canonical(content))
        expect(canonical((await versions.get(id)).content)).toBe(canonical(content))
      }),
      { numRuns: 60 },
    )
  })

  it('may be 64 levels deep and 1 MiB large', async () => {
    const large = { a: 'x'.repeat(1_048_576 - '{"a":""}'.length) }
    for (const content of [deep(64), large]) {
      const id = await people.draft(undefined, content)
      expect((await people.as('viewer').versions.get(id)).content).toEqual(content)
    }
  })

  it('has the hash of what PostgreSQL writes', async () => {
    const id = await people.draft(undefined, { b: 1, a: [true, null] })
    const { contentHash } = await people.as('viewer').versions.get(id)
    expect(contentHash).toBe(createHash('sha256').update('{"a": [true, null], "b": 1}').digest('hex'))
  })
})

describe('a JSON Schema of a package', () => {
  const create = (contentSchema: unknown) =>
    people.as('owner').packages.create({ key: `key-${randomUUID()}`, name: 'Package', contentSchema })

  const bad: readonly (readonly [string, unknown])[] = [
    ['is none', 'string'],
    ['is null', null],
    ['is an array', []],
    ['has a keyword that is no keyword', { tpye: 'object' }],
    ['has a type that is no type', { type: 'strnig' }],
    ['has a format that is not known', { type: 'string', format: 'e-mail' }],
    ['has a pattern that is none', { type: 'string', pattern: '(' }],
    ['refers to another document', { $ref: 'https://example.org/schema.json' }],
    ['refers to a file', { $ref: 'file:///etc/passwd' }],
    ['refers to nothing', { $ref: '#/$defs/missing' }],
    ['is of another draft', { $schema: 'http://json-schema.org/draft-04/schema#' }],
    ['has a $schema that is none', { $schema: 7 }],
    ['would answer later', { $async: true }],
    ['would answer later, further in', { $ref: '#/$defs/a', $defs: { a: { $async: true } } }],
    ['calls itself as another dialect does', { $id: 'https://json-schema.org/draft/2020-12/schema' }],
    ['is larger than 256 KiB', { description: 'x'.repeat(262_144) }],
    ['cannot be stored', { const: '\0' }],
    [
      'has a keyword of another draft',
      { $schema: 'http://json-schema.org/draft-07/schema#', prefixItems: [{}] },
    ],
  ]
  it.each(bad)('is refused where it %s', async (_, contentSchema) => {
    const { code, details } = await refusalOf(create(contentSchema))
    expect(code).toBe('DH506')
    expect(details).toMatchObject({ issues: [{ message: expect.any(String) }] })
  })

  it.each([
    ['2020-12 without saying so', { type: 'array', prefixItems: [{ type: 'string' }], items: false }],
    [
      '2020-12',
      {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'array',
        prefixItems: [{ type: 'string' }],
        items: false,
      },
    ],
    [
      'draft-07',
      {
        $schema: 'http://json-schema.org/draft-07/schema#',
        type: 'array',
        items: [{ type: 'string' }],
        additionalItems: false,
      },
    ],
  ])('is of draft %s', async (_, contentSchema) => {
    const { id } = await create(contentSchema)
    const { versions } = people.as('author')
    expect((await versions.submitForReview(await people.draft(id, ['a']))).status).toBe('REVIEW')
    for (const content of [[1], ['a', 'b']]) {
      const submission = versions.submitForReview(await people.draft(id, content))
      expect((await refusalOf(submission)).code).toBe('DH506')
    }
  })

  it('may have the $id that another one has', async () => {
    const $id = 'https://example.org/limits'
    const [one, other] = [await create({ $id, type: 'object' }), await create({ $id, type: 'array' })]
    const { versions } = people.as('author')
    await versions.submitForReview(await people.draft(one.id, {}))
    await versions.submitForReview(await people.draft(other.id, []))
    expect((await refusalOf(versions.submitForReview(await people.draft(one.id, [])))).code).toBe('DH506')
  })

  it('may refer to itself', async () => {
    const { id } = await create({
      type: 'object',
      properties: { next: { $ref: '#' } },
      additionalProperties: false,
    })
    const { versions } = people.as('author')
    await versions.submitForReview(await people.draft(id, { next: { next: {} } }))
    const submission = versions.submitForReview(await people.draft(id, { next: { next: { other: 1 } } }))
    expect((await refusalOf(submission)).details).toMatchObject({
      issues: [{ path: ['next', 'next', 'other'] }],
    })
  })

  it('that backtracks for ever refuses the content, and does not stop the process', async () => {
    const { id } = await create({ type: 'object', patternProperties: { '^(a+)+$': true } })
    const draft = await people.draft(id, { [`${'a'.repeat(50)}!`]: 1 })
    expect(await refusalOf(people.as('author').versions.submitForReview(draft))).toMatchObject({
      code: 'DH506',
      details: { issues: [{ path: [], message: expect.stringContaining('backtrack') }] },
    })
  })
})

describe('content that breaks the rules of its package', () => {
  const contentSchema = {
    type: 'object',
    properties: {
      limits: { type: 'array', items: { type: 'integer', maximum: 10 } },
      mail: { type: 'string', format: 'email' },
      level: { enum: ['low', 'high'] },
      'a/b~c': { const: 1 },
    },
    required: ['limits'],
    additionalProperties: false,
  }
  const content = {
    limits: [1, secret, 11],
    mail: secret,
    level: secret,
    'a/b~c': secret,
    'x-1': secret,
  }
  const issues = [
    { path: ['x-1'], message: 'must NOT have additional properties' },
    { path: ['limits', 1], message: 'must be integer' },
    { path: ['limits', 2], message: 'must be <= 10' },
    { path: ['mail'], message: 'must match format "email"' },
    { path: ['level'], message: 'must be equal to one of the allowed values' },
    { path: ['a/b~c'], message: 'must be equal to constant' },
  ]

  it('may be drafted, and is not submitted: all paths are told, and no value', async () => {
    const packageId = await people.package({ contentSchema })
    const id = await people.draft(packageId, content)
    for (const submit of [
      () => people.as('author').versions.submitForReview(id),
      () => people.as('author').approvals.request(id),
    ]) {
      const { code, message, details } = await refusalOf(submit())
      expect(code).toBe('DH506')
      expect(details).toEqual({ issues: expect.arrayContaining(issues) })
      expect(details['issues']).toHaveLength(issues.length)
      expect(message).not.toContain(secret)
      expect(message).toContain('limits.1')
    }
    expect(await people.as('viewer').versions.get(id)).toMatchObject({ status: 'DRAFT' })
  })

  it('is told by its first issue where it is large', async () => {
    const packageId = await people.package({ contentSchema })
    const large = { limits: Array(40_000).fill('x') }
    const submission = people.as('author').versions.submitForReview(await people.draft(packageId, large))
    expect((await refusalOf(submission)).details['issues']).toHaveLength(1)
  })

  it('and came in by plain Prisma is neither approved nor put in force', async () => {
    const packageId = await people.package({ contentSchema, quorum: 2 })
    const { id } = await people
      .client('author')
      .configVersion.create({ data: { packageId, content: { limits: [secret] } } })
    await people.client('author').configVersion.update({ where: { id }, data: { status: 'REVIEW' } })
    const [approval] = (await people.as('reviewer').approvals.listPending({ limit: 500 })).items.filter(
      ({ versionId }) => versionId === id,
    )
    const approvalId = approval?.id ?? ''
    const approve = () => people.as('reviewer').approvals.approve(approvalId)
    expect(await refusalOf(approve())).toMatchObject({
      code: 'DH506',
      details: { issues: [{ path: ['limits', 0] }] },
    })
    // a vote against it is no approval
    expect(await people.as('viewer').approvals.get(approvalId)).toMatchObject({ votes: [] })

    for (const person of ['reviewer', 'second'] as const) {
      await people.client(person).approvalDecision.create({
        data: { approvalId, reviewerId: people.id(person), decision: 'APPROVE' },
      })
    }
    const { versions } = people.as('admin')
    expect(await versions.get(id)).toMatchObject({ status: 'APPROVED' })
    const activation = versions.activate(id, { expectedActiveId: null })
    expect(await refusalOf(activation)).toMatchObject({ code: 'DH506' })
    const glass = versions.breakGlass(id, { reason: 'an emergency' })
    expect(await refusalOf(glass)).toMatchObject({ code: 'DH506' })
    expect(await versions.getActive(packageId)).toBeNull()
  })

  it('and worked before is put in force again by a rollback', async () => {
    const packageId = await people.package()
    const old = await people.active(packageId)
    await people.active(packageId)
    await database.admin.query('update governance.config_package set content_schema = $2 where id = $1', [
      packageId,
      JSON.stringify({ type: 'array' }),
    ])
    const { versions } = people.as('admin')
    expect(await versions.rollback(old, { reason: 'it worked' })).toMatchObject({ status: 'ACTIVE' })
  })

  it('is not checked by a schema that came in by plain Prisma and is none', async () => {
    const packageId = await people.package()
    const id = await people.draft(packageId)
    await people
      .client('owner')
      .configPackage.update({ where: { id: packageId }, data: { contentSchema: { tpye: 'object' } } })
    expect(await refusalOf(people.as('author').versions.submitForReview(id))).toMatchObject({
      code: 'DH506',
      message: expect.stringContaining('contentSchema'),
    })
  })
})

describe('a zod schema of the application', () => {
  const schema = z
    .strictObject({ limit: z.int().max(10), mode: z.enum(['soft', 'hard']).optional() })
    .refine(({ limit }) => limit !== 7, { error: () => `not ${secret}`, path: ['limit'] })

  it('holds the content of the package of its key, and its messages tell no value', async () => {
    const key = `zod-${randomUUID()}`
    const { id: packageId } = await people.as('owner').packages.create({ key, name: 'Zod' })
    const { versions } = people.as('author', { contentSchemas: { [key]: schema } })
    const told = async (content: unknown) =>
      (await refusalOf(versions.submitForReview(await people.draft(packageId, content)))).details
    expect(await told({ limit: 11, mode: secret })).toEqual({
      issues: [
        { path: ['limit'], message: 'must be at most 10' },
        { path: ['mode'], message: 'must be one of soft, hard' },
      ],
    })
    expect(await told({ limit: secret, more: secret })).toMatchObject({
      issues: [{ path: ['limit'], message: 'must be number' }, { path: [] }],
    })
    expect(await told({ limit: 7 })).toEqual({
      issues: [{ path: ['limit'], message: 'must keep the rules of its schema' }],
    })
    expect(await versions.submitForReview(await people.draft(packageId, { limit: 8 }))).toMatchObject({
      status: 'REVIEW',
    })
  })

  it('is asked beside the JSON Schema of the package, and stores what was given', async () => {
    const key = `zod-${randomUUID()}`
    const contentSchema = { type: 'object', properties: { limit: { type: 'string' } } }
    const { id: packageId } = await people.as('owner').packages.create({ key, name: 'Zod', contentSchema })
    const contentSchemas = { [key]: z.object({ limit: z.coerce.number().max(5) }) }
    const { versions } = people.as('author', { contentSchemas })
    for (const content of [{ limit: 4 }, { limit: '6' }]) {
      const submission = versions.submitForReview(await people.draft(packageId, content))
      expect((await refusalOf(submission)).code).toBe('DH506')
    }
    const submitted = await versions.submitForReview(
      await people.draft(packageId, { limit: '4', more: true }),
    )
    expect(submitted.content).toEqual({ limit: '4', more: true })
  })

  it('is that of its own key, also where the key means something to every object', async () => {
    const { id: packageId } = await people.as('owner').packages.create({ key: 'constructor', name: 'Odd' })
    const id = await people.draft(packageId)
    const { versions } = people.as('author', { contentSchemas: {} })
    expect(await versions.submitForReview(id)).toMatchObject({ status: 'REVIEW' })
  })
})

/** JSON in one spelling. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
  return `{${entries.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`).join()}}`
}
