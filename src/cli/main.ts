#!/usr/bin/env node
const args = process.argv.slice(2)
if (args.length === 0 && process.env['PRISMA_GENERATOR_INVOCATION']) {
  // `generator tenancy { provider = "doublehull" }`: Prisma runs the package's one executable. The commands must not be
  // loaded here: in this repository they need what the generator is about to write
  const { runGenerator } = await import('../manifest/generator.ts')
  runGenerator()
} else {
  const { runCommand } = await import('./run-command.ts')
  // not process.exit: it would cut off output that is still on its way into a pipe
  process.exitCode = await runCommand(args)
}
