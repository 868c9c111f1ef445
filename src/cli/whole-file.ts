import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { TenancyError } from '../errors.ts'

/**
 * Writes a file whole or not at all: whoever reads it finds what was there, or all that is there now.
 *
 * @throws {TenancyError} `DH409` where it can't be written; what was there is untouched
 */
export function writeWholeFile(path: string, text: string): void {
  // beside it: only within one file system a file is replaced in one step
  const unfinished = `${path}.${process.pid}.unfinished`
  try {
    writeFileSync(unfinished, text, { flag: 'wx' })
    renameSync(unfinished, path)
  } catch (cause) {
    // where the folder is a file, even looking for it fails
    if (existsSync(unfinished)) rmSync(unfinished)
    throw new TenancyError(
      'DH409',
      `${path} cannot be written; does its folder exist, and may you write there?`,
      {
        cause,
      },
    )
  }
}
