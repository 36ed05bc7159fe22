import { PolicyError } from "@doorpolicy/core";

import { entryOf } from "../config/entry.ts";
import { checkedSearchPath, namesOf } from "./schema-list.ts";
import type { Command } from "./wire-batch.ts";

/** Settings by name; what the caller gave, as texts. */
export type Settings = Readonly<Record<string, string>>;

/**
 * What `setLocal` takes. A list is for `search_path` only: one schema in each element, whatever is in it,
 * which is the form for names that come from outside.
 */
export type SettingsInput = Readonly<
  Record<string, string | number | bigint | boolean | readonly string[]>
>;

/** A parameter's name: of Postgres itself, or with a dot for one of the application's. */
const NAME = /^[A-Za-z_][\w$]*(?:\.[A-Za-z_][\w$]*)*$/u;

/** Texts are judged as the server reads them with these as they are (`session-state/no-set`). */
const OF_READING: Readonly<Record<string, string>> = {
  standard_conforming_strings: "Statements are read with `standard_conforming_strings` on.",
  client_encoding: "Statements are sent, and read, in UTF-8.",
};

/** What a block is, and not what it sets: `isolation` and `readOnly` are options of their own. */
const OF_THE_BLOCK = /^transaction_(?:isolation|read_only|deferrable)$/iu;

/**
 * Looks at the settings of a unit before anything is sent. An undefined value would set nothing, and
 * a row-level policy would then see the tenant before.
 *
 * @throws PolicyError `unit/invalid` naming the setting, never its value.
 */
export function checkedSettings(input: unknown): Settings | undefined {
  if (input === undefined) return undefined;
  if (!isPlain(input)) {
    throw invalid(
      "setLocal",
      "`setLocal` is no plain object.",
      "Pass an object with a value for each setting.",
    );
  }
  const entries = Object.entries(input).map(
    // Postgres compares names without regard to case: `APP.tenant` would be a second `app.tenant`.
    ([name, value]): [string, string] => [name.toLowerCase(), checkedValue(name, value)],
  );
  return Object.freeze(Object.fromEntries(entries));
}

/** A `Map` has no entries of its own, and would set nothing. */
function isPlain(input: unknown): input is object {
  if (typeof input !== "object" || input === null) return false;
  const prototype: unknown = Object.getPrototypeOf(input);
  return prototype === Object.prototype || prototype === null;
}

function checkedValue(name: string, value: unknown): string {
  const path = `setLocal.${name}`;
  if (!NAME.test(name)) {
    throw invalid(
      "setLocal",
      `\`${name.slice(0, 80)}\` is no name of a setting.`,
      "Write it as `app.tenant`, or as Postgres names it.",
    );
  }
  if (OF_THE_BLOCK.test(name)) {
    throw invalid(
      path,
      `\`${name}\` is what a transaction is, and no setting of it.`,
      "Use `isolation` and `readOnly` of `transaction()`.",
    );
  }
  const reading = entryOf(OF_READING, name.toLowerCase());
  if (reading !== undefined) {
    throw invalid(path, reading, "Leave it out; write escapes as `E'…'`.");
  }
  if (name.toLowerCase() === "search_path" && (typeof value === "string" || Array.isArray(value))) {
    return checkedSearchPath(value, path);
  }
  if (!["string", "number", "bigint", "boolean"].includes(typeof value)) {
    const what = value === null ? "null" : Array.isArray(value) ? "a list" : typeof value;
    throw invalid(
      path,
      `\`${path}\` is ${what}, so that the setting of somebody else could stay.`,
      "Pass a string, a number or a boolean.",
    );
  }
  const text = String(value);
  if (text.includes("\0")) {
    throw invalid(path, `\`${path}\` holds a NUL byte, which no setting can.`, "Remove it.");
  }
  return text;
}

/** One query that sets all of them for the rest of the block, with bound values. */
export function setConfigCommand(settings: Settings): readonly Command[] {
  const entries = Object.entries(settings);
  if (entries.length === 0) return [];
  const calls = entries.map((_, index) => `set_config($${2 * index + 1},$${2 * index + 2},true)`);
  return [{ text: `select ${calls.join(",")}`, values: entries.flat() }];
}

/**
 * The same as texts behind an ORM's BEGIN. `SET LOCAL` and not `set_config`: a query there would fix
 * the block's snapshot, and the ORM's `SET TRANSACTION ISOLATION LEVEL` comes next.
 */
export function setLocalTexts(settings: Settings): readonly string[] {
  return Object.entries(settings).map(([name, value]) => {
    const path = name
      .split(".")
      .map((part) => `"${part.toLowerCase()}"`)
      .join(".");
    return `SET LOCAL ${path} TO ${LIST_SETTINGS.has(name) ? listOf(name, value) : literal(value)}`;
  });
}

/** Parameters whose value is a list: one literal would be one element (PostgreSQL's GUC_LIST_QUOTE). */
const LIST_SETTINGS: ReadonlySet<string> = new Set([
  "search_path",
  "temp_tablespaces",
  "session_preload_libraries",
  "local_preload_libraries",
]);

function listOf(name: string, value: string): string {
  const names = name === "search_path" ? namesOf(value) : elementsOf(value);
  return names.length === 0 ? "''" : names.map((one) => literal(one)).join(", ");
}

function elementsOf(value: string): readonly string[] {
  return [...value.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,"]*))\s*(?:,|$)/gu)]
    .map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain?.trim().toLowerCase() ?? "")
    .filter((name) => name !== "");
}

/** A literal that means the same whatever `standard_conforming_strings` says. */
function literal(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll("\\", "\\\\")}'`;
  return quoted.includes("\\") ? ` E${quoted}` : quoted;
}

function invalid(path: string, message: string, hint: string): PolicyError {
  return new PolicyError("unit/invalid", message, { path, hint });
}
