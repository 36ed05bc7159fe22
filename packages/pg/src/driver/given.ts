import { isSubmittable } from "./submittable.ts";

/** What pg reads of a config, 8.5 to 8.23. */
const FIELDS = [
  "text",
  "values",
  "name",
  "rows",
  "types",
  "queryMode",
  "binary",
  "portal",
  "callback",
  "rowMode",
  "query_timeout",
] as const;

/**
 * What was given to `query()`, as it is now. pg and we read a config several times, and a query object when its
 * turn comes: a getter may answer something else by then, and who has it may have changed it. What is judged is
 * what is sent.
 *
 * A text is itself. Of a config it is a copy, whose fields were read once. A query object, cursor or stream
 * is the service's own and stays it: its text and values are put back when it is sent ({@link putBack}). What it
 * sends beside them is its own affair.
 */
export function asGiven(config: unknown): unknown {
  if (typeof config !== "object" || config === null) return config;
  if (isSubmittable(config)) {
    hold(config);
    return config;
  }
  return copyOf(config);
}

/** The values to be sent, which nobody else can change any more. `config` is one of {@link asGiven}. */
export function ownValues(config: unknown, values: unknown): unknown {
  if (Array.isArray(values)) return values.slice();
  if (typeof config === "object" && config !== null && !isSubmittable(config)) copyValues(config);
  return values;
}

/** Makes a query object that waits to be sent say again what it said when it was given. */
export function putBack(query: object): void {
  const kept = held.get(query);
  if (kept !== undefined && kept.pending > 0) for (const part of kept.parts) restore(part);
}

/** The same for a query that is about to be judged: of one that was made of a config nobody else changes the values. */
export function settleQuery(query: object): void {
  if (held.has(query)) putBack(query);
  else copyValues(query);
}

/** True for a query object that came from outside, and may come again. */
export function isGivenObject(query: object): boolean {
  return held.has(query);
}

/** Another text is to be sent than was given. */
export function exchangeText(query: object, text: string): void {
  Reflect.set(query, "text", text);
  const part = held.get(query)?.parts.find(({ carrier }) => carrier === query);
  if (part !== undefined) part.text = text;
}

/** A query object, or the cursor that a stream reads, and what it said. */
interface Part {
  readonly carrier: object;
  text: unknown;
  /** As they were, element by element. */
  values: readonly unknown[] | undefined;
  /** The service's own list, which it may give again with other elements. */
  list: unknown;
}

interface Held {
  parts: readonly Part[];
  /** How often it was given and not sent yet. */
  pending: number;
}

const held = new WeakMap<object, Held>();

function hold(query: { submit: (connection: unknown) => unknown }): void {
  const cursor: unknown = Reflect.get(query, "cursor");
  const carriers = typeof cursor === "object" && cursor !== null ? [query, cursor] : [query];
  const parts = carriers.map((carrier) => partOf(carrier));
  const known = held.get(query);
  if (known !== undefined) {
    known.parts = parts;
    known.pending += 1;
    return;
  }
  const kept: Held = { parts, pending: 1 };
  held.set(query, kept);
  const { submit } = query;
  query.submit = (connection) => {
    if (kept.pending === 0) return submit.call(query, connection);
    putBack(query);
    kept.pending -= 1;
    try {
      return submit.call(query, connection);
    } finally {
      for (const { carrier, values, list } of kept.parts) {
        if (values !== undefined) Reflect.set(carrier, "values", list);
      }
    }
  };
}

function partOf(carrier: object): Part {
  const text: unknown = Reflect.get(carrier, "text");
  const list: unknown = Reflect.get(carrier, "values");
  setOwn(carrier, "text", text);
  setOwn(carrier, "values", list);
  return { carrier, text, values: Array.isArray(list) ? list.slice() : undefined, list };
}

/** A getter answers no more. */
function setOwn(carrier: object, key: string, value: unknown): void {
  const descriptor = Object.getOwnPropertyDescriptor(carrier, key);
  if (value === undefined || (descriptor !== undefined && "value" in descriptor)) return;
  const property = { value, writable: true, enumerable: true, configurable: true };
  Object.defineProperty(carrier, key, property);
}

function restore({ carrier, text, values }: Part): void {
  if (typeof text === "string") Reflect.set(carrier, "text", text);
  if (values !== undefined) Reflect.set(carrier, "values", values.slice());
}

function copyValues(carrier: object): void {
  const values: unknown = Reflect.get(carrier, "values");
  if (Array.isArray(values)) Reflect.set(carrier, "values", values.slice());
}

function copyOf(config: object): object {
  const copy: Record<string, unknown> = { ...config };
  // A class with getters, as template libraries have: what is not the object's own.
  if (copy["text"] === undefined || Object.getPrototypeOf(config) !== Object.prototype) {
    for (const name of FIELDS) {
      if (!Object.hasOwn(copy, name) && name in config) copy[name] = Reflect.get(config, name);
    }
  }
  // Asked a moment ago, it was none.
  if ("submit" in copy) copy["submit"] = undefined;
  return copy;
}
