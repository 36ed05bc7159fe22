import type { EventEmitter } from "node:events";

/** The part of pg's `Connection` that the guard uses. */
interface PgConnection extends EventEmitter {
  readonly stream: PgStream;
  /** Ends an extended-protocol exchange; the server answers with ReadyForQuery. */
  sync(): void;
  sendCopyFail(reason: string): void;
}

/** The part of a socket that the guard uses; a runtime's own sockets may lack some. */
export interface PgStream {
  readonly remoteAddress?: string | undefined;
  readonly bytesRead?: number;
  readonly bytesWritten?: number;
  readonly destroyed?: boolean;
  readonly closed?: boolean;
  isPaused?(): boolean;
  setKeepAlive?(on: boolean, afterMs: number): unknown;
  resume?(): unknown;
  once?(event: "close", listener: () => void): unknown;
  destroy(error?: Error): unknown;
}

/** The part of a `pg.Client` that the guard uses and overrides. */
export interface PgClient extends EventEmitter {
  readonly connection: PgConnection;
  connect(callback?: (error?: unknown) => void): unknown;
  /** `through`: how many frames of ours stand between it and its caller; pg itself takes no fourth. */
  query(config: unknown, values?: unknown, callback?: unknown, through?: number): unknown;
  end(callback?: (error?: unknown) => void): unknown;
  /** pg's own listener of ReadyForQuery. */
  _handleReadyForQuery(message: { readonly status: string }): void;
  /** What goes out in the startup packet; runs after URL, environment and options were merged. */
  getStartupConf(): Record<string, string | undefined>;
  getTypeParser(oid: number, format?: string): unknown;
  /** Whether its socket keeps the process alive. */
  ref?(): void;
  unref?(): void;
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
  /** Of pg's own class only. */
  readonly _result?: { readonly command?: unknown };
  /** Of `pg-cursor`, and of `pg-query-stream`, which reads one. */
  readonly state?: unknown;
  readonly _cb?: unknown;
  readonly cursor?: { readonly state?: unknown; readonly _cb?: unknown };
  submit(connection: unknown): unknown;
  handleCommandComplete: (message: { readonly text?: string }, connection: unknown) => void;
  handleReadyForQuery: (connection: unknown) => void;
  handleError: (error: unknown, connection: unknown) => void;
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
  readonly expiredCount: number;
  readonly ending: boolean;
  connect(callback?: ConnectCallback): unknown;
  query(...call: unknown[]): unknown;
  end(callback?: (error?: unknown) => void): unknown;
  /** pg-pool's own, which `connect()` calls where it has no connection to give. */
  newClient(pending: { readonly callback: ConnectCallback }): void;
  _isFull(): boolean;
}

/** `pg.Pool`: a class that pg binds to its own `Client`. */
export type PgPoolConstructor = new (options?: object | string) => PgPool;
