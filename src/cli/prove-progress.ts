import { printable } from '../catalog/printable.ts'
import type { CommandOutput } from './command.ts'

const barWidth = 24
/** Where nobody watches, a line is due after so many milliseconds, or so great a part. */
const linePause = 30_000
const lineShare = 0.1
/** A terminal is not written to more often. */
const statusPause = 100

/** Tells how far a proof is: a line that moves on a terminal, and a line now and then where the output is piped. */
export class ProveProgress {
  readonly #output: CommandOutput
  readonly #isQuiet: boolean
  readonly #now: () => number
  #start: { readonly at: number; readonly done: number } | undefined
  #lastAt = Number.NEGATIVE_INFINITY
  #lastShare = 0
  #isShown = false

  /** @param options `now`, the time in milliseconds */
  constructor(
    output: CommandOutput,
    { isQuiet, now = () => performance.now() }: { readonly isQuiet: boolean; readonly now?: () => number },
  ) {
    this.#output = output
    this.#isQuiet = isQuiet
    this.#now = now
  }

  /** A line that stays. */
  note(line: string): void {
    if (this.#isQuiet) return
    this.clear()
    this.#output.stderr(printable(line))
  }

  /** So many attacks of all have been made. */
  show(done: number, total: number): void {
    if (this.#isQuiet || total === 0) return
    const now = this.#now()
    // what an earlier run did took this one no time
    this.#start ??= { at: now, done }
    const { status } = this.#output
    const share = Math.min(done / total, 1)
    if (status === undefined) {
      const isDue = now - this.#lastAt >= linePause || share - this.#lastShare >= lineShare || done === total
      if (!isDue || share === this.#lastShare) return
      this.#output.stderr(this.#text(done, total, now))
    } else {
      if (now - this.#lastAt < statusPause && done < total) return
      const filled = Math.round(share * barWidth)
      status(`[${'#'.repeat(filled)}${'-'.repeat(barWidth - filled)}] ${this.#text(done, total, now)}`)
      this.#isShown = true
    }
    this.#lastAt = now
    this.#lastShare = share
  }

  /** Takes the moving line away. */
  clear(): void {
    if (this.#isShown) this.#output.status?.('')
    this.#isShown = false
  }

  #text(done: number, total: number, now: number): string {
    const percent = Math.floor((100 * done) / total)
    const counts = `${done.toLocaleString('en')} of ${total.toLocaleString('en')} attacks`
    const left = this.#millisecondsLeft(done, total, now)
    return `${String(percent).padStart(3)}%  ${counts}${left === undefined ? '' : `, ${durationText(left)} left`}`
  }

  #millisecondsLeft(done: number, total: number, now: number): number | undefined {
    const since = this.#start
    // the first few say little of the rest
    if (since === undefined || done === total || done - since.done < 20) return undefined
    return ((now - since.at) / (done - since.done)) * (total - done)
  }
}

/** `40 s`, `3 min`, `1 h 20 min`: as exact as a guess is. */
function durationText(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000)
  if (seconds < 90) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
