import { createHash } from 'node:crypto'

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Numbers that look like chance and are the same for the same name: sfc32. */
export class Random {
  #a: number
  #b: number
  #c: number
  #d: number

  constructor(name: string) {
    const bytes = createHash('sha256').update(name).digest()
    this.#a = bytes.readInt32LE(0)
    this.#b = bytes.readInt32LE(4)
    this.#c = bytes.readInt32LE(8)
    this.#d = bytes.readInt32LE(12)
  }

  /** 32 bits. */
  bits(): number {
    const sum = (this.#a + this.#b + this.#d) | 0
    this.#d = (this.#d + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    this.#c |= 0
    return sum >>> 0
  }

  /** From 0 to `end`, without it. */
  below(end: number): number {
    return Math.floor((this.bits() / 4_294_967_296) * end)
  }

  /** True as often as `share` of 1 says. */
  chance(share: number): boolean {
    return this.bits() / 4_294_967_296 < share
  }

  /** One of a list that is not empty. */
  of<Item>(list: readonly Item[]): Item {
    return list[this.below(list.length)] as Item
  }

  /** A uuid of version 7 of that time, in microseconds. */
  uuid(micros: number): string {
    const millis = Math.floor(micros / 1000)
    const [high, low] = [Math.floor(millis / 65_536), millis % 65_536]
    const [a, b, c] = [this.bits(), this.bits(), this.bits()]
    return `${quad(high)}-${pair(low)}-7${(a & 0xfff).toString(16).padStart(3, '0')}-${pair(
      ((a >>> 16) & 0x3fff) | 0x8000,
    )}-${pair(b & 0xffff)}${quad(c)}`
  }
}

const pair = (bits: number) => `${hex[(bits >>> 8) & 255]}${hex[bits & 255]}`
const quad = (bits: number) => `${pair(bits >>> 16)}${pair(bits)}`
