/** Why PgBouncer closed a server connection, by its own log. */
const CLOSED = /S-0x\w+: [^\n]* closing because: (?<why>[^\n]*?) \(age=/g;

/** Its own ends of life, what the other side closed, and the connection of a cancel request. */
const NOT_OURS: readonly RegExp[] = [
  /^successfully sent cancel request/,
  /^server (?:idle timeout|lifetime over|conn crashed)/,
  /^(?:database configuration changed|admin|shut)/,
];

/** Server connections that PgBouncer closed, by reason, as the log of a run says it. */
export function closedIn(log: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { groups } of log.matchAll(CLOSED)) {
    const why = groups?.["why"] ?? "";
    counts.set(why, (counts.get(why) ?? 0) + 1);
  }
  return counts;
}

/** How many of them it dropped because of what a client did. */
export function droppedBecauseOfUs(closed: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const [why, count] of closed) {
    if (!NOT_OURS.some((reason) => reason.test(why))) sum += count;
  }
  return sum;
}
