import { type Level, levels } from './finding.ts'
import { type Judge, judges } from './judges.ts'
import { readSqlFiles, type SqlFile } from './sql-files.ts'

/** A question to the catalog: one file of `checks/`. */
export interface Check {
  readonly code: string
  readonly title: string
  readonly level: Level
  /** Which attacks of docs/attacks.md it finds the way for. */
  readonly attacks: readonly string[]
  /** Cheap, and what it finds is fatal: asked whenever a client connects. */
  readonly startup: boolean
  readonly sql: string
  /** Has the last word on each row, where SQL alone can't tell. */
  readonly judge: Judge | undefined
}

/**
 * All checks, in the order of their codes. A file is called `DH310_what_it_finds.sql` and begins with comments: the
 * title, then `level:`, `attacks:` and perhaps `startup: yes`, a line each. What follows is one query with the columns
 * `object`, `detail` and `remedy`, which may ask of all that `prelude.sql` names; and `evidence`, a jsonb, where the check
 * has a judge.
 *
 * @throws Error for a file that does not say what it is
 */
export function loadChecks(): readonly Check[] {
  loaded ??= readSqlFiles().checks.map(parseCheck)
  return loaded
}

let loaded: readonly Check[] | undefined

function parseCheck({ name, text }: SqlFile): Check {
  const code = /^(DH3[1-7]\d)_[a-z0-9_]+\.sql$/.exec(name)?.[1]
  const lines = text.split('\n')
  const end = lines.findIndex((line) => !line.startsWith('--'))
  const header = lines.slice(0, end).map((line) => line.slice(2).trim())
  const valueOf = (key: string) =>
    header
      .find((line) => line.startsWith(`${key}:`))
      ?.slice(key.length + 1)
      .trim()
  const firstKey = header.findIndex((line) => /^[a-z]+:/.test(line))
  const title = header.slice(0, firstKey).join(' ').trim()
  const level = levels.find((one) => one === valueOf('level'))
  if (code === undefined || title === '' || level === undefined) {
    throw new Error(`the check ${name} does not say its code, its title or its level`)
  }
  return {
    code,
    title,
    level,
    attacks: valueOf('attacks')?.split(/[ ,]+/) ?? [],
    startup: valueOf('startup') === 'yes',
    sql: lines.slice(end).join('\n').trim().replace(/;$/, ''),
    judge: judges.get(code),
  }
}
