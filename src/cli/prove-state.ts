import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ModelProof } from '../prove/proof-report.ts'
import { writeWholeFile } from './whole-file.ts'

const version = 1

interface Saved {
  readonly version: typeof version
  /** A hash of everything that a proof depends on. */
  readonly key: string
  readonly models: readonly ModelProof[]
}

/** What a proof that was stopped has done, in a file that is whole whenever it is read. */
export class ProofState {
  readonly path: string
  readonly #key: string
  readonly #models: ModelProof[] = []

  /**
   * @param path of the file
   * @param inputs everything that a proof depends on, as JSON has it
   */
  constructor(path: string, inputs: unknown) {
    this.path = path
    this.#key = createHash('sha256').update(JSON.stringify(inputs)).digest('hex')
  }

  get models(): readonly ModelProof[] {
    return this.#models
  }

  /** Takes up what the file has: `nothing` where there is none, `other` where it is of other inputs, or is no such file. */
  load(): 'loaded' | 'nothing' | 'other' {
    let text: string
    try {
      text = readFileSync(this.path, 'utf8')
    } catch (error) {
      return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'nothing' : 'other'
    }
    const saved = parse(text)
    if (saved?.version !== version || saved.key !== this.#key || !Array.isArray(saved.models)) return 'other'
    this.#models.push(...saved.models)
    return 'loaded'
  }

  /** @throws {TenancyError} `DH409` where the file can't be written */
  add(model: ModelProof): void {
    this.#models.push(model)
    const saved: Saved = { version, key: this.#key, models: this.#models }
    mkdirSync(dirname(this.path), { recursive: true })
    writeWholeFile(this.path, JSON.stringify(saved))
  }

  /** Once the proof is whole, there is nothing to go on with. */
  remove(): void {
    rmSync(this.path, { force: true })
  }
}

function parse(text: string): Partial<Saved> | undefined {
  try {
    const saved: unknown = JSON.parse(text)
    return typeof saved === 'object' && saved !== null ? saved : undefined
  } catch {
    return undefined
  }
}
