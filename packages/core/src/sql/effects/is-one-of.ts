/** Whether a word is one of a few; none is none of them. */
export function isOneOf(word: string | undefined, ...words: readonly string[]): boolean {
  return word !== undefined && words.includes(word);
}
