import pg from 'pg'
import { median } from './measure.ts'

/** Milliseconds of the shortest exchange that there is with the server, the median of many. */
export async function measureRoundTrip(connectionString: string): Promise<number> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    const times: number[] = []
    for (let exchange = 0; exchange < 220; exchange++) {
      const start = performance.now()
      await client.query('select')
      times.push(performance.now() - start)
    }
    return median(times.slice(20))
  } finally {
    await client.end()
  }
}
