import { isPolicyError, type PolicyErrorCode } from "../errors.ts";
import type { Explanation } from "./explanation.ts";
import { type Link, textAt } from "./face.ts";
import { explainOwn, type OwnError } from "./own-error.ts";

/** Nobody may take these for something that can be tried again, whatever stands around or beside them. */
const UNKNOWN: readonly PolicyErrorCode[] = [
  "transaction/outcome-unknown",
  "statement/outcome-unknown",
];

/** `group/name`; no code of a driver or an ORM has a slash in it. */
const CODE = /^[a-z]+\/[a-z]+(?:-[a-z]+)*$/u;

/**
 * The `PolicyError` of a chain explains itself; its own words are taken over. Of several the
 * outermost, but before all of them one that says that the outcome is unknown.
 */
export function explainPolicyError(chain: readonly Link[]): Explanation | undefined {
  const own = chain.flatMap(({ value }) => (isPolicyError(value) ? value : remade(value)) ?? []);
  const error = own.find(({ code }) => UNKNOWN.includes(code)) ?? own[0];
  return error && explainOwn(error);
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
  for (const { index } of text.matchAll(/(?<=[.?!]\s+)[A-Z`]/gu)) last = text.slice(index);
  return last;
}
