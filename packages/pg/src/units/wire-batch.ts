import type { PgQuery } from "../driver/pg-internals.ts";
import { bytesOf, SYNC } from "./command-bytes.ts";
import { Outbox, type WireStream } from "./outbox.ts";

/**
 * The part of pg's `Connection` that writes protocol messages, as pg-cursor and pg-query-stream use it;
 * the same in pg 8.5 to 8.23.
 */
export interface Wire {
  stream: WireStream;
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
  /** Resolves when all is answered, or with the first error, before its ReadyForQuery. Never rejects. */
  readonly answered: Promise<void>;
  /** pg sets these on what it is given. */
  callback: undefined;
  readonly #commands: readonly Command[];
  /** The command tags of those that were carried out. */
  readonly tags: string[] = [];
  /** Why the others were not. */
  error: unknown;
  #resolve: () => void = () => undefined;

  constructor(commands: readonly Command[]) {
    this.#commands = commands;
    const [only] = commands;
    this.text =
      only !== undefined && commands.length === 1
        ? only.text
        : commands.map(({ text }) => text).join("; ");
    this.answered = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  submit({ stream }: Wire): null {
    const outbox = new Outbox(stream);
    outbox.write(bytesOf(this.#commands));
    outbox.write(SYNC);
    outbox.send();
    return null;
  }

  handleCommandComplete(message: { readonly text?: string }): void {
    this.tags.push(message.text ?? "");
  }

  handleReadyForQuery(): void {
    this.#resolve();
  }

  handleError(error: unknown): void {
    // pg's `query_timeout` is for the application's statements: ours is answered still, and what a COMMIT
    // was answered is worth waiting for.
    if (error instanceof Error && error.message === "Query read timeout") return;
    this.error ??= error;
    this.#resolve();
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
 *
 * `onCut`: pg has failed in the middle of it, so that `before` was written and `after` was not. Called before
 * the server can have answered.
 */
export function enclose(
  given: PgQuery,
  before: readonly Command[],
  after: readonly Command[],
  onCut?: () => void,
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
    const { stream } = wire;
    const outbox = new Outbox(stream);
    if (before.length > 0) outbox.write(bytesOf(before));
    // Everything else is the connection's own: pg writes Parse, Bind, Describe, Execute, and a Sync behind
    // them. The stream is exchanged for as long as that takes: an object made over the connection would
    // have to be looked through at each step, and cost more than what is written.
    wire.stream = outbox;
    let refusal: unknown;
    try {
      refusal = submit.call(query, wire);
    } finally {
      wire.stream = stream;
    }
    // pg up to 8.16 writes none when a value cannot be serialised.
    if (!outbox.takeLast(SYNC)) onCut?.();
    else if (after.length > 0) outbox.write(bytesOf(after));
    outbox.write(SYNC);
    outbox.send();
    return refusal;
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
