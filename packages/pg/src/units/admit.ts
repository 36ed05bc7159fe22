import { PolicyError } from "@doorpolicy/core";

import { isStronger } from "./begin-commands.ts";
import { isolationError } from "./messages.ts";
import type { CheckedTransactionOptions } from "./options.ts";
import { isSameLock } from "./own-lock.ts";

/**
 * Refuses what an inner transaction asks for and a part of the outer one cannot have.
 *
 * @throws PolicyError `transaction/isolation-too-strong`, `unit/invalid`.
 */
export function admit(inner: CheckedTransactionOptions, outer: CheckedTransactionOptions): void {
  if (inner.isolation !== undefined && isStronger(inner.isolation, outer.isolation)) {
    throw isolationError(inner.isolation, outer.isolation);
  }
  if (inner.readOnly === true && outer.readOnly !== true) {
    throw new PolicyError(
      "unit/invalid",
      "An inner transaction() is to be read-only in one that is not: its savepoint could not keep it from writing.",
      {
        path: "readOnly",
        hint: "Set `readOnly` on the outermost transaction(), or leave it out.",
      },
    );
  }
  const { advisoryLock } = inner;
  if (
    advisoryLock !== undefined &&
    (outer.advisoryLock === undefined || !isSameLock(advisoryLock, outer.advisoryLock))
  ) {
    throw new PolicyError(
      "unit/invalid",
      "An inner transaction() is to take an advisory lock: it would come after what the outer one has read and done already.",
      {
        path: "advisoryLock",
        hint: 'Set `advisoryLock` on the outermost transaction(), or use `propagation: "new"`.',
      },
    );
  }
  for (const [name, value] of Object.entries(inner.setLocal ?? {})) {
    if (outer.setLocal?.[name] === value) continue;
    throw new PolicyError(
      "unit/invalid",
      `An inner transaction() sets \`${name}\` to another value than the outer one: it would hold for the rest of the outer one, too.`,
      {
        path: `setLocal.${name}`,
        hint: 'Set it on the outermost transaction(), or use `propagation: "new"`.',
      },
    );
  }
}
