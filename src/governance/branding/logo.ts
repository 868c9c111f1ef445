/**
 * Reads where a logo is: `https://…` without credentials, or `asset:<uuid>`.
 *
 * @returns the address as URL writes it; undefined where it is none
 */
export function parseLogo(input: string): string | undefined {
  if (/^asset:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(input)) return input
  if (!/^https:\/\/[^\s/?#]/.test(input) || !URL.canParse(input)) return undefined
  const url = new URL(input)
  return url.username || url.password || url.href.length > 2048 ? undefined : url.href
}
