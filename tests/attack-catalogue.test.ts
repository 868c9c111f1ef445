import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { attacks, knownLeaks } from './attacks/all-attacks.ts'

const page = readFileSync(new URL('../docs/attacks.md', import.meta.url), 'utf8')
const checkFolder = new URL('../src/catalog/checks/', import.meta.url)
const security = readFileSync(new URL('../SECURITY.md', import.meta.url), 'utf8')

/** Of the tests of attacks, on each version of PostgreSQL. */
const titles = [...attacks, ...knownLeaks].map(({ id, claim }) => `${id}: ${claim}`)

const rows = page
  .split(/^### /m)
  .slice(1)
  .map((section) => {
    const valuesOf = (field: string) =>
      Array.from(section.matchAll(new RegExp(`^- ${field}: (.+)$`, 'gm')), ([, value = '']) => value)
    const [id = ''] = section.split('\n')
    const [mitigation = ''] = valuesOf('Mitigation')
    const [checks = ''] = valuesOf('Checks')
    return {
      id,
      mitigation,
      checks: Array.from(checks.matchAll(/\[(DH\d{3})\]\(checks\/\1\.md\)/g), ([, code = '']) => code),
      proofs: valuesOf('Proof').map((text) => /^([a-z-]+) “(.+)”$/.exec(text) ?? [text]),
    }
  })

const numbers = (letter: string, last: number, missing: readonly number[] = []) =>
  Array.from({ length: last }, (_, index) => index + 1)
    .filter((number) => !missing.includes(number))
    .map((number) => `${letter}${number}`)

describe('the page of attacks', () => {
  it('has each attack once', () => {
    expect(rows.map(({ id }) => id)).toEqual([
      ...numbers('R', 8, [7]),
      ...numbers('G', 12),
      ...numbers('S', 27, [18, 19]),
      ...numbers('Q', 8),
      ...numbers('X', 9),
    ])
  })

  it('names a test for each, or the section that says why there is none', () => {
    for (const { id, mitigation, proofs } of rows) {
      expect(proofs.length > 0 || mitigation.includes('](../SECURITY.md#'), id).toBe(true)
    }
    const sections = new Set(
      Array.from(security.matchAll(/^## (.+)$/gm), ([, title = '']) =>
        title
          .toLowerCase()
          .replaceAll(/[^a-z0-9 -]/g, '')
          .replaceAll(' ', '-'),
      ),
    )
    for (const [, anchor] of page.matchAll(/SECURITY\.md#([a-z-]+)/g)) expect(sections).toContain(anchor)
  })

  it('names tests that are there', () => {
    for (const { id, proofs } of rows) {
      for (const [text, file, title = ''] of proofs) {
        expect(file, `${id}: ${text}`).toBeDefined()
        if (file === 'attacks') {
          expect(titles, `${id}: ${title}`).toContain(`${id}: ${title}`)
          continue
        }
        const source = readFileSync(new URL(`${file}.test.ts`, import.meta.url), 'utf8')
        expect(
          [`'${title}'`, `\`${title}\``].some((quoted) => source.includes(quoted)),
          `${id}: ${text}`,
        ).toBe(true)
      }
    }
  })

  it('names the checks whose findings lead to each', () => {
    const known: Record<string, string[]> = {}
    for (const name of readdirSync(checkFolder)
      .filter((file) => file.endsWith('.sql'))
      .toSorted()) {
      const header = /^-- attacks: (.+)$/m.exec(readFileSync(new URL(name, checkFolder), 'utf8'))
      for (const id of header?.[1]?.split(/, */) ?? []) known[id] = [...(known[id] ?? []), name.slice(0, 5)]
    }
    expect(Object.fromEntries(rows.map(({ id, checks }) => [id, checks]))).toEqual(
      Object.fromEntries(rows.map(({ id }) => [id, known[id] ?? []])),
    )
  })

  it('names each test of an attack', () => {
    const named = rows.flatMap(({ id, proofs }) =>
      proofs.flatMap(([, file, title]) => (file === 'attacks' ? [`${id}: ${title}`] : [])),
    )
    expect(named.toSorted()).toEqual(titles.toSorted())
  })
})
