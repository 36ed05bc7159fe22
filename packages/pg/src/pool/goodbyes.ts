import { afterInput } from "../clock.ts";
import { throwingLater } from "../driver/service-callback.ts";
import { outsideUnits } from "../units/context.ts";

const due: (() => void)[] = [];
let isHearingExit = false;

/**
 * Says a goodbye when the current turn of the event loop is over: whoever has just been answered goes on first,
 * and what he asks next need not wait for it. A process that exits before says it then, so that the pooler hears
 * of a client that has left, and of none that was lost.
 */
export function sayGoodbyeSoon(say: () => void): void {
  due.push(throwingLater(say));
  if (due.length > 1) return;
  if (!isHearingExit) {
    isHearingExit = true;
    process.on("exit", sayAll);
  }
  outsideUnits(() => afterInput(sayAll));
}

function sayAll(): void {
  for (const say of due.splice(0)) say();
}
