import type { Reporter, TestModule } from 'vitest/node'
import type { MatrixCount } from '../../src/prove/matrix-report.ts'

declare module 'vitest' {
  interface TaskMeta {
    /** What a test has added to the matrix, for the line that closes the run. */
    matrix?: MatrixCount
  }
}

declare module 'vitest' {
  interface TaskMeta {
    /** A line that a test hands over to be printed at the end of the output: `task.meta.closingLine = '…'`. */
    closingLine?: string
  }
}

/** Ends the output with plain lines, which scripts read more easily than Vitest's own summary. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: errors.length, skipped: 0, pending: 0 }
    const matrix: MatrixCount[] = []
    for (const module of modules) {
      if (module.errors().length > 0) counts.failed++
      for (const test of module.children.allTests()) {
        counts[test.result().state]++
        const { closingLine, matrix: part } = test.meta()
        if (closingLine !== undefined) console.log(closingLine)
        if (part) matrix.push(part)
      }
    }
    if (matrix.length > 0) {
      const sum = (of: keyof MatrixCount) => matrix.reduce((total, part) => total + part[of], 0)
      console.log(`matrix: ${sum('cells')} cells, ${sum('leaks')} leaks, ${sum('unproven')} unproven`)
    }
    console.log(`tests: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
  }
}
