import { isPolicyError, type PolicyError } from "@doorpolicy/core";

import { blockControlOf } from "./begin.ts";
import type { CallSite } from "../call-site.ts";
import type { CancelOutcome } from "./cancellation.ts";
import { after, cancel, soon } from "../clock.ts";
import { refuseUnsent } from "./coming-back.ts";
import type { ConnectionReports } from "./connection-reports.ts";
import type { Response } from "../guard.ts";
import { endedByPolicyError, overLimitDraft } from "./messages.ts";
import type { OpenBlock, OverLimit } from "./open-block.ts";
import {
  activeQueryOf,
  bytesMoved,
  failForGood,
  isReadingPaused,
  isSettled,
  type PgClient,
  type PgQuery,
} from "../driver/pg-internals.ts";
import type { StalledReader } from "./reader-watch.ts";
import { isBound } from "../driver/bound-queries.ts";
import { tellError } from "../driver/service-callback.ts";
import { whenSettled } from "./settle.ts";

/** How long a ROLLBACK of ours may take. */
const ROLLBACK_MS = 5_000;
/** How long a statement that cannot be cancelled may go on, once its block is over its total limit. */
const CANCELLED_MS = 5_000;

/** What the ending of a block needs of its connection. */
export interface EndingHost {
  readonly client: PgClient;
  readonly reports: ConnectionReports;
  readonly query: (text: string) => unknown;
  block(): OpenBlock | undefined;
  holderSite(): CallSite | undefined;
  response(rule: string): Response;
  /** Every statement from now on gets this error. */
  poison(reason: () => PolicyError): void;
  cancelRunning(): Promise<CancelOutcome>;
  readonly isCancellable: boolean;
  /** It is rolled back, or its socket destroyed, and reported. Whoever gives it back meanwhile waits for that. */
  onEnded(): void;
  /** Nobody may use the connection any more: the slot is freed and the socket closed. */
  giveUp(reason: Error): Promise<void>;
}

/** Whether a connection is being ended by the policy, and what its holder is told. */
export class EndedByPolicy {
  /** Makes the error that every statement gets from then on. */
  reason: (() => PolicyError) | undefined;
  #done: Promise<void> = Promise.resolve();
  #finish: (() => void) | undefined;

  begin(reason: () => PolicyError): void {
    this.reason = reason;
    this.#done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** What was open is rolled back or gone, and reported. */
  finish(): void {
    this.#finish?.();
  }

  async whenDone(): Promise<Error | undefined> {
    await this.#done;
    return this.reason?.();
  }
}

/** A block is over a limit: ended, reported once, or left alone, as the rule says. */
export function onOver(host: EndingHost, block: OpenBlock, over: OverLimit): void {
  const response = host.response(over.rule);
  if (response === "act") endBlock(host, block, over);
  else block.markReported(over.rule);
  if (response === "report") host.reports.report(overLimitDraft(over, "would-have"), block);
}

/** The total limit is over and a statement runs on: it is cancelled, or its connection destroyed. */
export function onOverrun(host: EndingHost, block: OpenBlock, over: OverLimit): void {
  const response = host.response(over.rule);
  if (response === "act") endRunning(host, block, over);
  else block.markReported(over.rule);
  if (response === "report") host.reports.report(overLimitDraft(over, "would-have"), block);
}

/** The same for an open portal that nobody reads. */
export function onStalled(host: EndingHost, reader: StalledReader): void {
  const { over, site } = reader;
  const response = host.response(over.rule);
  if (response === "act") endReader(host, reader);
  else reader.markReported();
  if (response !== "report") return;
  const draft = overLimitDraft(over, "would-have");
  host.reports.report(draft, host.block(), site ?? host.holderSite());
}

/**
 * Poison first, then ROLLBACK, then close: after a bare ROLLBACK the application's next statements would
 * autocommit, and without it the pooler would drop its server connection.
 */
function endBlock(host: EndingHost, block: OpenBlock, over: OverLimit): void {
  const reason = poison(host, over, block.site);
  // After pg has handled the answer that this may be called from.
  soon(() => void finish(host, block, over, reason()));
}

function endRunning(host: EndingHost, block: OpenBlock, over: OverLimit): void {
  const running = activeQueryOf(host.client);
  if (running?.text !== undefined && isCommit(running.text)) {
    // It may be done already: a network that answers no more is all that it is not left to.
    block.markReported(over.rule);
    void whenSettled(host.client, CANCELLED_MS).then((settling) => {
      if (settling === "busy") host.client.connection.stream.destroy();
    });
    return;
  }
  const reason = poison(host, over, block.site);
  if (running !== undefined) tellInstead(running, reason);
  soon(() => void stopAndFinish(host, block, over, reason()));
}

async function stopAndFinish(
  host: EndingHost,
  block: OpenBlock,
  over: OverLimit,
  reason: PolicyError,
): Promise<void> {
  const { client } = host;
  const outcome = await host.cancelRunning();
  if (outcome === "unsupported") {
    // Where a cancel was sent and nothing came, nothing will come.
    const waitMs = host.isCancellable ? 0 : CANCELLED_MS;
    if ((await whenSettled(client, waitMs)) === "busy") client.connection.stream.destroy(reason);
  }
  await finish(host, block, over, reason);
}

function isCommit(text: string): boolean {
  return (blockControlOf(text)?.commits.length ?? 0) > 0;
}

/** What was cancelled hears why. A COMMIT whose answer is lost says so itself. */
function tellInstead(query: PgQuery, reason: () => PolicyError): void {
  const { handleError } = query;
  query.handleError = (error, connection) => {
    handleError.call(query, isPolicyError(error) ? error : reason(), connection);
  };
}

/** Ends an open portal by the limits of a block, and the block that it stands in. */
function endReader(host: EndingHost, { query, over, site }: StalledReader): void {
  const block = host.block();
  const reason = poison(host, over, site ?? block?.site);
  soon(() => {
    void (async () => {
      await stopReading(host, query, reason());
      await finish(host, block, over, reason());
    })();
  });
}

/** True when the server has confirmed it. */
export async function rollBack(
  host: Pick<EndingHost, "client" | "query" | "block">,
): Promise<boolean> {
  const bound = after(ROLLBACK_MS, () => host.client.connection.stream.destroy());
  try {
    await host.query("ROLLBACK");
    return host.block() === undefined;
  } catch {
    return false;
  } finally {
    cancel(bound);
  }
}

/**
 * Tells the reader of an open portal why it ends, and the server to go on to the next statement.
 * pg-cursor sends the Sync itself when it is told of an error.
 */
export function endPortal(client: PgClient, query: PgQuery, reason: Error): void {
  const before = bytesMoved(client);
  failForGood(query);
  tellError(query, reason, client.connection);
  if (bytesMoved(client) !== before) return;
  // Means nothing outside a COPY FROM.
  client.connection.sendCopyFail("nothing came from the writer");
  // One too many would be answered while the connection closes, and the pooler drops its server connection.
  if (isBound(query)) client.connection.sync();
}

function poison(host: EndingHost, over: OverLimit, site: CallSite | undefined): () => PolicyError {
  const reason = (): PolicyError => endedByPolicyError(over, site);
  host.poison(reason);
  // Nobody awaited what came before them; sent now, a COMMIT among them would store the block.
  refuseUnsent(host.client, reason);
  return reason;
}

async function stopReading(host: EndingHost, query: PgQuery, reason: Error): Promise<void> {
  const { client } = host;
  const { stream } = client.connection;
  if (!isReadingPaused(client)) {
    endPortal(client, query, reason);
  } else {
    // Of a result that nobody reads any amount may be left; only a cancel ends it in time.
    tellError(query, reason, client.connection);
    stream.resume?.();
    if ((await host.cancelRunning()) === "unsupported") stream.destroy();
  }
  if ((await whenSettled(client, ROLLBACK_MS)) === "busy") stream.destroy();
}

async function finish(
  host: EndingHost,
  block: OpenBlock | undefined,
  over: OverLimit,
  reason: Error,
): Promise<void> {
  // Where it is not settled it was destroyed under a statement that nothing could end.
  const isEnded = isSettled(host.client) && (host.block() === undefined || (await rollBack(host)));
  const draft = overLimitDraft(over, isEnded ? "rolled-back" : "closed");
  host.reports.report(draft, block, host.holderSite());
  host.onEnded();
  await host.giveUp(reason);
}
