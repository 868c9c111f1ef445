import type { DMMF } from '@prisma/generator-helper'
import { TenancyError } from '../../errors.ts'
import { commonestField, type TenantCandidate, tenantCandidates } from './tenant-candidates.ts'
import { choose, type Terminal } from './terminal.ts'

/** What the flags say of the tenant. */
export interface GivenTenant {
  readonly model: string | undefined
  readonly fields: readonly string[]
}

/** Who the tenants are. */
export interface ChosenTenant {
  readonly model: string
  readonly fields: readonly string[]
}

/**
 * Settles who the tenants are: as the flags say, as somebody at a terminal says, or, without one, where only one model
 * has a tenant's name.
 *
 * @throws {TenancyError} `DH304` where it can't be told, with the flag to give
 */
export async function chooseTenant(
  datamodel: DMMF.Datamodel,
  given: GivenTenant,
  terminal: Terminal | undefined,
): Promise<ChosenTenant> {
  const candidates = tenantCandidates(datamodel)
  const candidate =
    given.model === undefined
      ? await likeliest(datamodel, candidates, terminal)
      : namedOne(datamodel, candidates, given.model)
  if (given.fields.length > 0) return { model: candidate.model, fields: given.fields }
  const commonest = commonestField(candidate.fields)
  if (commonest.length > 0) return { model: candidate.model, fields: commonest }
  // nothing refers to it yet; whatever the first one does will be called so
  const { model } = candidate
  return { model, fields: [`${model.charAt(0).toLowerCase()}${model.slice(1)}Id`] }
}

function namedOne(
  { models }: DMMF.Datamodel,
  candidates: readonly TenantCandidate[],
  model: string,
): TenantCandidate {
  if (!models.some(({ name }) => name === model))
    throw new TenancyError(
      'DH304',
      `--tenant-model ${model} names no model of the schema; its models are ${listed(models)}`,
    )
  return (
    candidates.find((candidate) => candidate.model === model) ?? {
      model,
      fields: [],
      referringModels: 0,
      hasTenantName: true,
    }
  )
}

async function likeliest(
  { models }: DMMF.Datamodel,
  candidates: readonly TenantCandidate[],
  terminal: Terminal | undefined,
): Promise<TenantCandidate> {
  const named = candidates.filter(({ hasTenantName }) => hasTenantName)
  const [only, ...others] = named
  if (terminal && candidates.length > 0) {
    const choices = candidates.slice(0, 9).map((candidate) => ({
      label: `${candidate.model}: ${referring(candidate)}`,
      value: candidate,
    }))
    return choose(
      terminal,
      'Which model is the tenant: whose rows may never meet another’s?',
      choices,
      named.length > 0 ? 0 : undefined,
    )
  }
  if (only && others.length === 0) return only
  throw new TenancyError(
    'DH304',
    only
      ? `several models may be the tenant; choose with ${named.map((one) => `--tenant-model ${one.model} (${referring(one)})`).join(' or ')}`
      : `no model looks like a tenant; name it with --tenant-model, one of ${listed(models)}`,
  )
}

function referring({ referringModels, fields }: TenantCandidate): string {
  const field = fields[0] === undefined ? '' : ` by ${fields[0]}`
  return referringModels === 1
    ? `1 model refers to it${field}`
    : `${referringModels} models refer to it${field}`
}

function listed(models: readonly DMMF.Model[]): string {
  const names = models.map(({ name }) => name)
  return names.length > 20 ? `${names.slice(0, 20).join(', ')}, …` : names.join(', ')
}
