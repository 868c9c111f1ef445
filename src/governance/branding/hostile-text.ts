/**
 * Control, format and bidirectional characters, lone surrogates and private ones: nobody sees what they do. In ranges
 * and not by their categories, which are not the same in every version of Unicode and of PostgreSQL.
 */
const invisible =
  // oxlint-disable-next-line eslint/no-control-regex -- which is the point
  /[\u0000-\u001f\u007f-\u009f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ue000-\uf8ff\ufeff\ufff0-\uffff\u{110bd}\u{110cd}\u{13430}-\u{1343f}\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e00ff}\u{e01f0}-\u{10ffff}]/u

/** Marks that combine, variation selectors and blanks: they change how a word looks and not what it begins. */
const marks =
  // oxlint-disable-next-line eslint/no-misleading-character-class -- each range for itself
  /[\s\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\u{e0100}-\u{e01ef}]/gu

/** What begins or ends something in CSS or in markup, also written as an entity. */
const punctuation =
  /[;{}<>\\]|\/\*|\*\/|&(#|(lt|gt|amp|quot|apos|semi|lcub|rcub|lbrace|rbrace|bsol|lpar|rpar|commat|tab|newline)(;|$|[^a-z0-9=]))/

/** The same for a URL, once or more than once. */
const escapes = /%(25)*(0[0-9a-f]|1[0-9a-f]|2[2789]|3[bce]|40|5c|7[bdf])/

/** Calls that fetch or compute, at-rules, and schemes that run: asked of the text without its blanks. */
const productions =
  /(url|expression|image-set|attr|var|env)\(|@[a-z-]|(javascript|vbscript):|-moz-binding|behavior:/

/**
 * Why a text must not stand in a branding, or undefined where it may. It is judged as a browser might come to read it:
 * in its compatibility form, in lower case, without marks and blanks. The migration of the branding has the same rules.
 *
 * @example
 * ```ts
 * hostileText('ＵＲＬ(https://example.org)') // 'a call, an at-rule or a scheme is not allowed'
 * ```
 */
export function hostileText(text: string): string | undefined {
  if (invisible.test(text)) return 'control, format and bidirectional characters are not allowed'
  const folded = text.normalize('NFKC').toLowerCase()
  if (invisible.test(folded) || punctuation.test(folded) || escapes.test(folded)) {
    return 'punctuation of CSS or of markup is not allowed, nor its escapes'
  }
  const bare = folded.normalize('NFKD').replace(marks, '').toLowerCase()
  if (punctuation.test(bare) || productions.test(bare)) {
    return 'a call, an at-rule or a scheme is not allowed'
  }
  return undefined
}
