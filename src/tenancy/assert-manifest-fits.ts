import { TenancyError } from '../errors.ts'
import type { Manifest } from '../manifest/manifest.ts'

/** Prisma's description of its own models. Internal, so its absence is an error and not a pass. */
interface RuntimeDataModel {
  readonly models: Readonly<
    Record<
      string,
      { readonly fields: readonly { readonly name: string; readonly kind: string; readonly type: string }[] }
    >
  >
}

/**
 * Compares the manifest with the client it is to scope. A relation that the manifest does not know would be
 * passed through unscoped, so a manifest of an older schema must not be used.
 *
 * @throws {TenancyError} `DH208` naming the first difference
 */
export function assertManifestFits(manifest: Manifest, client: object): void {
  if (manifest.version !== 1) throw misfit('the manifest is of another version of this package')
  const runtime = (client as { readonly _runtimeDataModel?: RuntimeDataModel })._runtimeDataModel
  if (!runtime)
    throw misfit('the client does not describe its models; this version of Prisma is not supported')

  for (const [name, { fields }] of Object.entries(runtime.models)) {
    const model = manifest.models[name]
    if (!model) throw misfit(`the manifest lacks the model ${name}`, name)
    for (const field of fields) {
      const known =
        field.kind === 'object'
          ? model.relations[field.name]?.model === field.type
          : Object.hasOwn(model.columns, field.name)
      if (!known) throw misfit(`the manifest lacks ${name}.${field.name}`, name)
    }
  }
  for (const name of Object.keys(manifest.models)) {
    if (!runtime.models[name]) throw misfit(`the client lacks the model ${name} of the manifest`, name)
  }
}

function misfit(what: string, model?: string): TenancyError {
  return new TenancyError('DH208', `${what}; run prisma generate and use both of its outputs`, {
    details: model === undefined ? {} : { model },
  })
}
