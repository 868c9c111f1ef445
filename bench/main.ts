/**
 * What tenancy costs: `npm run bench`. All figures of a run come from that run, and each is a ratio between
 * contenders who took turns in it.
 */
import { writeFileSync } from 'node:fs'
import { benchChart } from './chart.ts'
import { Cleanup } from './cleanup.ts'
import { type BenchOptions, readOptions, UsageError, usage } from './options.ts'
import { runBench } from './run.ts'
import { benchTables } from './table.ts'

async function main(): Promise<number> {
  let options: BenchOptions | undefined
  try {
    options = readOptions(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${error.message}\n\n${usage}`)
    return 2
  }
  if (!options) {
    console.log(usage)
    return 0
  }
  const cleanup = new Cleanup()
  try {
    const report = await runBench(options, cleanup, logProgress)
    if (options.chart !== undefined) writeFileSync(options.chart, benchChart(report))
    console.log(options.json ? JSON.stringify(report, null, 2) : `\n${benchTables(report)}`)
    // a figure of a client that leaks is worth nothing
    return report.wrongRows > 0 || (report.leaks ?? []).length > 0 ? 1 : 0
  } catch (error) {
    // what fails after Ctrl-C fails because of it, and the process is about to end
    if (cleanup.interrupted) return await new Promise<never>(() => {})
    throw error
  } finally {
    await cleanup.run()
  }
}

/** A line for each step, with the seconds since the start, on stderr: stdout has the result alone. */
function logProgress(line: string): void {
  console.error(`${(performance.now() / 1_000).toFixed(1).padStart(6)} s  ${line}`)
}

// whoever reads the output may stop reading; what was made on the server is undone all the same
let outputFailed = false
process.stdout.on('error', () => {
  outputFailed = true
  process.exitCode = 1
})

try {
  const code = await main()
  process.exitCode = outputFailed ? 1 : code
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
