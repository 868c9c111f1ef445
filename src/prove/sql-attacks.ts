import { qualified, quoteIdentifier } from '../policy/identifier.ts'
import type { Attack, SqlCall } from './attack.ts'
import { changeOf, collides, isDeletable, mayAllHave, moveTo, newRow } from './row-data.ts'
import { tenantColumn } from './row-filter.ts'
import type { Scene } from './scene.ts'
import { isUnique } from './schema-shape.ts'
import type { Link, Row } from './world.ts'

type Make = (operation: string, form: string, sql: SqlCall, extra?: Partial<Attack>) => Attack

/** What SQL alone can do to the table of a model: hull two is all that stands before it. */
export function* sqlAttacks(scene: Scene, model: string): Generator<Attack> {
  const { isView, scope } = scene.world.model(model)
  const table = new Table(scene, model)
  const make = makerOf(model)
  if (scope.kind !== 'global') yield* reads(scene, table, make)
  if (isView) return
  yield* inserts(scene, table, make)
  const victim = scene.row(model, 'b', 'free') ?? scene.row(model, 'nobody', 'free')
  if (victim && !scene.world.isWritable(victim)) {
    yield* updates(scene, table, victim, make)
    yield* deletes(scene, table, victim, make)
  }
  yield make(
    'sql.truncate',
    'the whole table',
    { text: `truncate ${table.name} cascade`, values: [] },
    heldWithReferrers(scene, model),
  )
}

/** Whether a table, or one that is emptied with it, keeps its rows whoever asks. */
function heldWithReferrers(scene: Scene, model: string): Partial<Attack> {
  const emptied = new Set([model])
  for (const name of emptied) {
    const held = scene.appendOnly.get(name)
    if (held !== undefined) return { heldBySchema: held }
    for (const [other, { relations }] of Object.entries(scene.manifest.models)) {
      const refers = Object.values(relations).some((key) => key.model === name && key.fields.length > 0)
      if (refers) emptied.add(other)
    }
  }
  return {}
}

/** The same for the table of an implicit many-to-many relation. */
export function* sqlAttacksOnJoinTable(scene: Scene, position: number): Generator<Attack> {
  const join = scene.manifest.joinTables[position]
  if (!join) return
  const name = qualified(join.schema, join.table)
  const make = makerOf(join.table)
  const links = scene.world.linksOf(position)
  const victim = links.find((link) => !scene.world.mayLink(position, link).cut)
  const columns = '"A", "B"'
  const hidden = links.find((link) => !scene.world.seesLink(position, link))
  if (hidden) {
    const one = `select ${columns} from ${name} where "A" = $1 and "B" = $2`
    const values = [hidden.A, hidden.B]
    yield make('sql.select', 'all rows', { text: `select ${columns} from ${name}`, values: [] })
    yield make('sql.select', 'a number', { text: `select count(*)::int from ${name}`, values: [] })
    yield make('sql.select', 'another’s link', { text: one, values })
    yield make('sql.select', 'another’s link, without a context', { text: one, values, withoutContext: true })
  }
  yield make('sql.truncate', 'the whole table', { text: `truncate ${name}`, values: [] })
  if (victim) {
    const where = 'where "A" = $1 and "B" = $2'
    const values = [victim.A, victim.B]
    const every = (withoutContext?: true): readonly Attack[] => {
      const how = withoutContext ? ', without a context' : ''
      const sql = (text: string): SqlCall => ({ text, values, ...(withoutContext && { withoutContext }) })
      return [
        make('sql.delete', `another’s link${how}`, sql(`delete from ${name} ${where}`)),
        make(
          'sql.delete',
          `another’s link, returning it${how}`,
          sql(`delete from ${name} ${where} returning ${columns}`),
        ),
      ]
    }
    yield* [...every(), ...every(true)]
    const other = scene.row(join.b, 'a', 'own') ?? scene.row(join.b, 'nobody', 'own')
    const key = other && other.values[scene.world.model(join.b).primaryKey[0] ?? '']
    if (key !== undefined && !links.some(({ A, B }) => A === victim.A && B === key)) {
      yield make('sql.update', 'another’s link', {
        text: `update ${name} set "B" = $3 ${where}`,
        values: [...values, key],
      })
    }
  }
  const made = strangeLink(scene, position, links)
  if (made) {
    yield make('sql.insert', 'a link to another’s row', {
      text: `insert into ${name} (${columns}) values ($1, $2)`,
      values: [made.A, made.B],
    })
  }
}

/** A link that is not there and that tenant A must not make. */
function strangeLink(scene: Scene, position: number, links: readonly Link[]): Link | undefined {
  const join = scene.manifest.joinTables[position]
  if (!join) return undefined
  const keysOf = (model: string) => scene.world.rowsOf(model).map((row) => scene.world.keyOf(row))
  for (const A of keysOf(join.a)) {
    for (const B of keysOf(join.b)) {
      if (links.some((link) => link.A === A && link.B === B)) continue
      if (!scene.world.mayLink(position, { A, B }).make) return { A, B }
    }
  }
  return undefined
}

function makerOf(model: string): Make {
  return (operation, form, sql, extra = {}) => ({
    model,
    operation,
    form,
    args: {},
    sql,
    // select for update takes a lock, and no id
    kind: operation === 'sql.select' ? 'read' : 'write',
    ...extra,
  })
}

/** Names and conditions of a table, as SQL has them. */
class Table {
  readonly model: string
  readonly name: string
  readonly #scene: Scene

  constructor(scene: Scene, model: string) {
    const { schema, table } = scene.world.model(model)
    this.#scene = scene
    this.model = model
    this.name = qualified(schema, table)
  }

  column(field: string): string {
    return quoteIdentifier(this.#scene.world.model(this.model).columns[field] ?? field)
  }

  /** All fields under the names that Prisma gives them, so that answers are judged alike. */
  selection(alias = 't'): string {
    return Object.keys(this.#scene.shape[this.model]?.fields ?? {})
      .map((field) => `${alias}.${this.column(field)} as ${quoteIdentifier(field)}`)
      .join(', ')
  }

  get key(): readonly string[] {
    return this.#scene.world.model(this.model).primaryKey
  }

  /** A condition that one row passes, by values from a position on. */
  where(from: number, alias = 't'): string {
    return this.key.map((field, index) => `${alias}.${this.column(field)} = $${from + index}`).join(' and ')
  }

  valuesOf(row: Row): readonly unknown[] {
    return this.key.map((field) => row.values[field])
  }

  /** The columns of a row and the row as a table, by one value. */
  record(data: Readonly<Record<string, unknown>>): {
    readonly columns: string
    readonly from: string
    readonly value: string
  } {
    const { columns } = this.#scene.world.model(this.model)
    const row = {
      ...this.#scene.hidden(this.model),
      ...Object.fromEntries(Object.entries(data).map(([field, value]) => [columns[field] ?? field, value])),
    }
    const names = Object.keys(row).map(quoteIdentifier).join(', ')
    return {
      columns: names,
      from: `select ${names} from pg_catalog.jsonb_populate_record(null::${this.name}, $1::jsonb) as r`,
      value: JSON.stringify(row, asJson),
    }
  }
}

/** Prisma's values as PostgreSQL reads them out of JSON. */
function asJson(this: unknown, key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  // a Buffer has been made an object by then
  const given: unknown = (this as Readonly<Record<string, unknown>>)[key]
  return given instanceof Uint8Array ? `\\x${Buffer.from(given).toString('hex')}` : value
}

function* reads(scene: Scene, table: Table, make: Make): Generator<Attack> {
  const victims = scene.world.rowsOf(table.model).filter((row) => !scene.world.isVisible(row))
  const victim = victims.find((row) => row === scene.row(table.model, 'b', 'cross')) ?? victims[0]
  if (!victim) return
  const values = table.valuesOf(victim)
  const one = `select ${table.selection()} from ${table.name} t where ${table.where(1)}`
  yield make('sql.select', 'all rows', {
    text: `select ${table.selection()} from ${table.name} t`,
    values: [],
  })
  yield make('sql.select', 'another’s row', { text: one, values })
  yield make('sql.select', 'another’s row, without a context', { text: one, values, withoutContext: true })
  const secret = scene.secretField(table.model)
  yield make('sql.select', 'the secret as an oracle', {
    text: `select exists (select from ${table.name} t where t.${table.column(secret)} = $1) as found`,
    values: [scene.secretOf(victim)],
  })
  if (!scene.world.model(table.model).isView) {
    yield make('sql.select', 'another’s row, for update', { text: `${one} for update`, values })
  }
}

function* inserts(scene: Scene, table: Table, make: Make): Generator<Attack> {
  const { model } = table
  const { scope, readOnly } = scene.world.model(model)
  const owners: readonly (readonly [string, 'a' | 'b' | 'nobody'])[] = [
    ...(scope.kind === 'global' || scope.kind === 'member' ? [] : ([['for another', 'b']] as const)),
    ...(['global', 'member', 'shared'].includes(scope.kind) ? ([['for nobody', 'nobody']] as const) : []),
    ...(readOnly && scope.kind !== 'global' && scope.kind !== 'member'
      ? ([['for oneself, read-only', 'a']] as const)
      : []),
  ]
  for (const [whose, owner] of owners) {
    const data = newRow(scene, model, { owner, form: 'unchecked' })
    const { columns, from, value } = table.record(data)
    const text = `insert into ${table.name} (${columns}) ${from}`
    yield make('sql.insert', whose, { text, values: [value] })
    yield make('sql.insert', `${whose}, without a context`, { text, values: [value], withoutContext: true })
    yield make('sql.insert', `${whose}, on conflict do nothing`, {
      text: `${text} on conflict do nothing`,
      values: [value],
    })
  }
  const victim = scene.row(model, 'b', 'free')
  const secret = scene.secretField(model)
  if (!victim || table.key.includes(secret) || scene.world.isWritable(victim)) return
  const row = { ...newRow(scene, model, { owner: 'b', form: 'unchecked' }), ...keyValues(table, victim) }
  const { columns, from, value } = table.record(row)
  yield make(
    'sql.insert',
    'another’s row, on conflict do update',
    {
      text: `insert into ${table.name} as t (${columns}) ${from} on conflict (${table.key.map((field) => table.column(field)).join(', ')}) do update set ${table.column(secret)} = excluded.${table.column(secret)}`,
      values: [value],
    },
    heldOf(scene, model),
  )
  // a tenant makes no second one
  if (scope.kind === 'root') return
  // a row of one's own for each row of another's that there is
  const own = table.record(newRow(scene, model, { owner: 'a', form: 'unchecked' }))
  yield make(
    'sql.insert',
    'an own row made out of another’s',
    {
      text: `insert into ${table.name} (${own.columns}) ${own.from} where exists (select from ${table.name} t where ${table.where(2)})`,
      values: [own.value, ...table.valuesOf(victim)],
    },
    { isConditional: true },
  )
}

function* updates(scene: Scene, table: Table, victim: Row, make: Make): Generator<Attack> {
  const { model } = table
  const held = heldOf(scene, model)
  const [[field, value] = ['', undefined]] = Object.entries(changeOf(scene, victim))
  const set = `update ${table.name} as t set ${table.column(field)} = $1`
  const where = table.where(2)
  const values = [value, ...table.valuesOf(victim)]
  if (table.key.includes(field)) {
    yield make('sql.update', 'another’s key', { text: `${set} where ${where}`, values }, held)
  } else {
    yield make('sql.update', 'another’s row', { text: `${set} where ${where}`, values }, held)
    yield make(
      'sql.update',
      'another’s row, without a context',
      { text: `${set} where ${where}`, values, withoutContext: true },
      held,
    )
    yield make(
      'sql.update',
      'another’s row, returning it',
      { text: `${set} where ${where} returning ${table.selection()}`, values },
      held,
    )
    const shape = scene.shape[model]
    if (shape && !isUnique(shape, [field], tenantColumn(scene, model))) {
      // without a condition PostgreSQL asks the policy for updates alone, and not the one for reads
      yield make('sql.update', 'all rows', { text: set, values: [value] }, held)
    }
    const own = scene.row(model, 'a', 'free')
    if (own && scene.world.isWritable(own)) {
      yield make(
        'sql.update',
        'an own row, if another’s is there',
        {
          text: `${set} from ${table.name} other where ${where} and ${table.where(2 + table.key.length, 'other')}`,
          values: [value, ...table.valuesOf(own), ...table.valuesOf(victim)],
        },
        { ...held, isConditional: true },
      )
    }
  }
  yield* moves(scene, table, victim, make)
  const own = scene.row(model, 'a', 'free')
  const data = own && moveTo(scene, own, 'b')
  if (!own || !data || collides(scene, own, data) || !scene.world.isWritable(own)) return
  const sets = Object.keys(data).map((name, index) => `${table.column(name)} = $${index + 1}`)
  yield make(
    'sql.update',
    'an own row moved to another',
    {
      text: `update ${table.name} as t set ${sets.join(', ')} where ${table.where(sets.length + 1)}`,
      values: [...Object.values(data), ...table.valuesOf(own)],
    },
    held,
  )
}

/**
 * All rows at once, made A's or B's. No column is read, so PostgreSQL asks the policy for updates alone: behind one that
 * is too wide, A claims what it can't even see.
 */
function* moves(scene: Scene, table: Table, victim: Row, make: Make): Generator<Attack> {
  const { model } = table
  const own = scene.row(model, 'a', 'free')
  const ways = [
    ['all rows claimed', moveTo(scene, victim, 'a')],
    ['all rows given away', own && moveTo(scene, own, 'b')],
  ] as const
  for (const [form, data] of ways) {
    if (!data || !mayAllHave(scene, model, data)) continue
    const sets = Object.keys(data).map((name, index) => `${table.column(name)} = $${index + 1}`)
    yield make(
      'sql.update',
      form,
      { text: `update ${table.name} set ${sets.join(', ')}`, values: Object.values(data) },
      heldOf(scene, model),
    )
  }
}

function* deletes(scene: Scene, table: Table, victim: Row, make: Make): Generator<Attack> {
  if (!isDeletable(scene, victim)) return
  const held = heldOf(scene, table.model)
  const text = `delete from ${table.name} as t where ${table.where(1)}`
  const values = table.valuesOf(victim)
  yield make('sql.delete', 'another’s row', { text, values }, held)
  yield make('sql.delete', 'another’s row, without a context', { text, values, withoutContext: true }, held)
  yield make(
    'sql.delete',
    'another’s row, returning it',
    { text: `${text} returning ${table.selection()}`, values },
    held,
  )
}

function heldOf(scene: Scene, model: string): Partial<Attack> {
  const held = scene.appendOnly.get(model)
  return held === undefined ? {} : { heldBySchema: held }
}

function keyValues(table: Table, row: Row): Readonly<Record<string, unknown>> {
  return Object.fromEntries(table.key.map((field) => [field, row.values[field]]))
}
