import assert from "node:assert/strict";
import type { PolicyErrorCode, Violation } from "@doorpolicy/core";

const POLL_MS = 10;

let patienceMs = 8_000;

/** How long {@link eventually} and {@link soon} wait, in milliseconds; the runner sets it for each scenario. */
export function setPatience(ms: number): void {
  patienceMs = ms;
}

/**
 * Polls until `look` no longer throws, and passes on what it returns. Closing a connection is
 * asynchronous at both ends, so what is asked of a server is asked until it holds or the bound is
 * reached; then the last failure is thrown.
 */
export async function eventually<Result>(
  look: () => Promise<Result> | Result,
  withinMs: number = patienceMs,
): Promise<Result> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Fails when the promise has not settled in time; what it does later is nobody's concern. */
export async function within<Result>(
  ms: number,
  what: string,
  promise: Promise<Result>,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing came back within ${ms} ms.`)), ms);
  });
  promise.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Fails when what comes at once on a machine at rest has not come on a busy one either. */
export function soon<Result>(what: string, promise: Promise<Result>): Promise<Result> {
  return within(patienceMs, what, promise);
}

/** The error of a promise that has to fail. */
export async function rejection(what: string, promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return assert.fail(`${what} resolved, as if it had worked.`);
}

/**
 * The policy's own error in what an ORM threw, by its code. Prisma 7 makes an error of its own of
 * every error with a code, and keeps code and text of it (`PrismaClientKnownRequestError`).
 */
export function policyError(error: unknown, code: PolicyErrorCode): Error {
  const chain = chainOf(error);
  for (const link of chain) {
    if (link instanceof Error && "code" in link && link.code === code) return link;
  }
  const texts = chain.map((link) => (link instanceof Error ? link.message.trim() : "…"));
  return assert.fail(`no \`${code}\` in the error: ${texts.join(" <- ")}`);
}

/** An error and what ORMs wrap: `cause`, TypeORM's `driverError`, Prisma's `meta.driverAdapterError`. */
function chainOf(error: unknown): readonly unknown[] {
  const seen = new Set<unknown>();
  const waiting: unknown[] = [error];
  for (let link = waiting.pop(); link !== undefined; link = waiting.pop()) {
    if (typeof link !== "object" || link === null || seen.has(link)) continue;
    seen.add(link);
    for (const key of ["cause", "driverError", "originalError", "meta", "driverAdapterError"]) {
      if (key in link) waiting.push(Reflect.get(link, key));
    }
  }
  return [...seen];
}

/** The one violation of a rule that was reported, once it is. */
export function reported(violations: readonly Violation[], rule: string): Promise<Violation> {
  return eventually(() => {
    const [first, ...more] = violations.filter((violation) => violation.rule === rule);
    assert.ok(first, `Nothing was reported under \`${rule}\`.`);
    assert.equal(more.length, 0, `\`${rule}\` was reported ${more.length + 1} times.`);
    return first;
  });
}
