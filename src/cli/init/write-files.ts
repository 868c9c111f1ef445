import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { TenancyError } from '../../errors.ts'
import type { PlannedFile } from './planned-file.ts'

/**
 * Writes all files, or none: each is written beside its place first, and takes it only when all of them are there. What
 * took its place before one failed is put back.
 *
 * @throws {TenancyError} `DH409` where one can't be written, or is not any more what the plan was made of; then
 *   everything is as it was
 */
export function writeFiles(files: readonly PlannedFile[]): void {
  const unfinished = new Map<PlannedFile, string>()
  const folders: string[] = []
  const done: PlannedFile[] = []
  let current = ''
  try {
    for (const file of files) {
      current = file.path
      if (textOf(file.path) !== file.before) {
        throw new TenancyError(
          'DH409',
          `${file.path} was changed in the meantime; nothing was written, run it again`,
        )
      }
      const created = mkdirSync(dirname(file.path), { recursive: true })
      if (created !== undefined) folders.push(created)
      const beside = `${file.path}.${process.pid}.unfinished`
      unfinished.set(file, beside)
      writeFileSync(beside, file.after, { flag: 'wx', mode: modeOf(file.path) })
    }
    for (const [file, beside] of unfinished) {
      current = file.path
      renameSync(beside, file.path)
      done.push(file)
    }
  } catch (cause) {
    for (const beside of unfinished.values()) rmSync(beside, { force: true })
    for (const { path, before } of done) {
      if (before === undefined) rmSync(path, { force: true })
      else writeFileSync(path, before)
    }
    for (const folder of folders.toReversed()) rmSync(folder, { recursive: true, force: true })
    if (cause instanceof TenancyError) throw cause
    throw new TenancyError('DH409', `${current} cannot be written, so nothing was; may you write there?`, {
      cause,
    })
  }
}

/** The text of a file; `undefined` where there is none. */
export function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new TenancyError('DH409', `${path} cannot be read; is it a file, and may you read it?`, {
      cause: error,
    })
  }
}

function modeOf(path: string): number {
  try {
    return statSync(path).mode & 0o777
  } catch {
    return 0o666
  }
}
