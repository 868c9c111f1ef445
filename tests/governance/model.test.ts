import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createGovernance } from '../../src/governance/index.ts'
import { useTestDatabase } from '../support/test-database.ts'
import {
  isPossible,
  judge,
  type Model,
  type ModelVersion,
  type Person,
  type Step,
  stepKinds,
  type Verdict,
} from './model/reference.ts'
import { type Outcome, Subject } from './model/subject.ts'
import { plantGovernedTenant } from './support/governed-tenant.ts'

/**
 * Whatever several people do to the versions of a package, one after the other and two at a time, through the
 * repository, plain Prisma and raw SQL, on several connections: the database does what a reference state machine says,
 * and after every step its invariants hold.
 *
 * `DOUBLEHULL_MODEL_RUNS` says how many sequences are run (300 unless told), `DOUBLEHULL_SEED` which ones.
 */
const database = useTestDatabase()
const seed = Number(process.env['DOUBLEHULL_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const numRuns = Number(process.env['DOUBLEHULL_MODEL_RUNS'] ?? 300)

let sql: pg.Pool
let tenantId: string
let people: readonly Person[]

beforeAll(async () => {
  sql = new pg.Pool({ connectionString: database.appUrl, max: 4 })
  const tenant = await plantGovernedTenant(database.admin)
  tenantId = tenant.tenantId
  people = [
    { id: tenant.author, role: 'EDITOR' },
    { id: tenant.editor, role: 'EDITOR' },
    { id: tenant.reviewer, role: 'REVIEWER' },
    { id: tenant.secondReviewer, role: 'REVIEWER' },
    { id: tenant.activator, role: 'ADMIN' },
  ]
})
afterAll(() => sql.end())

/** What a run works on. */
interface Stage {
  readonly packageId: string
  readonly subject: Subject
  /** The last event of the tenant before the run. */
  readonly firstSeq: number
  /** What the runs were made of. */
  readonly tally: Tally
}

class Tally {
  readonly done = new Map<string, number>()
  steps = 0
  pairs = 0

  count(step: Step, { code }: Outcome): void {
    this.steps++
    const what = code === 'ok' ? step.kind : `${step.kind} ${code}`
    this.done.set(what, (this.done.get(what) ?? 0) + 1)
  }
}

// what may end a transaction that met another, without a trace of it
const conflicts = new Set(['P2034', '40001', '40P01', 'DH504'])
// what a version is answered with that is not there any more
const missing = new Set(['DH507', 'P2025', 'P2003', '23503', 'no row'])
const deniedCodes = new Set(['DH501', 'DH502', 'DH505', 'DH510'])

/** Every state that the outcomes of some steps could have led to, in this order. */
function statesAfter(
  model: Model,
  taken: readonly { readonly step: Step; readonly person: Person; readonly outcome: Outcome }[],
  atOnce: boolean,
): Model | undefined {
  let state = model
  for (const { step, person, outcome } of taken) {
    const next = stateAfter(state, step, person, outcome, atOnce)
    if (!next) return undefined
    state = next
  }
  return state
}

function stateAfter(
  model: Model,
  step: Step,
  person: Person,
  { code, made }: Outcome,
  atOnce: boolean,
): Model | undefined {
  if (atOnce && conflicts.has(code)) return model
  // the other one has deleted it
  if (!isPossible(model, step)) return atOnce && missing.has(code) ? model : undefined
  const { broken, next }: Verdict = judge(model, step, person)
  if (code === 'ok') return broken.length === 0 ? next(made) : undefined
  if (!broken.includes(code) && !(broken.includes('DH504') && ['P2002', '23505'].includes(code)))
    return undefined
  // by plain Prisma and by SQL nothing is left of an attempt
  const recorded = step.way === 'repository' && step.kind !== 'set' && deniedCodes.has(code)
  return recorded ? { ...model, denials: model.denials + 1 } : model
}

let contents = 0

/** The version that a step means, whoever comes first, and a content like no other. */
function pinned(model: Model, step: Step): Step {
  const places = model.versions.map((_, place) => place)
  const allowed = places.filter((version) => {
    const tried = { ...step, version, stale: false }
    return isPossible(model, tried) && judge(model, tried, personOf(step)).broken.length === 0
  })
  const choices = step.aimed && allowed.length > 0 ? allowed : places
  const id = model.versions[choices[step.version % Math.max(choices.length, 1)] ?? 0]?.id
  return { ...step, ...(id === undefined ? {} : { id }), content: ++contents }
}

function personOf({ who }: Step): Person {
  return people[who % people.length] as Person
}

class Do implements fc.AsyncCommand<{ model: Model }, Stage> {
  readonly #steps: readonly Step[]

  constructor(steps: readonly Step[]) {
    this.#steps = steps
  }

  check({ model }: { readonly model: Model }): boolean {
    return this.#steps.every((step) => isPossible(model, pinned(model, step)))
  }

  async run(state: { model: Model }, stage: Stage): Promise<void> {
    const { model } = state
    const steps = this.#steps.map((step) => pinned(model, step))
    const taken = await Promise.all(
      steps.map(async (step) => {
        const person = personOf(step)
        return { step, person, outcome: await stage.subject.take(model, step, person) }
      }),
    )
    for (const { step, outcome } of taken) stage.tally.count(step, outcome)
    if (taken.length > 1) stage.tally.pairs++

    const orders = taken.length > 1 ? [taken, taken.toReversed()] : [taken]
    const possible = orders.flatMap((order) => statesAfter(model, order, order.length > 1) ?? [])
    const actual = await observe(stage)
    const reached = possible.find((one) => JSON.stringify(shown(one)) === JSON.stringify(actual))
    const outcome = `${taken.map(({ outcome }) => outcome.code).join(' and ')} from ${JSON.stringify(shown(model))}`
    // oxlint-disable-next-line vitest/no-standalone-expect -- a command is part of the test that runs it
    expect(reached && actual, `the reference has no way to ${outcome}, to what is there`).toEqual(actual)
    await holdInvariants(stage)
    if (reached) state.model = reached
  }

  toString(): string {
    return this.#steps
      .map(({ kind, who, way, version, aimed, stale, target }) =>
        [
          kind,
          kind === 'set' ? target : '',
          `#${version}`,
          aimed ? 'aimed' : '',
          stale ? 'stale' : '',
          `by ${who}`,
          way,
        ]
          .filter(Boolean)
          .join(' '),
      )
      .join(' | ')
  }
}

/** What the reference and the database are compared in. */
interface Shown {
  readonly versions: readonly object[]
  readonly changes: number
  readonly denials: number
}

function shown({ versions, changes, denials }: Model): Shown {
  const all = versions.map(({ id, status, author, submitter, editors, content, lockVersion, approval }) => ({
    id,
    status,
    author,
    submitter: submitter ?? null,
    editors: [...editors],
    content,
    lockVersion,
    approval: approval ? approval.status : null,
    votes: [...(approval?.votes ?? [])].toSorted(),
  }))
  return { versions: all.toSorted((one, other) => (one.id < other.id ? -1 : 1)), changes, denials }
}

async function observe({ packageId, firstSeq }: Stage): Promise<Shown> {
  const { rows: versions } = await database.admin.query(
    `select v.id, v.status, v.author_id as author, v.submitter_id as submitter, v.editor_ids::text[] as editors,
            (v.content ->> 'n')::int as content, v.lock_version as "lockVersion", a.status as approval,
            array(select d.reviewer_id::text from governance.approval_decision d where d.approval_id = a.id
                   order by d.reviewer_id::text collate "C") as votes
       from governance.config_version v
       left join lateral (select * from governance.approval a where a.version_id = v.id
                           order by a.created_at desc limit 1) a on true
      where v.package_id = $1 order by v.id::text collate "C"`,
    [packageId],
  )
  const { rows: events } = await database.admin.query<{ changes: number; denials: number }>(
    `select count(*) filter (where outcome = 'SUCCESS')::int as changes,
            count(*) filter (where outcome = 'DENIED')::int as denials
       from audit.audit_event where tenant_id = $1 and seq > $2`,
    [tenantId, firstSeq],
  )
  const { changes = 0, denials = 0 } = events[0] ?? {}
  return { versions, changes, denials }
}

/** The invariants, each as the rows that break it. */
const invariants = {
  'more than one version is in force': `
    select package_id from governance.config_version where package_id = $1 and status = 'ACTIVE'
     group by package_id having count(*) > 1`,
  'an approved content is not the one that was approved': `
    select v.id from governance.config_version v
     where v.package_id = $1 and v.status = 'APPROVED'
       and not exists (select from governance.approval a where a.version_id = v.id and a.status = 'APPROVED'
                          and a.content_hash = v.content_hash)`,
  'a hash is not that of its content': `
    select id from governance.config_version
     where package_id = $1 and content_hash <> encode(sha256(convert_to(content::text, 'UTF8')), 'hex')`,
  'somebody decided on their own work': `
    select d.approval_id from governance.approval_decision d
      join governance.approval a on a.id = d.approval_id
      join governance.config_version v on v.id = a.version_id
     where v.package_id = $1 and a.status in ('PENDING', 'APPROVED')
       and d.reviewer_id = any (array[v.author_id, v.submitter_id] || v.editor_ids)`,
  'what is in force is not what the ledger says': `
    select v.id from governance.config_version v
      left join lateral (select * from governance.activation l where l.package_id = v.package_id
                          order by l.seq desc limit 1) l on true
     where v.package_id = $1
       and (v.status = 'ACTIVE') <> coalesce(l.kind <> 'DEPRECATE' and l.version_id = v.id, false)`,
  'a version in force was approved by nobody, and no glass was broken': `
    select v.id from governance.config_version v
     where v.package_id = $1 and v.status in ('ACTIVE', 'DEPRECATED')
       and not exists (select from governance.approval a where a.version_id = v.id and a.status = 'APPROVED')
       and not exists (select from governance.activation l where l.version_id = v.id and l.kind = 'BREAK_GLASS')`,
}

const unbroken = `
  select seq from (
    select e.seq, e.prev_hash, lag(e.seq) over w as before, lag(e.hash) over w as hash_before
      from audit.audit_event e where e.tenant_id = $1 and e.seq >= $2
    window w as (order by e.seq)
  ) as chain
   where before is not null and (before <> seq - 1 or hash_before <> prev_hash)`

async function holdInvariants({ packageId, firstSeq }: Stage): Promise<void> {
  for (const [broken, query] of Object.entries(invariants)) {
    expect((await database.admin.query(query, [packageId])).rows, broken).toEqual([])
  }
  const { rows } = await database.admin.query(unbroken, [tenantId, firstSeq])
  expect(rows, 'the chain of the audit is broken').toEqual([])
}

async function newStage(quorum: number, tally: Tally): Promise<Stage> {
  const packageId = randomUUID()
  await database.admin.query(
    `insert into governance.config_package (id, tenant_id, key, name, quorum, updated_at) values ($1, $2, $3, 'package', $4, now())`,
    [packageId, tenantId, `p-${packageId}`, quorum],
  )
  const { rows } = await database.admin.query<{ seq: number }>(
    'select coalesce(max(seq), 0)::int as seq from audit.audit_event where tenant_id = $1',
    [tenantId],
  )
  const subject = new Subject(database.both, sql, tenantId, packageId)
  return { packageId, subject, firstSeq: rows[0]?.seq ?? 0, tally }
}

const likely: Readonly<Record<(typeof stepKinds)[number], number>> = {
  create: 3,
  edit: 3,
  submit: 6,
  approve: 9,
  reject: 1,
  withdraw: 2,
  activate: 7,
  rollback: 3,
  deprecate: 1,
  breakGlass: 1,
  delete: 1,
  set: 2,
}
const states: readonly ModelVersion['status'][] = ['DRAFT', 'APPROVED', 'ACTIVE', 'DEPRECATED']

const anyStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(...stepKinds.map((kind) => ({ weight: likely[kind], arbitrary: fc.constant(kind) }))),
  who: fc.nat({ max: 4 }),
  way: fc.constantFrom('repository', 'prisma', 'sql'),
  version: fc.nat({ max: 3 }),
  aimed: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  stale: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  content: fc.constant(0),
  target: fc.constantFrom(...states),
})

/** Who most likely may: most sequences would come to nothing by chance. */
const able: Readonly<Record<(typeof stepKinds)[number], readonly number[]>> = {
  create: [0, 1],
  edit: [0, 1],
  submit: [0, 1],
  approve: [2, 3],
  reject: [2, 3],
  withdraw: [0, 2],
  activate: [4],
  rollback: [4],
  deprecate: [4],
  breakGlass: [4],
  delete: [0, 1],
  set: [0, 4],
}
const fittingStep = fc.tuple(anyStep, fc.nat({ max: 1 })).map(([step, choice]) => {
  const fit = able[step.kind]
  return { ...step, who: fit[choice % fit.length] ?? 0 }
})
const step = fc.oneof({ weight: 3, arbitrary: fittingStep }, { weight: 1, arbitrary: anyStep })
/** A way from nothing to a version in force and an approved one, of which a run begins with a part. */
const opening = (quorum: number): readonly Step[] => {
  const steps: readonly (readonly [kind: Step['kind'], version: number, who: number])[] = [
    ['create', 0, 0],
    ['create', 0, 1],
    ['submit', 0, 0],
    ['approve', 0, 2],
    ...(quorum > 1 ? ([['approve', 0, 3]] as const) : []),
    ['activate', 0, 4],
    ['submit', 1, 1],
    ['approve', 1, 2],
    ...(quorum > 1 ? ([['approve', 1, 3]] as const) : []),
    ['activate', 1, 4],
  ]
  const ways = ['repository', 'prisma', 'sql'] as const
  return steps.map(([kind, version, who], place) => ({
    kind,
    version,
    who,
    way: ways[place % ways.length] ?? 'sql',
    aimed: false,
    stale: false,
    content: 0,
    target: 'DRAFT',
  }))
}
const commands = fc.commands(
  [
    step.map((one) => new Do([one])),
    step.map((one) => new Do([one])),
    fc.tuple(step, step).map((pair) => new Do(pair)),
  ],
  { size: 'max', maxCommands: 12 },
)

it(
  'a package goes through what the specification says, whoever does what at the same time',
  async () => {
    const tally = new Tally()
    await fc.assert(
      fc.asyncProperty(
        commands,
        fc.constantFrom(1, 2),
        fc.nat({ max: 8 }),
        async (sequence, quorum, opened) => {
          const stage = await newStage(quorum, tally)
          const start = { model: { quorum, versions: [], changes: 0, denials: 0 } as Model }
          // without a version there is nothing to do
          for (const step of opening(quorum).slice(0, 2 + opened)) await new Do([step]).run(start, stage)
          await fc.asyncModelRun(() => ({ model: start, real: stage }), sequence)
        },
      ),
      { seed, numRuns },
    )
    const { auditEvents } = createGovernance(database.both.client({ tenantId, userId: people[4]?.id }))
    expect(await auditEvents.verify()).toMatchObject({ ok: true })
    console.log(`model: ${numRuns} runs, ${tally.steps} steps, ${tally.pairs} pairs at once, seed ${seed}`)
    if (process.env['DOUBLEHULL_DISTRIBUTION']) console.log(tally.done)
    // the runs get somewhere: every move was made, and refused
    for (const kind of stepKinds) if (kind !== 'set') expect([...tally.done.keys()]).toContain(kind)
    for (const code of deniedCodes)
      expect([...tally.done.keys()].some((key) => key.endsWith(code))).toBe(true)
  },
  Math.max(numRuns, 300) * 2_000,
)
