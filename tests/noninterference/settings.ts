/**
 * How many sequences are run: `DOUBLEHULL_SEQUENCES`, or 500.
 */
export const numberOfSequences = wholeNumber('DOUBLEHULL_SEQUENCES', 500)

/** What the sequences are made from: `DOUBLEHULL_SEED`, or a new one. The same seed makes the same sequences again. */
export const seed = wholeNumber('DOUBLEHULL_SEED', Math.floor(Math.random() * 2 ** 31))

/** Whether to print what the sequences were made of: `DOUBLEHULL_DISTRIBUTION`. */
export const printsDistribution = (process.env['DOUBLEHULL_DISTRIBUTION'] ?? '') !== ''

function wholeNumber(name: string, otherwise: number): number {
  const given = process.env[name] ?? ''
  if (given === '') return otherwise
  if (!/^\d+$/.test(given) || Number(given) > 2 ** 31)
    throw new Error(`${name} must be a whole number up to 2^31`)
  return Number(given)
}
