/* oxlint-disable no-underscore-dangle -- the names are pg's own. */
import type { EventEmitter } from "node:events";

import { PolicyError } from "@doorpolicy/core";

import { versionOf } from "./pg-version.ts";

/** Oldest and newest pg that the tests of this package run with. */
const TESTED_RANGE = "8.5.1 to 8.23.1";

/** The part of pg's `Connection` that the guard uses. */
interface PgConnection extends EventEmitter {
  readonly stream: { destroy(error?: Error): unknown };
}

/** The part of a `pg.Client` that the guard uses and overrides. */
export interface PgClient extends EventEmitter {
  readonly connection: PgConnection;
  connect(callback?: (error?: unknown) => void): unknown;
  query(config: unknown, values?: unknown, callback?: unknown): unknown;
  end(callback?: (error?: unknown) => void): unknown;
  /** What goes out in the startup packet; runs after URL, environment and options were merged. */
  getStartupConf(): Record<string, string | undefined>;
  /** Set by pg-pool at each checkout. */
  release?: (error?: unknown) => void;
}

/** The part of a `pg.Query` that the guard uses. */
export interface PgQuery {
  text?: string | undefined;
  name?: string | undefined;
  values?: unknown;
  queryMode?: string | undefined;
  rows?: unknown;
  query_timeout?: unknown;
  callback?: ((error: unknown, result?: unknown) => void) | undefined;
  submit(connection: unknown): unknown;
  handleCommandComplete: (message: { readonly text?: string }, connection: unknown) => void;
  handleReadyForQuery: (connection: unknown) => void;
  handleError(error: unknown, connection: unknown): void;
}

/** `pg.Query`. */
export type PgQueryConstructor = new (
  config: unknown,
  values?: unknown,
  callback?: unknown,
) => PgQuery;

/** `pg.Client`. */
export type PgClientConstructor = (new (config?: object | string) => PgClient) & {
  readonly Query: PgQueryConstructor;
};

/** How pg-pool calls back: `release` belongs to this one checkout. */
export type ConnectCallback = (
  error: Error | undefined,
  client: PgClient | undefined,
  release: (error?: unknown) => void,
) => void;

/** The part of a `pg.Pool` that the guard uses and overrides. */
interface PgPool extends EventEmitter {
  readonly options: Readonly<Record<string, unknown>>;
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
  readonly ending: boolean;
  connect(callback?: ConnectCallback): unknown;
  end(callback?: (error?: unknown) => void): unknown;
}

/** `pg.Pool`: a class that pg binds to its own `Client`. */
export type PgPoolConstructor = new (options?: object | string) => PgPool;

/** Private fields of `pg.Client`, all versions together. Nothing outside this file names one. */
interface ClientFields {
  /** Unset until the first ReadyForQuery has been *handled*, false while a statement is on its way. */
  readonly readyForQuery?: boolean;
  readonly _queryable: boolean;
  readonly _ending: boolean;
  readonly _connecting: boolean;
  readonly _connectionError: boolean;
  readonly hasExecuted?: boolean;
  /** 8.19 and later; `activeQuery` and `queryQueue` are deprecated getters there. */
  readonly _activeQuery?: unknown;
  readonly _queryQueue?: PgQuery[];
  /** Pipeline mode, 8.23 and later. */
  readonly _sentQueryQueue?: readonly unknown[];
  readonly activeQuery?: unknown;
  readonly queryQueue?: PgQuery[];
}

function fieldsOf(client: PgClient): ClientFields {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- verifyPg has looked at them.
  return client as unknown as ClientFields;
}

/** True when the server has answered everything: only then is the transaction status the truth. */
export function isSettled(client: PgClient): boolean {
  const fields = fieldsOf(client);
  if (fields.readyForQuery !== true) return false;
  const queue = fields._queryQueue ?? fields.queryQueue;
  return queue?.length === 0 && (fields._sentQueryQueue?.length ?? 0) === 0;
}

/** Takes out of the queue what has not been sent yet; in pipeline mode everything has. */
export function takeUnsent(client: PgClient): readonly PgQuery[] {
  const fields = fieldsOf(client);
  return (fields._queryQueue ?? fields.queryQueue)?.splice(0) ?? [];
}

/** True when more statements than the one being answered are on their way (pipeline mode). */
export function isPipelining(client: PgClient): boolean {
  return (fieldsOf(client)._sentQueryQueue?.length ?? 0) > 0;
}

/** True while a statement (or an open portal) is being answered, false between an error and its ReadyForQuery. */
export function hasActiveQuery(client: PgClient): boolean {
  const fields = fieldsOf(client);
  const active = "_activeQuery" in fields ? fields._activeQuery : fields.activeQuery;
  return active !== null && active !== undefined;
}

/** True when statements were sent that pg has not seen the ReadyForQuery of. */
export function awaitsReady(client: PgClient): boolean {
  const fields = fieldsOf(client);
  return fields.hasExecuted === true && fields.readyForQuery !== true;
}

/** True when the socket is gone, or pg itself has begun to close it. */
export function isUnusable(client: PgClient): boolean {
  const fields = fieldsOf(client);
  return !fields._queryable || fields._ending;
}

/** True between `connect()` and its outcome. */
export function isConnecting(client: PgClient): boolean {
  const fields = fieldsOf(client);
  return fields._connecting && !fields._connectionError;
}

/** pg's own words for a statement on a lost connection; other code may look for them. */
export const NOT_QUERYABLE = "Client has encountered a connection error and is not queryable";

/**
 * SQLSTATEs after which the server closes the connection: shutdown, crash, and its own limits for
 * idle sessions, idle and long transactions.
 */
const ENDING_STATES = new Set(["57P01", "57P02", "57P03", "57P05", "25P03", "25P04"]);

/**
 * True for an error of the server that is the connection's last. PgBouncer says nearly everything
 * with 08P01 and always in English; Postgres translates the severity, and there the code decides.
 */
export function endsConnection(error: unknown): error is Error {
  if (!(error instanceof Error) || !("code" in error)) return false;
  if (ENDING_STATES.has(String(error.code))) return true;
  return "severity" in error && (error.severity === "FATAL" || error.severity === "PANIC");
}

const ACQUIRE_TIMEOUTS: readonly string[] = [
  // Waiting in the queue, or in the queue and then for the handshake.
  "timeout exceeded when trying to connect",
  // The handshake alone.
  "Connection terminated due to connection timeout",
  // The same limit as pg.Client keeps it; it fires when the two timers come in the other order.
  "timeout expired",
];

/** True for pg-pool's two ways to say that `connectionTimeoutMillis` is over. */
export function isAcquireTimeout(error: unknown): boolean {
  return error instanceof Error && ACQUIRE_TIMEOUTS.includes(error.message);
}

/** True for a class with what `pg.Client` has; the guard can be derived from it. */
export function isClientClass(value: unknown): value is PgClientConstructor {
  return (
    missingMethod(value, ["connect", "query", "end", "getStartupConf"]) === undefined &&
    hasQueryClass(value)
  );
}

function isPoolClass(value: unknown): value is PgPoolConstructor {
  return missingMethod(value, ["connect", "query", "end", "emit"]) === undefined;
}

/**
 * Makes sure that a pg has what this file relies on, before anything is built on it. Opens nothing.
 *
 * Throws `PolicyError` `driver/native` for the native binding, which no guard can see into, and
 * `driver/unsupported` for everything else that is not as in the tested versions.
 */
export function verifiedPg(pg: { readonly Client: unknown; readonly Pool: unknown }): {
  readonly Client: PgClientConstructor;
  readonly Pool: PgPoolConstructor;
} {
  const { Client, Pool } = pg;
  if (isNative(Client)) {
    throw new PolicyError(
      "driver/native",
      "The native driver keeps its connections where no guard can see them.",
      {
        hint: 'Remove pg-native and NODE_PG_FORCE_NATIVE, and pass the module that require("pg") gives.',
      },
    );
  }
  if (!isClientClass(Client)) throw unsupported(pg, "its Client has other methods");
  if (!isPoolClass(Pool)) throw unsupported(pg, "its Pool has other methods");
  const wrong = unexpectedField(Client);
  if (wrong !== undefined) throw unsupported(pg, `its Client has another ${wrong}`);
  return { Client, Pool };
}

function unexpectedField(Client: PgClientConstructor): string | undefined {
  let probe: PgClient;
  try {
    probe = new Client({ host: "127.0.0.1", port: 1 });
  } catch {
    // The environment alone makes it throw (PGSSLNEGOTIATION, say); its own connections will say so.
    return undefined;
  }
  const connection: unknown = Reflect.get(probe, "connection");
  const stream: unknown =
    typeof connection === "object" && connection !== null
      ? Reflect.get(connection, "stream")
      : undefined;
  if (missingOwn(connection, "on") || missingOwn(stream, "destroy")) return "connection";
  const fields = fieldsOf(probe);
  if (!Array.isArray(fields._queryQueue ?? fields.queryQueue)) return "queue";
  return FLAGS.find((name) => typeof fields[name] !== "boolean");
}

const FLAGS = ["_queryable", "_ending", "_connecting", "_connectionError"] as const;

function missingOwn(object: unknown, method: string): boolean {
  return (
    typeof object !== "object" ||
    object === null ||
    typeof Reflect.get(object, method) !== "function"
  );
}

function missingMethod(value: unknown, methods: readonly string[]): string | undefined {
  const prototype: unknown = typeof value === "function" ? value.prototype : undefined;
  return methods.find((method) => missingOwn(prototype, method));
}

function hasQueryClass(value: unknown): boolean {
  return typeof value === "function" && "Query" in value && typeof value.Query === "function";
}

/** pg-native's client has no startup packet, and knows its active query by a method. */
function isNative(Client: unknown): boolean {
  return (
    missingMethod(Client, ["_hasActiveQuery"]) === undefined &&
    missingMethod(Client, ["getStartupConf"]) !== undefined
  );
}

function unsupported(pg: object, difference: string): PolicyError {
  const version = versionOf(pg);
  const what = version === undefined ? "This module" : `pg ${version}`;
  return new PolicyError("driver/unsupported", `${what} cannot be guarded: ${difference}.`, {
    hint: `Use a pg from ${TESTED_RANGE}, the versions that the guard is tested with.`,
  });
}
