import type { CallSite } from "../call-site.ts";
import { now } from "../clock.ts";
import type { BlockLimits } from "./limits.ts";

/** The rules that limit how long a block may stay open. */
export type LimitRule = "transaction/idle" | "transaction/timeout";

/** A limit that is over. */
export interface OverLimit {
  readonly rule: LimitRule;
  readonly limitMs: number;
  /** How long no statement ran, or how long the block has been open. */
  readonly lastedMs: number;
  /** Whose reader it was that did nothing, where it was not the block between its statements. */
  readonly what?: "reader";
}

/** A transaction that the server says is open: status `T`, or `E` once a statement in it has failed. */
export class OpenBlock {
  readonly openedAt: number = now();
  /** Who sent the statement that opened it. */
  readonly site: CallSite | undefined;
  /** When the last statement was answered. */
  idleSince: number = this.openedAt;
  readonly #reported = new Set<LimitRule>();

  constructor(site: CallSite | undefined) {
    this.site = site;
  }

  /** How long it has been open, in milliseconds. */
  get heldMs(): number {
    return Math.round(now() - this.openedAt);
  }

  /** When its next limit will be over; one that is over already, or was reported, does not count. */
  limitAfter(time: number, { idleTimeoutMs, timeoutMs }: BlockLimits): number {
    const ahead = [
      this.#deadline("transaction/idle", this.idleSince, idleTimeoutMs),
      this.#deadline("transaction/timeout", this.openedAt, timeoutMs),
    ].filter((at) => at > time);
    return Math.min(Infinity, ...ahead);
  }

  /** The limit that is over, if one is. Asked while no statement is running. */
  overLimit(time: number, { idleTimeoutMs, timeoutMs }: BlockLimits): OverLimit | undefined {
    if (time >= this.#deadline("transaction/idle", this.idleSince, idleTimeoutMs)) {
      return {
        rule: "transaction/idle",
        limitMs: idleTimeoutMs,
        lastedMs: Math.round(time - this.idleSince),
      };
    }
    return this.overTotal(time, timeoutMs);
  }

  /** The total limit, if it is over. Asked while a statement is running as well. */
  overTotal(time: number, timeoutMs: number): OverLimit | undefined {
    if (time < this.#deadline("transaction/timeout", this.openedAt, timeoutMs)) return undefined;
    return {
      rule: "transaction/timeout",
      limitMs: timeoutMs,
      lastedMs: Math.round(time - this.openedAt),
    };
  }

  /** Takes note that a rule which only reports has said what it had to say about this block. */
  markReported(rule: LimitRule): void {
    this.#reported.add(rule);
  }

  #deadline(rule: LimitRule, since: number, limitMs: number): number {
    return limitMs === 0 || this.#reported.has(rule) ? Infinity : since + limitMs;
  }
}
