/** Tells how far a load is: a bar on a terminal, a line for each tenth elsewhere. */
export function createProgress(
  total: number,
  out: NodeJS.WriteStream,
): { (rows: number): void; end(): void } {
  const started = performance.now()
  let told = 0
  const tell = (rows: number) => {
    const seconds = (performance.now() - started) / 1000
    const share = Math.min(1, rows / total)
    const text = `${Math.floor(share * 100)
      .toString()
      .padStart(3)} %  ${rows} rows  ${Math.round(rows / seconds)} rows/s`
    if (!out.isTTY) {
      const tenth = Math.floor(share * 10)
      if (tenth > told) out.write(`${text}\n`)
      told = Math.max(told, tenth)
      return
    }
    if (performance.now() < told && share < 1) return
    told = performance.now() + 100
    const full = Math.round(share * 30)
    out.write(`\r[${'#'.repeat(full)}${'.'.repeat(30 - full)}] ${text}`)
  }
  return Object.assign(tell, { end: () => void (out.isTTY && out.write('\n')) })
}
