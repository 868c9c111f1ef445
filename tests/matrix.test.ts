import { inspect } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { useScopesDatabase } from './fixtures/scopes/scopes-database.ts'
import { hulls, titleOf } from './matrix/attack.ts'
import { DatabaseState } from './matrix/database-state.ts'
import { attacksOn } from './matrix/matrix-attacks.ts'
import { type MatrixClient, runAttacks } from './matrix/run-matrix.ts'
import { plantScene } from './matrix/scene.ts'
import { readSchemaShape } from './matrix/schema-shape.ts'
import { useTestDatabase } from './support/test-database.ts'
import { writeFileSync } from 'node:fs'

const which = process.env['WHICH'] ?? 'scopes'
const db = which === 'scopes' ? useScopesDatabase() : useTestDatabase()
it('explore', { timeout: 600000 }, async () => {
  const manifest = (which === 'scopes' ? (db as any).manifest : (await import('../src/generated/tenancy.ts')).manifest)
  const shape = await readSchemaShape(db.admin, manifest)
  const database = new DatabaseState(db.admin, manifest)
  const appendOnly = new Map(which === 'scopes' ? [] : ['Activation','ApprovalDecision','AuditEvent'].map((m) => [m, 'append-only'] as const))
  const scene = await plantScene(database, manifest, shape, appendOnly)
  const attacks = Object.keys(manifest.models).flatMap((m) => attacksOn(scene, m))
  const out: string[] = [`attacks ${attacks.length} held ${attacks.filter((a) => a.heldBySchema).length}`]
  const titles = new Set(attacks.map(titleOf)); out.push(`titles ${titles.size}`)
  let t = Date.now()
  const none = await runAttacks(attacks, db.none as unknown as MatrixClient, scene, database)
  out.push(`none ${Date.now() - t} ms`)
  for (const [a, v] of none) {
    if (a.heldBySchema) { if (v.reached) out.push('HELD BUT REACHED ' + titleOf(a) + ' ' + v.reached); else if(!v.error) out.push('HELD NO ERROR ' + titleOf(a)); continue }
    if (!v.reached) out.push('UNPROVEN ' + titleOf(a) + '\n   ' + inspect(a.args, {depth: null, breakLength: 200}).slice(0, 600) + '\n   ' + (v.error ? v.error.message.split('\n').filter(l=>/Argument|Unknown|Invalid value|violat|constraint|required|missing|Provide/i.test(l)).slice(-3).join(' / ').slice(0,400) + v.error.message.slice(-300).replaceAll('\n',' ') : 'no error'))
  }
  for (const hull of hulls) {
    t = Date.now()
    const client = db[hull].client({ tenantId: scene.tenantA }) as unknown as MatrixClient
    const res = await runAttacks(attacks, client, scene, database)
    out.push(`${hull} ${Date.now() - t} ms`)
    const errs: Record<string, number> = {}
    for (const [a, v] of res) {
      const e = v.error ? (v.error.name + ' ' + ((v.error as any).code ?? '')) : 'ok'
      errs[e] = (errs[e] ?? 0) + 1
      if (v.reached && !a.heldBySchema && a.limit?.hull !== hull) out.push(`LEAK ${hull} ${titleOf(a)}: ${v.reached}\n   ` + inspect(a.args, {depth: null, breakLength: 200}).slice(0, 600))
      if (v.error?.name === 'PrismaClientValidationError' && !a.heldBySchema) out.push(`INVALID ${hull} ${titleOf(a)} ` + v.error.message.slice(-200).replaceAll('\n', ' '))
      if (v.error?.name === 'PrismaClientUnknownRequestError' && !a.heldBySchema) out.push(`UNKNOWN ${hull} ${titleOf(a)} ` + v.error.message.slice(-200).replaceAll('\n', ' '))
    }
    out.push(JSON.stringify(errs))
  }
  writeFileSync(`/tmp/matrix-${which}.txt`, out.join('\n'))
})
