/**
 * What a guarded pool has done and is doing: how much it is asked for, and whether it can give it. The last
 * six count from its beginning.
 */
export interface PoolCounters {
  /** Sockets of this pool, those that are being opened or closed included. */
  readonly open: number;
  /** Being opened: TCP, TLS, login. */
  readonly connecting: number;
  readonly inUse: number;
  /** Open, and nobody has it: for `lingerMs`, or `idleTimeoutMs`. */
  readonly idle: number;
  readonly closing: number;
  /** Callers who wait for a connection. What says first that `maxPerProcess` is too small. */
  readonly waiting: number;
  /** Logins that succeeded. */
  readonly opened: number;
  /** Logins that failed. */
  readonly failed: number;
  /** Logins tried again after a pause, because one had failed that may succeed later (`connections.connectRetry`). */
  readonly retried: number;
  readonly closed: number;
  /** Given from one caller to the next without a login between them. */
  readonly handedOver: number;
  /** Callers who got none within `acquireTimeoutMs`. */
  readonly timedOut: number;
}

/** Of a pool that has done nothing yet, or where nothing counts. */
export const NOTHING_COUNTED: PoolCounters = {
  open: 0,
  connecting: 0,
  inUse: 0,
  idle: 0,
  closing: 0,
  waiting: 0,
  opened: 0,
  failed: 0,
  retried: 0,
  closed: 0,
  handedOver: 0,
  timedOut: 0,
};

/** What a pool counts of its connections; who lies idle, and who waits, is counted where they are. */
export class Tally {
  connecting = 0;
  /** Of these, how many are opened for one statement each: nobody else gets them when they are ready. */
  taken = 0;
  inUse = 0;
  closing = 0;
  opened = 0;
  failed = 0;
  closed = 0;
  handedOver = 0;
  timedOut = 0;

  /** How many will be ready for whoever waits. */
  get coming(): number {
    return this.connecting - this.taken;
  }

  open(idle: number): number {
    return this.connecting + this.inUse + idle + this.closing;
  }

  report(idle: number, waiting: number, retried: number): PoolCounters {
    const { connecting, inUse, closing, opened, failed, closed, handedOver, timedOut } = this;
    const now = { open: this.open(idle), connecting, inUse, idle, closing, waiting };
    return { ...now, opened, failed, retried, closed, handedOver, timedOut };
  }
}
