import { after, afterInput, cancel, now, type Timer } from "../clock.ts";

/** A connection with an open block, or with an open portal. */
export interface Watched {
  /**
   * When to look at it next, in milliseconds of the monotonic clock; `Infinity` for never. What was
   * due at `time` has been looked at.
   */
  nextLookAt(time: number): number;
  /** Looks, and acts if a limit is over. May stop the watching. */
  look(time: number): void;
}

const watched = new Set<Watched>();
let timer: Timer | undefined;
let timerAt = Infinity;

/**
 * Looks at a connection until {@link unwatch}; called again when its limit has moved. One timer serves
 * all of them and runs only while a block is open: a statement costs no timer (the one that runs is
 * nearly always early enough), and a process without open blocks has none.
 */
export function watch(connection: Watched, time: number): void {
  watched.add(connection);
  schedule(connection.nextLookAt(time));
}

/** Looks at it no more. */
export function unwatch(connection: Watched): void {
  watched.delete(connection);
}

function schedule(at: number): void {
  if (at >= timerAt || at === Infinity) return;
  cancel(timer);
  timerAt = at;
  // A timer may fire up to a millisecond early; one look too many is cheaper than one too soon.
  timer = after(Math.max(1, Math.ceil(at - now()) + 1), wake);
}

/** A timer that is later than this was held up: the event loop was blocked, or the process frozen. */
const LATE_MS = 50;

/** Meanwhile the server may have acted by its own limits. What it said has arrived, and is read first. */
function wake(): void {
  if (now() - timerAt > LATE_MS) afterInput(sweep);
  else sweep();
}

function sweep(): void {
  timerAt = Infinity;
  const time = now();
  for (const connection of watched) connection.look(time);
  let next = Infinity;
  for (const connection of watched) next = Math.min(next, connection.nextLookAt(time));
  schedule(next);
}
