import type { Effect, EffectOf } from "../effect.ts";

/** What repeats within a statement and means the same each time: `nextval('s')` in each of a thousand rows. */
const SAID_ONCE: ReadonlySet<string> = new Set([
  "session-lock",
  "session-unlock",
  "transaction-lock",
  "sequence",
  "sequence-read",
  "opaque",
]);

/** Gathers the effects of a text. */
export class EffectList {
  /** Which statement is being read, from 0; -1 before the first. */
  statement = -1;
  private readonly effects: Effect[] = [];
  private readonly said = new Set<string>();

  /** The statements from here on are another one. */
  beginStatement(): void {
    this.statement++;
    this.said.clear();
  }

  add(at: number, effect: EffectOf): void {
    if (SAID_ONCE.has(effect.kind)) {
      const key = JSON.stringify(effect);
      if (this.said.has(key)) return;
      this.said.add(key);
    }
    this.effects.push(Object.freeze({ ...effect, statement: this.statement, at }));
  }

  /** In the order of the text: a call is noted when its arguments have been read, and others may stand in them. */
  inOrder(): readonly Effect[] {
    return Object.freeze(this.effects.toSorted((one, other) => one.at - other.at));
  }
}
