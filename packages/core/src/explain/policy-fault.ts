import { isPolicyError, type PolicyErrorCode } from "../errors.ts";
import { textAt } from "./face.ts";
import type { OwnError } from "./own-error.ts";

/** Nobody may take these for something that can be tried again, whatever stands around or beside them. */
const UNKNOWN: readonly PolicyErrorCode[] = [
  "transaction/outcome-unknown",
  "statement/outcome-unknown",
];

/** `group/name`; no code of a driver or an ORM has a slash in it. */
const CODE = /^[a-z]+(?:-[a-z]+)*\/[a-z]+(?:-[a-z]+)*$/u;

/** What is left of a `PolicyError` in this error of a chain; `undefined` where it is somebody else's. */
export function ownErrorOf(value: object): OwnError | undefined {
  return isPolicyError(value) ? kept(value) : remade(value);
}

/** True for a `PolicyError` that says that something was sent and may have been done. */
export function isOutcomeUnknown({ code }: OwnError): boolean {
  return UNKNOWN.includes(code);
}

/** A copy, or what JSON has kept of it, may lack any of its parts. */
function kept(value: object): OwnError | undefined {
  const code = textAt(value, "code");
  if (code === undefined || !isCode(code)) return undefined;
  return { code, hint: textAt(value, "hint") ?? "", message: textAt(value, "message") ?? "" };
}

/**
 * Prisma 7 makes an error of its own of every error that has a code, and keeps code and text of it. The
 * hint of a `PolicyError` is one sentence, its last.
 */
function remade(value: object): OwnError | undefined {
  const code = textAt(value, "code");
  if (textAt(value, "name") !== "PrismaClientKnownRequestError") return undefined;
  if (code === undefined || !isCode(code)) return undefined;
  const text = textAt(value, "message") ?? "";
  // Behind the invocation, which Prisma puts first and shows a piece of the program with.
  const message = text.slice(text.lastIndexOf("\n\n\n") + 1).trim();
  return { code, hint: lastSentenceOf(message), message };
}

function isCode(code: string): code is PolicyErrorCode {
  return CODE.test(code);
}

function lastSentenceOf(text: string): string {
  let last = text;
  for (const { index } of text.matchAll(/(?<=[.?!]\s)[A-Z`]/gu)) last = text.slice(index);
  return last;
}
