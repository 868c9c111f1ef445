import { doublehullName } from './contenders/doublehull.ts'
import { type NetworkName, networkNames } from './figures.ts'
import { workload } from './plan.ts'
import type { BenchReport, Comparison } from './report.ts'

const layout = {
  width: 860,
  margin: 24,
  names: 190,
  gap: 28,
  bar: 14,
  line: 22,
  /** Room after the longest bar for its figure. */
  figure: 44,
} as const

const columnWidth =
  (layout.width - 2 * layout.margin - layout.names - networkNames.length * layout.gap) / networkNames.length

interface Panel {
  readonly title: string
  readonly better: string
  readonly figure: (found: Comparison, network: NetworkName) => number | undefined
}

const panels: readonly Panel[] = [
  {
    title: 'Latency of findFirst, one caller',
    better: 'plain Prisma = 1, less is better',
    figure: ({ latency }, network) => latency.findFirst?.[network],
  },
  {
    title: `Calls a second, ${workload.callers} callers for ${workload.tenants} tenants on ${workload.connections} connections`,
    better: 'plain Prisma = 1, more is better',
    figure: ({ throughput }, network) => throughput[network],
  },
]

/**
 * Draws latency and throughput of findFirst into an SVG image: each way of doing it is a line, near and far are
 * columns. It is drawn for light and for dark pages.
 */
export function benchChart(report: BenchReport): string {
  const lines: readonly (readonly [string, Comparison])[] = [
    [report.floor, floorOf(report)],
    [doublehullName, report],
    ...Object.entries(report.ways),
    ...Object.entries(report.peers).filter(([, { unavailable }]) => unavailable === undefined),
  ]
  const parts: string[] = []
  let y = layout.margin + 16
  for (const [index, network] of networkNames.entries()) {
    parts.push(text(columnStart(index), y, 'head', headings(report)[network]))
  }
  for (const panel of panels) {
    y += 34
    parts.push(
      `<text x="${layout.margin}" y="${y}"><tspan class="title">${escape(panel.title)}</tspan><tspan class="quiet" dx="10">${escape(panel.better)}</tspan></text>`,
    )
    y += 14
    const largest = Math.max(
      ...lines.flatMap(([, found]) => networkNames.map((network) => panel.figure(found, network) ?? 0)),
    )
    for (const [name, found] of lines) {
      const label = leaks(found) && name !== report.floor ? `${name} †` : name
      parts.push(
        text(layout.margin, y + layout.bar - 3, name === doublehullName ? 'own name' : 'name', label),
      )
      for (const [index, network] of networkNames.entries()) {
        parts.push(bar(columnStart(index), y, kindOf(name, report), panel.figure(found, network), largest))
      }
      y += layout.line
    }
  }
  y += 22
  if (lines.some(([name, found]) => leaks(found) && name !== report.floor)) {
    parts.push(
      text(layout.margin, y, 'quiet', '† some of its operations let one tenant reach the rows of another'),
    )
    y += layout.line
  }
  parts.push(text(layout.margin, y, 'quiet', footnote(report)))
  return svg(y + layout.margin, parts)
}

function leaks(found: Comparison): boolean {
  return (found.leaks ?? []).length > 0
}

function floorOf(report: BenchReport): Comparison {
  const one = { loopback: 1, delayed: 1 }
  return { ...report, latency: { findFirst: one }, throughput: one }
}

function headings({ roundTrip }: BenchReport): Readonly<Record<NetworkName, string>> {
  return {
    loopback: `loopback (${roundTrip.loopback.toFixed(1)} ms there and back)`,
    delayed: `delayed (${roundTrip.delayed.toFixed(1)} ms there and back)`,
  }
}

function footnote({ environment: { node, postgresql, cpus, cpu } }: BenchReport): string {
  return `npm run bench: medians of interleaved rounds. Node ${node}, PostgreSQL ${postgresql}, ${cpus} × ${cpu}.`
}

function kindOf(name: string, { floor }: BenchReport): string {
  return name === doublehullName ? 'own' : name === floor ? 'floor' : 'other'
}

function columnStart(index: number): number {
  return layout.margin + layout.names + layout.gap + index * (columnWidth + layout.gap)
}

function bar(x: number, y: number, kind: string, value: number | undefined, largest: number): string {
  if (value === undefined) return text(x, y + layout.bar - 3, 'quiet', 'not measured')
  const width = Math.max(1, ((columnWidth - layout.figure) * value) / largest)
  return [
    `<rect class="${kind}" x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${layout.bar}" rx="2"/>`,
    text(x + width + 6, y + layout.bar - 3, kind === 'own' ? 'own name' : 'name', value.toFixed(2)),
  ].join('')
}

function text(x: number, y: number, style: string, content: string): string {
  return `<text class="${style}" x="${x.toFixed(1)}" y="${y}">${escape(content)}</text>`
}

function escape(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

const style = `
    text { font: 12px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328 }
    .title, .head, .own.name { font-weight: 600 }
    .title { font-size: 14px }
    .quiet { fill: #59636e }
    rect.own { fill: #0969da }
    rect.floor { fill: #8c959f }
    rect.other { fill: #c5ccd3 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .quiet { fill: #9198a1 }
      rect.own { fill: #4493f8 }
      rect.floor { fill: #848d97 }
      rect.other { fill: #3d444d }
    }
  `

function svg(height: number, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${layout.width} ${height}" width="${layout.width}" height="${height}" role="img" aria-label="What tenancy costs, as multiples of plain Prisma without row-level security">`,
    `  <style>${style}</style>`,
    ...parts.map((part) => `  ${part}`),
    '</svg>',
    '',
  ].join('\n')
}
