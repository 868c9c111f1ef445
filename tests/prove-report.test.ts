import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { CommandOutput } from '../src/cli/command.ts'
import { ProveProgress } from '../src/cli/prove-progress.ts'
import { hulls } from '../src/prove/attack.ts'
import { jsonOf } from '../src/prove/report/json.ts'
import { junitOf } from '../src/prove/report/junit.ts'
import { pageOf } from '../src/prove/report/page.ts'
import { summaryOf, verdictLine } from '../src/prove/report/summary.ts'
import {
  facts,
  hostile,
  leakingModel,
  listedModel,
  operations,
  provenModel,
  reportOfModels,
  unprovenModel,
} from './support/sample-proof.ts'

const reason = 'without a hull it reaches nothing (P2002)'
const mixed = reportOfModels(
  [
    provenModel('Organization'),
    leakingModel(hostile.model, 3),
    unprovenModel('Document', reason),
    unprovenModel('Line', reason),
    listedModel('Country'),
  ],
  ['table public._secret (@@ignore)'],
)
const proven = reportOfModels([provenModel('Organization'), listedModel('Country')])

describe('the summary', () => {
  const lines = summaryOf(mixed, facts, { colours: false }).split('\n')

  it('has a line for each model, and says of a listed one that it is not proven', () => {
    expect(lines.slice(1, 6).map((line) => line.trim().split(/\s+/).at(-1))).toEqual([
      'proven',
      'leaks',
      'unproven',
      'unproven',
      'listed',
    ])
    expect(lines.join('\n')).toContain('listed, not proven')
    expect(lines).toContain('  Country (global)')
  })

  it('gives each leak the call that makes it again', () => {
    expect(lines.filter((line) => line.includes('.updateMany behind hull two alone'))).toHaveLength(3)
    expect(lines.filter((line) => line === "        where: { title: { startsWith: 'a-' } },")).toHaveLength(3)
  })

  it('tells a reason once, with the models that have it', () => {
    expect(lines.filter((line) => line.includes(reason))).toHaveLength(1)
    expect(lines).toContain('  Document, Line')
  })

  it('lists what is hidden, and the keys that tell', () => {
    expect(lines).toContain('  table public._secret (@@ignore)')
    expect(lines).toContain('  Document (number), a unique key: tells behind hull one alone, both hulls')
  })

  it('ends with the verdict', () => {
    expect(lines.at(-1)).toBe(verdictLine(mixed, facts))
    expect(lines.at(-1)).toMatch(/^prove: leaks: 3 attacks .* 2 cells are unproven; .* PostgreSQL 18\.4$/)
    expect(verdictLine(proven, { ...facts, only: ['Organization'] })).toContain('; of Organization alone;')
  })

  it('has no control character but those of its own colours', () => {
    expect(lines.join('')).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u)
    const coloured = summaryOf(mixed, facts, { colours: true })
    expect(coloured).toContain('\u001b[31m')
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    expect(coloured.replace(/\u001b\[\d+m|\n/g, '')).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u)
  })

  it('says how many leaks it leaves to the other reports', () => {
    const text = summaryOf(reportOfModels([leakingModel('Invoice', 80)]), facts, { colours: false })
    expect(text.match(/Invoice\.updateMany/g)).toHaveLength(50)
    expect(text).toContain('and 30 more')
  })
})

describe('the JSON', () => {
  it('has the report, and what it was made of', () => {
    const json = JSON.parse(jsonOf(mixed, facts)) as object
    expect(Object.keys(json).slice(0, 4)).toEqual(['models', 'leaks', 'unproven', 'verdict'])
    expect(json).toMatchObject({ ...mixed, ...facts })
  })
})

describe('the JUnit file', () => {
  const xml = junitOf(mixed, facts)

  it('has a test for each cell, a failure for a leak, an error for what is unproven, and skips what is listed', () => {
    const cells = 4 * operations.length * hulls.length
    expect(xml).toContain(`tests="${cells + 2}" failures="1" errors="2" skipped="2"`)
    expect(xml.match(/<testcase /g)).toHaveLength(cells + 2)
    expect(xml.match(/<failure type="leak"/g)).toHaveLength(1)
    expect(xml.match(/<error type="unproven"/g)).toHaveLength(2)
    expect(xml.match(/<skipped /g)).toHaveLength(2)
  })

  it('is well formed, whatever a model is called', () => {
    assertWellFormed(xml.replace(/^<\?xml.*?\?>/, ''), [])
    expect(xml).toContain('Inv&lt;img src=x')
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    expect(xml).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/)
  })

  it('has an error of its own for a model of which nothing could be tried', () => {
    const none = { ...unprovenModel('Ledger', 'no row could be planted'), details: [] }
    expect(junitOf(reportOfModels([none]), facts)).toContain(
      '<error type="unproven" message="no row could be planted"/>',
    )
  })
})

describe('the page', () => {
  const page = pageOf(mixed, facts)

  it('is well formed, and makes no markup of what a schema or a call says', () => {
    const elements = assertWellFormed(page.replace('<!DOCTYPE html>', ''), ['meta', 'input'])
    expect(elements.filter((name) => name === 'script')).toHaveLength(1)
    expect(elements).not.toContain('img')
    expect(page).toContain('Inv&lt;img src=x onerror=alert(1)&gt;&amp;&quot;&#39;')
    expect(page).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}/u)
  })

  it('loads nothing, and its own policy runs nothing but its script and its style', () => {
    expect(page).not.toMatch(/\s(src|srcset|action|formaction|style|on\w+)="|@import|url\(/)
    expect([...page.matchAll(/href="([^"]*)"/g)].every(([, target]) => target?.startsWith('#'))).toBe(true)
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1]?.replaceAll('&#39;', "'")
    for (const element of ['script', 'style']) {
      const text = new RegExp(`<${element}>([^]*?)</${element}>`).exec(page)?.[1] ?? ''
      const hash = createHash('sha256').update(text).digest('base64')
      expect(policy).toContain(`${element}-src 'sha256-${hash}'`)
    }
    expect(policy).toContain("default-src 'none'")
  })

  it('has every link lead somewhere, and every id once', () => {
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const links = [...page.matchAll(/href="#([^"]*)"/g)].map(([, id]) => id)
    expect(links.filter((id) => !ids.includes(id))).toEqual([])
  })

  it('says what was proven, when, and with which versions', () => {
    for (const text of ['2027-01-02 03:04:05 UTC', 'Doublehull 0.1.0, Prisma 7.10.0, PostgreSQL 18.4'])
      expect(page).toContain(text)
    expect(page).toMatch(/<h1><span class="badge leaks">✕ leaks<\/span> 3 attacks reached/)
    expect(page).toContain('20270101000000_policies')
    expect(page).toContain('Listed, not proven')
    expect(page).toContain('table public._secret (@@ignore)')
    expect(page).toContain('The control')
  })

  it('tells verdicts by symbols and words, not by colours alone', () => {
    expect(page).toContain('<i class="p">✓</i><i class="l">✕</i><i class="p">✓</i>')
    expect(page).toContain('hull one alone proven, hull two alone leak, both hulls proven')
    expect(page).toContain('<i class="u">?</i><i class="p">✓</i><i class="p">✓</i>')
  })

  it('shows a leak’s call and its SQL', () => {
    expect(page).toContain('where: { title: { startsWith: &#39;a-&#39; } }')
    expect(page).toContain('UPDATE &quot;public&quot;.&quot;invoice&quot; SET &quot;title&quot; = $1')
  })

  it('has each of its colours for light and for dark', () => {
    const style = /<style>([^]*?)<\/style>/.exec(page)?.[1] ?? ''
    const byText = (one: string, other: string) => (one < other ? -1 : 1)
    const namesIn = (text: string) =>
      [...text.matchAll(/(--[\w-]+):/g)].map(([, name]) => name ?? '').sort(byText)
    const [light = '', dark = ''] = style.split('prefers-color-scheme: dark')
    const defined = namesIn(light)
    expect(namesIn(dark.slice(0, dark.indexOf('} }')))).toEqual(defined)
    const used = [...style.matchAll(/var\((--[\w-]+)\)/g)].map(([, name]) => name ?? '')
    expect([...new Set(used)].sort(byText)).toEqual(defined)
  })

  it('stays below three megabytes with 150 models that leak everywhere, and has all of them', () => {
    const models = Array.from({ length: 150 }, (_, index) => leakingModel(`Model${index}`, 200))
    const large = pageOf(reportOfModels(models), facts)
    expect(Buffer.byteLength(large)).toBeLessThan(3_000_000)
    for (const { name } of models) {
      expect(large).toContain(`<tr data-model="${name}" `)
      expect(large).toContain(`<details class="model" data-model="${name}" `)
    }
    expect(large).toContain('more, which the JSON report has')
  })
})

describe('the progress', () => {
  function progressOf(isTerminal: boolean) {
    const lines: string[] = []
    const status: string[] = []
    let now = 0
    const output: CommandOutput = {
      stdout: () => {},
      stderr: (line) => void lines.push(line),
      colours: false,
      ...(isTerminal && { status: (line: string) => void status.push(line) }),
    }
    const progress = new ProveProgress(output, { isQuiet: false, now: () => now })
    // ten attacks a second
    for (let done = 0; done <= 1_000; done += 10, now += 1_000) progress.show(done, 1_000)
    progress.clear()
    return { lines, status }
  }

  it('is a line now and then where nobody watches', () => {
    const { lines } = progressOf(false)
    expect(lines.length).toBeLessThan(15)
    expect(lines.at(-1)).toBe('100%  1,000 of 1,000 attacks')
    for (const line of lines.slice(1, -1)) {
      const [, done, left] = /^ \d\d%  (\d+) of 1,000 attacks, (\d+) s left$/.exec(line) ?? []
      expect(Number(left)).toBeCloseTo((1_000 - Number(done)) / 10, 0)
    }
  })

  it('is one line that moves on a terminal, and is gone in the end', () => {
    const { lines, status } = progressOf(true)
    expect(lines).toEqual([])
    expect(status).toContain('[############------------]  50%  500 of 1,000 attacks, 50 s left')
    expect(status.at(-1)).toBe('')
  })
})

/** @returns the names of all elements; fails where tags don't match */
function assertWellFormed(text: string, empty: readonly string[]): readonly string[] {
  const open: string[] = []
  const all: string[] = []
  // what stands in a script or in a style is none of the markup
  const markup = text.replace(/(<(script|style)>)[^]*?(<\/\2>)/g, '$1$3')
  const outside = markup.replace(
    /<(\/?)([a-zA-Z][\w:-]*)((?:\s+[\w:-]+(?:="[^"<]*")?)*)\s*(\/?)>/g,
    (_, isEnd, name, _attributes, isEmpty) => {
      if (isEnd) expect(open.pop()).toBe(name)
      else {
        all.push(name)
        if (!isEmpty && !empty.includes(name)) open.push(name)
      }
      return ''
    },
  )
  expect(open).toEqual([])
  expect(outside).not.toMatch(/[<>]|&(?!(amp|lt|gt|quot|apos|#\d+);)/)
  return all
}
