import { PolicyError, type PolicyErrorCode, scrubStatement } from "@doorpolicy/core";

import { describeCallSite, ownFrame } from "../call-site.ts";
import type { Guard } from "../guard.ts";
import type { ViolationDraft } from "../report.ts";
import type { Borrower } from "./lease.ts";

/** `"GET /invoices"`, or what it is where nobody has named it. */
function named(label: string | undefined, what: string): string {
  return label === undefined ? what : `${what} "${label}"`;
}

/** " (at …)", where that is known. */
function place(borrower: Borrower | undefined): string {
  const frame = ownFrame(borrower?.site);
  return frame === undefined ? "" : ` (${frame})`;
}

/** The same of a call in a transaction: of a single statement its text and the transaction's place are known. */
function placeIn(transaction: Borrower, call: Borrower | undefined): string {
  const own = place(call);
  const begun = ownFrame(transaction.site);
  const parts = [
    ...(call?.statement === undefined ? [] : [`\`${shortened(scrubStatement(call.statement))}\``]),
    ...(begun === undefined ? [] : [`in the transaction begun ${begun}`]),
  ];
  return own !== "" || parts.length === 0 ? own : ` (${parts.join(" ")})`;
}

/** Enough of a statement to know it by. */
function shortened(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`;
}

/** Reports what a unit refuses, and makes the error of it. What is refused holds in every mode. */
function refused(
  guard: Guard | undefined,
  code: PolicyErrorCode,
  message: string,
  hint: string,
  more: Partial<Pick<ViolationDraft, "openedBy" | "statement" | "action">> = {},
): PolicyError {
  guard?.report({ rule: code, action: "refused", message, help: hint, ...more });
  return new PolicyError(code, message, { hint });
}

function openedBy(borrower: Borrower | undefined): Pick<ViolationDraft, "openedBy"> | object {
  const stack = describeCallSite(borrower?.site);
  return stack === undefined ? {} : { openedBy: stack };
}

/** The waiter's error: whoever holds the unit's connection makes no progress. */
export function stalledError(guard: Guard, holder: Borrower | undefined): PolicyError {
  const { stallMs } = guard.lane.policy.units;
  const who =
    holder === undefined ? "somebody else" : `${named(holder.label, "the holder")}${place(holder)}`;
  return refused(
    guard,
    "unit/stalled",
    `A statement of a unit waited for the unit's one connection, which ${who} has had for ${stallMs} ms without sending anything: it may be waiting for itself.`,
    "Use the transaction's own client inside an ORM's transaction, or `transaction()` around both.",
    openedBy(holder),
  );
}

/** What comes after its `transaction()` has ended. */
export function endedError(label: string | undefined): PolicyError {
  return new PolicyError(
    "transaction/ended",
    `This statement came after its ${named(label, "transaction()")} had ended, and was not sent: outside of it, it would have been stored by itself.`,
    { hint: "Await it inside, or start what is to outlive the transaction with `detached(fn)`." },
  );
}

/** The report of {@link endedError}, or of what is let through where the mode says so. */
export function afterEndDraft(
  label: string | undefined,
  action: ViolationDraft["action"],
  borrower?: Borrower,
): ViolationDraft {
  return {
    rule: "transaction/after-end",
    ...openedBy(borrower),
    action,
    message: `A statement came after its ${named(label, "transaction()")} had ended${action === "refused" ? ", and was not sent" : " and ran outside of it, stored by itself"}.`,
    help: "Await it inside, or start what is to outlive the transaction with `detached(fn)`.",
  };
}

/** The report of work that a unit's function has not awaited. */
export function lateWorkDraft(label: string | undefined, borrower: Borrower): ViolationDraft {
  return {
    rule: "unit/late-work",
    ...openedBy(borrower),
    action: "reported",
    message: `A statement came after its ${named(label, "unitOfWork()")} had ended; it ran outside, on a connection of its own and without the unit's settings.`,
    help: "Await it inside, or start what is to outlive the unit with `detached(fn)`.",
  };
}

/** A statement to another database than the one that the transaction is in. */
export function secondTargetError(
  guard: Guard | undefined,
  fixed: string,
  wanted: string,
): PolicyError {
  return refused(
    guard,
    "transaction/second-target",
    `A transaction() in ${fixed} got a statement for ${wanted}, which would be stored whatever becomes of the transaction.`,
    'Move it outside, or set `otherTargets: "independent"`.',
  );
}

/** Transaction control by hand where a `transaction()` does it. */
export function rawControlError(guard: Guard, text: string, why: string): PolicyError {
  return refused(
    guard,
    "transaction/no-raw-control",
    `Transaction control was sent by hand inside a transaction(): ${why}.`,
    "Leave BEGIN, COMMIT and ROLLBACK to `transaction()` and to the ORM's own transaction; savepoints are free to use.",
    { statement: scrubStatement(text) },
  );
}

/** An inner block that asks for more than the outer one gives. */
export function isolationError(inner: string, outer: string | undefined): PolicyError {
  return new PolicyError(
    "transaction/isolation-too-strong",
    `An inner transaction asks for ${inner}, and the transaction() around it runs as ${outer ?? "the server's default"}: a savepoint cannot change that.`,
    { hint: `Set \`isolation: "${inner}"\` on the outermost transaction().` },
  );
}

/** Work that its function did not wait for. */
export function unawaitedError(
  guard: Guard | undefined,
  transaction: Borrower,
  open: readonly Borrower[],
  waitedMs: number,
): PolicyError {
  const { label } = transaction;
  const [first] = open;
  const where = placeIn(transaction, first);
  const stack = { ...openedBy(transaction), ...openedBy(first) };
  const calls = open.length === 1 ? "one call in it was" : `${open.length} calls in it were`;
  return refused(
    guard,
    "unit/unawaited-work",
    `The function of ${named(label, "a transaction()")} had returned, and ${calls} still not done ${waitedMs} ms later${where}; everything was rolled back.`,
    "Await or return every call inside the function; for what is to outlive it use `detached(fn)`.",
    { ...stack, action: "rolled-back" },
  );
}

/** The report of {@link rolledBackError}. */
export function rolledBackDraft(what: string, borrower: Borrower): ViolationDraft {
  return {
    rule: "transaction/rolled-back-at-commit",
    action: "refused",
    message: `${what}, and nothing of it is stored.`,
    help: "Let the error of what failed leave the function of the transaction.",
    ...openedBy(borrower),
  };
}

/** COMMIT was answered by ROLLBACK, or a savepoint could not be kept. */
export function rolledBackError(what: string, cause?: unknown): PolicyError {
  return new PolicyError(
    "transaction/rolled-back-at-commit",
    `${what}, and nothing of it is stored.`,
    {
      hint: "Let the error of what failed leave the function of the transaction.",
      ...(cause === undefined ? {} : { cause }),
    },
  );
}

/** Nothing new is begun while the process ends. */
export function drainingError(): PolicyError {
  return new PolicyError(
    "unit/draining",
    "This process is ending, and takes no new unit of work.",
    {
      hint: "Stop taking requests before `drain()` is called.",
    },
  );
}

/** pg's pipeline mode takes none of the batches that units are made of. */
export function pipelineError(): PolicyError {
  return new PolicyError(
    "unit/invalid",
    "This pool has `pipeline: true`, and a unit has to know how each statement ended before the next one is sent.",
    { path: "pipeline", hint: "Use a pool without `pipeline` for units." },
  );
}
