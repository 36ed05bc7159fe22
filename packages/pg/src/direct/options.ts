import { PolicyError } from "@doorpolicy/core";

/** What a value has to be, where it is not; `undefined` where it is. */
export type Problem = (value: unknown) => string | undefined;

/** What a time has to be. */
export const MILLISECONDS = "a whole number of milliseconds from 1";

/** A timer that is set for longer fires at once. */
const MOST_MS = 2_147_483_647;

export function isMilliseconds(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MOST_MS;
}

/** Of settings for `pg` only that they are settings is known here. */
export function problemOfConnection(value: unknown): string | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? undefined
    : "an object with options of pg";
}

/**
 * Options of which each key is known and has a value that it can have. A key that is there and undefined
 * is one that was left out.
 *
 * @throws PolicyError `direct/invalid` naming the key and what is allowed, never a value.
 */
export function checkedOptions<Options extends object>(
  name: string,
  given: Options,
  keys: { readonly [Key in keyof Required<Options>]: Problem },
): Options {
  if (typeof given !== "object" || given === null) {
    throw invalid("options", `The options of \`${name}()\` are no object.`, "Pass an object.");
  }
  const problems = new Map<string, Problem>(Object.entries(keys));
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  for (const [key, value] of entries) {
    const problem = problems.get(key);
    if (problem === undefined) {
      const allowed = [...problems.keys()].map((one) => `\`${one}\``).join(", ");
      throw invalid(key, `\`${key}\` is no option of \`${name}()\`.`, `Use one of ${allowed}.`);
    }
    const wanted = problem(value);
    if (wanted !== undefined) {
      throw invalid(
        key,
        `\`${key}\` of \`${name}()\` is not ${wanted}.`,
        `Set \`${key}\` to ${wanted}, or leave it out.`,
      );
    }
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each entry was looked at above.
  return Object.fromEntries(entries) as Options;
}

/** The error for an argument that is none. */
export function invalid(path: string, message: string, hint: string): PolicyError {
  return new PolicyError("direct/invalid", message, { path, hint });
}
