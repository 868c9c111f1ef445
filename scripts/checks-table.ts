// Writes docs/checks/README.md, the table of all checks: npx tsx scripts/checks-table.ts
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { loadChecks } from '../src/catalog/index.ts'

/** The text of docs/checks/README.md. */
export function checksTable(): string {
  const cells = loadChecks().map(({ code, level, title, attacks, startup }) => [
    `[${code}](${code}.md)`,
    level,
    title.replace(/\.$/, '').replaceAll('|', '\\|'),
    attacks.map((attack) => `[${attack}](../attacks.md)`).join(' '),
    startup ? 'yes' : '',
  ])
  const rows = [['check', 'level', 'what it finds', 'attacks', 'start-up'], ...cells]
  // aligned, as the formatter has tables
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const [head = [], ...rest] = rows
  const rule = widths.map((width) => '-'.repeat(width))
  return `# What doublehull verify looks for

[The command](../verify.md) makes these checks; each page tells the attack and the mend. A level says how bad it is:
\`error\` is a way in, or hull two does not hold; \`warning\` a weakness or a missing second line; \`info\` worth knowing.
Those marked start-up are asked whenever a client connects.

${[head, rule, ...rest].map(line).join('\n')}

This table is written by \`npx tsx scripts/checks-table.ts\`.
`
}

const path = fileURLToPath(new URL('../docs/checks/README.md', import.meta.url))
if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(path, checksTable())
