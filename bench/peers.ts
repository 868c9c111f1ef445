/**
 * The other packages. They are installed into `bench/node_modules` and their contenders loaded when a run asks for
 * them, so that nothing else of the project needs them.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import type pg from 'pg'
import type { OpenContender } from './contenders/contender.ts'
import { briefly } from './tally.ts'

const files = {
  '@usebetterdev/tenant': 'better-tenant.ts',
  'prisma-rls': 'prisma-rls.ts',
  'prisma-tenant-extension': 'prisma-tenant-extension.ts',
  '@zenstackhq/orm': 'zenstack.ts',
} as const

export type PeerName = keyof typeof files

export const peerNames = Object.keys(files) as readonly PeerName[]

/** A package that can take part, or the reason why not. */
export type Peer =
  | {
      readonly name: string
      readonly version: string
      readonly open: OpenContender
      /** Changes a database to what the package works with; it then has one of its own. */
      readonly prepare?: (admin: pg.Client) => Promise<void>
    }
  | { readonly name: string; readonly version: string; readonly unavailable: string }

const folder = new URL('./', import.meta.url)

/** Installs the packages where that is still to be done, and loads those that are asked for. */
export async function loadPeers(
  names: readonly PeerName[],
  log: (line: string) => void,
): Promise<readonly Peer[]> {
  if (names.length === 0) return []
  const failure = await install(log)
  const { dependencies } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>
  }
  const peers: Peer[] = []
  for (const name of names) {
    const version = dependencies[name] ?? ''
    try {
      if (failure !== undefined) throw new Error(failure)
      const module = (await import(new URL(`peers/${files[name]}`, folder).href)) as {
        readonly open: OpenContender
        readonly prepare?: (admin: pg.Client) => Promise<void>
      }
      peers.push({ name, version, ...module })
    } catch (error) {
      peers.push({ name, version, unavailable: briefly(error) })
    }
  }
  return peers
}

/** `npm ci`, unless what is installed is what the lock file says. Tells why it failed. */
async function install(log: (line: string) => void): Promise<string | undefined> {
  if (isInstalled()) return undefined
  log('installing the other packages into bench/node_modules')
  // npm's own output is not the benchmark's
  const npm = spawn('npm', ['ci', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  })
  try {
    const [code] = (await once(npm, 'exit')) as [number | null]
    return code === 0 ? undefined : `npm ci failed in bench/ with code ${code}`
  } catch (error) {
    return `npm could not be run: ${briefly(error)}`
  }
}

/** npm notes what it has installed in a lock file of the same form, inside `node_modules`. */
function isInstalled(): boolean {
  const installed = new URL('node_modules/.package-lock.json', folder)
  if (!existsSync(installed)) return false
  const wanted = versions(new URL('package-lock.json', folder))
  const found = versions(installed)
  return Object.entries(wanted).every(([path, version]) => found[path] === version)
}

function versions(lockFile: URL): Readonly<Record<string, string>> {
  const { packages } = JSON.parse(readFileSync(lockFile, 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly version?: string; readonly optional?: boolean }>>
  }
  return Object.fromEntries(
    Object.entries(packages)
      // the root has no version, and what is optional may belong to another platform
      .filter(([path, { optional }]) => path !== '' && !optional)
      .map(([path, { version }]) => [path, version ?? '']),
  )
}
