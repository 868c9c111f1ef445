import { existsSync, readFileSync } from 'node:fs'

/** What a project's own settings say of where Prisma has its files, as paths from the current folder. */
export interface PrismaSettings {
  readonly schema: string | undefined
  readonly migrations: string | undefined
}

const configFiles = ['prisma.config.ts', 'prisma.config.mts', 'prisma.config.js', 'prisma.config.mjs']

/** A path as one text, or as its parts: `'prisma/schema'`, `path.join('prisma', 'schema')`. */
const literal = String.raw`(?:(?:path\.)?(?:join|resolve)\(\s*)?((?:(?:'[^'\n]+'|"[^"\n]+"|${'`[^`$\n]+`'})\s*,?\s*)+)`
const schemaSetting = new RegExp(String.raw`\bschema:\s*${literal}`)
const migrationsSetting = new RegExp(String.raw`\bmigrations:\s*\{[^{}]*?\bpath:\s*${literal}`)

/** What `prisma.config.ts` says where it says it plainly, which is a program and isn't run for it; then `package.json`. */
export function prismaSettings(): PrismaSettings {
  const file = configFiles.find((path) => existsSync(path))
  const text = file === undefined ? '' : withoutComments(readFileSync(file, 'utf8'))
  return {
    schema: pathIn(schemaSetting.exec(text)?.[1]) ?? fromPackage(),
    migrations: pathIn(migrationsSetting.exec(text)?.[1]),
  }
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')
}

function pathIn(parts: string | undefined): string | undefined {
  const texts = parts?.match(/'[^']+'|"[^"]+"|`[^`]+`/g)?.map((text) => text.slice(1, -1))
  return texts?.join('/').replace(/^\.\//, '').replace(/\/+$/, '')
}

function fromPackage(): string | undefined {
  if (!existsSync('package.json')) return undefined
  try {
    const { prisma } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      readonly prisma?: { readonly schema?: string }
    }
    return prisma?.schema?.replace(/^\.\//, '').replace(/\/+$/, '')
  } catch {
    // not ours to mend
    return undefined
  }
}
