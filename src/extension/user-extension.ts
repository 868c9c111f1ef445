import { TenancyError } from '../errors.ts'
import type { Manifest } from '../manifest/manifest.ts'
import type { OperationCall } from './operation-call.ts'
import { knownOperations } from './scope-operation.ts'
import { ticketOf, withoutTicket } from './ticket.ts'

/** A hook of a query extension. */
type Hook = (call: OperationCall) => PromiseLike<unknown>

/** A field that a result extension computes. */
interface ComputedField {
  readonly needs: Readonly<Record<string, true>>
  readonly compute: (row: unknown, model?: string) => unknown
}

/** Members by the name of the delegate that gets them; `$allModels` for all. */
type ByDelegate<Member> = Readonly<Record<string, Readonly<Record<string, Member>>>>

/** An extension as it was read from what the application gave: once, and copied. */
export interface UserExtension {
  /** What errors call it: its name, or which one it is. */
  readonly label: string
  /** What of it goes to Prisma. */
  readonly definition: {
    readonly name: string
    readonly query?: Readonly<Record<string, Hook | Readonly<Record<string, Hook>>>>
    readonly result?: ByDelegate<ComputedField>
  }
  /** What of it the tenant clients give, with themselves as `this`. */
  readonly model: ByDelegate<unknown>
  readonly client: Readonly<Record<string, unknown>>
}

/** What an extension is read against. */
export interface ExtensionGround {
  readonly manifest: Manifest
  /** Model names by the names of their delegates. */
  readonly models: ReadonlyMap<string, string>
  /** Prisma's client without any extension. */
  readonly base: object
}

const components: ReadonlySet<string> = new Set(['name', 'query', 'result', 'model', 'client'])

const queryKeys: ReadonlySet<string> = new Set([
  '$allModels',
  '$allOperations',
  '$queryRaw',
  '$queryRawTyped',
  '$queryRawUnsafe',
  '$executeRaw',
  '$executeRawUnsafe',
  '$runCommandRaw',
])

const operations: ReadonlySet<string> = new Set(knownOperations)

/** Members of a model's delegate that say what it is, or lead away from it. */
const delegateNames: ReadonlySet<string> = new Set([
  'name',
  '$name',
  'fields',
  '$parent',
  'then',
  'constructor',
  '__proto__',
])

/**
 * Reads an extension of the application, and refuses one that could open hull one. Each part is read once and
 * copied: what a getter would answer the next time does not count.
 *
 * What stands in the way of hull one, and what does not:
 * - Hooks always run outside of it, so whatever arguments they make are scoped after them. Hooks into what Prisma
 *   does after it (`$__internalBatch`) are refused.
 * - What a computed field `needs` is added to the selection after hull one, so a relation, or `_count`, would be
 *   read unscoped: refused. The name of the field is of no matter: it is computed from the answer, when hull one has
 *   done with it, so a field that is called as the tenant field or a relation deceives nobody but its own author.
 * - Methods of models and clients never get as far as Prisma: the tenant clients have them, with themselves as
 *   `this`. A method of a model may stand in the place of Prisma's own, as one of a client may not.
 *
 * @param position which one it is, from 1
 * @throws {TenancyError} `DH210` naming the extension
 */
export function readUserExtension(given: unknown, position: number, ground: ExtensionGround): UserExtension {
  const named =
    typeof given === 'object' && given !== null ? (given as { readonly name?: unknown }).name : undefined
  const name = typeof named === 'string' ? named : `extension ${position}`
  const label = typeof named === 'string' ? `the extension "${named}"` : `extension ${position}`
  return new Reader(label, ground).read(given, name)
}

class Reader {
  readonly #label: string
  readonly #ground: ExtensionGround

  constructor(label: string, ground: ExtensionGround) {
    this.#label = label
    this.#ground = ground
  }

  read(given: unknown, name: string): UserExtension {
    const parts = this.#entries(given, 'an extension')
    const unknown = [...parts.keys()].find((key) => !components.has(key))
    if (unknown !== undefined) throw this.#malformed(`${unknown} is no component of an extension`)
    const query = parts.get('query')
    const result = parts.get('result')
    return {
      label: this.#label,
      definition: {
        name,
        ...(query === undefined ? {} : { query: this.#readQuery(query) }),
        ...(result === undefined ? {} : { result: this.#readResult(result) }),
      },
      model: this.#readModel(parts.get('model') ?? {}),
      client: this.#readClient(parts.get('client') ?? {}),
    }
  }

  #readQuery(given: unknown): NonNullable<UserExtension['definition']['query']> {
    const hooks = [...this.#entries(given, 'query')].map(([key, value]) => {
      const isOperation = queryKeys.has(key) || operations.has(key)
      if (typeof value === 'function' && isOperation) return [key, carryTicket(value as Hook)] as const
      if (key !== '$allModels' && !this.#ground.models.has(key)) {
        throw key.startsWith('$')
          ? this.#refuse(`query.${key} would run after hull one`)
          : this.#malformed(`query.${key} names no model and no operation`)
      }
      const ofModel = [...this.#entries(value, `query.${key}`)].map(([operation, hook]) => {
        if (typeof hook === 'function') return [operation, carryTicket(hook as Hook)] as const
        throw this.#malformed(`query.${key}.${operation} is no function`)
      })
      return [key, Object.fromEntries(ofModel)] as const
    })
    return Object.fromEntries(hooks)
  }

  #readResult(given: unknown): ByDelegate<ComputedField> {
    return this.#readByDelegate(given, 'result', (value, path, key) => {
      const parts = this.#entries(value, path)
      const compute = parts.get('compute')
      if (typeof compute !== 'function') throw this.#malformed(`${path} has no function compute`)
      const needs = [...this.#entries(parts.get('needs') ?? {}, `${path}.needs`)]
        .filter(([, needed]) => needed)
        .map(([field]) => field)
      for (const field of needs) {
        if (!this.#isRelation(key, field)) continue
        throw this.#refuse(
          `${path} needs ${field}, which is no column: Prisma would read it after hull one, from all tenants' rows`,
        )
      }
      return {
        needs: Object.fromEntries(needs.map((field) => [field, true])),
        compute: ofNobody((row: unknown, model?: string): unknown => {
          const computed: unknown = Reflect.apply(compute, undefined, [row, model])
          return typeof computed === 'function' ? ofNobody(computed) : computed
        }),
      }
    })
  }

  /** Whether a name stands for other rows, in the model of a delegate or, for `$allModels`, in any. */
  #isRelation(delegate: string, field: string): boolean {
    const { manifest, models } = this.#ground
    if (field.startsWith('_')) return true
    const names = delegate === '$allModels' ? [...models.values()] : [models.get(delegate) ?? '']
    return names.some((name) => Object.hasOwn(manifest.models[name]?.relations ?? {}, field))
  }

  #readModel(given: unknown): ByDelegate<unknown> {
    return this.#readByDelegate(given, 'model', (value, path, _, name) => {
      if (delegateNames.has(name)) throw this.#refuse(`${path} would replace what each model has`)
      this.#assertNoClient(value, path)
      return value
    })
  }

  #readClient(given: unknown): Readonly<Record<string, unknown>> {
    const members = [...this.#entries(given, 'client')]
    const names = new Set(members.map(([name]) => name))
    if (names.has('$primary') && names.has('$replica')) {
      throw this.#refuse(
        'it answers reads from the clients of read replicas, which know no tenant; ' +
          'give the replica a tenancy of its own, and ask its tenant client in a hook',
      )
    }
    for (const [name, value] of members) {
      const path = `client.${name}`
      if (name === 'then' || Reflect.has(this.#ground.base, name)) {
        throw this.#refuse(`${path} would replace what a tenant client has or hides`)
      }
      this.#assertNoClient(value, path)
    }
    return Object.fromEntries(members)
  }

  #assertNoClient(value: unknown, path: string): void {
    if (isPrismaClient(value)) throw this.#refuse(`${path} is a client, which would lead past hull one`)
    if (typeof value !== 'object' || value === null) return
    for (const [name, { value: inner }] of Object.entries(Object.getOwnPropertyDescriptors(value))) {
      if (!isPrismaClient(inner)) continue
      throw this.#refuse(`${path}.${name} is a client, which would lead past hull one`)
    }
  }

  #readByDelegate<Member>(
    given: unknown,
    component: string,
    read: (value: unknown, path: string, delegate: string, name: string) => Member,
  ): ByDelegate<Member> {
    const delegates = [...this.#entries(given, component)].map(([key, value]) => {
      const path = `${component}.${key}`
      if (key !== '$allModels' && !this.#ground.models.has(key))
        throw this.#malformed(`${path} names no model of the client`)
      const members = [...this.#entries(value, path)].map(
        ([name, member]) => [name, read(member, `${path}.${name}`, key, name)] as const,
      )
      return [key, Object.fromEntries(members)] as const
    })
    return Object.fromEntries(delegates)
  }

  /** The entries of a plain object, each read once. */
  #entries(value: unknown, path: string): ReadonlyMap<string, unknown> {
    if (typeof value === 'object' && value !== null) {
      const prototype: unknown = Object.getPrototypeOf(value)
      if (prototype === Object.prototype || prototype === null)
        return new Map(Object.entries(value).filter(([, part]) => part !== undefined))
    }
    throw this.#malformed(`${path} is no plain object`)
  }

  #refuse(why: string): TenancyError {
    return new TenancyError('DH210', `${this.#label} could open hull one: ${why}`)
  }

  /** Prisma would pass over it, and the application would think that it is there. */
  #malformed(why: string): TenancyError {
    return new TenancyError('DH210', `${this.#label} is malformed: ${why}`)
  }
}

/** Whether a value is a Prisma client, of whatever kind. */
export function isPrismaClient(value: unknown): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    ('$extends' in value || '$queryRawUnsafe' in value) &&
    '$transaction' in value
  )
}

/**
 * A function that asks in nobody's name: a row is read by one tenant, and what it computes may be asked for within
 * another one's hook or method.
 */
// oxlint-disable-next-line typescript/no-unsafe-function-type -- whatever the application wrote
function ofNobody<Computing extends Function>(compute: Computing): Computing {
  return new Proxy(compute, {
    apply: (target, self, args: unknown[]): unknown =>
      withoutTicket(() => Reflect.apply(target, self, args) as unknown),
  })
}

/**
 * A hook as Prisma gets it. Prisma's parameters of the operation stay here, with the ticket in them: a hook sees what
 * the operation is and whether it is in a transaction, and hands on arguments and nothing else. It runs in the scope
 * of its operation, also behind another hook that has put it into a queue.
 */
function carryTicket(hook: Hook): Hook {
  return async ({ model, operation, args, query, __internalParams: params = {} }) => {
    const ticket = ticketOf(params)
    const { dataPath, transaction } = params
    let handedOn: { readonly args?: unknown } | undefined
    const call: OperationCall = {
      ...(model === undefined ? {} : { model }),
      operation,
      args,
      __internalParams: Object.freeze({
        ...(dataPath ? { dataPath: Object.freeze([...dataPath]) } : {}),
        ...(transaction ? { transaction: Object.freeze({}) } : {}),
      }),
      query: (given) => {
        // Prisma would have two queries of one hook share their arguments
        const own = { ...params, args: given }
        handedOn = own
        return query(given, own)
      },
    }
    const run = async (): Promise<unknown> => await Reflect.apply(hook, undefined, [call])
    const result = await (ticket ? ticket.run(run) : run())
    // the fields of the answer are computed for what was asked in the end
    if (handedOn) Object.assign(params, { args: handedOn.args })
    return result
  }
}
