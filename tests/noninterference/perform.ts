import type { BundledTenantClient } from '../../src/index.ts'
import { relationsOf } from './grammar.ts'
import { Email, Generated, Name } from './name.ts'
import { type Observer, sorted } from './observation.ts'
import type { ModelOperation, Operation, RawOperation } from './operation.ts'
import { rawStatements } from './raw-statements.ts'

/** What one operation told. */
export interface Outcome {
  readonly text: string
  /** The code or the name of the error, where it failed. */
  readonly failure?: string
}

/** The part of a client that single operations need; that of a transaction has it too. */
type Client = Pick<BundledTenantClient, '$queryRaw' | '$executeRaw'>

// a slow machine is no difference
const options = { maxWait: 60_000, timeout: 60_000 }

/** Runs operations one after the other, and tells what each answered. */
export class Performer {
  readonly #client: BundledTenantClient
  readonly #scene: number
  readonly #observer: Observer

  constructor(client: BundledTenantClient, scene: number, observer: Observer) {
    this.#client = client
    this.#scene = scene
    this.#observer = observer
  }

  async perform(operation: Operation): Promise<Outcome> {
    try {
      return { text: this.#observer.describe(await this.#run(operation)) }
    } catch (error) {
      const { code, name } = error as { readonly code?: unknown; readonly name?: unknown }
      const failure = String(code ?? name)
      const isAnyRow = refusesRow(error, failure) && writesManyRows(operation)
      return { text: isAnyRow ? 'a row is refused' : this.#observer.describe(error), failure }
    }
  }

  async #run(operation: Operation): Promise<unknown> {
    switch (operation.kind) {
      case 'model':
      case 'raw':
        return this.#sorted(operation, await this.#make(this.#client, operation))
      case 'together':
        return Promise.all(
          operation.parts.map(async (part) => this.#sorted(part, await this.#make(this.#client, part))),
        )
      case 'array': {
        const made = operation.parts.map((part) => this.#make(this.#client, part))
        const answers: unknown[] = await this.#client.$transaction(made as never, options)
        return answers.map((answer, n) => this.#sorted(operation.parts[n], answer))
      }
      default:
        return this.#transact(operation.parts, operation.kind === 'rolled back')
    }
  }

  async #transact(
    parts: readonly (ModelOperation | RawOperation)[],
    isRolledBack: boolean,
  ): Promise<unknown> {
    const answers: unknown[] = []
    const change = new Error('the caller has changed their mind')
    try {
      await this.#client.$transaction(async (tx) => {
        for (const part of parts) answers.push(this.#sorted(part, await this.#make(tx, part)))
        if (isRolledBack) throw change
      }, options)
    } catch (error) {
      if (error !== change) throw error
    }
    return answers
  }

  #make(client: Client, operation: ModelOperation | RawOperation): PromiseLike<unknown> {
    if (operation.kind === 'raw') {
      const statement = rawStatements[operation.statement]
      if (!statement) throw new RangeError('there is no such statement')
      const texts = Object.assign([...statement.texts], { raw: statement.texts })
      return client[statement.method](texts, ...operation.values.map((value) => this.#resolved(value)))
    }
    const { model, operation: method, args, follow } = operation
    type Method = (args: unknown) => PromiseLike<unknown> & Readonly<Record<string, Method>>
    const delegates = client as unknown as Readonly<Record<string, Readonly<Record<string, Method>>>>
    const found = delegates[model.charAt(0).toLowerCase() + model.slice(1)]?.[method]?.(this.#resolved(args))
    const made = follow ? found?.[follow.relation]?.(this.#resolved(follow.args)) : found
    if (!made) throw new TypeError(`a client has no ${model}.${method}`)
    return made
  }

  /** Ids in place of names. */
  #resolved(value: unknown): unknown {
    if (value instanceof Name) return value.idIn(this.#scene)
    if (value instanceof Email) return `${value.person.idIn(this.#scene)}@example.org`
    if (value instanceof Generated) {
      return this.#observer.generated(value.index) ?? new Name('nobody', 'Tenant', 2).idIn(this.#scene)
    }
    if (Array.isArray(value)) return value.map((part) => this.#resolved(part))
    // null of a document's is an object of Prisma's own, and stays what it is
    if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
      return value
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, this.#resolved(part)]))
  }

  #sorted(operation: ModelOperation | RawOperation | undefined, answer: unknown): unknown {
    if (operation?.kind !== 'model') return answer
    const { model, args, follow } = operation
    if (!follow) return sorted(model, args, answer)
    const other = relationsOf(model).find(({ name }) => name === follow.relation)?.model ?? model
    return sorted(other, follow.args, answer)
  }
}

/**
 * Whether a row was refused for its own content: keys that are taken, missing or in use, a check of its table, and the
 * life cycles.
 */
function refusesRow(error: unknown, failure: string): boolean {
  if (failure === 'P2002' || failure === 'P2003' || /^DH5\d\d$/.test(failure)) return true
  const { meta } = error as { readonly meta?: { readonly driverAdapterError?: { readonly cause?: unknown } } }
  const cause = meta?.driverAdapterError?.cause as { readonly originalCode?: unknown } | undefined
  return cause?.originalCode === '23514'
}

const manyRows: ReadonlySet<string> = new Set([
  'updateMany',
  'updateManyAndReturn',
  'deleteMany',
  'connect',
  'disconnect',
  'set',
  'delete',
])

/**
 * Whether one statement may write several rows. Which of them it comes to first, and so which refusal it ends with,
 * is the database's choice.
 */
function writesManyRows(operation: Operation): boolean {
  if (operation.kind === 'raw') return false
  if (operation.kind !== 'model') return operation.parts.some(writesManyRows)
  return manyRows.has(operation.operation) || namesManyRows(operation.args)
}

function namesManyRows(args: unknown): boolean {
  if (typeof args !== 'object' || args === null || args instanceof Date) return false
  if (Array.isArray(args)) return args.some(namesManyRows)
  return Object.entries(args).some(([key, part]) => manyRows.has(key) || namesManyRows(part))
}
