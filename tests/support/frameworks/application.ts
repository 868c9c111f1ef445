import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import type { PrismaClient } from '../../../src/generated/prisma/client.ts'
import type { Tenancy, TenantClient, TenantContext } from '../../../src/index.ts'
import {
  allAgree,
  type TenantResolver,
  tenantFromHeader,
  tenantFromJwt,
  tenantFromSubdomain,
} from '../../../src/resolve/index.ts'
import { issuer } from '../issuer.ts'

/** What is asked of every framework's server, at the same paths. */
export class Application {
  readonly #tenancy: Tenancy<PrismaClient>
  /** The control: a client of one tenant that a module keeps for all of its requests. */
  readonly #kept: TenantClient<PrismaClient>

  constructor(tenancy: Tenancy<PrismaClient>, keptTenantId: string) {
    this.#tenancy = tenancy
    this.#kept = tenancy.client({ tenantId: keptTenantId })
  }

  /**
   * `GET /packages`
   *
   * @param seen the context that the framework shows its handlers
   */
  async list(seen: TenantContext | null | undefined) {
    await pause(Math.random() * 10)
    const before = await this.#names(this.#tenancy.client())
    await turn()
    const after = await this.#names(this.#tenancy.client())
    return { tenantId: this.tenantId, seen: seen?.tenantId, names: [...before, ...after] }
  }

  /** `POST /packages` */
  async create({ key, name }: { readonly key: string; readonly name: string }) {
    await pause(Math.random() * 10)
    const made = await this.#tenancy.client().configPackage.create({ data: { key, name } })
    return { tenantId: this.tenantId, names: [made.tenantId] }
  }

  /** `GET /kept`: as {@link list}, with the client that is kept. */
  async kept(seen: TenantContext | null | undefined) {
    return { tenantId: this.tenantId, seen: seen?.tenantId, names: await this.#names(this.#kept) }
  }

  /** `GET /stream`: a line for each of three reads, with a pause between. */
  async *stream(): AsyncGenerator<string> {
    for (const _ of [1, 2, 3]) {
      await pause(5)
      const names = await this.#names(this.#tenancy.client())
      yield `${names.join()}\n`
    }
  }

  /** A body that is read when the handler has returned, with the client that the handler has made. */
  pulled(): ReadableStream<Uint8Array> {
    const db = this.#tenancy.client()
    let lines = 0
    return new ReadableStream({
      pull: async (controller) => {
        const ambient = this.tenantId
        await pause(5)
        const names = await this.#names(db)
        controller.enqueue(new TextEncoder().encode(`${names.join()} ${ambient}\n`))
        lines += 1
        if (lines === 3) controller.close()
      },
    })
  }

  /** `GET /failure` */
  async fail(): Promise<never> {
    await pause(5)
    throw new RangeError('the handler has failed')
  }

  /** `GET /health`, which is nobody's */
  health() {
    return { tenantId: this.tenantId }
  }

  /** `GET /health/mistaken`: asks for a tenant where there is none. */
  mistaken() {
    return this.#names(this.#tenancy.client())
  }

  /** What the framework's error handling answers to {@link fail}, with status 500. */
  failure(error: unknown) {
    return { handled: (error as Error).message, tenantId: this.tenantId }
  }

  get tenantId(): string | null {
    return this.#tenancy.current()?.tenantId ?? null
  }

  async #names(db: TenantClient<PrismaClient>): Promise<string[]> {
    const found = await db.configPackage.findMany({ where: { key: 'package' }, select: { name: true } })
    return found.map(({ name }) => name)
  }
}

/** By token; and for requests that come through the gateway, by its header and by their subdomain. */
export function applicationResolver(tenantIds: ReadonlyMap<string, string>): TenantResolver {
  const byToken = tenantFromJwt(issuer.verify)
  const byGateway = allAgree(
    tenantFromHeader({ name: 'x-tenant-id' }),
    tenantFromSubdomain({ domain: 'example.com', lookup: async (slug) => tenantIds.get(slug) }),
  )
  return (request) => (request.header('x-gateway') === undefined ? byToken(request) : byGateway(request))
}
