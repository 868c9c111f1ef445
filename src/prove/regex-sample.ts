/**
 * Texts that a simple regular expression matches: literals, classes, quantifiers, groups, alternation and anchors of
 * PostgreSQL's dialect. What comes out is a proposal, which PostgreSQL judges.
 */

type Draw = (below: number) => number
type Part = (draw: Draw) => string

const letters = 'abcdefghijklmnopqrstuvwxyz'
const digits = '0123456789'
const classes: Readonly<Record<string, string>> = {
  d: digits,
  w: `${letters}${digits}`,
  s: ' ',
}
const named: Readonly<Record<string, string>> = {
  alpha: letters,
  alnum: `${letters}${digits}`,
  digit: digits,
  lower: letters,
  upper: letters.toUpperCase(),
  xdigit: `${digits}abcdef`,
  space: ' ',
  punct: '-.',
  word: `${letters}${digits}`,
}
const printable = `${letters}${digits}${letters.toUpperCase()}-_.@/: `

/**
 * A text that matches, or should.
 *
 * @param n different numbers give different texts where the expression leaves room
 * @returns `undefined` where the expression is none of the simple ones
 */
export function regexSample(pattern: string, n: number): string | undefined {
  try {
    const parser = new Parser(pattern)
    const part = parser.alternation()
    if (!parser.isAtEnd) return undefined
    let seed = (n + 1) * 2_654_435_761
    const draw: Draw = (below) => {
      seed = (Math.imul(seed ^ (seed >>> 15), 2_246_822_519) + 1) >>> 0
      return below === 0 ? 0 : seed % below
    }
    return part(draw)
  } catch {
    return undefined
  }
}

class Parser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text.replace(/^\(\?[a-z]+\)/, '').replace(/^\*\*\*[:=]/, '')
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length
  }

  alternation(): Part {
    const branches = [this.#sequence()]
    while (this.#peek() === '|') {
      this.#at++
      branches.push(this.#sequence())
    }
    return (draw) => branches[branches.length === 1 ? 0 : draw(branches.length)]?.(draw) ?? ''
  }

  #peek(): string {
    return this.#text[this.#at] ?? ''
  }

  #sequence(): Part {
    const parts: Part[] = []
    while (!this.isAtEnd && this.#peek() !== '|' && this.#peek() !== ')') parts.push(this.#quantified())
    return (draw) => parts.map((part) => part(draw)).join('')
  }

  #quantified(): Part {
    const part = this.#atom()
    const [least, most] = this.#quantifier()
    if (least === 1 && most === 1) return part
    return (draw) => {
      const count = least + (most > least ? draw(Math.min(most - least, 3) + 1) : 0)
      return Array.from({ length: count }, () => part(draw)).join('')
    }
  }

  #quantifier(): readonly [number, number] {
    const rest = this.#text.slice(this.#at)
    const found = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/.exec(rest)
    if (!found) return [1, 1]
    this.#at += found[0].length
    switch (found[0][0]) {
      case '*':
        return [0, 8]
      case '+':
        // more than one, so that there is room for different texts
        return [4, 8]
      case '?':
        return [0, 1]
      default: {
        const least = Number(found[1])
        return [least, found[3] ? Number(found[3]) : found[2] ? least + 4 : least]
      }
    }
  }

  #atom(): Part {
    const char = this.#peek()
    this.#at++
    switch (char) {
      case '^':
      case '$':
        return () => ''
      case '.':
        return oneOf(`${letters}${digits}`)
      case '(': {
        const group = /^\?(?::|<\w+>)/.exec(this.#text.slice(this.#at))
        if (group) this.#at += group[0].length
        else if (this.#peek() === '?') throw new Error('a look-around')
        const inner = this.alternation()
        if (this.#peek() !== ')') throw new Error('an open group')
        this.#at++
        return inner
      }
      case '[':
        return oneOf(this.#class())
      case '\\':
        return this.#escape()
      default:
        return () => char
    }
  }

  #escape(): Part {
    const char = this.#peek()
    this.#at++
    if (/[AZmMyYbB]/.test(char)) return () => ''
    const set = classes[char]
    if (set !== undefined) return oneOf(set)
    if (/[1-9]/.test(char)) throw new Error('a reference')
    const control: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r' }
    return () => control[char] ?? char
  }

  #class(): string {
    let negated = false
    if (this.#peek() === '^') {
      negated = true
      this.#at++
    }
    let set = ''
    let isFirst = true
    while (isFirst || this.#peek() !== ']') {
      if (this.isAtEnd) throw new Error('an open class')
      isFirst = false
      const posix = /^\[:(\w+):\]/.exec(this.#text.slice(this.#at))
      if (posix) {
        this.#at += posix[0].length
        set += named[posix[1] ?? ''] ?? ''
        continue
      }
      const char = this.#classChar()
      if (char.length === 1 && this.#peek() === '-' && this.#text[this.#at + 1] !== ']') {
        this.#at++
        set += range(char, this.#classChar())
      } else set += char
    }
    this.#at++
    return negated
      ? printable
          .split('')
          .filter((char) => !set.includes(char))
          .join('')
      : set
  }

  #classChar(): string {
    const char = this.#peek()
    this.#at++
    if (char !== '\\') return char
    const escaped = this.#peek()
    this.#at++
    return classes[escaped] ?? escaped
  }
}

function oneOf(set: string): Part {
  if (set === '') throw new Error('an empty class')
  return (draw) => set[draw(set.length)] ?? ''
}

function range(from: string, to: string): string {
  let set = ''
  for (let code = from.charCodeAt(0); code <= Math.min(to.charCodeAt(0), from.charCodeAt(0) + 200); code++) {
    set += String.fromCharCode(code)
  }
  return set
}
