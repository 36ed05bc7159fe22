import { now } from "../clock.ts";
import { type Contamination, contaminationOf } from "../statements/contamination.ts";
import { SessionParameters } from "./session-parameters.ts";
import { hasBegunConnecting, isUnusable, type PgClient } from "../driver/pg-internals.ts";

/** A lifetime is shortened by up to this part, so that what was opened together is not closed together. */
const SPREAD = 0.1;

/** What a pool hears of a connection. */
export interface ConnectionEvents {
  /** The server, or its socket, has said its last word; the end follows. */
  onFault(): void;
  onGone(): void;
}

/** A physical connection as its pool sees it. Who uses it, and how it is left, is its guard's business. */
export class PooledConnection {
  /** When it is too old to be handed on; milliseconds of the monotonic clock. */
  oldAt: number = Infinity;
  /** Since when nobody had it, the last time that nobody did. */
  idleSince = Number.NaN;
  /** Its login has succeeded. */
  isOpened = false;
  /** How often somebody has had it and given it back. */
  uses = 0;
  /** The pool has begun to close it, or has lost it. */
  isClosing = false;
  readonly #parameters = new SessionParameters();
  #contamination: Contamination | undefined;
  #client: PgClient | undefined;
  #fault: Error | undefined;
  #isGone = false;
  /** Gives it back to its pool. */
  readonly release: (error?: unknown) => void;
  #onClosed: (() => void) | undefined;

  constructor(onReleased: (error?: unknown) => void, onClosed: () => void) {
    this.release = onReleased;
    this.#onClosed = onClosed;
  }

  /** `undefined` until the first attempt to open it; while it is being opened the last one. */
  get attempt(): PgClient | undefined {
    return this.#client;
  }

  get client(): PgClient {
    if (this.#client === undefined) throw new Error("This connection was never begun.");
    return this.#client;
  }

  /** It is being opened as this client; a second attempt takes the place of the first. */
  begin(client: PgClient, events: ConnectionEvents): PgClient {
    this.#client = client;
    this.#parameters.follow(client);
    this.#contamination = contaminationOf(client);
    this.#isGone = false;
    client.once("error", (error: Error) => {
      this.#fault ??= error;
      if (this.#client === client) events.onFault();
    });
    client.once("end", () => {
      if (this.#client !== client) return;
      this.#isGone = true;
      events.onGone();
    });
    return client;
  }

  /** Its login has succeeded, and its time has begun. */
  opened(maxLifetimeMs: number): void {
    this.isOpened = true;
    this.oldAt = now() + maxLifetimeMs * (1 - SPREAD * Math.random());
  }

  /** What its server, or its socket, said first of its end; pg's own words where neither has. */
  get fault(): Error {
    return this.#fault ?? new Error("Connection terminated unexpectedly");
  }

  /** It has been used, and was used often enough or is too old. One that nobody has had is never too old. */
  isSpent(maxUses: number): boolean {
    return this.uses > 0 && (this.uses >= maxUses || now() >= this.oldAt);
  }

  /** Somebody gets it. */
  lend(): void {
    this.#parameters.settle();
    this.#contamination?.begin();
  }

  /**
   * Its holder has left a parameter of the session other than it was, or it shows signs of another client's
   * session, which is then reported. With `isOwnSetting` such a parameter is what every holder is to find.
   */
  isSpoilt(isOwnSetting: boolean): boolean {
    const changed = this.#parameters.changed;
    const isFoul = this.#contamination?.isFoulAtRelease(isOwnSetting ? [] : changed) ?? false;
    return isFoul || (changed.length > 0 && !isOwnSetting);
  }

  /** Nobody can use it, whether pg has heard of that yet or not. */
  get isDead(): boolean {
    return (
      this.#isGone || isUnusable(this.client) || this.client.connection.stream.destroyed === true
    );
  }

  /** Its socket is closed, and pg has said so. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** It could not be opened: its socket, where it has one, is closed without a goodbye. */
  giveUp(): void {
    this.isClosing = true;
    const { attempt } = this;
    if (attempt === undefined || this.isGone || !hasBegunConnecting(attempt)) {
      this.closed();
      return;
    }
    const { stream } = attempt.connection;
    if (stream.closed === true) {
      this.closed();
      return;
    }
    // pg says so as well, unless connecting has thrown before pg listened: a port that is none.
    stream.once?.("close", () => this.closed());
    stream.destroy();
  }

  /** Its socket is closed, or never was open. Says so once. */
  closed(): void {
    const tell = this.#onClosed;
    this.#onClosed = undefined;
    tell?.();
  }
}
