/* oxlint-disable no-underscore-dangle -- the names are pg's own. */
import type { EventEmitter } from "node:events";

import { sentEarly } from "./early-query.ts";
import type {
  PgClient,
  PgClientConstructor,
  PgPoolConstructor,
  PgQuery,
  PgStream,
} from "./pg-types.ts";

export type {
  ConnectCallback,
  PgClient,
  PgClientConstructor,
  PgPoolConstructor,
  PgQuery,
  PgQueryConstructor,
} from "./pg-types.ts";

/** Private fields of `pg.Client`, all versions together. Nothing outside this file names one. */
interface ClientFields {
  /** Unset until the first ReadyForQuery has been *handled*, false while a statement is on its way. */
  readonly readyForQuery?: boolean;
  readonly _queryable: boolean;
  readonly _ending: boolean;
  readonly _connecting: boolean;
  readonly _connected: boolean;
  readonly _connectionError: boolean;
  readonly hasExecuted?: boolean;
  /** 8.19 and later; `activeQuery` and `queryQueue` are deprecated getters there. */
  readonly _activeQuery?: PgQuery | null | undefined;
  readonly _queryQueue?: PgQuery[];
  /** Pipeline mode, 8.23 and later. */
  readonly _sentQueryQueue?: readonly PgQuery[];
  readonly activeQuery?: PgQuery | null | undefined;
  readonly queryQueue?: PgQuery[];
  /** The key that a CancelRequest needs; 0 or unset where the pooler gives none. */
  readonly processID: number | null;
  readonly secretKey: number | null;
  readonly host: string;
  readonly port: number;
  readonly connectionParameters?: { readonly query_timeout?: unknown };
}

/** A `Connection` of pg's own class, and what it was made with. */
interface ConnectionFields extends EventEmitter {
  readonly stream: PgStream & { connect(...target: unknown[]): unknown };
  readonly ssl?: unknown;
  readonly sslNegotiation?: unknown;
  connect(portOrPath: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processID: number, secretKey: number): void;
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
  const queue = fields._queryQueue ?? fields.queryQueue ?? [];
  return queue.splice(sentEarly(queue).length);
}

/** Takes the next of these out of the queue. */
export function dropUnsent(client: PgClient): void {
  const fields = fieldsOf(client);
  const queue = fields._queryQueue ?? fields.queryQueue ?? [];
  queue.splice(sentEarly(queue).length, 1);
}

/** True when more statements than the one being answered are on their way (pipeline mode). */
export function isPipelining(client: PgClient): boolean {
  return (fieldsOf(client)._sentQueryQueue?.length ?? 0) > 0;
}

/** True while a statement (or an open portal) is being answered, false between an error and its ReadyForQuery. */
export function hasActiveQuery(client: PgClient): boolean {
  return activeQueryOf(client) !== undefined;
}

/** The statement (or open portal) that is being answered. */
export function activeQueryOf(client: PgClient): PgQuery | undefined {
  const fields = fieldsOf(client);
  return ("_activeQuery" in fields ? fields._activeQuery : fields.activeQuery) ?? undefined;
}

/** What was written to the socket and has not been answered, in its order. */
export function sentQueriesOf(client: PgClient): readonly PgQuery[] {
  const active = activeQueryOf(client);
  const fields = fieldsOf(client);
  const behind = fields._sentQueryQueue ?? [];
  if (active !== undefined) return [active, ...behind];
  return behind.length > 0 ? behind : sentEarly(fields._queryQueue ?? fields.queryQueue ?? []);
}

/** The query that was given to it last; `undefined` when pg refused it. */
export function lastQueryOf(client: PgClient): PgQuery | undefined {
  return unsentQueriesOf(client).at(-1) ?? sentQueriesOf(client).at(-1);
}

/** True where pg will stop waiting for a query after some time, and leave it running. */
export function hasQueryTimeout(client: PgClient, config: unknown): boolean {
  const own = typeof config === "object" && config !== null && "query_timeout" in config;
  return own || Boolean(fieldsOf(client).connectionParameters?.query_timeout);
}

/** True for what pg says when it stops waiting. */
export function isQueryTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === "Query read timeout";
}

/** What waits for its turn and was never written. */
export function unsentQueriesOf(client: PgClient): readonly PgQuery[] {
  const fields = fieldsOf(client);
  const queue = fields._queryQueue ?? fields.queryQueue ?? [];
  return sentEarly(queue).length === 0 ? queue : queue.slice(1);
}

/** True when the server has said that the statement is done, but not yet that it is ready for the next. */
export function hasCompleted(query: PgQuery): boolean {
  return typeof query._result?.command === "string";
}

/** True for a `pg-cursor`, or a stream over one, that has answered all it was asked for and waits to be read. */
export function isIdleCursor(query: PgQuery): boolean {
  const { state, _cb: asked } = query.cursor ?? query;
  // Asked before its first answer, it calls itself idle while the rows are on their way.
  return state === "idle" && typeof asked !== "function";
}

/**
 * Lets a cursor that was ended say so for good. pg-cursor forgets its error with the next ReadyForQuery,
 * and whoever reads on would take what is missing for the end of the rows.
 */
export function failForGood(query: PgQuery): void {
  const cursor = query.cursor ?? query;
  if (cursor.state === undefined) return;
  query.handleReadyForQuery = () => {
    // Closed later, it would write to a connection that is somebody else's by then.
    Reflect.set(cursor, "connection", null);
  };
}

/** How many bytes have gone through the socket, either way; a portal that is read moves some. */
export function bytesMoved({ connection: { stream } }: PgClient): number {
  return (stream.bytesRead ?? Number.NaN) + (stream.bytesWritten ?? Number.NaN);
}

/** True when whoever reads a stream has stopped the socket, for want of room or for good. */
export function isReadingPaused({ connection: { stream } }: PgClient): boolean {
  return stream.isPaused?.() ?? false;
}

/**
 * True when pg has been told to be ready and never took note of it: something threw inside the connect
 * callback, and the rest of pg's own handler did not run. It will take no statement any more.
 */
export function isStuck(client: PgClient): boolean {
  const fields = fieldsOf(client);
  return fields._connected && fields.readyForQuery === undefined && fields.hasExecuted !== true;
}

/** A second connection to where this one goes, as pg makes them, that will ask for its statement to be cancelled. */
export interface CancelConnection extends EventEmitter {
  readonly stream: PgStream;
  /** Connects, and sends the CancelRequest as the only message; `onSent` is called then. */
  open(onSent: () => void): void;
}

/**
 * Prepares a CancelRequest with the same address, socket path and TLS as the connection itself;
 * `undefined` where pg was given a socket of the service's own, or the other end gave no key. It goes
 * to the very address that the connection has: another server of the same name does not know the key.
 */
export function cancelConnectionOf(client: PgClient): CancelConnection | undefined {
  const { processID, secretKey, host, port } = fieldsOf(client);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- verifiedPg has looked at it.
  const own = client.connection as unknown as ConnectionFields;
  if (processID === null || secretKey === null || processID === 0) return undefined;
  const { ssl, sslNegotiation } = own;
  const made: unknown = Reflect.construct(own.constructor, [{ ssl, sslNegotiation }]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made by the same class.
  const connection = made as ConnectionFields;
  const open = (onSent: () => void): void => {
    const send = (): void => {
      connection.cancel(processID, secretKey);
      onSent();
    };
    if (!ssl) connection.on("connect", send);
    else if (sslNegotiation !== "direct") connection.on("connect", () => connection.requestSsl());
    connection.on("sslconnect", send);
    if (host.startsWith("/")) {
      connection.connect(`${host}/.s.PGSQL.${port}`);
      return;
    }
    const { stream } = connection;
    const dial = stream.connect.bind(stream);
    const address = own.stream.remoteAddress ?? host;
    // The certificate is checked against the name, so that only the dialling is told the address.
    stream.connect = () => dial(port, address);
    connection.connect(port, host);
  };
  return Object.assign(connection, { open });
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

/** How long a connect may take, in milliseconds, whatever its options say; before it has begun. */
export function limitConnect(client: PgClient, limitMs: number): PgClient {
  Reflect.set(client, "_connectionTimeoutMillis", limitMs);
  return client;
}

/** True once a socket has been asked for, whatever became of it. */
export function hasBegunConnecting(client: PgClient): boolean {
  const fields = fieldsOf(client);
  return fields._connecting || fields._connected;
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

/** What pg-pool says when `connectionTimeoutMillis` is over; other code may look for it. */
export function acquireTimeout(lastFailure: Error | undefined): Error {
  return new Error("timeout exceeded when trying to connect", { cause: lastFailure });
}

/** True for pg-pool's two ways to say that `connectionTimeoutMillis` is over. */
export function isAcquireTimeout(error: unknown): error is Error {
  return error instanceof Error && ACQUIRE_TIMEOUTS.includes(error.message);
}

/** True for a class with what `pg.Client` has; the guard can be derived from it. */
export function isClientClass(value: unknown): value is PgClientConstructor {
  const methods = ["connect", "query", "end", "getStartupConf", "_handleReadyForQuery"];
  return missingMethod(value, methods) === undefined && hasQueryClass(value);
}

/** True for a class with what `pg.Pool` has. */
export function isPoolClass(value: unknown): value is PgPoolConstructor {
  const methods = ["connect", "query", "end", "emit", "newClient", "_isFull"];
  return missingMethod(value, methods) === undefined;
}

/** pg-native's client has no startup packet, and knows its active query by a method. */
export function isNativeClass(Client: unknown): boolean {
  return (
    missingMethod(Client, ["_hasActiveQuery"]) === undefined &&
    missingMethod(Client, ["getStartupConf"]) !== undefined
  );
}

/** What of a client that was never connected is not as this file relies on. */
export function unexpectedFieldOf(client: PgClient): string | undefined {
  const connection: unknown = Reflect.get(client, "connection");
  const stream: unknown =
    typeof connection === "object" && connection !== null
      ? Reflect.get(connection, "stream")
      : undefined;
  if (missingOwn(connection, "on") || missingOwn(connection, "sync")) return "connection";
  if (missingOwn(stream, "destroy")) return "connection";
  const fields = fieldsOf(client);
  if (!Array.isArray(fields._queryQueue ?? fields.queryQueue)) return "queue";
  return FLAGS.find((name) => typeof fields[name] !== "boolean");
}

const FLAGS = ["_queryable", "_ending", "_connecting", "_connected", "_connectionError"] as const;

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

/** Gives a query the type parsers of a client; one that brings its own keeps them. */
export function bindParsers(query: PgQuery, parsers: unknown): void {
  const result: unknown = Reflect.get(query, "_result");
  if (typeof result !== "object" || result === null || Reflect.get(result, "_types")) return;
  Reflect.set(result, "_types", parsers);
}

/** True for a connection in pg's pipeline mode, which sends a statement before the one before is answered. */
export function isPipelined(client: PgClient): boolean {
  return Reflect.get(client, "pipeline") === true;
}
