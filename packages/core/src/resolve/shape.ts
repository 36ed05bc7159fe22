import * as v from "valibot";

import { problemOfTemplate } from "../naming/template.ts";
import { nearest } from "./nearest.ts";
import {
  asCode,
  describe,
  describeKind,
  invalid,
  isObject,
  join,
  type Problem,
  quote,
  shownName,
} from "./problem.ts";
import { policySchema } from "./schema.ts";

/** Valibot leaves these keys of a record out of sight. */
const HIDDEN_KEYS = new Set(["__proto__", "constructor", "prototype"]);

/** Finds everything in the shape of one policy that is not as the schema says, except what it extends. */
export function problemsOfShape(policy: object, at: string): readonly Problem[] {
  return [...wrongKeys(policySchema(), policy, at), ...wrongValues(policy, at)];
}

function wrongValues(policy: object, at: string): readonly Problem[] {
  const { issues = [] } = v.safeParse(policySchema(), policy);
  return issues.flatMap(({ path: steps = [], input, message }) => {
    const keys = steps.map(({ key }) => String(key));
    const path = keys.reduce(join, at);
    // Missing keys are found by the walk over the keys, which knows what is allowed there.
    if (input === undefined) return [];
    if (steps.at(-1)?.origin === "key") return [wrongName(keys, at, message)];
    if (keys[0] === "naming" && keys.length > 1) return [wrongPart(path, input, message)];
    if (isUrlKey(keys) && isObject(input) && input["kind"] === "env") {
      return [wrongVariable(path, input["name"])];
    }
    // A URL may hold a password, and so may whatever was put in its place.
    return [wrongValue(path, input, message, isUrlKey(keys) ? describeKind : describe)];
  });
}

function wrongValue(
  path: string,
  input: unknown,
  allowed: string,
  show: (value: unknown) => string,
): Problem {
  const says = `${asCode(path)} is ${show(input)}`;
  const guess = typeof input === "string" ? nearest(input, choicesIn(allowed)) : undefined;
  return guess === undefined
    ? invalid(
        path,
        `${says}; allowed is ${inWords(allowed)}.`,
        `Set ${asCode(path)} to ${inWords(allowed)}.`,
      )
    : invalid(path, `${says}; did you mean "${guess}"?`, `Set it to "${guess}".`);
}

/** `env()` of what names no variable. What may be a URL or a password is not shown. */
function wrongVariable(path: string, name: unknown): Problem {
  const shown =
    typeof name === "string" && /^[A-Za-z_][\w.-]{0,59}$/u.test(name) && !/passw/iu.test(name)
      ? quote(name)
      : typeof name === "string" && /:\/\//u.test(name)
        ? "a connection URL"
        : describeKind(name);
  return invalid(
    path,
    `${asCode(path)} is \`env()\` of ${shown}; allowed is the name of an environment variable: letters, digits and \`_\`, the first no digit.`,
    'Set the variable to the URL, and pass its name, such as `env("DATABASE_URL")`.',
  );
}

/** A key of `targets` or `rules` that is no known one, or no name at all. */
function wrongName(keys: readonly string[], at: string, allowed: string): Problem {
  const key = keys.at(-1) ?? "";
  const parent = keys.slice(0, -1).reduce(join, at);
  return unknownKey(key, parent, choicesIn(allowed), inWords(allowed));
}

function wrongPart(path: string, value: unknown, allowed: string): Problem {
  const template =
    path.endsWith(".template") && typeof value === "string" ? problemOfTemplate(value) : undefined;
  const reason = template === undefined ? `; allowed is ${allowed}` : `, and it ${template}`;
  return {
    code: "naming/invalid",
    path,
    says: `${asCode(path)} is ${describe(value)}${reason}.`,
    hint: `Set ${asCode(path)} to ${allowed}.`,
  };
}

/** The few fields of valibot's schemas that the walk needs. */
interface SchemaParts {
  readonly type?: unknown;
  readonly message?: unknown;
  readonly wrapped?: unknown;
  readonly options?: readonly unknown[];
  readonly item?: unknown;
  readonly value?: unknown;
  readonly entries?: Readonly<Record<string, unknown>>;
}

/** Finds unknown and missing keys; valibot itself stops at the first unknown one of an object. */
function wrongKeys(schema: unknown, value: unknown, at: string): readonly Problem[] {
  const { type, wrapped, options, item, value: inner, entries } = partsOf(schema);
  if (wrapped !== undefined) return wrongKeys(wrapped, value, at);
  if (type === "array" && Array.isArray(value)) {
    return value.flatMap((one: unknown, index) => wrongKeys(item, one, join(at, String(index))));
  }
  if (type === "union" && isObject(value)) {
    const option = options?.find((one) => partsOf(one).type === "object");
    return option === undefined ? [] : wrongKeys(option, value, at);
  }
  // To valibot a list is an object.
  if (Array.isArray(value) && (type === "object" || type === "record")) {
    return [wrongValue(at, value, "an object", describe)];
  }
  if (!isObject(value)) return [];
  if (type === "record") {
    return Object.entries(value).flatMap(([key, one]) =>
      HIDDEN_KEYS.has(key)
        ? [unknownKey(key, at, [], "another name")]
        : wrongKeys(inner, one, join(at, key)),
    );
  }
  if (type !== "object" || entries === undefined) return [];

  const known = Object.keys(entries);
  const missing = known.filter(
    (key) => value[key] === undefined && partsOf(entries[key]).type !== "optional",
  );
  return [
    ...Object.entries(value).flatMap(([key, one]) =>
      Object.hasOwn(entries, key)
        ? wrongKeys(entries[key], one, join(at, key))
        : [unknownKey(key, at, known, known.map(asCode).join(", "))],
    ),
    ...missing.map((key) => missingKey(join(at, key), String(partsOf(entries[key]).message))),
  ];
}

function unknownKey(key: string, at: string, known: readonly string[], allowed: string): Problem {
  const guess = nearest(key, known);
  const says = `${asCode(shownName(key))} is not a key of ${at === "" ? "a policy" : asCode(at)}`;
  return guess === undefined
    ? invalid(
        join(at, key),
        `${says}; allowed is ${allowed}.`,
        `Rename or remove ${asCode(shownName(key))}.`,
      )
    : invalid(
        join(at, key),
        `${says}; did you mean ${asCode(guess)}?`,
        `Rename it to ${asCode(guess)}, or remove it.`,
      );
}

function missingKey(path: string, allowed: string): Problem {
  return invalid(
    path,
    `${asCode(path)} is missing; allowed is ${inWords(allowed)}.`,
    `Set ${asCode(path)} to ${inWords(allowed)}.`,
  );
}

function partsOf(schema: unknown): SchemaParts {
  return typeof schema === "object" && schema !== null ? schema : {};
}

function isUrlKey(keys: readonly string[]): boolean {
  return keys[0] === "targets" && ["pooled", "direct", "replicas"].includes(keys[2] ?? "");
}

/** What a schema says is allowed: choices in quotation marks, or words. */
function choicesIn(allowed: string): readonly string[] {
  return allowed.startsWith('"')
    ? Array.from(allowed.matchAll(/"([^"]*)"/gu), ([, one = ""]) => one)
    : [];
}

function inWords(allowed: string): string {
  return choicesIn(allowed).length > 1 ? `one of ${allowed}` : allowed;
}
