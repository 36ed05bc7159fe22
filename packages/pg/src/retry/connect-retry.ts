import { carryExplanation } from "../carried-explanation.ts";
import { cancel, type Timer } from "../clock.ts";
import { isAcquireTimeout } from "../driver/pg-internals.ts";
import { later } from "../pool/later.ts";
import { mayConnectLater } from "./connect-fault.ts";

/** The first pause is up to so long, in milliseconds: a pooler is replaced in less than a tenth of a second. */
const FIRST_MS = 50;

/** No pause is longer: what comes back is noticed within a second. */
const LONGEST_MS = 1_000;

/** A login takes longer only where nothing answers, or hardly. */
const LEAST_ATTEMPT_MS = 1_000;

/**
 * How long one connect may take, in milliseconds, of the time that a caller waits: half of it, so that a host
 * that swallows everything (the old one of a failover) leaves time for another attempt.
 */
export function attemptLimit(acquireTimeoutMs: number): number {
  return Math.min(acquireTimeoutMs, Math.max(LEAST_ATTEMPT_MS, acquireTimeoutMs / 2));
}

/**
 * How long to wait before the connect after the nth failure in a row, in milliseconds: twice as long each
 * time, and half of it by chance, so that the processes of a fleet do not come back in step.
 *
 * `dice`: from 0 to 1, as `Math.random` throws them.
 */
export function pauseAfter(failures: number, dice: number): number {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1));
  return (longest * (1 + dice)) / 2;
}

/**
 * Connects of one pool that failed before anything was sent, and are tried again while callers wait
 * (`connections.connectRetry`). Each attempt is a fresh socket: the name is resolved anew, and a login that
 * was refused is begun from its start. It ends with the callers' own limit or signal, and has none.
 *
 * | | a connect fails, may succeed later | fails for good | succeeds | the pause is over |
 * | --- | --- | --- | --- | --- |
 * | fine | → pausing; nobody is told | told | – | – |
 * | pausing | the same pause | told | → fine, all who wait are served | → trying |
 * | trying, one socket at a time | → pausing, for longer | told, → fine | → fine, all who wait are served | – |
 *
 * One socket at a time: a thousand callers who wait for a pooler that comes back, each with an attempt of
 * its own, keep it from coming back.
 */
export class ConnectRetry {
  readonly #isOn: boolean;
  readonly #goOn: () => void;
  #failures = 0;
  #pause: Timer | undefined;
  #tries = 0;
  #lastFailure: Error | undefined;

  /** `goOn`: whoever still waits may be connected for. */
  constructor(isOn: boolean, goOn: () => void) {
    this.#isOn = isOn;
    this.#goOn = goOn;
  }

  /** How often a pause has been followed by another attempt. */
  get tries(): number {
    return this.#tries;
  }

  /** True since a connect has failed that is tried again, until one succeeds. */
  get isFailing(): boolean {
    return this.#failures > 0;
  }

  /** What the last connect failed with; `undefined` after one that succeeded. */
  get lastFailure(): Error | undefined {
    return this.#lastFailure;
  }

  /** What no attempt has got over so far: the reason for whoever gives up waiting meanwhile. */
  get unsolved(): Error | undefined {
    // That time is over says less than who has the connections meanwhile.
    return this.isFailing && !isAcquireTimeout(this.#lastFailure) ? this.#lastFailure : undefined;
  }

  /** How many sockets may be on their way at a time. */
  get mostConnecting(): number {
    if (this.#pause !== undefined) return 0;
    return this.isFailing ? 1 : Infinity;
  }

  /** A connect has failed. True where it is tried again, and nobody has to hear of it yet. */
  noteFailure(error: Error, isWaitedFor: boolean): boolean {
    this.#lastFailure = error;
    carryExplanation(error);
    if (!isWaitedFor || !this.#isOn || !mayConnectLater(error)) {
      this.stop();
      return false;
    }
    if (this.#pause !== undefined) return true;
    this.#failures += 1;
    this.#pause = later(pauseAfter(this.#failures, Math.random()), () => {
      this.#pause = undefined;
      this.#tries += 1;
      this.#goOn();
    });
    // No socket keeps the process alive meanwhile, and somebody waits.
    this.#pause.ref();
    return true;
  }

  /** A connect has succeeded: whoever still waits need not wait for the pause. */
  noteSuccess(): void {
    this.#lastFailure = undefined;
    if (!this.isFailing) return;
    this.stop();
    this.#goOn();
  }

  /** Nobody waits any more, and whoever comes next begins anew. */
  stop(): void {
    cancel(this.#pause);
    this.#pause = undefined;
    this.#failures = 0;
  }
}
