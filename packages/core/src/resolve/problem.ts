import type { PolicyErrorCode } from "../errors.ts";

/** One thing that is wrong with a policy. Never holds a URL. */
export interface Problem {
  readonly code: PolicyErrorCode;
  /** The user's own key. */
  readonly path: string;
  readonly says: string;
  /** One imperative sentence. */
  readonly hint: string;
}

/** A problem of the usual kind. */
export function invalid(path: string, says: string, hint: string): Problem {
  return { code: "policy/invalid", path, says, hint };
}

/** A value in a message: texts in quotation marks and cut, objects only by their kind. */
export function describe(value: unknown): string {
  if (typeof value === "string") return quote(value);
  return typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : describeKind(value);
}

/** What kind of thing a value is, for places where a secret may stand. */
export function describeKind(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  const kinds: Record<string, string> = {
    object: "an object",
    string: "a text",
    undefined: "undefined",
  };
  return kinds[typeof value] ?? `a ${typeof value}`;
}

/**
 * A text in quotation marks, its invisible characters escaped, cut after 60 characters. What looks
 * like a connection URL or a list of connection words is not shown: it may stand under any key.
 */
export function quote(text: string): string {
  if (mayHoldSecret(text)) return "a text that may hold a secret";
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

/** A key or name that somebody chose, for a message or a path; `[hidden]` where it may hold a secret. */
export function shownName(name: string): string {
  return mayHoldSecret(name) ? "[hidden]" : name;
}

function mayHoldSecret(text: string): boolean {
  return /:\/\/|passw/iu.test(text);
}

/** A key below another one. */
export function join(parent: string, key: string): string {
  return parent === "" ? shownName(key) : `${parent}.${shownName(key)}`;
}

/** A key in a message. */
export function asCode(text: string): string {
  return `\`${text}\``;
}

/** True for what can have keys of a policy. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
