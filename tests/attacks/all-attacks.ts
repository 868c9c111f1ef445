import type { Attack } from './attack.ts'
import { contextAttacks } from './context-attacks.ts'
import { keyAttacks } from './key-attacks.ts'
import { objectAttacks } from './object-attacks.ts'
import { policyAttacks } from './policy-attacks.ts'
import { roleAttacks } from './role-attacks.ts'
import { sideChannelAttacks } from './side-channels.ts'
import { statementAttacks } from './statement-attacks.ts'

export { knownLeaks } from './side-channels.ts'

/** Every attack that a mitigation stops. */
export const attacks: readonly Attack[] = [
  ...roleAttacks,
  ...contextAttacks,
  ...keyAttacks,
  ...policyAttacks,
  ...objectAttacks,
  ...statementAttacks,
  ...sideChannelAttacks,
]
