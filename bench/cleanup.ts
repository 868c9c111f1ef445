import { constants } from 'node:os'

/**
 * What must be undone before the process ends, in whichever way: the last thing first.
 *
 * Ctrl-C undoes it too. Whatever fails then, because its database is gone, is of no interest any more.
 */
export class Cleanup {
  readonly #undos: (() => Promise<void>)[] = []
  #running: Promise<void> | undefined

  constructor() {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => this.#interrupt(128 + constants.signals[signal]))
    }
  }

  /** A signal has ended the run. */
  interrupted = false

  /**
   * Makes something that must be undone: also where the process is interrupted in the middle of making it.
   *
   * @throws Error when everything is being undone already
   */
  acquire<Made>(make: () => Promise<Made>, undo: (made: Made) => Promise<unknown>): Promise<Made> {
    if (this.#running) throw new Error('the benchmark is ending')
    const making = make()
    this.#undos.push(async () => {
      const made = await making.then(
        (value) => ({ value }),
        () => undefined,
      )
      if (made) await undo(made.value)
    })
    return making
  }

  /** Undoes everything. Calling it again waits for the first call. */
  run(): Promise<void> {
    this.#running ??= this.#undoAll()
    return this.#running
  }

  async #undoAll(): Promise<void> {
    for (const undo of this.#undos.toReversed()) {
      // one that fails must not keep the others from being undone
      await undo().catch((error: unknown) => {
        console.error(`while cleaning up: ${error instanceof Error ? error.message : String(error)}`)
      })
    }
  }

  #interrupt(code: number): void {
    // whoever asks twice does not want to wait
    if (this.interrupted) process.exit(code)
    this.interrupted = true
    process.on('uncaughtException', () => {})
    process.on('unhandledRejection', () => {})
    void this.run().finally(() => process.exit(code))
  }
}
