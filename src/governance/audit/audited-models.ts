import type { InputIssue } from '../../errors.ts'
import { manifest as bundled } from '../../generated/tenancy.ts'
import type { Manifest } from '../../manifest/manifest.ts'
import { invalid } from '../checked-input.ts'

const auditedSchemas: ReadonlySet<string> = new Set(['governance', 'audit'])

/** Tables whose changes the database records by itself, or that are the record. */
const auditedByDatabase: ReadonlySet<string> = new Set(
  Object.values(bundled.models)
    .filter(({ schema }) => auditedSchemas.has(schema))
    .map(({ schema, table }) => `${schema}.${table}`),
)

/** What of the settings of an audit extension names models and fields. */
export interface AuditedNames {
  readonly models?: readonly string[]
  readonly mask?: Readonly<Record<string, readonly string[]>>
}

/**
 * The models whose writes are recorded: those that are named or else all that tenants write, without those that the
 * database records by itself.
 *
 * @throws {TenancyError} `DH506` for names that the schema has not: a mask with a wrong name would hide nothing
 */
export function auditedModels(manifest: Manifest, { models, mask = {} }: AuditedNames): ReadonlySet<string> {
  const issues: InputIssue[] = []
  for (const [at, name] of (models ?? []).entries()) {
    const model = Object.hasOwn(manifest.models, name) ? manifest.models[name] : undefined
    if (!model) issues.push({ path: ['models', at], message: 'must name a model of the manifest' })
    else if (auditedByDatabase.has(`${model.schema}.${model.table}`)) {
      issues.push({
        path: ['models', at],
        message: 'must name a model that the database does not audit by itself',
      })
    }
  }
  for (const [name, fields] of Object.entries(mask)) {
    const model = Object.hasOwn(manifest.models, name) ? manifest.models[name] : undefined
    if (!model) {
      issues.push({ path: ['mask', name], message: 'must name a model of the manifest' })
      continue
    }
    for (const [at, field] of fields.entries()) {
      if (Object.hasOwn(model.columns, field)) continue
      issues.push({ path: ['mask', name, at], message: 'must name a field of the model that has a column' })
    }
  }
  if (issues.length > 0) {
    throw invalid('the audit extension', issues)
  }
  const written = Object.entries(manifest.models)
    .filter(([name, { schema, table, readOnly, scope }]) => {
      const isTenants = !readOnly && scope.kind !== 'global' && scope.kind !== 'system'
      return isTenants && name !== 'AuditEvent' && !auditedByDatabase.has(`${schema}.${table}`)
    })
    .map(([name]) => name)
  return new Set(models ?? written)
}
