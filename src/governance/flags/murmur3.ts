/**
 * MurmurHash3_x86_32 of the UTF-8 bytes of a text: Austin Appleby's public-domain algorithm. It is fast, every bit of its
 * input moves every bit of its output, and implementations in other languages give the same number, so that a service
 * in another language puts the same user into the same share.
 *
 * @param text its lone surrogates count as U+FFFD
 * @param seed 32 bits; 0 unless told
 * @returns 32 bits, unsigned
 *
 * @example
 * ```ts
 * murmur3('hello') // 0x248bfa47
 * ```
 */
export function murmur3(text: string, seed = 0): number {
  const bytes = text.length <= longestScratch ? scratch : encoder.encode(text)
  const length = bytes === scratch ? fill(text) : bytes.length
  const whole = length - (length % 4)
  let hash = seed | 0
  for (let at = 0; at < whole; at += 4) {
    hash ^= scramble(
      byte(bytes, at) |
        (byte(bytes, at + 1) << 8) |
        (byte(bytes, at + 2) << 16) |
        (byte(bytes, at + 3) << 24),
    )
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64
  }
  let tail = 0
  for (let at = length - 1; at >= whole; at--) tail = (tail << 8) | byte(bytes, at)
  hash ^= scramble(tail) ^ length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

const encoder = new TextEncoder()
// most texts are short and ASCII: these are hashed without an allocation and without a call out of JavaScript
const longestScratch = 256
const scratch = new Uint8Array(3 * longestScratch)

/** @returns how many bytes of the scratch the text takes */
function fill(text: string): number {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit > 0x7f) return encoder.encodeInto(text, scratch).written
    scratch[at] = unit
  }
  return text.length
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0
}

function scramble(block: number): number {
  const mixed = Math.imul(block, 0xcc9e2d51)
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593)
}
