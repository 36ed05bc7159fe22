import type { Effect, Operand, SettingScope } from "../sql/effect.ts";

/** A setting as it takes effect; `undefined` is what only the server can compute. */
export interface ResolvedSetting {
  /** In lower case; `"all"` for `RESET ALL`. */
  readonly parameter: string | undefined;
  readonly scope: SettingScope | undefined;
  readonly by: "set" | "reset" | "set_config";
}

/** Settings that a transaction begins with anew, however they are written. */
const OF_TRANSACTION: ReadonlySet<string> = new Set([
  "transaction_isolation",
  "transaction_read_only",
  "transaction_deferrable",
]);

/** Puts the bound values in place of the parameters of a `set_config($1, $2, $3)`. */
export function resolveSetting(
  { parameter, scope, by }: Extract<Effect, { kind: "set" }>,
  values: readonly unknown[] | undefined,
): ResolvedSetting {
  const name = nameOf(parameter, values);
  if (name !== undefined && OF_TRANSACTION.has(name)) {
    return { parameter: name, scope: "transaction", by };
  }
  return { parameter: name, scope: scopeOf(scope, values), by };
}

function nameOf(operand: Operand, values: readonly unknown[] | undefined): string | undefined {
  const value = typeof operand === "object" ? values?.[operand.parameter - 1] : operand;
  return typeof value === "string" ? value.toLowerCase() : undefined;
}

function scopeOf(
  scope: Extract<Effect, { kind: "set" }>["scope"],
  values: readonly unknown[] | undefined,
): SettingScope | undefined {
  if (typeof scope !== "object") return scope;
  if (values === undefined || values.length < scope.parameter) return undefined;
  const isLocal = booleanOf(values[scope.parameter - 1]);
  if (isLocal === undefined) return undefined;
  return isLocal ? "transaction" : "session";
}

/** As a driver binds it: `set_config()` is not strict, and takes NULL for false. */
function booleanOf(value: unknown): boolean | undefined {
  if (value === undefined || value === null) return false;
  if (typeof value === "boolean") return value;
  if (value === 1 || value === 0) return value === 1;
  return typeof value === "string" ? parseBoolean(value) : undefined;
}

/** As `boolin` reads it (`src/backend/utils/adt/bool.c`): any beginning of a word that is like no other. */
function parseBoolean(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  if (word === "") return undefined;
  if (word === "1" || "true".startsWith(word) || "yes".startsWith(word) || word === "on")
    return true;
  if (word === "0" || "false".startsWith(word) || "no".startsWith(word)) return false;
  return word === "of" || word === "off" ? false : undefined;
}
