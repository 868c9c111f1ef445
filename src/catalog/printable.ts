/** Names are whatever somebody wrote into the database, and a terminal obeys some of what it is sent. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}|\p{Bidi_Control}/gu, '\ufffd')
}
