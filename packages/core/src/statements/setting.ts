import { booleanOf } from "../sql/constant.ts";
import type { Effect, Operand, SettingScope } from "../sql/effect.ts";
import { isOfReading, isReadAsShown } from "../sql/reading.ts";

type SetEffect = Extract<Effect, { kind: "set" }>;

/** A setting as it takes effect; `undefined` is what only the server can compute. */
export interface ResolvedSetting {
  /** In lower case; `"all"` for `RESET ALL`. */
  readonly parameter: string | undefined;
  readonly scope: SettingScope | undefined;
  readonly by: SetEffect["by"];
  /**
   * Whether it leaves `standard_conforming_strings` or `client_encoding` at anything but a value that is known
   * to keep texts readable. Then no later one can be judged.
   */
  readonly hidesTexts: boolean;
}

/**
 * What `setseed()` and `SET seed` give to `random()`. It outlasts its transaction, though the parameter does
 * not (measured with PostgreSQL 17; `assign_random_seed` is not called again with the old value).
 */
export const SEED = "seed";

/** Settings that a transaction begins with anew, however they are written. */
const OF_TRANSACTION: ReadonlySet<string> = new Set([
  "transaction_isolation",
  "transaction_read_only",
  "transaction_deferrable",
]);

/** Puts the bound values in place of the parameters of a `set_config($1, $2, $3)`. */
export function resolveSetting(
  { parameter, scope, by, isReadable }: SetEffect,
  values: readonly unknown[] | undefined,
): ResolvedSetting {
  const name = nameOf(parameter, values);
  return {
    parameter: name,
    scope: fixedScope(name) ?? scopeOf(scope, values),
    by,
    hidesTexts: isOfReading(name) && !isKnownReadable(isReadable, values),
  };
}

function fixedScope(name: string | undefined): SettingScope | undefined {
  if (name === undefined) return undefined;
  if (OF_TRANSACTION.has(name)) return "transaction";
  return name === SEED ? "session" : undefined;
}

function isKnownReadable(
  isReadable: SetEffect["isReadable"],
  values: readonly unknown[] | undefined,
): boolean {
  if (typeof isReadable !== "object") return isReadable === true;
  const value = values?.[isReadable.parameter - 1];
  return boundBoolean(value) === true || (typeof value === "string" && isReadAsShown(value));
}

function nameOf(operand: Operand, values: readonly unknown[] | undefined): string | undefined {
  const value = typeof operand === "object" ? values?.[operand.parameter - 1] : operand;
  // A driver sends bytes as they are.
  const text = value instanceof Uint8Array ? new TextDecoder().decode(value) : value;
  return typeof text === "string" ? text.toLowerCase() : undefined;
}

function scopeOf(
  scope: SetEffect["scope"],
  values: readonly unknown[] | undefined,
): SettingScope | undefined {
  if (typeof scope !== "object") return scope;
  if (values === undefined || values.length < scope.parameter) return undefined;
  const isLocal = boundBoolean(values[scope.parameter - 1]);
  if (isLocal === undefined) return undefined;
  return isLocal ? "transaction" : "session";
}

/** As a driver binds it: `set_config()` is not strict, and takes NULL for false. */
function boundBoolean(value: unknown): boolean | undefined {
  if (value === undefined || value === null) return false;
  if (typeof value === "boolean") return value;
  if (value === 1 || value === 0) return value === 1;
  return typeof value === "string" ? booleanOf(value) : undefined;
}
