import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

/**
 * Does what PostgreSQL refuses while somebody is connected to a database, or is about to leave it: a connection that
 * was closed here may have a moment left over there, and two clones at once can be in each other's way.
 */
export async function onceUnused<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (sqlStateOf(error) !== '55006' || attempt === 100) throw error
      await sleep(Math.min(10 * attempt, 100))
    }
  }
}

/** Connects, works, and disconnects, whatever comes of it. */
export async function withClient<Result>(
  connectionString: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString, application_name: 'doublehull testing' })
  // the query that is under way reports the loss; without a listener it would end the process
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

export function sqlStateOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}
