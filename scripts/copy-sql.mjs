// The compiler leaves SQL where it is; the package needs it beside the code that reads it.
import { cpSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

cpSync(
  fileURLToPath(new URL('../src/catalog', import.meta.url)),
  fileURLToPath(new URL('../dist/catalog', import.meta.url)),
  { recursive: true, filter: (path) => !path.endsWith('.ts') },
)
