/** A queue that is served in nobody's async context: what is handed to it goes on without the one it came with. */
export class ForeignQueue {
  readonly #waiting: (() => void)[] = []
  readonly #timer = setInterval(() => {
    for (const work of this.#waiting.splice(0)) work()
  }, 5)

  push(work: () => void): void {
    this.#waiting.push(work)
  }

  close(): void {
    clearInterval(this.#timer)
  }
}
