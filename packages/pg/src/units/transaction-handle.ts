import {
  mayControlTransaction,
  type TransactionControl,
  transactionControlsIn,
} from "@doorpolicy/core";

import type { CallSite } from "../call-site.ts";
import { soon } from "../clock.ts";
import { makeHandle } from "../pool/handle.ts";
import { releasedError } from "../connection/messages.ts";
import { bindParsers, type PgClient, type PgQuery } from "../driver/pg-internals.ts";
import { failQuery, type QueryCall } from "../driver/query-forms.ts";
import { isStronger } from "./begin-commands.ts";
import type { Block } from "./block.ts";
import { acceptCall, type AskedQuery, queryClassOf } from "./handle-call.ts";
import type { Borrower } from "./lease.ts";
import { isolationError, rawControlError, rolledBackError } from "./messages.ts";
import { missingSetting } from "./require-setting.ts";
import { SingleHandle } from "../pool/single-handle.ts";
import { problemInUnit } from "../statements/in-units.ts";
import type { Connected, TransactionConnection } from "./transaction-connection.ts";
import type { BorrowRequest } from "./unit.ts";
import { answerLocally } from "./wire-batch.ts";

/** The part of a transaction() that a handle is borrowed in. */
export interface HandleOwner {
  readonly transaction: TransactionConnection;
  /** True where each statement has a savepoint of its own. */
  readonly isSaved: boolean;
  /** Where its statements go, as long as the handle has no block of its own open. */
  readonly block: () => Block;
  /** The error for what comes too late; `undefined` while statements are taken. */
  readonly refusal: () => Error | undefined;
  /** The handle was given back, and what it had sent is done. */
  readonly onQuiet: (handle: TransactionHandle) => void;
}

/**
 * What one caller in a `transaction()` gets for a connection: several share one. Its statements join
 * the transaction. An ORM's own block on it becomes a savepoint: its first BEGIN opens it, the matching
 * end closes it, and while it is open nobody else's statement runs.
 *
 * | state | statement | BEGIN | COMMIT, ROLLBACK | savepoint by hand | isolation level | release |
 * | --- | --- | --- | --- | --- | --- | --- |
 * | joined | runs in the transaction | savepoint → own block | refused | runs | answered here, a stronger one refused | quiet |
 * | own block | runs in it | runs: a warning of the server | RELEASE or ROLLBACK TO → joined | runs | answered here, a stronger one refused | rolled back, reported → quiet |
 * | released | refused | refused | refused | refused | refused | nothing |
 */
export class TransactionHandle {
  /** What the caller gets. */
  readonly client: PgClient;
  readonly request: BorrowRequest;
  readonly #owner: HandleOwner;
  readonly #connected: Connected;
  #removeListeners: (() => void) | undefined;
  /** The one that it is for, where it is for one. */
  #statement: string | undefined;
  /** The ORM's own block, while it is open. */
  #own: Block | undefined;
  #isReleased = false;
  /** Its own block asked for what it cannot have. */
  #isRefused = false;
  #unanswered = 0;

  constructor(owner: HandleOwner, connected: Connected, request: BorrowRequest) {
    this.#owner = owner;
    this.#connected = connected;
    this.request = request;
    const query = (config: unknown, values: unknown, callback: unknown): unknown =>
      this.#query({ config, values, callback });
    const release = (): void => this.release();
    if (request.isSingle) {
      this.client = new SingleHandle({ query, release }).asClient;
      return;
    }
    const { client, removeListeners } = makeHandle(connected.lease.client, {
      isDeaf: request.source.guard.hidesLoss,
      isReleased: () => this.#isReleased,
      query,
      release,
    });
    this.client = client;
    this.#removeListeners = removeListeners;
  }

  /** For a message: who has it, and for which statement where it is for one. */
  get asBorrower(): Borrower {
    return { ...this.request.borrower, statement: this.#statement };
  }

  /** Idempotent, and never throws. What was sent before runs still. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#removeListeners?.();
    this.#settle();
  }

  /** Takes it from a caller who does not give it back. */
  revoke(): void {
    this.#isReleased = true;
    this.#removeListeners?.();
  }

  #settle(): void {
    if (!this.#isReleased || this.#unanswered > 0) return;
    if (this.#own === undefined) {
      this.#owner.onQuiet(this);
      return;
    }
    const { guard } = this.#connected.source;
    if (!this.#isRefused)
      guard.report({
        rule: "transaction/left-open",
        action: "rolled-back",
        message:
          "A connection was given back with an ORM's transaction open inside a transaction(); it was rolled back to where it began.",
        help: "End every transaction with COMMIT or ROLLBACK before the connection is released.",
      });
    this.#inTurn(
      async () => void (await this.#close(false)),
      () => (this.#own = undefined),
    );
  }

  #query(call: QueryCall): unknown {
    const { client } = this.#connected.lease;
    const { source } = this.request;
    const { Query } = source;
    if (call.config === undefined || call.config === null) return client.query(call.config);
    const { setLocal } = this.#owner.transaction.options;
    const refusal = this.#refusal() ?? missingSetting(source.guard, setLocal, call.config, Query);
    if (refusal !== undefined) return failQuery(client, call, refusal);
    return acceptCall(
      call,
      Query,
      (asked) => this.#enqueue(asked),
      (query) => {
        // Of two copies of pg each keeps its own parsers: a bigint is what the caller's copy makes of it.
        if (source !== this.#connected.source) bindParsers(query, source.parsers);
      },
      queryClassOf(client),
    );
  }

  #refusal(): Error | undefined {
    const { lease } = this.#connected;
    return (
      this.#owner.transaction.broken ??
      this.#owner.refusal() ??
      (this.#isReleased ? releasedError() : undefined) ??
      lease.refusal() ??
      lease.connection.refusal()
    );
  }

  #enqueue(asked: AskedQuery): void {
    const { query, text, controlText, isBatchable } = asked;
    if (this.request.isSingle) this.#statement = controlText;
    const controls = controlsIn(controlText);
    const [only] = controls;
    const fail = (error: Error): void =>
      query.handleError(error, this.#connected.lease.client.connection);
    const { guard: own } = this.request.source;
    const problem = problemInUnit(own, asked, {
      isInBlock: true,
      site: this.#readerSite,
      client: this.#connected.lease.client,
    });
    if (problem !== undefined) {
      soon(() => fail(problem));
      return;
    }
    if (text !== undefined) this.#answerTruly(query, only === undefined);
    if (text === undefined && only !== undefined) {
      const { guard } = this.#connected.source;
      const why = "it comes as a cursor or a query object that this driver does not know";
      soon(() => fail(rawControlError(guard, controlText ?? "", why)));
      return;
    }
    if (text === undefined || only === undefined) {
      const { transaction } = this.#owner;
      const { isSaved } = this.#owner;
      const reader = text === undefined ? this.#readerSite : undefined;
      this.#inTurn(
        () => transaction.statement(this.#block(), query, { isBatchable, isSaved, reader }),
        fail,
      );
      return;
    }
    this.#inTurn(() => this.#control(query, text, only, controls.length), fail);
  }

  /** Of `pool.query()` only the transaction is known. */
  get #readerSite(): CallSite {
    return (this.request.isSingle ? this.#connected.lease : this.request).borrower.site;
  }

  /** A statement that is answered when everything was rolled back was not stored, whatever the server says. */
  #answerTruly(query: PgQuery, isStatement: boolean): void {
    const { handleReadyForQuery, handleCommandComplete } = query;
    query.handleCommandComplete = (message, connection) => {
      // Where a text hides it from the lexer (`standard_conforming_strings = off`) the answer still shows it.
      if (isStatement && message.text === "COMMIT") this.#owner.transaction.onEndedFromWithin();
      handleCommandComplete.call(query, message, connection);
    };
    query.handleReadyForQuery = (connection) => {
      const refusal = this.#owner.refusal();
      if (refusal === undefined) handleReadyForQuery.call(query, connection);
      else query.handleError(refusal, connection);
    };
  }

  /** Within a turn. What it throws is the caller's error. */
  async #control(
    query: PgQuery,
    text: string,
    only: TransactionControl,
    count: number,
  ): Promise<void> {
    const { guard } = this.#connected.source;
    const refuse = (why: string): Error => rawControlError(guard, text, why);
    if (count > 1 || !only.statement.isOnly)
      throw refuse("it stands among several statements in one text");
    switch (only.kind) {
      case "begin":
        if (this.#own !== undefined) break;
        if (this.request.isSingle)
          throw refuse("nothing that comes through `pool.query()` can end it");
        this.#checkModes(only);
        await this.#begin(query);
        return;
      case "commit":
      case "rollback":
        if (this.#own === undefined) throw refuse("it would end the whole transaction()");
        if (only.chain) throw refuse("`AND CHAIN` would begin another one");
        await this.#end(query, only.kind === "commit");
        return;
      case "set-transaction":
        this.#checkModes(only);
        if (only.modes.isolation === undefined) break;
        answerLocally(query, "SET", this.#connected.lease.client.connection);
        return;
      default:
        throw refuse("two-phase commit would take the transaction away");
    }
    await this.#owner.transaction.statement(this.#block(), query, {
      isBatchable: false,
      isSaved: false,
    });
  }

  #checkModes(control: TransactionControl): void {
    if (!("modes" in control)) return;
    const { isolation } = control.modes;
    const outer = this.#owner.transaction.options.isolation;
    if (isolation === undefined || !isStronger(isolation, outer)) return;
    // Its owner gives it up without a ROLLBACK, as if it had never begun.
    this.#isRefused = true;
    throw isolationError(isolation, outer);
  }

  async #begin(query: PgQuery): Promise<void> {
    const { transaction } = this.#owner;
    const block = this.#block().inner(transaction.nextInner(), this.request.borrower);
    await transaction.open(block);
    this.#own = block;
    answerLocally(query, "BEGIN", this.#connected.lease.client.connection);
  }

  async #end(query: PgQuery, isCommit: boolean): Promise<void> {
    const isKept = await this.#close(isCommit);
    if (isCommit && !isKept) {
      throw rolledBackError(
        "A statement of this inner transaction had failed, and it was rolled back to where it began",
      );
    }
    answerLocally(query, isCommit ? "COMMIT" : "ROLLBACK", this.#connected.lease.client.connection);
  }

  async #close(isKept: boolean): Promise<boolean> {
    const own = this.#own;
    this.#own = undefined;
    return own === undefined ? isKept : await this.#owner.transaction.close(own, isKept);
  }

  /** Where its next statement belongs. */
  #block(): Block {
    return this.#own ?? this.#owner.block();
  }

  #inTurn(run: () => Promise<void>, fail: (error: Error) => void): void {
    this.#unanswered += 1;
    const done = (): void => {
      this.#unanswered -= 1;
      this.#settle();
    };
    this.#connected.turns.enqueue({
      block: () => this.#block(),
      run: () => {
        const refusal =
          this.#owner.refusal() ?? (this.#block().isOver ? releasedError() : undefined);
        if (refusal !== undefined) throw refusal;
        return run();
      },
      done,
      fail: (error) => {
        fail(error);
        done();
      },
    });
  }
}

/** Savepoints by hand are the caller's own affair. */
function controlsIn(text: string | undefined): readonly TransactionControl[] {
  if (text === undefined || !mayControlTransaction(text)) return [];
  return [...transactionControlsIn(text)].filter(
    ({ kind, isUnderstood }) =>
      isUnderstood && kind !== "savepoint" && kind !== "release" && kind !== "rollback-to",
  );
}
