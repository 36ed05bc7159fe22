import { soon } from "../clock.ts";
import { isAcquireTimeout } from "../driver/pg-internals.ts";
import type { Checkout } from "./checkout.ts";
import { IdleConnections } from "./idle-connections.ts";
import type { Gate, GateMember } from "./gate.ts";
import { sayGoodbyeSoon } from "./goodbyes.ts";
import { ConnectRetry } from "../retry/connect-retry.ts";
import type { Keeping, PoolHost, TakenConnection } from "./pool-host.ts";
import { openConnection } from "./open-connection.ts";
import { type PoolCounters, Tally } from "./pool-counters.ts";
import { PooledConnection } from "./pooled-connection.ts";
import { IdleServing } from "./serve-idle.ts";
import { asError, type Request, WaitQueue } from "./wait-queue.ts";

/**
 * The connections of one pool, and who waits for one. Nobody owns a connection that is being opened: it goes
 * to whoever waits longest when it is ready, and one that is given back meanwhile may come first.
 *
 * | a connection is | asked for | ready | given back, clean | given back, not clean | its time is over | lost | `end()` |
 * | --- | --- | --- | --- | --- | --- | --- | --- |
 * | not there | opened, while fewer are being opened than callers wait, and there is room in the pool and at the gate | – | – | – | – | – | refused |
 * | being opened | – | → in use by the first who waits, else → idle | – | – | → closed | tried again after a pause where that may help ({@link ConnectRetry}), else its error goes to the first who waits; → closed | → closing when it is ready |
 * | in use | – | – | → in use by the first who waits; → idle; older than `maxLifetimeMs`, used `maxUses` times, with another `TimeZone` (or what else the server reports) than it was lent with, or owed to another pool at the gate: → closing | → closing | limits of its guard | → closing | waited for |
 * | idle | → in use; → closing where another pool lacks room and nobody here takes it at once | – | – | – | → closing | → closing, told to the pool's `error` listeners | → closing |
 * | closing | – | – | – | – | destroyed after 5 s | → closed | waited for |
 * | closed | its place goes to the first who waits at the gate | – | – | – | – | – | – |
 */
export class NullPool implements GateMember {
  readonly #host: PoolHost;
  readonly #gate: Gate;
  readonly #keeping: Keeping;
  readonly #queue: WaitQueue;
  readonly #idle: IdleConnections;
  readonly #retry: ConnectRetry;
  readonly #counts = new Tally();
  readonly #serving: IdleServing;
  #onEmpty: (() => void) | undefined;
  #isEnding = false;

  constructor(host: PoolHost, gate: Gate, keeping: Keeping) {
    this.#host = host;
    this.#gate = gate;
    this.#keeping = keeping;
    this.#queue = new WaitQueue(keeping.acquireTimeoutMs, {
      onTimeout: (request) => this.#onTimeout(request),
      onAborted: () => this.#leaveWhenDone(),
    });
    this.#retry = new ConnectRetry(keeping.connectRetry, () => this.pump());
    this.#idle = new IdleConnections(keeping.idleMs, {
      mayClose: () => this.#isAboveMin,
      onOver: (connection) => this.#close(connection),
    });
    this.#serving = new IdleServing({
      queue: this.#queue,
      idle: this.#idle,
      lend: (connection, request) => {
        if (keeping.isUnrefed) connection.client.ref?.();
        this.#lend(connection, request);
      },
      onDead: (connection) => this.#closeDead(connection),
      pump: () => this.pump(),
    });
  }

  get counters(): PoolCounters {
    return this.#counts.report(this.#idle.size, this.#queue.size, this.#retry.tries);
  }

  get waitingSince(): number | undefined {
    return this.#queue.waitingSince;
  }

  get isShort(): boolean {
    return this.#queue.size > this.#counts.coming + this.#idle.size && this.#mayOpen;
  }

  get spare(): number {
    return this.#idle.size + this.#counts.closing;
  }

  get gateLimit(): number {
    return this.#keeping.gateMax;
  }

  get holders(): ReadonlySet<Checkout> {
    return this.#host.holders;
  }

  /** True while a connection could be had without waiting for whoever has one. */
  get hasRoom(): boolean {
    if (this.#queue.size > 0) return false;
    const hasOwn = this.#open - this.#counts.closing < this.#keeping.max;
    return this.#idle.size > 0 || (hasOwn && this.#gate.hasRoomSoon);
  }

  /** FIFO. Fails with the acquire limit, with what opening failed with, the borrower's signal, or when the pool ends. */
  take(request: Request): void {
    const { signal } = request.borrower;
    if (this.#isEnding || signal?.aborted === true) {
      const error = this.#isEnding ? this.#host.endedError() : asError(signal?.reason);
      soon(() => request.deliver(error, undefined));
      return;
    }
    this.#queue.push(request);
    this.#gate.join(this);
    if (this.#idle.size > 0) this.#serving.soon();
    this.pump();
  }

  /** False where a connection is there already, somebody waits, or there is no room in the pool. */
  get mayOpenFor(): boolean {
    if (this.#isEnding || this.#idle.size > 0 || this.#queue.size > 0) return false;
    return this.#mayOpen;
  }

  /**
   * Opens a connection for one statement, which may travel with the login; asked where {@link mayOpenFor}. False
   * where there is no room at the gate: then it is asked for as any other.
   */
  openFor(taken: TakenConnection): boolean {
    this.#gate.join(this);
    const isIn = this.#gate.enter();
    if (isIn) this.#openOne(taken);
    else this.#leaveWhenDone();
    return isIn;
  }

  pump(): void {
    while (this.isShort) {
      if (!this.#gate.enter()) {
        this.#gate.squeeze(this);
        return;
      }
      this.#openOne();
    }
  }

  closeIdle(): boolean {
    const connection = this.#queue.size === 0 ? this.#idle.takeOldest() : undefined;
    if (connection === undefined) return false;
    this.#close(connection);
    return true;
  }

  /**
   * Whoever waits is refused, what nobody uses is closed, what is in use is waited for. Resolves when the last
   * socket is closed.
   */
  async end(): Promise<void> {
    this.#isEnding = true;
    this.#refuseWaiting();
    for (const connection of this.#idle.takeAll()) this.#close(connection);
    this.#leaveWhenDone();
    if (this.#open === 0) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  #refuseWaiting(): void {
    for (const request of this.#queue.takeAll()) {
      request.deliver(this.#host.endedError(), undefined);
    }
  }

  get #open(): number {
    return this.#counts.open(this.#idle.size);
  }

  get #mayOpen(): boolean {
    return this.#open < this.#keeping.max && this.#counts.connecting < this.#retry.mostConnecting;
  }

  #openOne(taken?: TakenConnection): void {
    this.#counts.connecting += 1;
    if (taken !== undefined) this.#counts.taken += 1;
    const connection: PooledConnection = new PooledConnection(
      (error) => this.#giveBack(connection, error),
      () => this.#onClosed(connection),
    );
    const steps = {
      onReady: () => this.#onReady(connection, taken),
      onFailed: (error: unknown) => this.#onFailed(connection, asError(error), taken),
      onFault: () => this.#onFault(connection),
      onGone: () => this.#onGone(connection),
    };
    openConnection(connection, { host: this.#host, keeping: this.#keeping, steps, taken });
  }

  #onReady(connection: PooledConnection, taken: TakenConnection | undefined): void {
    const { client } = connection;
    if (taken !== undefined) this.#counts.taken -= 1;
    connection.opened(this.#keeping.maxLifetimeMs);
    this.#counts.opened += 1;
    this.#retry.noteSuccess();
    this.#host.emit("connect", client);
    if (connection.isGone) {
      this.#counts.connecting -= 1;
      this.#close(connection);
      return;
    }
    if (taken !== undefined) {
      this.#counts.connecting -= 1;
      this.#counts.inUse += 1;
      connection.lend();
      this.#host.emit("acquire", client);
      taken.onOpen(connection);
      // While connects fail there is one at a time, and this was it.
      this.pump();
      return;
    }
    const isReady = (): void => {
      this.#counts.connecting -= 1;
      this.#goOn(connection);
    };
    const preparing = this.#host.prepare(client);
    if (preparing === undefined) {
      isReady();
      return;
    }
    preparing.then(isReady, (error: unknown) => {
      this.#counts.connecting -= 1;
      this.#counts.failed += 1;
      this.#tellFirst(asError(error));
      this.#close(connection);
    });
  }

  #onFailed(connection: PooledConnection, error: Error, taken: TakenConnection | undefined): void {
    this.#counts.connecting -= 1;
    if (taken !== undefined) this.#counts.taken -= 1;
    this.#counts.failed += 1;
    // Its statement waits as any other from now on.
    const isUnsent = taken?.isUnsent === true;
    if (taken !== undefined && isUnsent) this.#queue.putBack(taken);
    const isTriedAgain = this.#retry.noteFailure(error, this.#queue.size > 0 && !this.#isEnding);
    // Whoever waits since then has the same limit, and hears of it from there.
    if (isAcquireTimeout(error)) this.#queue.expire();
    else if ((taken === undefined || isUnsent) && !isTriedAgain) this.#tellFirst(error);
    if (this.#isEnding) this.#refuseWaiting();
    this.#counts.closing += 1;
    connection.giveUp();
    this.pump();
  }

  #tellFirst(error: Error): void {
    this.#queue.shift()?.deliver(error, undefined);
  }

  /** A connection is free: it goes to whoever waits longest, stays a while, or is closed. */
  #goOn(connection: PooledConnection): void {
    const { idleMs, min, isUnrefed, maxUses } = this.#keeping;
    const isOver = this.#isEnding || connection.isSpent(maxUses) || connection.isDead;
    if (isOver || this.#gate.isOwed(this)) {
      this.#close(connection);
      return;
    }
    const next = this.#queue.shift();
    if (next !== undefined) {
      this.#lend(connection, next);
      return;
    }
    // It is counted nowhere at this moment.
    if (idleMs === 0 && this.#open - this.#counts.closing >= min) {
      this.#close(connection);
      return;
    }
    this.#idle.push(connection);
    this.#gate.offer(this);
    if (isUnrefed) connection.client.unref?.();
  }

  #lend(connection: PooledConnection, request: Request): void {
    this.#counts.inUse += 1;
    connection.lend();
    if (connection.uses > 0) this.#counts.handedOver += 1;
    this.#host.emit("acquire", connection.client);
    request.deliver(undefined, connection);
  }

  /** Its holder has given it back, made clean by its guard; with an error where it may go to nobody any more. */
  #giveBack(connection: PooledConnection, error?: unknown): void {
    this.#counts.inUse -= 1;
    connection.uses += 1;
    this.#host.emit("release", error, connection.client);
    // What a `connect` listener has set without waiting for it shows up in the first holder's time.
    const isOwnSetting = connection.uses === 1 && this.#host.hasConnectListener();
    if (error || connection.isSpoilt(isOwnSetting)) this.#close(connection);
    else this.#goOn(connection);
  }

  #close(connection: PooledConnection): void {
    this.#counts.closing += 1;
    connection.isClosing = true;
    const { client } = connection;
    // What is not in use keeps no process alive; what is being closed does, or nobody would hear of the end.
    if (this.#keeping.isUnrefed) client.ref?.();
    sayGoodbyeSoon(() => client.end(() => connection.closed()));
  }

  #closeDead(connection: PooledConnection): void {
    this.#close(connection);
    this.#host.emit("error", connection.fault, connection.client);
  }

  /** Its server's last word, or its socket's: what comes of it may take any time. */
  #onFault(connection: PooledConnection): void {
    if (this.#idle.remove(connection)) this.#closeDead(connection);
  }

  /** The socket is gone, whoever has closed it. */
  #onGone(connection: PooledConnection): void {
    if (this.#idle.remove(connection)) {
      this.#counts.closing += 1;
      connection.isClosing = true;
      this.#host.emit("error", connection.fault, connection.client);
    }
    if (connection.isClosing) connection.closed();
  }

  #onClosed(connection: PooledConnection): void {
    this.#counts.closing -= 1;
    if (connection.isOpened) {
      this.#counts.closed += 1;
      this.#host.emit("remove", connection.client);
    }
    this.#leaveWhenDone();
    this.#gate.exit();
    if (this.#open === 0) this.#onEmpty?.();
  }

  #onTimeout(request: Request): void {
    this.#counts.timedOut += 1;
    const { unsolved, lastFailure } = this.#retry;
    this.#leaveWhenDone();
    request.deliver(unsolved ?? this.#host.timeoutError(lastFailure), undefined);
  }

  get #isAboveMin(): boolean {
    return this.#open - this.#counts.closing > this.#keeping.min;
  }

  #leaveWhenDone(): void {
    if (this.#open > 0 || this.#queue.size > 0) return;
    this.#retry.stop();
    this.#gate.leave(this);
  }
}
