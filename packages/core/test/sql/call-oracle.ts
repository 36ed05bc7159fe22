import type { EffectOf, Operand } from "../../src/sql/effect.ts";
import { isHarmlessWord, isOpaqueBuiltIn } from "../../src/sql/effects/known-words.ts";

/** A node of libpg_query's tree, or a part of one, whose shape its own types do not help to walk. */
export type Tree = Readonly<Record<string, unknown>>;

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null;
}

/** The part of a node under some keys, one inside the other; `{}` for what is not there. */
export function part(tree: unknown, ...keys: readonly string[]): Tree {
  let found = tree;
  for (const key of keys) found = isTree(found) ? found[key] : undefined;
  return isTree(found) ? found : {};
}

/** The strings of a list of `String` nodes. */
export function stringsOf(list: unknown): string[] {
  return Array.isArray(list) ? list.map((node) => textOf(part(node, "String")["sval"])) : [];
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

const PLAIN: Readonly<Record<string, EffectOf["kind"]>> = {
  pg_advisory_lock: "session-lock",
  pg_advisory_lock_shared: "session-lock",
  pg_try_advisory_lock: "session-lock",
  pg_try_advisory_lock_shared: "session-lock",
  pg_advisory_unlock: "session-unlock",
  pg_advisory_unlock_shared: "session-unlock",
  pg_advisory_unlock_all: "session-unlock",
  pg_advisory_xact_lock: "transaction-lock",
  pg_advisory_xact_lock_shared: "transaction-lock",
  pg_try_advisory_xact_lock: "transaction-lock",
  pg_try_advisory_xact_lock_shared: "transaction-lock",
  nextval: "sequence",
  setval: "sequence",
  currval: "sequence-read",
  lastval: "sequence-read",
};

/** What is called, made and updated anywhere in a tree that runs: the effects of queries and expressions. */
export function effectsIn(tree: unknown): object[] {
  const found: object[] = [];
  const pending: unknown[] = [tree];
  while (pending.length > 0) {
    const node = pending.pop();
    if (!isTree(node)) continue;
    // `ALTER TABLE … SET DEFAULT`: for rows to come.
    if (part(node, "AlterTableCmd")["subtype"] === "AT_ColumnDefault") continue;
    found.push(...callOf(part(node, "FuncCall")), ...fieldsOf(node));
    if ("intoClause" in node) found.push(...temporaryOf(part(node, "intoClause", "rel"), false));
    const updated = part(node, "UpdateStmt", "relation");
    if (
      updated["relname"] === "pg_settings" &&
      isOneOf(updated["schemaname"], undefined, "pg_catalog")
    ) {
      found.push({ kind: "set", scope: "session", by: "update" });
    }
    pending.push(...Object.values(node));
  }
  return found;
}

const WITH_ONE_ARGUMENT = "nextval currval setseed".split(" ");

/** Functions of one argument may be called as fields: `(a).f`, and `a.f` where `a` stands for one value. */
function fieldsOf(node: Tree): object[] {
  const indirection = part(node, "A_Indirection")["indirection"];
  const column = stringsOf(part(node, "ColumnRef")["fields"]);
  const fields = [
    ...stringsOf(indirection).filter((name) => name !== ""),
    ...(column.length > 1 ? column.slice(-1).filter((name) => name.startsWith("pg_")) : []),
  ];
  return fields.flatMap((name) => {
    if (/^pg_notify$|^pg_advisory_unlock_all$/.test(name)) return [];
    const isOne = name in PLAIN && (name.startsWith("pg_") || WITH_ONE_ARGUMENT.includes(name));
    if (!isOne && name !== "setseed") return [];
    return callOf({ funcname: [{ String: { sval: name } }] });
  });
}

/** The effect of making a relation, if it is a temporary one. */
export function temporaryOf(relation: Tree, isDroppedOnCommit: boolean): object[] {
  const { relname, relpersistence, schemaname } = relation;
  const isTemporary = relpersistence === "t" || /^pg_temp(_\d+)?$/.test(textOf(schemaname));
  return isTemporary ? [{ kind: "temp", name: relname, isDroppedOnCommit }] : [];
}

function callOf({ args, funcname }: Tree): object[] {
  const names = stringsOf(funcname);
  const name = names.at(-1);
  if (name === undefined) return [];
  // The database may stand before the schema.
  const schema = names.at(-2);
  const isBuiltIn = schema === undefined || schema === "pg_catalog";
  if (isBuiltIn && name === "set_config") return [settingOf(args)];
  if (isBuiltIn && name === "setseed") {
    return [{ kind: "set", parameter: "seed", scope: "session", by: "setseed" }];
  }
  if (isBuiltIn && name === "pg_notify") {
    const channel = operandOf(Array.isArray(args) ? args[0] : undefined);
    return [{ kind: "notify", channel: typeof channel === "string" ? channel : "" }];
  }
  const kind = isBuiltIn ? PLAIN[name] : undefined;
  if (kind !== undefined) return [{ kind, call: name }];
  const isHarmless =
    names.length === 1
      ? isHarmlessWord(name)
      : isOneOf(schema, "pg_catalog", "information_schema") && !isOpaqueBuiltIn(name);
  return isHarmless ? [] : [{ kind: "opaque", by: "function", name: names.join(".") }];
}

function settingOf(args: unknown): object {
  // One with more arguments does not exist.
  const list: unknown[] = Array.isArray(args) ? args.slice(0, 3) : [];
  const named = (name: string, place: number): unknown => {
    const found = list.find((node) => part(node, "NamedArgExpr")["name"] === name);
    if (found !== undefined) return part(found, "NamedArgExpr")["arg"];
    return "NamedArgExpr" in part(list[place]) ? undefined : list[place];
  };
  const parameter = operandOf(named("setting_name", 0));
  const isLocal = operandOf(named("is_local", 2));
  const isTrue = isLocal === "null" ? false : truthOf(isLocal);
  const scope = isTrue === undefined ? undefined : isTrue ? "transaction" : "session";
  const name = typeof parameter === "string" ? parameter.toLowerCase() : parameter;
  const value = operandOf(named("new_value", 1));
  return {
    kind: "set",
    parameter: name,
    scope: typeof isLocal === "string" ? scope : isLocal,
    by: "set_config",
    ...((typeof name === "object" || isOfReading(name)) && {
      isReadable: typeof value === "object" ? value : isReadable(value),
    }),
  };
}

/** Of these it is told whether texts can be read with the value. */
export function isOfReading(parameter: unknown): boolean {
  return parameter === "standard_conforming_strings" || parameter === "client_encoding";
}

/** A truth, or a spelling of the two encodings that leave UTF-8 alone. */
export function isReadable(value: unknown): boolean {
  if (truthOf(value) === true) return true;
  return (
    typeof value === "string" &&
    /^(?:utf8|unicode|sqlascii)$/i.test(value.replaceAll(/[^a-z0-9]/gi, ""))
  );
}

/** Every way to write a truth value that `parse_bool_with_len` of the server takes, blanks around it aside. */
const TRUTHS: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries("1 on t tr tru true y ye yes".split(" ").map((word) => [word, true])),
  ...Object.fromEntries(
    "0 of off f fa fal fals false n no".split(" ").map((word) => [word, false]),
  ),
};

function truthOf(operand: unknown): boolean | undefined {
  if (typeof operand !== "string") return undefined;
  const word = operand.trim().toLowerCase();
  return Object.hasOwn(TRUTHS, word) ? TRUTHS[word] : undefined;
}

const TRANSPARENT = "text varchar name bool boolean int4".split(" ");

export function operandOf(node: unknown): Operand {
  const cast = part(node, "TypeCast");
  if ("arg" in cast) {
    const type = part(cast, "typeName");
    const isTransparent =
      TRANSPARENT.includes(stringsOf(type["names"]).at(-1) ?? "") && !("typmods" in type);
    return isTransparent ? operandOf(cast["arg"]) : undefined;
  }
  const { number } = part(node, "ParamRef");
  if (typeof number === "number") return { parameter: number };
  const constant = part(node, "A_Const");
  if ("boolval" in constant)
    return part(constant, "boolval")["boolval"] === true ? "true" : "false";
  if ("isnull" in constant) return "null";
  // A zero is left out.
  if ("ival" in constant) {
    const value = Number(part(constant, "ival")["ival"] ?? 0);
    // The parser has folded its sign into it.
    return value < 0 ? undefined : String(value);
  }
  if ("fval" in constant) return textOf(part(constant, "fval")["fval"]);
  return "sval" in constant ? textOf(part(constant, "sval")["sval"]) : undefined;
}

function isOneOf(value: unknown, ...values: readonly unknown[]): boolean {
  return values.includes(value);
}
