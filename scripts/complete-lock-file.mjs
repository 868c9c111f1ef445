/**
 * Completes package-lock.json after `npm install`: `node scripts/complete-lock-file.mjs`.
 *
 * Tools such as Biome and oxlint name one optional package for each platform. Behind a registry mirror that
 * does not carry the packages of other platforms, npm leaves those out of the lock file, and `npm ci` then
 * refuses it everywhere. This adds an entry for each that is missing, with the exact version that its parent
 * names; it has no integrity hash, because there is nothing here to take one from.
 */
import { readFileSync, writeFileSync } from 'node:fs'

const file = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(file, 'utf8'))

const systems = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
]
const processors = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64']

/** Where a package of this name installs, read from the name: `@oxlint/binding-linux-x64-musl`. */
function platformOf(name) {
  const os = systems.find((system) => name.includes(system))
  const cpu = processors.find((processor) => name.includes(processor))
  if (!os || !cpu) throw new Error(`${name} is missing from package-lock.json and names no platform`)
  const libc = /musl/.test(name) ? { libc: ['musl'] } : /gnu/.test(name) ? { libc: ['glibc'] } : {}
  return { cpu: [cpu], os: [os], ...libc }
}

const missing = Object.values(lock.packages).flatMap((parent) =>
  Object.entries(parent.optionalDependencies ?? {})
    .filter(([name]) => !lock.packages[`node_modules/${name}`] && !parent.peerDependenciesMeta?.[name])
    .map(([name, version]) => [name, version, parent.dev === true]),
)
for (const [name, version, dev] of missing) {
  lock.packages[`node_modules/${name}`] = {
    version,
    ...(dev ? { dev } : {}),
    optional: true,
    ...platformOf(name),
  }
}
const { '': root, ...packages } = lock.packages
const sorted = Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1))
lock.packages = { '': root, ...Object.fromEntries(sorted) }
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
console.log(
  missing.length === 0 ? 'nothing is missing' : `${missing.length} packages of other platforms added`,
)
