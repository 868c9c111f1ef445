import type { AttackScene } from './attack-scene.ts'

/** SQL that may depend on the scene. */
export type SceneSql = string | ((scene: AttackScene) => string)

/** How a mitigation is taken away, as an administrator, and what puts it right again. */
export interface Removal {
  readonly take?: SceneSql
  /** Nothing, where it is gone with the schema of the attack. */
  readonly putBack?: SceneSql
  /** The tenants' code logs in as the migrator, and not as the application. */
  readonly logsInAsMigrator?: boolean
}

/** True when tenant A has got, or changed, something of tenant B's. An error of the database counts as false. */
export type Attempt = (scene: AttackScene) => Promise<boolean>

/**
 * An attack of tenant A on tenant B through SQL of the application's role, in A's context: hull two alone. It fails,
 * and it succeeds as soon as any one of its mitigations is taken away.
 */
export interface Attack {
  /** As in docs/attacks.md. */
  readonly id: string
  readonly claim: string
  /** The versions of PostgreSQL that it is about; by default all. */
  readonly majors?: readonly number[]
  /** What there is beside `attacks.note`, made as an administrator. */
  readonly prepare?: SceneSql
  /** What of `prepare` would outlive the schemas of the attack. */
  readonly cleanUp?: SceneSql
  readonly attempts: Readonly<Record<string, Attempt>>
  /** The attempts undo what they do, so that one scene is enough for all of them. */
  readonly undone?: true
  readonly without: Readonly<Record<string, Removal>>
}

/** What one tenant learns of another all the same: written down, and not prevented. */
export interface KnownLeak {
  readonly id: string
  readonly claim: string
  readonly prepare?: SceneSql
  readonly attempt: Attempt
  /** The same, asked of a tenant that does what SECURITY.md advises. */
  readonly avoided?: Attempt
}
