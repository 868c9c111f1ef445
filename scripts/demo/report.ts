import { styleText } from 'node:util'
import type { AttackResult } from './attacks.ts'
import type { HullName } from './hulls.ts'
import type { Governed } from './life-cycle.ts'

/** The machine-readable outcome: what `npm run demo -- --json` prints. */
export interface DemoReport {
  readonly tenants: number
  readonly attacks: readonly AttackResult[]
  readonly leaks: number
}

const titles: Record<HullName, string> = {
  one: 'hull one',
  two: 'hull two',
  both: 'both',
  none: 'no hull',
}

type Style = Parameters<typeof styleText>[0]

/** Colours on a terminal; plain text in a pipe, in a file and where NO_COLOR says so. */
export function paint(style: Style, text: string): string {
  const colours = process.stdout.isTTY && !process.env['NO_COLOR']
  return colours ? styleText(style, text) : text
}

export function auditTrail({ name, audit }: Governed): string {
  const rows = audit.map(({ at, actor, action }) => `  ${at.toISOString()}  ${actor.padEnd(8)}  ${action}`)
  return [paint('bold', `Audit trail of ${name}`), ...rows].join('\n')
}

export function attackTable(attacks: readonly AttackResult[]): string {
  const names = [...new Set(attacks.map(({ name }) => name))]
  const hulls = [...new Set(attacks.map(({ hull }) => hull))]
  const width = Math.max(...names.map((name) => name.length))
  const cell = (name: string, hull: HullName) => {
    const blocked = attacks.find((attack) => attack.name === name && attack.hull === hull)?.blocked
    return blocked ? paint('green', 'blocked '.padEnd(9)) : paint('red', 'LEAKED'.padEnd(9))
  }
  return [
    paint('bold', `${'attack'.padEnd(width)}  ${hulls.map((hull) => titles[hull].padEnd(9)).join('  ')}`),
    ...names.map((name) => `${name.padEnd(width)}  ${hulls.map((hull) => cell(name, hull)).join('  ')}`),
  ].join('\n')
}
