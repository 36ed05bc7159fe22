import {
  mayControlTransaction,
  type TransactionControl,
  transactionControlsIn,
} from "@doorpolicy/core";

import type { CallSite } from "../call-site.ts";
import { makeHandle } from "../pool/handle.ts";
import { setLocalText } from "../connection/limits.ts";
import { releasedError } from "../connection/messages.ts";
import { bindParsers, type PgClient, type PgQuery } from "../driver/pg-internals.ts";
import { appendSilently, failQuery, type QueryCall } from "../driver/query-forms.ts";
import { beginCommands } from "./begin-commands.ts";
import { Block } from "./block.ts";
import { keepBytes } from "./command-bytes.ts";
import { forgotten } from "./forgotten.ts";
import { acceptCall, type AskedQuery, queryClassOf } from "./handle-call.ts";
import type { ConnectionSource, Lease } from "./lease.ts";
import { rawControlError, rolledBackError, stalledError } from "./messages.ts";
import { missingSetting } from "./require-setting.ts";
import { setLocalTexts, type Settings } from "./settings.ts";
import { SingleHandle } from "../pool/single-handle.ts";
import { currentAllowance, runUnder } from "../statements/allowing.ts";
import { problemInUnit } from "../statements/in-units.ts";
import { Turns } from "./turns.ts";
import { type Command, enclose } from "./wire-batch.ts";

const COMMIT: readonly Command[] = keepBytes([{ text: "COMMIT" }]);
const ROLLBACK: readonly Command[] = keepBytes([{ text: "ROLLBACK" }]);

/**
 * What a caller in a unit with settings gets for a connection. The settings hold for each of his
 * statements, and for nobody else's: no transaction is held in between.
 *
 * | state | a statement | BEGIN alone | COMMIT, ROLLBACK | several statements with control in one text |
 * | --- | --- | --- | --- | --- |
 * | outside | BEGIN · settings · statement · COMMIT, in one batch | carries the settings → in block | sent as it is | refused |
 * | in block | sent as it is | sent as it is: a warning | sent as it is → outside; `AND CHAIN` is refused | refused |
 */
export class SettingsHandle {
  /** What the caller gets. */
  readonly client: PgClient;
  readonly #lease: Lease;
  readonly #source: ConnectionSource;
  readonly #settings: Settings;
  readonly #isSingle: boolean;
  readonly #turns: Turns;
  readonly #whole: Block;
  #isReleased = false;
  #releaseError: unknown;

  constructor(lease: Lease, source: ConnectionSource, settings: Settings, isSingle: boolean) {
    this.#lease = lease;
    this.#source = source;
    this.#settings = settings;
    this.#isSingle = isSingle;
    this.#turns = turnsOn(lease, source);
    this.#whole = Block.outermost([], lease.borrower);
    this.#turns.pushOpen([this.#whole]);
    const query = (config: unknown, values: unknown, callback: unknown): unknown =>
      this.#query({ config, values, callback });
    if (isSingle) {
      this.client = new SingleHandle({ query, release: (error) => this.#release(error) }).asClient;
      return;
    }
    const handle = makeHandle(lease.client, {
      isDeaf: source.guard.hidesLoss,
      isReleased: () => this.#isReleased,
      query,
      release: (error) => {
        handle.removeListeners();
        this.#release(error);
      },
    });
    this.client = handle.client;
    forgotten.register(handle.client, lease, lease);
  }

  /** What was sent before runs still. */
  #release(error: unknown): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#releaseError = error;
    void this.#giveBack();
  }

  async #giveBack(): Promise<void> {
    while (!this.#turns.isIdle) await this.#turns.whenNothingRuns();
    this.#lease.release(this.#releaseError);
    forgotten.unregister(this.#lease);
  }

  #query(call: QueryCall): unknown {
    const { client, connection } = this.#lease;
    const { Query } = this.#source;
    if (call.config === undefined || call.config === null) return client.query(call.config);
    const refusal =
      (this.#isReleased ? releasedError() : undefined) ??
      this.#lease.refusal() ??
      connection.refusal() ??
      missingSetting(this.#source.guard, this.#settings, call.config, Query);
    if (refusal !== undefined) return failQuery(client, call, refusal);
    const Own = queryClassOf(client);
    const allowance = currentAllowance();
    return acceptCall(
      call,
      Query,
      (asked) => {
        this.#turns.enqueue({
          block: () => this.#whole,
          run: () => runUnder(allowance, () => this.#run(asked)),
          fail: (error) => asked.query.handleError(error, client.connection),
        });
      },
      (query) => {
        // Of two copies of pg each keeps its own parsers.
        if (Own !== Query) bindParsers(query, this.#source.parsers);
      },
      Own,
    );
  }

  async #run(asked: AskedQuery): Promise<void> {
    const { query, text, controlText, isBatchable } = asked;
    const controls = controlsIn(controlText);
    const reader = text === undefined ? this.#lease.borrower.site : undefined;
    const isInBlock = this.#status() !== "I";
    const { client, borrower } = this.#lease;
    const { site } = borrower;
    const place = { isInBlock, isWrapped: !isInBlock, site, client };
    const problem = problemInUnit(this.#source.guard, asked, place);
    if (problem !== undefined) throw problem;
    if (text !== undefined) this.#checkControls(text, controls);
    else if (controls.length > 0) {
      throw rawControlError(
        this.#source.guard,
        controlText ?? "",
        "it comes as a cursor or a query object that this driver does not know",
      );
    }
    const [first] = controls;
    if (!isInBlock && text !== undefined && first?.kind === "begin" && first.statement.isOnly) {
      await this.#begin(query, text, first.statement.end);
    } else if (isInBlock || first !== undefined) {
      await this.#sendAsItIs(query, controls, reader);
    } else if (isBatchable) {
      const progress = enclose(query, this.#opening(), COMMIT, () =>
        this.#lease.connection.noteStatement(text, site),
      );
      await this.#turns.send(query, "autocommit");
      if (progress.after[0] === "ROLLBACK") this.#source.guard.report(notStored());
      // pg up to 8.16 sends what stands before a value that it cannot serialise, and nothing behind it.
      await this.#rollBackOpen();
    } else {
      await this.#runInParts(query, reader);
    }
  }

  /** What cannot travel in a batch is answered when its COMMIT is: before, nothing of it is stored. */
  async #runInParts(query: PgQuery, reader: CallSite | undefined): Promise<void> {
    const answer = holdAnswer(query);
    try {
      await this.#turns.control(this.#opening(), "block");
      await this.#turns.send(query, "block", reader);
      if (this.#status() === "T") await this.#turns.control(COMMIT, "commit");
    } finally {
      await this.#rollBackOpen();
    }
    answer();
  }

  /** The caller's COMMIT is judged as anywhere: one that the server answers with ROLLBACK is an error. */
  async #sendAsItIs(
    query: PgQuery,
    controls: readonly TransactionControl[],
    reader: CallSite | undefined,
  ): Promise<void> {
    const isCommit = controls.some(
      ({ kind }) => kind === "commit" || kind === "prepare-transaction",
    );
    const wasFailed = this.#status() === "E";
    if (isCommit && wasFailed) {
      await this.#turns.control(ROLLBACK, "block");
      throw rolledBackError(
        "A statement of the transaction had failed, and the server answers its COMMIT with ROLLBACK",
      );
    }
    await this.#turns.send(query, isCommit ? "commit" : "block", reader);
  }

  /** BEGIN carries limits and settings in the same message, before anything that the caller sends. */
  async #begin(query: PgQuery, text: string, opening: number): Promise<void> {
    const { connection, borrower } = this.#lease;
    const limits = this.#source.guard.tellsServer(text) ? setLocalText(connection.limits) : "";
    const settings = setLocalTexts(this.#settings)
      .map((setting) => `; ${setting}`)
      .join("");
    appendSilently(query, `${text.slice(0, opening)}${limits}${settings}${text.slice(opening)}`);
    connection.noteStatement(text, borrower.site);
    await this.#turns.send(query, "block");
    // Its BEGIN was answered with an error, so that nobody would end it.
    if (this.#status() === "E") await this.#rollBackOpen();
  }

  /** The truth: asked between statements only. */
  #status(): "I" | "T" | "E" {
    return this.#lease.connection.status;
  }

  #opening(): readonly Command[] {
    return beginCommands({}, {}, this.#settings);
  }

  /** Rolls back what one of our own statements or the application's has left open. */
  async #rollBackOpen(): Promise<void> {
    if (this.#status() === "I" || this.#lease.connection.isGone) return;
    await this.#turns.control(ROLLBACK, "block").catch(() => undefined);
  }

  #checkControls(text: string, controls: readonly TransactionControl[]): void {
    const refuse = (why: string): Error => rawControlError(this.#source.guard, text, why);
    for (const control of controls) {
      if (!control.statement.isOnly) {
        throw refuse(
          "among several statements in one text it would leave the unit's settings behind",
        );
      }
      if ("chain" in control && control.chain)
        throw refuse("`AND CHAIN` would begin a transaction without the unit's settings");
      if (control.kind === "begin" && this.#isSingle)
        throw refuse("nothing that comes through `pool.query()` can end it");
    }
  }
}

/**
 * Nothing that the unit keeps may lead to the handle, which is to be found when it is forgotten: the
 * closures of one function share what any of them refers to.
 */
function turnsOn(lease: Lease, { guard }: ConnectionSource): Turns {
  const { stallMs } = guard.lane.policy.units;
  const turns = new Turns(lease, stallMs, () => stalledError(guard, lease.borrower));
  lease.onTaken = (reason) => turns.failAll(reason);
  return turns;
}

/** Keeps the answer of a query back until what is returned is called. An error is told at once. */
function holdAnswer(query: PgQuery): () => void {
  const { handleReadyForQuery } = query;
  let answer: (() => void) | undefined;
  query.handleReadyForQuery = (connection) => {
    answer = () => handleReadyForQuery.call(query, connection);
  };
  return () => answer?.();
}

function notStored(): Parameters<ConnectionSource["guard"]["report"]>[0] {
  return {
    rule: "transaction/rolled-back-at-commit",
    action: "reported",
    message:
      "The server answered the COMMIT of a single statement with ROLLBACK, and nothing of it is stored.",
    help: "Look into the server's log.",
  };
}

/** Savepoints by hand, and the modes of a block that is open, take the settings nowhere. */
function controlsIn(text: string | undefined): readonly TransactionControl[] {
  if (text === undefined || !mayControlTransaction(text)) return [];
  return [...transactionControlsIn(text)].filter(({ kind }) => !HARMLESS.has(kind));
}

const HARMLESS: ReadonlySet<string> = new Set([
  "savepoint",
  "release",
  "rollback-to",
  "set-transaction",
]);
