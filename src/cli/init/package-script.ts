/**
 * Adds a script to the text of a `package.json`; not another byte of it changes.
 *
 * @returns the text, the same where there is a script of that name
 *
 * @example
 * ```ts
 * withScript('{\n  "scripts": {}\n}\n', 'tenancy', 'doublehull policies')
 * ```
 */
export function withScript(text: string, name: string, script: string): string {
  const before = parsed(text)
  if (!before || Object.hasOwn(before.scripts, name)) return text
  const ending = text.includes('\r\n') ? '\r\n' : '\n'
  const indent = /^\{\r?\n([ \t]+)"/.exec(text)?.[1] ?? '  '
  // written on one line, it stays on one
  const isOneLine = !text.trim().includes('\n') && text.trim() !== '{}'
  const colon = isOneLine && !/":\s/.test(text) ? ':' : ': '
  const entry = `${JSON.stringify(name)}${colon}${JSON.stringify(script)}`
  // strings blanked out, so that a brace in one is no brace; keys stay findable by their place
  const code = text.replace(/"(?:\\.|[^"\\])*"/g, (part) => `"${'_'.repeat(part.length - 2)}"`)
  const scripts = scriptsAt(text, code)
  if (scripts === undefined) {
    const open = text.indexOf('{') + 1
    if (isOneLine) {
      const [space = ''] = /^\s*/.exec(text.slice(open)) ?? []
      return `${text.slice(0, open)}${space}"scripts"${colon}{${space}${entry}${space}},${space}${text.slice(open + space.length)}`
    }
    const block = `${ending}${indent}"scripts": {${ending}${indent}${indent}${entry}${ending}${indent}}`
    const isEmpty = code.slice(open).trim() === '}'
    return `${text.slice(0, open)}${block}${isEmpty ? ending : ','}${text.slice(open)}`
  }
  const close = code.indexOf('}', scripts)
  const inside = text.slice(scripts, close)
  const kept = inside.trimEnd()
  if (isOneLine || (kept !== '' && !inside.includes('\n'))) {
    const space = /,\s/.test(kept) || /^\s/.test(inside) ? ' ' : ''
    const added = kept === '' ? entry : `${kept},${space}${entry}`
    return `${text.slice(0, scripts)}${added}${inside.slice(kept.length)}${text.slice(close)}`
  }
  const rest = kept === '' ? `${ending}${indent}` : inside.slice(kept.length)
  const line = `${ending}${indent}${indent}${entry}`
  return `${text.slice(0, scripts)}${kept}${kept === '' ? '' : ','}${line}${rest}${text.slice(close)}`
}

/** Behind the opening brace of the scripts of the package itself, and not of some tool's settings. */
function scriptsAt(text: string, code: string): number | undefined {
  for (const match of text.matchAll(/"scripts"\s*:\s*\{/g)) {
    const ahead = code.slice(0, match.index)
    const depth = ahead.split('{').length - ahead.split('}').length
    if (depth === 1) return match.index + match[0].length
  }
  return undefined
}

function parsed(text: string): { readonly scripts: Record<string, unknown> } | undefined {
  try {
    const { scripts } = JSON.parse(text) as { readonly scripts?: Record<string, unknown> }
    return { scripts: scripts ?? {} }
  } catch {
    // not ours to mend
    return undefined
  }
}
