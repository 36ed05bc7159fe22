import type { PgQuery } from "../driver/pg-internals.ts";

/**
 * The part of pg's `Connection` that writes protocol messages, as pg-cursor and pg-query-stream use it;
 * the same in pg 8.5 to 8.23.
 */
export interface Wire {
  readonly stream: { cork?(): void; uncork?(): void };
  parse(message: { text: string; name: string; types?: undefined }): void;
  bind(message: { portal: string; statement: string; values: readonly string[] }): void;
  execute(message: { portal: string; rows?: undefined }): void;
  sync(): void;
}

/** One statement of ours with its bound values. Takes part in a batch. */
export interface Command {
  readonly text: string;
  readonly values?: readonly string[];
}

/** What pg calls on a query while it is answered, and what of `pg.Query` a batch has to take over. */
interface BatchedQuery extends Omit<PgQuery, "submit"> {
  submit: (connection: unknown) => unknown;
  requiresPreparation: () => boolean;
  handleDataRow: (message: unknown, connection: unknown) => void;
  handleEmptyQuery: (connection: unknown) => void;
}

/** How far a batch came. */
export interface BatchProgress {
  /** How many of the commands in front of the statement were answered. */
  readonly before: number;
  /** Command tags of what came behind the statement. */
  readonly after: readonly string[];
}

/**
 * Statements of ours alone, in one batch with one `Sync`: an error in one skips the rest. Given to
 * `client.query()` as it is. Nobody awaits it but us.
 */
export class ControlBatch {
  /** What a report shows as the statement. */
  readonly text: string;
  /** The command tags; rejects with the first error, before its ReadyForQuery. */
  readonly done: Promise<readonly string[]>;
  /** pg sets these on what it is given. */
  callback: undefined;
  readonly #commands: readonly Command[];
  readonly #tags: string[] = [];
  #resolve: (tags: readonly string[]) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor(commands: readonly Command[]) {
    this.#commands = commands;
    this.text = commands.map(({ text }) => text).join("; ");
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever sends it looks at the outcome; a connection that is lost first is no stray rejection.
    this.done.catch(() => undefined);
  }

  /** How many of the commands were answered. */
  get answered(): number {
    return this.#tags.length;
  }

  submit(wire: Wire): null {
    corked(wire, () => {
      for (const command of this.#commands) write(wire, command);
      wire.sync();
    });
    return null;
  }

  handleCommandComplete(message: { readonly text?: string }): void {
    this.#tags.push(message.text ?? "");
  }

  handleReadyForQuery(): void {
    this.#resolve(this.#tags);
  }

  handleError(error: unknown): void {
    // pg's `query_timeout` is for the application's statements: ours is answered still, and what a COMMIT
    // was answered is worth waiting for.
    if (error instanceof Error && error.message === "Query read timeout") return;
    this.#reject(error);
  }

  // Rows of set_config, and what else a server may say that changes nothing.
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
  handleCopyData(): void {}
  handleCopyInResponse(): void {}
}

/**
 * Lets an application's own statement travel between statements of ours, in one batch with one `Sync`.
 * With two, an error in the first would let the second autocommit (measured on Postgres and on all
 * PgBouncers). The application sees its own answer only.
 *
 * Only for a `pg.Query` with one statement, without a name and without a limit of rows.
 */
export function enclose(
  given: PgQuery,
  before: readonly Command[],
  after: readonly Command[],
): BatchProgress {
  const query = asBatched(given);
  const { submit, handleCommandComplete, handleDataRow, handleEmptyQuery } = query;
  const tags: string[] = [];
  let answered = 0;

  query.submit = (connection) => {
    const wire = asWire(connection);
    // pg refuses these itself, before anything is written.
    if (typeof query.text !== "string" || !hasValidValues(query)) return submit.call(query, wire);
    query.requiresPreparation = () => true;
    return corked(wire, () => {
      for (const command of before) write(wire, command);
      let isSynced = false;
      const sync = (): void => {
        if (isSynced) return;
        isSynced = true;
        for (const command of after) write(wire, command);
        wire.sync();
      };
      // Everything else is the connection's own: pg writes Parse, Bind, Describe, Execute, and then asks
      // for the Sync, in front of which `after` goes.
      const refusal = submit.call(query, Object.create(wire, { sync: { value: sync } }));
      // pg up to 8.16 writes none when a value cannot be serialised.
      if (!isSynced) wire.sync();
      return refusal;
    });
  };
  query.handleDataRow = (message, connection) => {
    if (answered >= before.length) handleDataRow.call(query, message, connection);
  };
  query.handleCommandComplete = (message, connection) => {
    const index = answered++;
    if (index === before.length) handleCommandComplete.call(query, message, connection);
    if (index > before.length) tags.push(message.text ?? "");
  };
  query.handleEmptyQuery = (connection) => {
    answered += 1;
    handleEmptyQuery.call(query, connection);
  };
  return {
    get before() {
      return Math.min(answered, before.length);
    },
    after: tags,
  };
}

/** Answers a query as if the server had: with a command tag and no rows, in the form it was asked in. */
export function answerLocally(query: PgQuery, tag: string, connection: unknown): void {
  query.handleCommandComplete({ text: tag }, connection);
  query.handleReadyForQuery(connection);
}

function write(wire: Wire, { text, values = [] }: Command): void {
  wire.parse({ text, name: "" });
  wire.bind({ portal: "", statement: "", values });
  wire.execute({ portal: "" });
}

function corked<Result>(wire: Wire, run: () => Result): Result {
  wire.stream.cork?.();
  try {
    return run();
  } finally {
    wire.stream.uncork?.();
  }
}

function hasValidValues({ values }: PgQuery): boolean {
  return values === undefined || values === null || Array.isArray(values);
}

function asBatched(query: PgQuery): BatchedQuery {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a pg.Query; held by tests on every version.
  return query as BatchedQuery;
}

function asWire(connection: unknown): Wire {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- pg's Connection; held by tests on every version.
  return connection as Wire;
}
