const DIGITS = "0123456789abcdefghijklmnopqrstuv";

/** How many characters {@link shortHash} gives: 40 bits, so that a fleet's names do not meet by chance. */
export const HASH_LENGTH = 8;

/**
 * Eight characters of `[0-9a-v]` that stay the same for a text on every platform and in every
 * version: two rounds of FNV-1a over the code units, mixed as in MurmurHash3. It tells names apart
 * and protects nothing.
 */
export function shortHash(text: string): string {
  let low = 0x811c9dc5;
  let high = 0x9e3779b9;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit ^ (low >>> 13), 0x85ebca6b);
  }
  const first = mix(low ^ high);
  const second = mix(high + 0x7f4a7c15);

  let hash = "";
  for (let index = 0; index < HASH_LENGTH; index++) {
    const word = index < 4 ? first : second;
    hash += DIGITS[(word >>> ((index % 4) * 5)) & 31] ?? "0";
  }
  return hash;
}

function mix(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
