/** Where the pipelines of a project run. */
export type PipelineHost = 'github' | 'gitlab' | 'none'

/** How a project's packages are installed, and their commands run. */
export interface PackageManager {
  readonly name: 'npm' | 'pnpm' | 'yarn'
  readonly install: string
  readonly run: string
  /** Adds packages that only developers need. */
  readonly add: string
}

/** By the lock file that is there. */
export function packageManager(exists: (path: string) => boolean): PackageManager {
  if (exists('pnpm-lock.yaml'))
    return {
      name: 'pnpm',
      install: 'pnpm install --frozen-lockfile',
      run: 'pnpm exec',
      add: 'pnpm add -D',
    }
  if (exists('yarn.lock'))
    return { name: 'yarn', install: 'yarn install --immutable', run: 'yarn', add: 'yarn add -D' }
  return { name: 'npm', install: 'npm ci', run: 'npx', add: 'npm install -D' }
}

/** What a schema that was not made for tenants would else fail with on its first day, and forever after. */
const laxity = [
  'warnings, and attacks that could not be judged, are printed and let pass;',
  'without --fail-on error and --accept-unproven they stop the run',
]

/**
 * What is run, in this order: the migrations on an empty database, whether they have all policies, and the two looks at
 * what they make.
 *
 * @param permission what `prove` is told where the server is another host
 */
function commandsOf(permission = ''): readonly string[] {
  return [
    'doublehull migrate',
    'doublehull policies --check --database-url "$DIRECT_URL"',
    'doublehull verify --fail-on error',
    `doublehull prove --accept-unproven --database-url "$DIRECT_URL"${permission}`,
  ]
}

/**
 * A workflow for GitHub Actions that migrates an empty PostgreSQL, looks for ways around row-level security in it, and
 * attacks it with each hull alone.
 */
export function githubWorkflow({ name, install, run }: PackageManager): string {
  const setUp = name === 'pnpm' ? '      - uses: pnpm/action-setup@v4\n' : ''
  const steps = [install, `${run} prisma generate`, ...commandsOf().map((command) => `${run} ${command}`)]
  return `name: tenancy
on:
  push:
    branches: [main]
  pull_request:
permissions:
  contents: read
jobs:
  tenancy:
    runs-on: ubuntu-latest
    services:
      postgres:
        image: postgres:17
        env:
          POSTGRES_PASSWORD: postgres
        ports:
          - 5432:5432
        options: --health-cmd pg_isready --health-interval 2s --health-retries 30
    env:
      # a database of this run alone, with nothing in it
      DIRECT_URL: postgresql://postgres:postgres@localhost:5432/postgres
    steps:
      - uses: actions/checkout@v4
${setUp}      - uses: actions/setup-node@v4
        with:
          node-version: 22
          cache: ${name}
${steps.map((step) => `${remarkOn(step, '      ')}      - run: ${step}\n`).join('')}`
}

/** A job for GitLab CI that does the same. */
export function gitlabJob({ name, install, run }: PackageManager): string {
  const before = name === 'npm' ? [] : ['corepack enable']
  const steps = [
    ...before,
    install,
    `${run} prisma generate`,
    ...commandsOf(' --throw-away postgres').map((command) => `${run} ${command}`),
  ]
  return `tenancy:
  image: node:22
  services:
    - postgres:17
  variables:
    POSTGRES_PASSWORD: postgres
    # a database of this run alone, with nothing in it
    DIRECT_URL: postgresql://postgres:postgres@postgres:5432/postgres
  script:
${steps.map((step) => `${remarkOn(step, '    ')}    - ${step}\n`).join('')}`
}

function remarkOn(step: string, indent: string): string {
  return step.includes('--fail-on') ? laxity.map((line) => `${indent}# ${line}\n`).join('') : ''
}
