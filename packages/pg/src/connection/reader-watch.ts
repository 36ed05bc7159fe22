import type { CallSite } from "../call-site.ts";
import { now } from "../clock.ts";
import type { BlockLimits } from "./limits.ts";
import type { LimitRule, OpenBlock, OverLimit } from "./open-block.ts";
import {
  activeQueryOf,
  bytesMoved,
  isIdleCursor,
  isReadingPaused,
  type PgClient,
  type PgQuery,
  unsentQueriesOf,
} from "../driver/pg-internals.ts";
import { noteBoundQueries } from "../driver/bound-queries.ts";
import { unwatch, watch, type Watched } from "./watchdog.ts";

/** A reader that has moved a byte within this time is slow, and not gone. */
const ALIVE_MS = 1_000;
/** How often an open portal is looked at, as a part of its shortest limit. */
const LOOKS_PER_LIMIT = 4;
const SHORTEST_LOOK_MS = 20;

/** A portal whose reader is over a limit. */
export interface StalledReader {
  readonly query: PgQuery;
  readonly over: OverLimit;
  /** Who asked for it. */
  readonly site: CallSite | undefined;
  /** Takes note that a rule which only reports has said what it had to say about this reader. */
  markReported(): void;
}

/** What the watch asks of its connection, and tells it. */
export interface ReaderHost {
  limits(): BlockLimits;
  block(): OpenBlock | undefined;
  onStalled(reader: StalledReader): void;
}

/**
 * Watches whoever reads a cursor or a stream. While a portal is open the server keeps a snapshot and the
 * pooler its server connection, inside a block or not, and no `ReadyForQuery` ever says so: a reader
 * that does nothing is as good as a block in which no statement runs.
 *
 * | the server | bytes since the last look | |
 * | --- | --- | --- |
 * | works on an answer | – | waits for it, however long |
 * | waits for the reader (portal suspended, cursor unread, COPY FROM), or the reader has paused the socket | some | the reader lives: its idle time begins anew |
 * | the same | none | counts as idle; ended by the limits of a block |
 *
 * Costs an ordinary statement nothing: it begins when a portal is suspended, when a COPY begins, or when
 * a query comes that brings its own protocol; then it compares two counters of the socket.
 */
export class ReaderWatch implements Watched {
  readonly #client: PgClient;
  readonly #host: ReaderHost;
  /** Those that were sent or wait for their turn, with who asked for them. */
  readonly #readers = new Map<PgQuery, CallSite | undefined>();
  readonly #reported = new Set<LimitRule>();
  #current: PgQuery | undefined;
  #openedAt = 0;
  #quietSince = 0;
  #bytes = Number.NaN;
  /** The counters when the server last said that it waits for the reader. */
  #bytesAtPause = Number.NaN;
  #pauseTime = 0;
  /** A COPY FROM: the server waits for its writer until that says that it is done, whatever came before. */
  #copyIn: PgQuery | undefined;
  #isNotingBound = false;

  constructor(client: PgClient, host: ReaderHost, isWatching: boolean) {
    this.#client = client;
    this.#host = host;
    const { connection } = client;
    const onPause = (): void => this.#onServerWaits(isWatching);
    connection.on("portalSuspended", onPause);
    connection.on("copyInResponse", () => {
      this.#copyIn = activeQueryOf(client);
      onPause();
    });
    if (isWatching) connection.on("copyOutResponse", () => this.#addActive());
  }

  /** A cursor or a stream is about to be sent. */
  add(query: PgQuery, site: CallSite | undefined): void {
    if (!this.#isNotingBound) noteBoundQueries(this.#client);
    this.#isNotingBound = true;
    this.#readers.set(query, site);
    watch(this, now());
  }

  /** True when the server has nothing to do until somebody reads on (or writes, into a COPY). */
  get isServerWaiting(): boolean {
    const active = activeQueryOf(this.#client);
    if (active === undefined) return false;
    return (
      (active === this.#copyIn && !isEnded(active)) ||
      bytesMoved(this.#client) === this.#bytesAtPause ||
      isIdleCursor(active) ||
      isReadingPaused(this.#client)
    );
  }

  /** True while an open portal is being answered or read. */
  get isReading(): boolean {
    const active = activeQueryOf(this.#client);
    return active !== undefined && this.#readers.has(active);
  }

  nextLookAt(time: number): number {
    const { idleTimeoutMs, timeoutMs } = this.#host.limits();
    const shortest = Math.min(idleTimeoutMs || Infinity, timeoutMs || Infinity);
    return time + Math.max(SHORTEST_LOOK_MS, shortest / LOOKS_PER_LIMIT);
  }

  look(time: number): void {
    const active = activeQueryOf(this.#client);
    this.#forgetDone(active);
    if (this.#readers.size === 0) {
      this.stop();
      return;
    }
    if (active === undefined || !this.#readers.has(active)) return;
    if (active !== this.#current) this.#start(active, time);
    const bytes = bytesMoved(this.#client);
    const isMoving = !(bytes === this.#bytes);
    this.#bytes = bytes;
    if (!this.isServerWaiting) this.#quietSince = time;
    else if (isMoving) this.#quietSince = this.#pausedAt(bytes) ?? time;
    const over = this.#over(time);
    if (over !== undefined) {
      this.#host.onStalled({
        query: active,
        over,
        site: this.#readers.get(active),
        markReported: () => this.#reported.add(over.rule),
      });
    }
  }

  /** Looks at nothing any more, until another reader comes. */
  stop(): void {
    this.#readers.clear();
    this.#current = undefined;
    unwatch(this);
  }

  #onServerWaits(isWatching: boolean): void {
    this.#bytesAtPause = bytesMoved(this.#client);
    this.#pauseTime = now();
    if (isWatching) this.#addActive();
  }

  #addActive(): void {
    const active = activeQueryOf(this.#client);
    if (active !== undefined && !this.#readers.has(active)) this.add(active, undefined);
  }

  /** When the server began to wait, where nothing has moved since. */
  #pausedAt(bytes: number): number | undefined {
    return bytes === this.#bytesAtPause ? this.#pauseTime : undefined;
  }

  #start(query: PgQuery, time: number): void {
    this.#current = query;
    this.#openedAt = time;
    this.#quietSince = time;
    this.#bytes = Number.NaN;
    this.#reported.clear();
  }

  #forgetDone(active: PgQuery | undefined): void {
    const unsent = unsentQueriesOf(this.#client);
    for (const query of this.#readers.keys()) {
      if (query !== active && !unsent.includes(query)) this.#readers.delete(query);
    }
  }

  #over(time: number): OverLimit | undefined {
    const { idleTimeoutMs, timeoutMs } = this.#host.limits();
    const quietMs = time - this.#quietSince;
    if (this.#isOver("transaction/idle", quietMs, idleTimeoutMs)) {
      return {
        rule: "transaction/idle",
        limitMs: idleTimeoutMs,
        lastedMs: Math.round(quietMs),
        what: "reader",
      };
    }
    const openMs = time - (this.#host.block()?.openedAt ?? this.#openedAt);
    const isAlive = quietMs < Math.min(ALIVE_MS, timeoutMs / 2);
    if (isAlive || !this.#isOver("transaction/timeout", openMs, timeoutMs)) return undefined;
    return {
      rule: "transaction/timeout",
      limitMs: timeoutMs,
      lastedMs: Math.round(openMs),
      what: "reader",
    };
  }

  #isOver(rule: LimitRule, lastedMs: number, limitMs: number): boolean {
    return limitMs > 0 && lastedMs >= limitMs && !this.#reported.has(rule);
  }
}

/** pg-copy-streams' COPY FROM is a stream that is written to. */
function isEnded(query: PgQuery): boolean {
  return Reflect.get(query, "writableEnded") === true;
}
