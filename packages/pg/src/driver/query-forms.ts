import { soon } from "../clock.ts";
import { exchangeText, isGivenObject } from "./given.ts";
import type { PgClient, PgQuery, PgQueryConstructor } from "./pg-internals.ts";
import { tellError } from "./service-callback.ts";
import { isSubmittable } from "./submittable.ts";

/** The arguments of `client.query()`, in any of its forms. */
export interface QueryCall {
  readonly config: unknown;
  readonly values: unknown;
  readonly callback: unknown;
}

type Callback = (error: unknown, result?: unknown) => void;

/** The text of a string, a config or a `pg.Query`; `undefined` for cursors and what else brings its own protocol. */
export function textOf(config: unknown, Query: PgQueryConstructor): string | undefined {
  if (typeof config === "string") return config;
  if (typeof config !== "object" || config === null || !("text" in config)) return undefined;
  if (isSubmittable(config) && !(config instanceof Query)) return undefined;
  const { text } = config;
  return typeof text === "string" ? text : undefined;
}

/**
 * The text to look for transaction control in: of cursors, streams and the query objects of other
 * copies of pg, too. They bring a protocol of their own, and a COMMIT in them is one all the same.
 */
export function controlTextOf(config: unknown, Query: PgQueryConstructor): string | undefined {
  const text = textOf(config, Query);
  if (text !== undefined || !isSubmittable(config)) return text;
  const inner: unknown = Reflect.get(config, "cursor");
  const carrier = typeof inner === "object" && inner !== null ? inner : config;
  const hidden: unknown = Reflect.get(carrier, "text");
  return typeof hidden === "string" ? hidden : undefined;
}

/** Answers a statement with an error, in the form it was asked in, without sending it. */
export function failQuery(client: PgClient, call: QueryCall, error: Error): unknown {
  const { config, values, callback } = call;
  const given = [callback, values].find((value) => isCallback(value));
  if (isSubmittable(config)) {
    config.callback ??= given;
    soon(() => config.handleError(error, client.connection));
    return config;
  }
  const own = given ?? callbackIn(config);
  if (own === undefined) return Promise.reject(error);
  soon(() => own(error));
  return undefined;
}

/**
 * Sends a statement whose `pg.Query` was prepared by `prepare`, and answers in the form it was asked
 * in. For texts of transaction control only, which are few: it makes the query object that pg
 * would have made itself.
 */
export function sendPrepared(
  call: QueryCall,
  Query: PgQueryConstructor,
  send: (config: unknown, values?: unknown, callback?: unknown) => unknown,
  prepare: (query: PgQuery) => void,
): unknown {
  const { config, values, callback } = call;
  if (isSubmittable(config)) {
    prepare(config);
    return send(config, values, callback);
  }
  const query = new Query(config, values, callback);
  if (typeof config === "object" && config !== null && "query_timeout" in config) {
    query.query_timeout = config.query_timeout;
  }
  // What is falsy is no callback to pg, and what else is none is refused before anything is sent.
  const own: unknown = query.callback;
  if (own && !isCallback(own)) throw new TypeError("callback is not a function");
  prepare(query);
  if (own) {
    send(query);
    return undefined;
  }
  const answer = new Promise((resolve, reject) => {
    query.callback = (error, result) => (error ? reject(error) : resolve(result));
    send(query);
  });
  return answer.catch((error: unknown) => {
    // As pg does: a stack that leads to the application instead of to the socket.
    if (error instanceof Error) Error.captureStackTrace(error);
    throw error;
  });
}

/** True when a query has to go as Parse and Bind, which takes one statement only. */
export function hasParameters(query: PgQuery): boolean {
  return Array.isArray(query.values) && query.values.length > 0;
}

/**
 * Puts more statements behind the one of a query, in the same message, and gives the caller the
 * result of the first alone.
 */
export function appendSilently(query: PgQuery, text: string): void {
  const given = query.text;
  exchangeText(query, text);
  // A name, a limit of rows or `queryMode: "extended"` would make it Parse and Bind.
  query.name = undefined;
  query.rows = undefined;
  query.queryMode = undefined;
  const run = runOf(query);
  run.isFirstAlone = true;
  run.given = given;
}

/**
 * Looks at the command tags of a text's statements when they come, while the block is still known; the
 * first error that `judge` makes of them is what the caller gets, once the server is ready.
 */
export function judgeTags(
  query: PgQuery,
  judge: (tag: string, index: number) => Error | undefined,
): void {
  runOf(query).judge = judge;
}

/** What is done with the answers of a query the next time that it is sent, and not a time later. */
interface Run {
  isFirstAlone: boolean;
  /** The text to have again once it is sent. */
  given: string | undefined;
  judge: ((tag: string, index: number) => Error | undefined) | undefined;
}

const runs = new WeakMap<PgQuery, Run>();

/** A service may give a query object of its own again, with another text. */
function runOf(query: PgQuery): Run {
  const known = runs.get(query);
  if (known !== undefined) return known;
  const next: Run = { isFirstAlone: false, given: undefined, judge: undefined };
  if (isGivenObject(query)) runs.set(query, next);
  const { handleCommandComplete: complete, handleReadyForQuery: ready } = query;
  const submit = query.submit.bind(query);
  let current = { ...next };
  let index = 0;
  let error: Error | undefined;
  query.submit = (connection) => {
    current = { ...next };
    Object.assign(next, { isFirstAlone: false, given: undefined, judge: undefined });
    index = 0;
    error = undefined;
    const refusal: unknown = submit(connection);
    if (current.given !== undefined) query.text = current.given;
    return refusal;
  };
  query.handleCommandComplete = (message, connection) => {
    error ??= current.judge?.(message.text ?? "", index);
    if (index === 0 || !current.isFirstAlone) complete.call(query, message, connection);
    index += 1;
  };
  query.handleReadyForQuery = (connection) => {
    if (error === undefined) ready.call(query, connection);
    // pg goes on with its queue behind this.
    else tellError(query, error, connection);
  };
  return next;
}

function callbackIn(config: unknown): Callback | undefined {
  if (typeof config !== "object" || config === null || !("callback" in config)) return undefined;
  return isCallback(config.callback) ? config.callback : undefined;
}

function isCallback(value: unknown): value is Callback {
  return typeof value === "function";
}
