import {
  mayControlTransaction,
  type TransactionControl,
  transactionControlsIn,
} from "@doorpolicy/core";

import { type CallSite, captureCallSite, FRAMES_OF_BLOCK } from "../call-site.ts";
import type { Guard } from "../guard.ts";
import { makeHandle } from "./handle.ts";
import { releasedError } from "../connection/messages.ts";
import type { PgClient, PgQueryConstructor } from "../driver/pg-internals.ts";
import { putBack } from "../driver/given.ts";
import { failQuery, type QueryCall } from "../driver/query-forms.ts";
import { whenAtRest } from "../units/at-rest.ts";
import { serverLimits } from "../units/begin-commands.ts";
import { currentAllowance, runUnder } from "../statements/allowing.ts";
import { problemInUnit } from "../statements/in-units.ts";
import { sendJudged } from "../statements/statement-guard.ts";
import { Block } from "../units/block.ts";
import { acceptCall, type AskedQuery } from "../units/handle-call.ts";
import type { Lease } from "../units/lease.ts";
import { stalledError } from "../units/messages.ts";
import { missingSetting } from "../units/require-setting.ts";
import { setConfigCommand } from "../units/settings.ts";
import { Turns } from "../units/turns.ts";
import { answerLocally, type Command, enclose } from "../units/wire-batch.ts";

/** A BEGIN that was answered and not sent. */
interface Pending {
  /** As the ORM wrote it, and what it said of the transaction's modes since. */
  readonly commands: readonly Command[];
  readonly site: CallSite;
}

/**
 * A handle on which BEGIN is answered at once and sent with the first statement behind it, in one batch
 * (`transaction.lazyBegin`): a transaction is open for as long as there is something in it, and one
 * without a statement costs no round trip.
 *
 * | state | BEGIN alone | SET TRANSACTION | COMMIT, ROLLBACK | a statement | release |
 * | --- | --- | --- | --- | --- | --- |
 * | outside | answered here → pending | sent | sent | sent | given back |
 * | pending | answered here | answered here, kept for later | answered here → outside | BEGIN · modes · limits · statement → in block | given back: nothing was begun |
 * | in block | sent: a warning | sent | sent → outside | sent | rolled back, reported |
 */
export class LazyHandle {
  /** What the holder gets. */
  readonly client: PgClient;
  readonly #lease: Lease;
  readonly #guard: Guard;
  readonly #Query: PgQueryConstructor;
  readonly #turns: Turns;
  readonly #whole: Block;
  readonly #release: (error?: unknown) => void;
  #pending: Pending | undefined;
  #isReleased = false;

  constructor(
    lease: Lease,
    guard: Guard,
    Query: PgQueryConstructor,
    release: (error?: unknown) => void,
  ) {
    this.#lease = lease;
    this.#guard = guard;
    this.#Query = Query;
    this.#release = release;
    const { stallMs } = guard.lane.policy.units;
    this.#turns = new Turns(lease, stallMs, () => stalledError(guard, lease.borrower));
    this.#whole = Block.outermost([], lease.borrower);
    this.#turns.pushOpen([this.#whole]);
    const { client, removeListeners } = makeHandle(lease.client, {
      isDeaf: guard.hidesLoss,
      isReleased: () => this.#isReleased,
      query: (config, values, callback) => this.#query({ config, values, callback }),
      release: (error) => {
        removeListeners();
        this.#giveBack(error);
      },
    });
    this.client = client;
  }

  #giveBack(error: unknown): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    if (this.#turns.isIdle) this.#release(error);
    else void this.#whenDone().then(() => this.#release(error));
  }

  /** What was sent before runs still. */
  async #whenDone(): Promise<void> {
    while (!this.#turns.isIdle) await this.#turns.whenNothingRuns();
  }

  #query(call: QueryCall): unknown {
    const { client, connection } = this.#lease;
    if (call.config === undefined || call.config === null) return client.query(call.config);
    const refusal =
      this.#lease.refusal() ??
      (this.#isReleased ? releasedError() : undefined) ??
      connection.refusal();
    if (refusal !== undefined) return failQuery(client, call, refusal);
    const site = captureCallSite(3, FRAMES_OF_BLOCK);
    const allowance = currentAllowance();
    return acceptCall(call, this.#Query, (asked) => {
      this.#turns.enqueue({
        block: () => this.#whole,
        run: () => runUnder(allowance, () => this.#run(asked, site)),
        fail: (error) => asked.query.handleError(error, client.connection),
      });
    });
  }

  async #run(asked: AskedQuery, site: CallSite): Promise<void> {
    const { text } = asked;
    const control = controlOf(text);
    const pending = this.#pending;
    if (pending === undefined) {
      const isBegun = this.#lease.connection.status !== "I";
      if (control?.kind !== "begin" || isBegun || text === undefined) await this.#send(asked);
      else this.#answer(asked, "BEGIN", { commands: [{ text }], site });
      return;
    }
    switch (control?.kind) {
      case "begin":
        this.#answer(asked, "BEGIN", pending);
        break;
      case "set-transaction": {
        const commands = [...pending.commands, { text: text ?? "" }];
        this.#answer(asked, "SET", { ...pending, commands });
        break;
      }
      case "commit":
        this.#answer(asked, "COMMIT", undefined);
        break;
      case "rollback":
        this.#answer(asked, "ROLLBACK", undefined);
        break;
      default:
        this.#requireSetting(asked);
        this.#judge(asked, site);
        this.#pending = undefined;
        await this.#open(asked, pending);
    }
  }

  /** What does not travel in a batch is looked at when it is sent. */
  #requireSetting({ query, controlText, isBatchable }: AskedQuery): void {
    if (!isBatchable) return;
    const missing = missingSetting(this.#guard, undefined, controlText ?? query, this.#Query);
    if (missing !== undefined) throw missing;
  }

  /** Its BEGIN goes out with it, so that the connection does not know yet of the block it is in. */
  #judge(asked: AskedQuery, site: CallSite): void {
    const { client } = this.#lease;
    const problem = problemInUnit(this.#guard, asked, { isInBlock: true, site, client });
    if (problem !== undefined) throw problem;
  }

  #answer({ query }: AskedQuery, tag: string, pending: Pending | undefined): void {
    this.#pending = pending;
    answerLocally(query, tag, this.#lease.client.connection);
  }

  async #open(asked: AskedQuery, { commands, site }: Pending): Promise<void> {
    const { connection } = this.#lease;
    const isTold = this.#guard.tellsServer();
    const before = [
      ...commands,
      ...(isTold ? setConfigCommand(serverLimits(connection.limits)) : []),
    ];
    connection.noteStatement("BEGIN", site);
    if (asked.isBatchable) {
      enclose(asked.query, before, []);
      await this.#turns.send(asked.query, "block");
      return;
    }
    await this.#turns.control(before, "block");
    const { client } = this.#lease;
    sendJudged(asked.query, () => void client.query(asked.query));
    await whenAtRest(client);
  }

  /** As without us: limits behind a BEGIN, COMMIT held against its answer. */
  async #send({ query }: AskedQuery): Promise<void> {
    const { client } = this.#lease;
    // What it said when it was given: its turn may have been long in coming.
    putBack(query);
    client.query(query);
    await whenAtRest(client);
  }
}

/** The control that a text is, where it is one alone and one that can be answered here. */
function controlOf(text: string | undefined): TransactionControl | undefined {
  if (text === undefined || !mayControlTransaction(text)) return undefined;
  const [first] = transactionControlsIn(text);
  if (first === undefined || !first.isUnderstood || !first.statement.isOnly) return undefined;
  return "chain" in first && first.chain ? undefined : first;
}
