import { describe, expect, it } from 'vitest'
import { manifest as bundledManifest } from '../src/generated/tenancy.ts'
import type { Manifest } from '../src/manifest/manifest.ts'
import { defaultRoleNames, prismaPolicyBlocks } from '../src/policy/index.ts'
import { policiesOf } from '../src/policy/policy.ts'
import { shopManifest } from './support/shop.ts'

/** The manifest of one model, and the names that its policies have. */
function customerOnly() {
  const { Customer, Shop } = shopManifest('sales').models
  if (!Customer || !Shop) throw new Error('the shop has other models')
  const manifest: Manifest = {
    ...shopManifest('sales'),
    models: { Customer: { ...Customer, relations: {} } },
  }
  const policies = policiesOf(manifest, defaultRoleNames)[0]?.policies ?? []
  const [guard, select, insert, update, remove, owner, system] = policies.map(({ name }) => name)
  const [using, withCheck] = [policies[0]?.using, policies[0]?.withCheck]
  const tenant = policies[1]?.using
  return {
    manifest,
    guard,
    select,
    insert,
    update,
    remove,
    owner,
    system,
    using,
    withCheck,
    tenant,
    write: policies[2]?.withCheck,
  }
}

describe('prismaPolicyBlocks', () => {
  it('writes each policy as a block of Prisma 8, by its own name', () => {
    const {
      manifest,
      guard,
      select,
      insert,
      update,
      remove,
      owner,
      system,
      using,
      withCheck,
      tenant,
      write,
    } = customerOnly()
    expect(tenant).toContain('"tenant_id" = (select tenancy.require_tenant_id())')
    expect(prismaPolicyBlocks(manifest)).toBe(`namespace sales {
  policy_all Customer_${guard} {
    target     = Customer
    roles      = [doublehull_app, doublehull_reader]
    using      = sql\`${using}\`
    withCheck  = sql\`${withCheck}\`
    permissive = false
    @@map("${guard}")
  }

  policy_select Customer_${select} {
    target = Customer
    roles  = [doublehull_app, doublehull_reader]
    using  = sql\`${tenant}\`
    @@map("${select}")
  }

  policy_insert Customer_${insert} {
    target    = Customer
    roles     = [doublehull_app]
    withCheck = sql\`${write}\`
    @@map("${insert}")
  }

  policy_update Customer_${update} {
    target    = Customer
    roles     = [doublehull_app]
    using     = sql\`${tenant}\`
    withCheck = sql\`${write}\`
    @@map("${update}")
  }

  policy_delete Customer_${remove} {
    target = Customer
    roles  = [doublehull_app]
    using  = sql\`${tenant}\`
    @@map("${remove}")
  }

  policy_all Customer_${owner} {
    target    = Customer
    roles     = [doublehull_owner]
    using     = sql\`true\`
    withCheck = sql\`true\`
    @@map("${owner}")
  }

  policy_all Customer_${system} {
    target    = Customer
    roles     = [doublehull_system]
    using     = sql\`true\`
    withCheck = sql\`true\`
    @@map("${system}")
  }
}

namespace unbound {
  role doublehull_app {}
  role doublehull_reader {}
  role doublehull_owner {}
  role doublehull_system {}
}
`)
  })

  it('writes every policy of the bundled schema once, in the namespace of its schema', () => {
    const text = prismaPolicyBlocks(bundledManifest)
    const tables = policiesOf(bundledManifest, defaultRoleNames)
    for (const schema of new Set(tables.map((table) => table.schema))) {
      const [, inside = ''] = text.split(`namespace ${schema} {`)
      const namespace = inside.split('\n}\n')[0] ?? ''
      const names = [...namespace.matchAll(/@@map\("(\w+)"\)/g)].map(([, name]) => name)
      const wanted = tables.filter((table) => table.schema === schema).flatMap((table) => table.policies)
      expect(names).toEqual(wanted.map(({ name }) => name))
      const heads = [...namespace.matchAll(/^ {2}policy_\w+ (\w+) \{$/gm)].map(([, head]) => head)
      expect(new Set(heads).size).toBe(wanted.length)
    }
  })

  it('names the tables that have no model, and refuses names that the language cannot hold', () => {
    const { manifest } = customerOnly()
    const { Customer } = manifest.models
    if (!Customer) throw new Error('the shop has no customers')
    const joined = {
      ...manifest,
      joinTables: [{ schema: 'sales', table: '_Pairs', a: 'Customer', b: 'Customer' }],
    }
    expect(prismaPolicyBlocks(joined)).toContain(
      '  // _Pairs has no model: create its policies in a migration\n}',
    )
    expect(() => prismaPolicyBlocks(manifest, { ...defaultRoleNames, app: 'my app' })).toThrow(
      /DH304.*"my app"/,
    )
    const odd = { ...Customer, columns: { ...Customer.columns, tenant_id: 'tenant`id' } }
    expect(() => prismaPolicyBlocks({ ...manifest, models: { Customer: odd } })).toThrow(/DH304.*backtick/)
  })
})
