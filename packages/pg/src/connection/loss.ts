import { explainError } from "@doorpolicy/core";

import type { CallSite } from "../call-site.ts";
import type { ConnectionReports } from "./connection-reports.ts";
import type { Guard } from "../guard.ts";
import type { BlockLimits } from "./limits.ts";
import {
  endedByServerError,
  notSentError,
  outcomeRule,
  outcomeUnknownDraft,
  outcomeUnknownError,
  serverLimitOf,
  type Unknown,
} from "./loss-messages.ts";
import type { OpenBlock } from "./open-block.ts";
import { type BlockStatus, lostText } from "./outcome.ts";
import {
  endsConnection,
  hasCompleted,
  NOT_QUERYABLE,
  type PgClient,
  type PgQuery,
  sentQueriesOf,
  unsentQueriesOf,
} from "../driver/pg-internals.ts";

/**
 * What a lost connection means for a query, whatever its text says: `"block"`, it is rolled back for
 * certain; `"commit"`, it stores a block; `"autocommit"`, its text says it.
 */
export type Fate = "autocommit" | "block" | "commit";

/** What a connection was doing when it was lost. */
export interface LossContext {
  readonly status: BlockStatus;
  readonly block: OpenBlock | undefined;
  readonly limits: BlockLimits;
  readonly site: CallSite | undefined;
}

/**
 * What the loss of a connection means for the statements that were given to it. It acts when the
 * connection is being lost, before pg hears of it: pg gives one and the same error to a statement that
 * the server may have carried out and to one that was never written.
 *
 * | the statement | in enforce | in observe | in bypass |
 * | --- | --- | --- | --- |
 * | sent, and it or its block may be stored | `…/outcome-unknown`, reported | reported | – |
 * | sent, and undone or without effect for certain | pg's error | pg's error | – |
 * | not sent | pg's words with the reason | pg's error | – |
 * | after a limit of the server ended its block | `transaction/ended-by-server` | pg's words with the reason | – |
 */
export class Loss {
  readonly #client: PgClient;
  readonly #guard: Guard;
  readonly #reports: ConnectionReports;
  readonly #context: () => LossContext;
  readonly #fates = new WeakMap<PgQuery, Fate>();
  readonly #givenUp = new WeakSet<PgQuery>();
  #reason: Error | undefined;
  #endedByServer: (() => Error) | undefined;
  #isJudged = false;

  constructor(
    client: PgClient,
    guard: Guard,
    reports: ConnectionReports,
    context: () => LossContext,
  ) {
    this.#client = client;
    this.#guard = guard;
    this.#reports = reports;
    this.#context = context;
    const lost = (): void => this.#judge(undefined);
    // Before pg's own listeners, which it attaches when it connects.
    client.connection.on("error", lost);
    client.connection.on("end", lost);
  }

  /** Why the connection was lost; unset while it is not. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  /** Says what becomes of a query if the connection is lost before it is answered. */
  noteFate(query: PgQuery, fate: Fate): void {
    if (fate !== "autocommit") this.#fates.set(query, fate);
  }

  /** pg no longer waits for it (`query_timeout`), and its caller has been answered. */
  noteGivenUp(query: PgQuery): void {
    this.#givenUp.add(query);
  }

  /** True when the caller of what is running has been answered by pg's `query_timeout`. */
  get isGivenUp(): boolean {
    return sentQueriesOf(this.#client).some((query) => this.#givenUp.has(query));
  }

  /** Takes note of an error that the other end sent. True for one that is the connection's last. */
  onServerError(error: unknown): boolean {
    if (!endsConnection(error)) return false;
    // A pooler adds its own word to the server's, which tells more.
    this.#reason ??= error;
    this.#endedByServer ??= this.#limitError(error);
    this.#judge(error);
    return true;
  }

  /** The socket is gone. What the server said last ("terminating connection …") tells more than that. */
  onLost(error: Error): void {
    this.#reason ??= error;
  }

  /** The error of a statement that comes after it. */
  refusal(): Error {
    if (this.#endedByServer !== undefined) return this.#endedByServer();
    if (this.#guard.lane.mode === "bypass")
      return new Error(NOT_QUERYABLE, { cause: this.#reason });
    return notSentError(this.#reason);
  }

  #limitError(error: Error): (() => Error) | undefined {
    const { block, limits } = this.#context();
    if (block === undefined || this.#guard.lane.mode !== "enforce") return undefined;
    const code = "code" in error ? error.code : undefined;
    const limit = serverLimitOf({ code, kind: explainError(error)?.kind }, limits);
    return limit && (() => endedByServerError(limit, block, error));
  }

  /** `word`: the other end's last error, where it sent one. */
  #judge(word: Error | undefined): void {
    if (this.#isJudged || this.#guard.lane.mode === "bypass") return;
    const sent = sentQueriesOf(this.#client);
    const unsent = unsentQueriesOf(this.#client);
    if (word === undefined && sent.length + unsent.length === 0) return;
    this.#isJudged = true;
    const { status } = this.#context();
    let at: BlockStatus = status;
    for (const [index, query] of sent.entries()) {
      const lost = this.#lost(query, at);
      at = lost.status;
      if (word !== undefined && this.#isUndone(word, query, index)) this.#onUndone(query);
      else if (lost.unknown !== undefined) this.#onUnknown(query, lost.unknown);
    }
    if (this.#guard.lane.mode !== "enforce") return;
    for (const query of unsent) {
      failInstead(query, (error) => this.#endedByServer?.() ?? notSentError(this.#reason ?? error));
    }
  }

  #lost(query: PgQuery, status: BlockStatus): ReturnType<typeof lostText> {
    const fate = this.#fates.get(query);
    if (fate === "block") return { unknown: undefined, status };
    if (fate === "commit") return { unknown: "transaction", status: "I" };
    // A stream without a text of its own may do anything.
    const unknown = status === "I" ? "statement" : undefined;
    return typeof query.text === "string" ? lostText(query.text, status) : { unknown, status };
  }

  /** A limit ends a block between its statements: what was sent into it meanwhile was never begun. */
  #isUndone(word: Error, query: PgQuery, index: number): boolean {
    return this.#endedByServer !== undefined || isUndone(word, query, index);
  }

  #onUndone(query: PgQuery): void {
    const ended = this.#endedByServer;
    if (ended !== undefined) failInstead(query, () => ended());
  }

  #onUnknown(query: PgQuery, unknown: Unknown): void {
    // Its caller was told that nobody waits for it any more, which is no more than this.
    if (this.#givenUp.has(query)) return;
    const text = typeof query.text === "string" ? query.text : undefined;
    const response = this.#guard.response(outcomeRule(unknown), text);
    if (response === "nothing") return;
    this.#reports.lastText = text;
    const { block, site } = this.#context();
    const action = response === "act" ? "reported" : "would-have";
    this.#reports.report(outcomeUnknownDraft(unknown, action), block, site);
    if (response === "act") failInstead(query, (error) => outcomeUnknownError(unknown, error));
  }
}

/** Refused by the pooler before the server saw it. */
const NEVER_PASSED_ON: ReadonlySet<string | undefined> = new Set([
  "pooler.queue-timeout",
  "pooler.server-unreachable",
]);

/**
 * True when the last word says for certain that a statement did nothing. PostgreSQL, which always
 * names the routine, aborts what it was running; but not what it had completed, and a PANIC may come
 * in the middle of a COMMIT. What a pooler says tells nothing of the server's side.
 */
function isUndone(word: Error, query: PgQuery, index: number): boolean {
  const isOfServer = "routine" in word && typeof word.routine === "string";
  if (!isOfServer) return NEVER_PASSED_ON.has(explainError(word)?.kind);
  // It is the answer to the first; those behind it were not begun.
  if (index > 0) return true;
  return !hasCompleted(query) && !("severity" in word && word.severity === "PANIC");
}

/** Lets a query fail with another error than the one that pg is about to give it. */
function failInstead(query: PgQuery, errorFor: (error: unknown) => Error): void {
  const original = query.handleError;
  query.handleError = (error, connection) => original.call(query, errorFor(error), connection);
}
