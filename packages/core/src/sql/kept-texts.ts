/** Texts of one fingerprint that are kept; a further one takes the place of the last. */
const MAX_ALIKE = 4;

/** Places of a text that its fingerprint looks at. */
const SAMPLES = 8;

interface Entry<Value> {
  readonly text: string;
  readonly value: Value;
}

type Generation<Value> = Map<number, Entry<Value>[]>;

/**
 * A bounded map from texts. A `Map` would hash each string that is new, character by character: 1 µs for
 * 1 kB, each time that an ORM builds the same statement anew. Here a few characters find the candidates, and a
 * comparison, twenty times as fast, decides.
 *
 * Kept in two generations, the older of which is dropped whole when the younger is full: taking single keys
 * out of the front of a `Map` leaves holes that each next look at its front has to pass.
 */
export class KeptTexts<Value> {
  private readonly most: number;
  private young: Generation<Value> = new Map();
  private old: Generation<Value> = new Map();
  private youngCount = 0;
  private oldCount = 0;

  /** `most`: how many texts are kept; after that at least half as many, those that came or were asked for last. */
  constructor(most: number) {
    this.most = most;
  }

  get size(): number {
    return this.youngCount + this.oldCount;
  }

  get(text: string): Value | undefined {
    const key = fingerprint(text);
    const found = find(this.young.get(key), text);
    if (found !== undefined) return found.value;
    const alike = this.old.get(key);
    const before = find(alike, text);
    if (before === undefined || alike === undefined) return undefined;
    alike.splice(alike.indexOf(before), 1);
    this.oldCount -= 1;
    this.add(key, before);
    return before.value;
  }

  /** Keeps a text that {@link get} has not found. */
  set(text: string, value: Value): void {
    this.add(fingerprint(text), { text, value });
  }

  private add(key: number, entry: Entry<Value>): void {
    if (this.youngCount * 2 >= this.most) {
      this.old = this.young;
      this.oldCount = this.youngCount;
      this.young = new Map();
      this.youngCount = 0;
    }
    const alike = this.young.get(key);
    if (alike === undefined) this.young.set(key, [entry]);
    else if (alike.length < MAX_ALIKE) alike.push(entry);
    else {
      alike[MAX_ALIKE - 1] = entry;
      return;
    }
    this.youngCount += 1;
  }
}

function find<Value>(
  alike: readonly Entry<Value>[] | undefined,
  text: string,
): Entry<Value> | undefined {
  if (alike === undefined) return undefined;
  for (const entry of alike) if (entry.text === text) return entry;
  return undefined;
}

function fingerprint(text: string): number {
  const { length } = text;
  const step = Math.trunc(length / SAMPLES) + 1;
  let print = length;
  for (let at = length - 1; at >= 0; at -= step) {
    print = (Math.imul(print, 31) + text.charCodeAt(at)) | 0;
  }
  return print;
}
