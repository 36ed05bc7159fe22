import { explainError, type Explanation } from "@doorpolicy/core";

/** The key under which an error of a guarded connection says what it means. */
const KEY = "explanation";

/** An error that a guarded connection or pool gave: the driver's own, which can say what it means. */
export interface ExplainedError extends Error {
  /**
   * What `explainError` says of it; `undefined` for an error of the statement itself and for what is
   * not known. Made when it is asked for: throwing costs one property.
   */
  readonly explanation: Explanation | undefined;
}

/**
 * Lets an error say what it means, as `error.explanation`. Class, `code` and text stay the driver's: ORMs
 * decide by them. The property is not enumerable, so that what copies or prints an
 * error (TypeORM's `QueryFailedError`, a log) leaves it out; `explainError` finds its way through any
 * wrapper. Does nothing to what is no error, is frozen, or explains itself already.
 */
export function carryExplanation(error: unknown): void {
  if (!(error instanceof Error) || KEY in error || !Object.isExtensible(error)) return;
  Object.defineProperty(error, KEY, {
    configurable: true,
    enumerable: false,
    // A function of its own for each error would keep what stands around it alive.
    get: explanationOfThis,
  });
}

function explanationOfThis(this: unknown): Explanation | undefined {
  return explainError(this);
}
