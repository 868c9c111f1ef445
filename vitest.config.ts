import { defineConfig } from 'vitest/config'
import { LongestFirst } from './tests/support/longest-first.ts'

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/support/global-setup.ts'],
    reporters: ['default', './tests/support/closing-line.ts'],
    // a database of its own for every file is made in beforeAll; a slow machine makes several at once
    hookTimeout: 120_000,
    testTimeout: 30_000,
    // one would leave a core idle while it waits for PostgreSQL
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    typecheck: { enabled: false },
  },
})
