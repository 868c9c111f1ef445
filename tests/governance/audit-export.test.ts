import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditCommand } from '../../src/cli/audit.ts'
import { csvLine } from '../../src/governance/audit/audit-lines.ts'
import type { ChainedEvent } from '../../src/governance/audit/chained-event.ts'
import { createGovernance, type Governance, verifyAuditExport } from '../../src/governance/index.ts'
import { type Planted, plantTwoTenants, useTestDatabase } from '../support/test-database.ts'

const database = useTestDatabase()
const folder = mkdtempSync(join(tmpdir(), 'audit-'))
afterAll(() => rmSync(folder, { recursive: true }))

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const publicKeys = { key: publicKey }
let tenant: Planted
let governance: Governance
let lines: string[] = []
let exported = ''

beforeAll(async () => {
  const { a, b } = await plantTwoTenants(database)
  tenant = a
  for (const each of [b, a]) {
    const db = database.both.client({ tenantId: each.tenantId, userId: each.userId })
    governance = createGovernance(db, { can: () => true })
    const { auditEvents } = governance
    for (let at = 1; at <= 4; at++) {
      await auditEvents.record({
        action: 'report.made',
        metadata: { at, of: each.secret, sign: '"\u2028é😀\\n' },
      })
    }
    await auditEvents.checkpoint({ privateKey, keyId: 'key' })
    await auditEvents.record({ action: 'report.made', metadata: { at: 6 } })
  }
  exported = await text(governance.auditEvents.export({ format: 'ndjson' }))
  lines = exported.trimEnd().split('\n')
})

/** The lines with the event of that sequence as `change` makes it. */
function withEvent(seq: number, change: (event: ChainedEvent) => object | undefined): string[] {
  return lines.flatMap((line) => {
    const value = JSON.parse(line) as ChainedEvent & { type: string }
    if (value.type !== 'event' || value.seq !== seq) return [line]
    const changed = change(value)
    return changed ? [JSON.stringify(changed)] : []
  })
}

describe('an export in NDJSON', () => {
  it('is verified without a database, and says the same as the database', async () => {
    const report = await verifyAuditExport(lines, { publicKeys })
    expect(report).toEqual({
      ok: true,
      tenantId: tenant.tenantId,
      events: 6,
      first: 1,
      last: 6,
      signedUpTo: 4,
    })
    expect(report).toEqual(await governance.auditEvents.verify({ publicKeys }))
    expect(exported).toContain(tenant.secret)
  })

  it('is verified after a tool has read and written its lines', async () => {
    const rewritten = lines.map((line) => JSON.stringify(JSON.parse(line), null, 1).replaceAll('\n', ''))
    expect(rewritten).not.toEqual(lines)
    expect(await verifyAuditExport(rewritten, { publicKeys })).toMatchObject({ ok: true })
  })

  it.each([
    [
      'tenantId',
      (event: ChainedEvent) => event.tenantId.replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
      'foreign',
    ],
    ['seq', () => 30, 'missing'],
    ['prevHash', () => '0'.repeat(64), 'changed'],
    ['hash', () => '0'.repeat(64), 'changed'],
    ['id', () => 'x', 'changed'],
    ['origin', () => 'DATABASE', 'changed'],
    ['action', () => 'report.read', 'changed'],
    ['actorId', () => null, 'changed'],
    ['outcome', () => 'DENIED', 'changed'],
    ['targets', () => '[ ]', 'changed'],
    ['context', () => '{ }', 'changed'],
    ['metadata', (event: ChainedEvent) => event.metadata.replace('"at": 3', '"at": 3.0'), 'changed'],
    ['schemaVersion', () => 2, 'changed'],
    ['occurredAt', (event: ChainedEvent) => event.occurredAt.replace(/\dZ$/, 'xZ'), 'changed'],
  ] as const)('whose %s of an event was changed breaks there', async (field, value, reason) => {
    const changed = withEvent(3, (event) => ({ ...event, [field]: value(event) }))
    expect(changed).not.toEqual(lines)
    expect(await verifyAuditExport(changed, { publicKeys })).toMatchObject({
      ok: false,
      reason,
      brokenAt: 3,
      last: 2,
    })
  })

  it('of which a line is gone, doubled or moved breaks at the first that tells', async () => {
    const seqs = lines.map((line) => JSON.parse(line) as { type: string; seq?: number })
    const at = seqs.findIndex(({ type, seq }) => type === 'event' && seq === 3)
    const [third = '', fourth = ''] = lines.slice(at, at + 2)
    const verdict = async (changed: string[]) => {
      const { ok, brokenAt, reason } = await verifyAuditExport(changed, { publicKeys })
      return [ok, brokenAt, reason]
    }
    expect(await verdict(lines.toSpliced(at, 1))).toEqual([false, 3, 'missing'])
    expect(await verdict(lines.toSpliced(at, 0, third))).toEqual([false, 3, 'forked'])
    expect(await verdict(lines.toSpliced(at, 2, fourth, third))).toEqual([false, 3, 'missing'])
    expect(await verdict(lines.toSpliced(at + 2, 0, third))).toEqual([false, 3, 'reordered'])
    expect(await verdict(lines.slice(0, -1))).toEqual([false, 7, 'truncated'])
    expect(await verdict(lines.slice(0, -2))).toEqual([false, 6, 'truncated'])
    // behind the checkpoint, with an end of its own making: that is found with the head alone
    const end = JSON.stringify({ type: 'end', events: 5, lastSeq: 5, lastHash: '' })
    const cut = [...lines.slice(0, -2), end]
    expect(await verifyAuditExport(cut, { publicKeys })).toMatchObject({ ok: true, last: 5, signedUpTo: 4 })
    const { hash = '' } = JSON.parse(lines.at(-2) ?? '') as { hash?: string }
    expect(await verifyAuditExport(cut, { head: { seq: 6, hash } })).toMatchObject({
      ok: false,
      reason: 'truncated',
    })
    expect(await verifyAuditExport(lines, { head: { seq: 6, hash } })).toMatchObject({ ok: true })
    expect(await verifyAuditExport(lines, { head: { seq: 6, hash: '0'.repeat(64) } })).toMatchObject({
      ok: false,
      brokenAt: 6,
      reason: 'head',
    })
  })

  it('whose checkpoint was changed breaks there, where its key is known', async () => {
    const changed = lines.map((line) => {
      const value = JSON.parse(line) as { type: string; createdAt?: string }
      return value.type === 'checkpoint'
        ? JSON.stringify({ ...value, createdAt: '2020-01-01T00:00:00.000000Z' })
        : line
    })
    expect(changed).not.toEqual(lines)
    const broken = { ok: false, brokenAt: 4, reason: 'checkpoint' }
    expect(await verifyAuditExport(changed, { publicKeys })).toMatchObject(broken)
    const unsigned = await verifyAuditExport(changed)
    expect(unsigned.ok).toBe(true)
    expect(unsigned.signedUpTo).toBeUndefined()
  })

  it('that is none, or was filtered, is no input', async () => {
    const filtered = await text(
      governance.auditEvents.export({ format: 'ndjson', filters: { action: 'audit.' } }),
    )
    for (const bad of [
      filtered.split('\n'),
      ['{'],
      [],
      ['{"type":"event"}'],
      lines.slice(1),
      [...lines, lines[1] ?? ''],
    ]) {
      await expect(verifyAuditExport(bad)).rejects.toMatchObject({ code: 'DH506' })
    }
  })
})

describe('an export in CSV', () => {
  it('has a line for each event, and texts that a spreadsheet reads as text', async () => {
    const csv = await text(governance.auditEvents.export({ format: 'csv' }))
    const [header, ...rows] = csv.trimEnd().split('\r\n')
    expect(header?.split(',').slice(0, 3)).toEqual(['seq', 'occurredAt', 'action'])
    expect(rows.map((row) => row.split(',')[0])).toEqual(['1', '2', '3', '4', '5', '6'])
  })

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', '  =1', '＝1', '=HYPERLINK("x","y")'])(
    'begins no field as the formula %j does',
    (action) => {
      const event = {
        seq: 1,
        occurredAt: 'o',
        action,
        outcome: 'SUCCESS',
        actorId: null,
        origin: 'o',
        targets: '[]',
        context: '{}',
        metadata: '{}',
        id: 'i',
        tenantId: 't',
        schemaVersion: 1,
        prevHash: 'p',
        hash: 'h',
      } satisfies ChainedEvent
      const quoted = `"'${action.replaceAll('"', '""')}"`
      expect(csvLine(event)).toBe(`1,o,${quoted},SUCCESS,,o,[],{},{},i,t,1,p,h\r\n`)
    },
  )
})

describe('doublehull audit', () => {
  async function run(...args: string[]) {
    const stdout: string[] = []
    const stderr: string[] = []
    const code = await auditCommand.run(args, {
      stdout: (line) => void stdout.push(line),
      stderr: (line) => void stderr.push(line),
      colours: false,
    })
    return { code, stdout: stdout.join('\n'), stderr: stderr.join('\n') }
  }

  it('makes keys, exports, and verifies what it exported', async () => {
    const [secret, open] = [join(folder, 'private.pem'), join(folder, 'public.pem')]
    const keygen = ['keygen', '--private-key', secret, '--public-key', open]
    const made = await run(...keygen)
    expect(made.code).toBe(0)
    expect(statSync(secret).mode & 0o777).toBe(0o600)
    expect(await run(...keygen)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('not overwritten'),
    })
    const { keyId, seq } = await governance.auditEvents.checkpoint({
      privateKey: readFileSync(secret, 'utf8'),
    })
    expect(made.stdout).toContain(keyId)

    const url = ['--database-url', database.appUrl]
    const { code, stdout } = await run('export', '--tenant', tenant.tenantId, ...url)
    expect(code).toBe(0)
    const file = join(folder, 'audit.ndjson')
    writeFileSync(file, `${stdout}\n`)
    expect(await run('verify', file, '--public-key', open)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`signed up to ${seq}`),
    })
    expect(
      JSON.parse((await run('verify', file, '--json', '--public-key', `key=${open}`)).stdout),
    ).toMatchObject({
      // the checkpoint by that name is another key's
      ok: false,
      reason: 'checkpoint',
    })
    writeFileSync(file, stdout.replace('"at\\": 2', '"at\\": 5'))
    expect(await run('verify', file)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('broken at 2: changed'),
    })
    expect((await run('export', '--tenant', tenant.tenantId, '--format', 'csv', ...url)).stdout).toContain(
      'seq,occurredAt',
    )
  })

  it('reads an export from standard input', async () => {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', 'src/cli/main.ts', 'audit', 'verify', '-', '--json'],
      {
        cwd: fileURLToPath(new URL('../..', import.meta.url)),
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    )
    child.stdin.end(exported)
    const exit = new Promise<number | null>((resolve) => child.once('exit', resolve))
    expect(JSON.parse(await text(child.stdout))).toMatchObject({ ok: true, events: 6 })
    expect(await exit).toBe(0)
  })

  it('says what it does not understand with 2', async () => {
    const bad = join(folder, 'bad.ndjson')
    writeFileSync(bad, 'no export\n')
    for (const args of [
      [],
      ['nothing'],
      ['verify'],
      ['verify', bad],
      ['verify', join(folder, 'none')],
      ['verify', bad, '--head', 'x'],
      ['verify', bad, '--public-key', bad],
      ['export'],
      ['export', '--tenant', tenant.tenantId, '--format', 'xml'],
      ['partitions', '--months', 'x'],
      ['retain'],
      ['keygen', '--x'],
    ]) {
      expect((await run(...args)).code, args.join(' ')).toBe(2)
    }
    for (const name of ['verify', 'export', 'partitions', 'retain', 'keygen']) {
      expect(await run(name, '--help')).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('Exit code'),
      })
    }
  })
})
