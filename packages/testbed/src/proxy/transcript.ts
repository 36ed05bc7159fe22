import type { ProxyMessage } from "./facts.ts";
import type { ProxyMessageName } from "./messages.ts";

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** An entry that is still being written: rows are added to it, and what a rule did to it. */
export type Entry = Writable<ProxyMessage>;

const HEAD_CHARACTERS = 500;

/** Every message in the order in which it reached the proxy, the oldest dropped beyond a limit. */
export class Transcript {
  readonly limit: number;
  /** Messages that were here and had to go to keep the limit. */
  dropped = 0;
  #entries: Entry[] = [];
  /** Entries before this one are dropped; they are cut off in bulk. */
  #first = 0;
  /** The last entry of each flow, if it is of rows; forgotten with the entries. */
  #rows = new WeakMap<object, { readonly entry: Entry; readonly number: number }>();
  #added = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Adds a message of a flow; a row right behind another one only counts. */
  add(flow: object, message: Entry): void {
    if (this.limit === 0) return;
    this.#added += 1;
    if (isRow(message.message)) this.#rows.set(flow, { entry: message, number: this.#added });
    else this.#rows.delete(flow);
    const { sql } = message;
    this.#entries.push(
      sql !== undefined && sql.length > HEAD_CHARACTERS
        ? Object.assign(message, { sql: `${sql.slice(0, HEAD_CHARACTERS)}…` })
        : message,
    );
    if (this.#entries.length - this.#first > this.limit) {
      this.dropped += this.#entries[this.#first]?.times ?? 0;
      this.#first += 1;
      if (this.#first > this.limit) {
        this.#entries = this.#entries.slice(this.#first);
        this.#first = 0;
      }
    }
  }

  /** Counts one more row into the flow's last entry; `false` when there is none to count it into. */
  addRow(flow: object, name: ProxyMessageName, bytes: number): boolean {
    if (!isRow(name)) return false;
    const last = this.#rows.get(flow);
    if (last === undefined || last.number <= this.#added - this.limit) return false;
    const { entry } = last;
    if (entry.message !== name || entry.met !== undefined) return false;
    entry.times += 1;
    entry.bytes += bytes;
    return true;
  }

  read(): readonly ProxyMessage[] {
    return this.#entries.slice(this.#first).map((entry) => ({ ...entry }));
  }

  clear(): void {
    this.#entries = [];
    this.#first = 0;
    this.dropped = 0;
    this.#rows = new WeakMap();
  }
}

function isRow(name: ProxyMessageName): boolean {
  return name === "DataRow" || name === "CopyData";
}
