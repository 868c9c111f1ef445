import { parseArgs } from 'node:util'
import { type PeerName, peerNames } from './peers.ts'
import { type Measurement, measurements } from './plan.ts'

/** What `npm run bench -- …` was asked for. */
export interface BenchOptions {
  readonly json: boolean
  readonly quick: boolean
  /** A file that the run's figures are drawn into. */
  readonly chart?: string
  /** Rounds of each measurement, where the usual number is not wanted. */
  readonly rounds?: number
  readonly only: ReadonlySet<Measurement>
  readonly peers: readonly PeerName[]
}

export const usage = `Usage: npm run bench -- [options]

Measures what tenancy costs, in one run: plain Prisma without row-level security
(the floor), this package, transactions that set the context themselves, and four
other packages, in turns. The server is that of DIRECT_URL, or else DATABASE_URL,
or else the embedded PostgreSQL. A URL must log in as a superuser; the databases and
logins that are made there are dropped afterwards (the roles of the migrations stay).

Whatever is measured, one tenant also reaches for another's rows with each way that
takes part. Exits with 1 if this package lets anything through.

Options:
  --quick           fewer rounds, and neither the other packages nor the array
                    transaction: under a minute, instead of some twelve
  --json            print one JSON object and nothing else (npm run --silent bench -- --json)
  --chart FILE      draw the figures into an SVG file
  --rounds N        rounds of each measurement
  --only A,B        some measurements only, of:
                    ${measurements.slice(0, 7).join(', ')},
                    ${measurements.slice(7).join(', ')}
  --peers A,B       some of the other packages only, or none; of:
                    ${peerNames.slice(0, 2).join(', ')},
                    ${peerNames.slice(2).join(', ')}
  --help            show this help

The other packages are installed into bench/node_modules by the first run that needs them.
`

/** An option that does not exist, or a value that it does not take. */
export class UsageError extends Error {}

/**
 * Reads the command line.
 *
 * @returns `undefined` where help was asked for
 * @throws UsageError
 */
export function readOptions(args: readonly string[]): BenchOptions | undefined {
  const values = parse(args)
  if (values.help) return undefined
  const only = parseList('--only', values.only, measurements)
  const peers = values.peers === 'none' ? [] : parseList('--peers', values.peers, peerNames)
  if (values.quick && values.peers !== undefined) {
    throw new UsageError('--quick measures none of the other packages; leave one of --quick and --peers out')
  }
  if (
    values.chart !== undefined &&
    !['findFirst', 'throughput'].every((part) => only.some((name) => name === part))
  ) {
    throw new UsageError('--chart draws findFirst and throughput; --only leaves one of them out')
  }
  return {
    json: values.json,
    quick: values.quick,
    only: new Set(only),
    peers: values.quick ? [] : peers,
    ...(values.chart === undefined ? {} : { chart: values.chart }),
    ...(values.rounds === undefined ? {} : { rounds: parseRounds(values.rounds) }),
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        json: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        chart: { type: 'string' },
        rounds: { type: 'string' },
        only: { type: 'string' },
        peers: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error })
  }
}

function parseList<Name extends string>(
  option: string,
  value: string | undefined,
  names: readonly Name[],
): readonly Name[] {
  if (value === undefined) return names
  return value.split(',').map((part) => {
    const name = names.find((candidate) => candidate === part.trim())
    if (name === undefined) {
      throw new UsageError(`${option} does not know '${part.trim()}'; it takes ${names.join(', ')}`)
    }
    return name
  })
}

function parseRounds(value: string): number {
  if (/^[1-9]\d{0,3}$/.test(value)) return Number(value)
  throw new UsageError(`--rounds takes a number from 1 to 9999, and not '${value}'`)
}
