const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  // a parser makes spaces of them in an attribute
  '\n': '&#10;',
  '\r': '&#13;',
  '\t': '&#9;',
}

/** For text and for attributes. A name in a database may have characters that XML has not, even as entities. */
export function xmlText(text: string): string {
  return (
    text
      // oxlint-disable-next-line no-control-regex -- they are what is looked for
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
      .replace(/[&<>"'\n\r\t]/g, (character) => entities[character] ?? character)
  )
}
