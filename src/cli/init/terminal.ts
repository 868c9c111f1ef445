import { createInterface } from 'node:readline/promises'

/** Somebody who can be asked. */
export interface Terminal {
  /** Prints lines for people, ahead of a question. */
  readonly say: (text: string) => void
  /**
   * Asks, and waits for a line.
   *
   * @throws {Stopped} where there will be none: the input ended, or the question was broken off
   */
  readonly ask: (question: string) => Promise<string>
}

/** Whoever was asked has left. */
export class Stopped extends Error {
  override readonly name = 'Stopped'
}

/** What a terminal is made of; standard input and output outside of tests. */
export interface TerminalStreams {
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream
}

/**
 * Opens the terminal, if there is one: both ends must be one, since a question that goes into a pipe is never answered.
 *
 * @returns the terminal and what closes it, or `undefined` without one
 */
export function openTerminal(): { readonly terminal: Terminal; readonly close: () => void } | undefined {
  const { stdin, stdout } = process
  // CI systems that give a pseudo-terminal have nobody behind it
  if (!stdin.isTTY || !stdout.isTTY || process.env['CI']) return undefined
  return terminalOn({ input: stdin, output: stdout })
}

/** A terminal on two streams. */
export function terminalOn({ input, output }: TerminalStreams): {
  readonly terminal: Terminal
  readonly close: () => void
} {
  const reader = createInterface({ input, output, terminal: false })
  const waiting: { readonly resolve: (line: string) => void; readonly reject: (error: Stopped) => void }[] =
    []
  // lines that were typed, or pasted, ahead of their question
  const ahead: string[] = []
  let isOver = false
  reader.on('line', (line) => {
    const next = waiting.shift()
    if (next) next.resolve(line)
    else ahead.push(line)
  })
  reader.on('close', () => {
    isOver = true
    for (const { reject } of waiting.splice(0)) reject(new Stopped())
  })
  const ask = (question: string): Promise<string> => {
    output.write(question)
    const typed = ahead.shift()
    if (typed !== undefined) return Promise.resolve(typed)
    if (isOver) return Promise.reject(new Stopped())
    return new Promise((resolve, reject) => waiting.push({ resolve, reject }))
  }
  return {
    terminal: { say: (text) => void output.write(`${text}\n`), ask },
    close: () => reader.close(),
  }
}

/**
 * Asks for one of several.
 *
 * @param fallback what an empty line means, if anything
 */
export async function choose<Choice>(
  terminal: Terminal,
  question: string,
  choices: readonly { readonly label: string; readonly value: Choice }[],
  fallback?: number,
): Promise<Choice> {
  terminal.say(question)
  for (const [index, { label }] of choices.entries()) terminal.say(`  ${index + 1}  ${label}`)
  for (;;) {
    const preset = fallback === undefined ? '' : ` [${fallback + 1}]`
    const line = (await terminal.ask(`1–${choices.length}${preset}: `)).trim()
    const index = line === '' && fallback !== undefined ? fallback : Number(line) - 1
    const choice = choices[index]
    if (choice && (line !== '' || fallback !== undefined)) return choice.value
    terminal.say(`Give a number from 1 to ${choices.length}.`)
  }
}

/** Asks for yes or no; an empty line is no. */
export async function confirm(terminal: Terminal, question: string): Promise<boolean> {
  for (;;) {
    const line = (await terminal.ask(`${question} [y/N] `)).trim().toLowerCase()
    if (line === 'y' || line === 'yes') return true
    if (line === '' || line === 'n' || line === 'no') return false
  }
}
