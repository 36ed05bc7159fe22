import type { EffectOf, Operand } from "../effect.ts";
import { isOfReading, isReadAsShown } from "../reading.ts";
import { isOneOf } from "./is-one-of.ts";
import type { Argument } from "./operand.ts";
import { scopeOf } from "./operand.ts";

/** What a call does, by its arguments; those that are no constants have no value. */
export type CallEffect = (arguments_: readonly Argument[]) => EffectOf;

/** Functions whose call is an effect, whatever they are given. */
const PLAIN: readonly (readonly [kind: PlainKind, names: string])[] = [
  [
    "session-lock",
    "pg_advisory_lock pg_advisory_lock_shared pg_try_advisory_lock pg_try_advisory_lock_shared",
  ],
  ["session-unlock", "pg_advisory_unlock pg_advisory_unlock_shared pg_advisory_unlock_all"],
  [
    "transaction-lock",
    "pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared",
  ],
  ["sequence", "nextval setval"],
  ["sequence-read", "currval lastval"],
];

type PlainKind =
  | "session-lock"
  | "session-unlock"
  | "transaction-lock"
  | "sequence"
  | "sequence-read";

/** Functions of `pg_catalog` whose call is an effect that can be read from it. */
export const SESSION_FUNCTIONS: ReadonlyMap<string, CallEffect> = new Map([
  ...PLAIN.flatMap(([kind, names]) =>
    names.split(" ").map((call): [string, CallEffect] => [call, () => ({ kind, call })]),
  ),
  ["set_config", settingOf],
  // `SET seed = …` is carried out by this function.
  ["setseed", () => ({ kind: "set", parameter: "seed", scope: "session", by: "setseed" })],
  ["pg_notify", notificationOf],
]);

/**
 * Those that have a single argument, and are called by `(a).f` as well, as if they were fields of it
 * (`ParseFuncOrColumn` in the server's `parse_func.c`; seen with PostgreSQL 17).
 */
export const FIELD_FUNCTIONS: ReadonlySet<string> = new Set(
  [...SESSION_FUNCTIONS.keys()].filter(
    (name) =>
      (name.startsWith("pg_") && !isOneOf(name, "pg_notify", "pg_advisory_unlock_all")) ||
      isOneOf(name, "nextval", "currval", "setseed"),
  ),
);

/** Those of which arguments are read. */
export const READ_ARGUMENTS: ReadonlySet<string> = new Set(["set_config", "pg_notify"]);

/** `set_config(setting_name, new_value, is_local)` */
function settingOf(arguments_: readonly Argument[]): EffectOf {
  const operand = argument(arguments_, 0, "setting_name");
  const parameter = typeof operand === "string" ? operand.toLowerCase() : operand;
  const mayBeOfReading = typeof parameter === "object" || isOfReading(parameter);
  return {
    kind: "set",
    parameter,
    scope: scopeOf(argument(arguments_, 2, "is_local")),
    by: "set_config",
    ...(mayBeOfReading && { isReadable: isReadableOf(argument(arguments_, 1, "new_value")) }),
  };
}

/** Of any other value, `NULL` for the default among them, nothing is known. */
function isReadableOf(value: Operand): boolean | { readonly parameter: number } {
  if (typeof value === "object") return value;
  return value !== undefined && isReadAsShown(value);
}

/** Its parameters have no names. */
function notificationOf(arguments_: readonly Argument[]): EffectOf {
  const channel = argument(arguments_, 0, "");
  return { kind: "notify", channel: typeof channel === "string" ? channel : "" };
}

function argument(arguments_: readonly Argument[], place: number, name: string): Argument["value"] {
  const named = arguments_.find((one) => one.name === name);
  if (named !== undefined) return named.value;
  const placed = arguments_[place];
  return placed?.name === undefined ? placed?.value : undefined;
}
