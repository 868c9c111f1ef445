import { EventEmitter } from 'node:events'
import type { Random } from './random.ts'

/**
 * Where a promise may be awaited that somebody else has made. Prisma's promises are lazy: the operation starts
 * there, in a timer, in a listener or amid the work of another tenant's caller, and must be its maker's all
 * the same.
 */
export class Elsewhere {
  readonly #events = new EventEmitter().setMaxListeners(0)
  readonly #letters: (() => PromiseLike<unknown>)[] = []
  readonly #awaited: Promise<unknown>[] = []

  /** Hands an operation to whoever starts it. The maker goes on meanwhile, or all might wait for each other. */
  hand(random: Random, start: () => Promise<unknown>): void {
    this.#awaited.push(
      new Promise((resolve, reject) => {
        const begin = () => start().then(resolve, reject)
        const place = random.pick(['timer', 'listener', 'letter'])
        if (place === 'timer') setTimeout(() => void begin(), 1)
        else if (place === 'listener') this.#events.once('event', () => void begin())
        else this.#letters.push(begin)
      }),
    )
  }

  /** What another caller has left to be awaited, if any. */
  takeLetter(): (() => PromiseLike<unknown>) | undefined {
    return this.#letters.shift()
  }

  /** Starts what waits in listeners, in the async context of this call. */
  emit(): void {
    this.#events.emit('event')
  }

  /** Starts what nobody has started, and waits until all has ended. */
  async finish(): Promise<void> {
    this.emit()
    for (const letter of this.#letters.splice(0)) await letter()
    await Promise.all(this.#awaited)
  }
}
