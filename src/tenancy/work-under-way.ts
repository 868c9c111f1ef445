import { tenancyIsClosed } from '../errors.ts'

/** Counts what a tenancy has under way, so that its end can wait for it. */
export class WorkUnderWay {
  #count = 0
  #isClosed = false
  #onIdle: (() => void) | undefined

  get isClosed(): boolean {
    return this.#isClosed
  }

  /**
   * Runs a piece of work.
   *
   * @param isPart the work is part of other work that is counted already, which may still finish
   * @throws {TenancyError} `DH104` behind the end
   */
  async run<Result>(work: () => Promise<Result>, isPart: boolean): Promise<Result> {
    if (this.#isClosed && !isPart) throw tenancyIsClosed()
    this.#count++
    try {
      return await work()
    } finally {
      this.#count--
      if (this.#count === 0) this.#onIdle?.()
    }
  }

  /** Refuses new work, and waits for what is under way, for at most `timeoutMillis`. */
  async close(timeoutMillis?: number): Promise<void> {
    this.#isClosed = true
    if (this.#count === 0) return
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve
      if (timeoutMillis !== undefined) timer = setTimeout(resolve, timeoutMillis)
    })
    clearTimeout(timer)
  }

  assertOpen(): void {
    if (this.#isClosed) throw tenancyIsClosed()
  }
}
