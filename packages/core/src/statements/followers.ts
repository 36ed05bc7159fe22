import type { Effect } from "../sql/effect.ts";
import { transactionControlsIn } from "../sql/transaction-control.ts";

/**
 * Tells which statements of a text are followed, before the transaction they run in ends, by one that does
 * more than to set something or to control the transaction. Several statements in one message run in one
 * transaction, up to a `COMMIT` or `ROLLBACK` among them; one that is open at the end of the text is for what
 * comes in the next.
 */
export function followedStatements(
  text: string,
  effects: readonly Effect[],
  statements: number,
): (statement: number) => boolean {
  const idle = new Set(effects.filter((effect) => isIdle(effect)).map((one) => one.statement));
  const ends = new Set<number>();
  let isOpen = false;
  for (const control of transactionControlsIn(text)) {
    if (control.kind === "begin") isOpen = true;
    else if (control.kind === "commit" || control.kind === "rollback") {
      ends.add(control.statement.index);
      isOpen = control.chain;
    } else if (control.kind === "prepare-transaction") {
      ends.add(control.statement.index);
      isOpen = false;
    }
  }
  const isFollowed: boolean[] = [];
  for (let index = statements - 1, isUsed = isOpen; index >= 0; index--) {
    isFollowed[index] = isUsed;
    if (ends.has(index)) isUsed = false;
    else if (!idle.has(index)) isUsed = true;
  }
  return (statement) => isFollowed[statement] ?? false;
}

/** What runs nothing that a setting or a table could be for. A `set_config()` may stand in any query. */
function isIdle(effect: Effect): boolean {
  if (effect.kind === "set") return effect.by === "set" || effect.by === "reset";
  return effect.kind === "set-transaction" || effect.kind === "transaction-control";
}
