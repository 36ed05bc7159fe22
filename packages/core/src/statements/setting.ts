import { booleanOf } from "../sql/constant.ts";
import type { Effect, Operand, SettingScope } from "../sql/effect.ts";
import { STANDARD_STRINGS } from "../sql/lexer.ts";

type SetEffect = Extract<Effect, { kind: "set" }>;

/** A setting as it takes effect; `undefined` is what only the server can compute. */
export interface ResolvedSetting {
  /** In lower case; `"all"` for `RESET ALL`. */
  readonly parameter: string | undefined;
  readonly scope: SettingScope | undefined;
  readonly by: SetEffect["by"];
  /**
   * Whether it leaves `standard_conforming_strings` at anything but a value that is known to be true. Then no
   * later text can be read.
   */
  readonly hidesStrings: boolean;
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
  { parameter, scope, by, isOn }: SetEffect,
  values: readonly unknown[] | undefined,
): ResolvedSetting {
  const name = nameOf(parameter, values);
  return {
    parameter: name,
    scope: fixedScope(name) ?? scopeOf(scope, values),
    by,
    hidesStrings: name === STANDARD_STRINGS && !isKnownTrue(isOn, values),
  };
}

function fixedScope(name: string | undefined): SettingScope | undefined {
  if (name === undefined) return undefined;
  if (OF_TRANSACTION.has(name)) return "transaction";
  return name === SEED ? "session" : undefined;
}

function isKnownTrue(isOn: SetEffect["isOn"], values: readonly unknown[] | undefined): boolean {
  if (typeof isOn !== "object") return isOn === true;
  return boundBoolean(values?.[isOn.parameter - 1]) === true;
}

function nameOf(operand: Operand, values: readonly unknown[] | undefined): string | undefined {
  const value = typeof operand === "object" ? values?.[operand.parameter - 1] : operand;
  return typeof value === "string" ? value.toLowerCase() : undefined;
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
