import { PolicyError } from "@doorpolicy/core";

import type { Checkout } from "./checkout.ts";
import { describeCallSite } from "../call-site.ts";
import { now, type Timer } from "../clock.ts";
import type { Guard } from "../guard.ts";
import { later } from "./later.ts";
import { bytesMoved } from "../driver/pg-internals.ts";
import type { ViolationDraft } from "../report.ts";

const IDLE = "connections/held-idle";
const IDLE_HELP =
  "Release a connection before waiting for anything but the database, and take it again afterwards.";

/** pg's own `Connection` objects, which every handle of a client shows. */
const heldOnPurpose = new WeakSet<object>();

/** What a client, or a handle of one, shows of its connection; a pg that nobody guards may show nothing. */
interface ShowsConnection {
  readonly connection?: object;
}

/** From now on the connection is held for what its session has, such as a lock, and not to be used. */
export function holdOnPurpose({ connection }: ShowsConnection): void {
  if (connection !== undefined) heldOnPurpose.add(connection);
}

/** The connection goes back; its next holder is watched as any other. */
export function forgetOnPurpose({ connection }: ShowsConnection): void {
  if (connection !== undefined) heldOnPurpose.delete(connection);
}

/**
 * Looks for connections that were taken out of a pool and are not being used: reports them with the
 * stack of whoever took them, and takes them back later. Time counts since the last byte in either
 * direction, so that no statement pays for it; a statement that is being answered is never idle, and an
 * open transaction has limits of its own.
 *
 * Not on the direct lane, and not where nothing pools behind: there a connection may be kept to listen. And
 * not one that is held on purpose, as for an advisory lock through a pooler in session mode.
 */
export class HeldWatch {
  readonly #guard: Guard;
  readonly #warnMs: number;
  readonly #reclaimMs: number;
  readonly #checkouts: ReadonlySet<Checkout>;
  /** How often they are looked at; `undefined` where no limit holds. */
  readonly #everyMs: number | undefined;
  #timer: Timer | undefined;

  constructor(guard: Guard, checkouts: ReadonlySet<Checkout>) {
    this.#guard = guard;
    this.#checkouts = checkouts;
    const { heldIdleWarnMs, heldIdleReclaimMs } = guard.lane.policy.connections;
    const isWatched = guard.lane.lane !== "direct" && guard.lane.has("pools-connections");
    this.#warnMs = isWatched ? heldIdleWarnMs : 0;
    this.#reclaimMs = isWatched ? heldIdleReclaimMs : 0;
    const limits = [this.#warnMs, this.#reclaimMs].filter((limit) => limit > 0);
    if (limits.length > 0) this.#everyMs = Math.max(10, Math.ceil(Math.min(...limits) / 4));
  }

  /** Somebody has taken a connection. One timer serves all of a pool, and outlives no checkout for long. */
  start(): void {
    if (this.#timer !== undefined || this.#everyMs === undefined) return;
    this.#timer = later(this.#everyMs, () => {
      this.#timer = undefined;
      this.#look(now());
      if (this.#checkouts.size > 0) this.start();
    });
  }

  #look(time: number): void {
    for (const checkout of this.#checkouts) {
      if (this.#isInUse(checkout)) checkout.quietSince = time;
      else this.#judge(checkout, time - checkout.quietSince);
    }
  }

  #isInUse(checkout: Checkout): boolean {
    const { client, connection, bytesSeen } = checkout;
    checkout.bytesSeen = bytesMoved(client);
    return (
      checkout.isReleased ||
      checkout.bytesSeen !== bytesSeen ||
      !connection.isAtRest ||
      connection.status !== "I"
    );
  }

  #judge(checkout: Checkout, quietMs: number): void {
    const isOver = this.#reclaimMs > 0 && quietMs >= this.#reclaimMs;
    const isWarning = this.#warnMs > 0 && quietMs >= this.#warnMs && !checkout.isWarned;
    if (!isOver && !isWarning) return;
    if (checkout.onIdle?.() === true || heldOnPurpose.has(checkout.client.connection)) return;
    const response = this.#guard.response(IDLE);
    if (response === "nothing") return;
    if (isOver && response === "act") {
      this.#reclaim(checkout, quietMs);
      return;
    }
    if (checkout.isWarned) return;
    checkout.isWarned = true;
    this.#report(checkout, quietMs, "reported", "It is out of the pool still.");
  }

  #reclaim(checkout: Checkout, quietMs: number): void {
    const held = `nothing was sent on it for ${Math.round(quietMs)} ms`;
    this.#report(
      checkout,
      quietMs,
      "closed",
      "It was taken back, and its holder's next statement is refused.",
    );
    checkout.reclaim(
      new PolicyError("connection/reclaimed", `This connection was taken back: ${held}.`, {
        hint: IDLE_HELP,
      }),
    );
  }

  #report(
    checkout: Checkout,
    quietMs: number,
    action: ViolationDraft["action"],
    outcome: string,
  ): void {
    const openedBy = describeCallSite(checkout.site);
    this.#guard.report({
      rule: IDLE,
      action,
      message: `A connection was held for ${Math.round(now() - checkout.takenAt)} ms, and nothing was sent on it for the last ${Math.round(quietMs)} ms. ${outcome}`,
      help: IDLE_HELP,
      heldMs: Math.round(now() - checkout.takenAt),
      ...(openedBy === undefined ? {} : { openedBy }),
    });
  }
}
