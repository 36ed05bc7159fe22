import { afterInput, now } from "../clock.ts";
import { sharedState } from "../registry.ts";

/** What a gate asks of a pool. Structure alone: pools of other copies of this package stand at the same gate. */
export interface GateMember {
  /** Since when its first caller waits, in milliseconds of the monotonic clock; `undefined` where none does. */
  readonly waitingSince: number | undefined;
  /** True where it would open a connection if there was room at the gate. */
  readonly isShort: boolean;
  /** How many of its sockets nobody uses, those that are being closed included. */
  readonly spare: number;
  /** Most sockets of all pools together, as its policy says. */
  readonly gateLimit: number;
  /** Whoever has a connection of it now, for a message. */
  readonly holders: Iterable<GateHolder>;
  /** Opens connections for those who wait, as far as there is room. */
  pump(): void;
  /** Begins to close a connection that nobody uses; false where there is none. */
  closeIdle(): boolean;
}

/** Who has a connection, in words. */
export interface GateHolder {
  readonly takenAt: number;
  describe(): string;
}

/**
 * How much longer a caller of another pool has to have waited before a connection is closed in its favour
 * that somebody here waits for as well. Between two busy pools, less would close a connection for
 * every statement.
 */
const PATIENCE_MS = 25;

/**
 * `maxPerProcess`: how many sockets to one lane of one target the process has open at a time, those that
 * are being opened or closed included, whichever pools they belong to. A connection stays in the
 * pool that opened it: two adapters may have made it with other options.
 *
 * | | room | no room |
 * | --- | --- | --- |
 * | a pool wants to open one | it opens | another pool closes one that nobody uses, if it has one; else it waits |
 * | a socket has closed | the pool whose caller has waited longest opens one | – |
 * | a connection is given back | handed over within its pool, or idle | the same, unless a caller of another pool that may open one has waited {@link PATIENCE_MS} longer: then it is closed; one that lies idle and that nobody takes at once is closed as well |
 */
export class Gate {
  readonly #members = new Set<GateMember>();
  #open = 0;
  #limit = Infinity;

  /** Open sockets. */
  get open(): number {
    return this.#open;
  }

  /** Whoever has a connection of any pool at this gate. */
  *holders(): Iterable<GateHolder> {
    for (const { holders } of this.#members) yield* holders;
  }

  /** A pool has callers or connections; it stays known until {@link leave}. */
  join(member: GateMember): void {
    if (this.#members.has(member)) return;
    this.#members.add(member);
    this.#limit = Math.min(this.#limit, member.gateLimit);
  }

  leave(member: GateMember): void {
    this.#members.delete(member);
    this.#limit = Math.min(...[...this.#members].map(({ gateLimit }) => gateLimit));
  }

  /** True while there is a place for another socket. Of two policies for one target the smaller number holds. */
  get hasRoom(): boolean {
    return this.#open < this.#limit;
  }

  /** The same, once what nobody uses is closed. */
  get hasRoomSoon(): boolean {
    let used = this.#open;
    for (const { spare } of this.#members) used -= spare;
    return used < this.#limit;
  }

  /** Takes a place for a socket. */
  enter(): boolean {
    if (!this.hasRoom) return false;
    this.#open += 1;
    return true;
  }

  /** The socket is closed. */
  exit(): void {
    this.#open -= 1;
    const waiting = [...this.#members]
      .filter(({ waitingSince }) => waitingSince !== undefined)
      .toSorted((one, other) => (one.waitingSince ?? 0) - (other.waitingSince ?? 0));
    for (const member of waiting) member.pump();
  }

  /** There was no room for this one: another one that has a connection to spare closes it. */
  squeeze(asking: GateMember): void {
    for (const member of this.#members) if (member !== asking && member.closeIdle()) return;
  }

  /**
   * A connection of this pool lies idle while another lacks room. Whoever goes on at once has taken it again
   * when the input was read; else it is closed in the other's favour.
   */
  offer(giving: GateMember): void {
    if (this.#members.size < 2 || this.hasRoom || !this.#isLackingBeside(giving)) return;
    afterInput(() => {
      if (!this.hasRoom && this.#isLackingBeside(giving)) giving.closeIdle();
    });
  }

  #isLackingBeside(giving: GateMember): boolean {
    for (const member of this.#members) if (member !== giving && member.isShort) return true;
    return false;
  }

  /** True when a connection of this pool has to be closed because somebody else has waited long enough. */
  isOwed(giving: GateMember): boolean {
    if (this.#members.size < 2 || this.hasRoom) return false;
    const own = giving.waitingSince ?? now();
    for (const member of this.#members) {
      if (member === giving || !member.isShort) continue;
      if ((member.waitingSince ?? Infinity) + PATIENCE_MS < own) return true;
    }
    return false;
  }
}

/** The gate of one lane of one target, one per process whichever copy of this package asks. */
export function gateOf(target: string, lane: string): Gate {
  const gates = (sharedState().gates ??= new Map());
  const key = `${target}/${lane}`;
  let gate = gates.get(key);
  if (gate === undefined) gates.set(key, (gate = new Gate()));
  return gate;
}
