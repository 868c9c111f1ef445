const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/**
 * A text for HTML, between tags or in a quoted attribute. Names are whatever somebody wrote into a schema: characters
 * that turn the direction of what follows, and those that HTML has not, become U+FFFD.
 */
export function htmlText(text: string): string {
  return text
    .replace(/[^\P{Cc}\n\t]|\p{Bidi_Control}|\p{Surrogate}/gu, '\ufffd')
    .replace(/[&<>"']/g, (character) => entities[character] ?? character)
}
