/**
 * `prisma-rls`, as its README says: a Prisma extension for each request, which adds conditions to `where`. The
 * database has no part in it, so it logs in as plain Prisma does.
 */
import { readdir, readFile } from 'node:fs/promises'
import { getDMMF } from '@prisma/get-dmmf'
import { createRlsExtension, type ExtensionOptions, type ModelPermissionsConfig } from 'prisma-rls'
import { clientContender, type OpenContender, type TransactionalDatabase } from '../contenders/contender.ts'
import { openPrisma } from '../contenders/open-prisma.ts'

interface Context {
  readonly tenantId: string
}

export const open: OpenContender = async ({ bypassUrl }, connections) => {
  const prisma = openPrisma(bypassUrl, connections)
  const dmmf = await readDmmf()
  const permissionsConfig = permissionsOf(dmmf)
  return clientContender(
    'prisma-rls',
    { where: false, data: true },
    (tenantId) =>
      prisma.$extends(
        createRlsExtension({ dmmf, permissionsConfig, context: { tenantId } }),
      ) as unknown as TransactionalDatabase,
    () => prisma.$disconnect(),
  )
}

/** What Prisma's generators are given, read from the schema as the package's README does. */
async function readDmmf(): Promise<ExtensionOptions['dmmf']> {
  const folder = new URL('../../prisma/schema/', import.meta.url)
  const files = (await readdir(folder)).filter((file) => file.endsWith('.prisma'))
  const datamodel = await Promise.all(
    files.map(
      async (file): Promise<[string, string]> => [file, await readFile(new URL(file, folder), 'utf8')],
    ),
  )
  const dmmf = getDMMF({ datamodel })
  if ('reason' in dmmf) throw dmmf.error
  return dmmf
}

type Permissions = ModelPermissionsConfig<never, never, never>

function permissionsOf(dmmf: ExtensionOptions['dmmf']): ExtensionOptions['permissionsConfig'] {
  const permissions = dmmf.datamodel.models.map(({ name, fields }) => [
    name,
    name === 'Tenant'
      ? heldBy('id')
      : fields.some((field) => field.name === 'tenantId')
        ? heldBy('tenantId')
        : { read: false, create: false, update: false, delete: false },
  ])
  return Object.fromEntries(permissions) as ExtensionOptions['permissionsConfig']
}

function heldBy(field: string): Permissions {
  const isOwn = ({ tenantId }: Context) => ({ [field]: { equals: tenantId } })
  // create is a yes or a no: the package has no condition for it
  return { read: isOwn, create: true, update: isOwn, delete: isOwn } as unknown as Permissions
}
