import type { EffectOf, Operand } from "../../src/sql/effect.ts";
import { isHarmlessWord, isOpaqueBuiltIn } from "../../src/sql/effects/known-words.ts";
import { booleanOf } from "../../src/sql/effects/operand.ts";

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
    found.push(...callOf(part(node, "FuncCall")));
    if ("intoClause" in node) found.push(...temporaryOf(part(node, "intoClause", "rel"), false));
    const updated = part(node, "UpdateStmt", "relation");
    if (
      updated["relname"] === "pg_settings" &&
      isOneOf(updated["schemaname"], undefined, "pg_catalog")
    ) {
      found.push({ kind: "set", scope: "session", by: "set_config" });
    }
    pending.push(...Object.values(node));
  }
  return found;
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
    return [{ kind: "set", parameter: "seed", scope: "session", by: "set_config" }];
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
  const isOn = typeof isLocal === "string" ? booleanOf(isLocal) : undefined;
  const scope = isOn === undefined ? undefined : isOn ? "transaction" : "session";
  return {
    kind: "set",
    parameter: typeof parameter === "string" ? parameter.toLowerCase() : parameter,
    scope: typeof isLocal === "string" ? scope : isLocal,
    by: "set_config",
  };
}

const TRANSPARENT = "text varchar name bool boolean int4".split(" ");

function operandOf(node: unknown): Operand {
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
  if ("ival" in constant) return JSON.stringify(part(constant, "ival")["ival"] ?? 0);
  return "sval" in constant ? textOf(part(constant, "sval")["sval"]) : undefined;
}

function isOneOf(value: unknown, ...values: readonly unknown[]): boolean {
  return values.includes(value);
}
