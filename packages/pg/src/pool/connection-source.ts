import type { Guard } from "../guard.ts";
import type { PgClient, PgClientConstructor } from "../driver/pg-internals.ts";
import type { Borrower, ConnectionSource, Lease } from "../units/lease.ts";

/** What a unit asks of a pool. */
interface SourcePool {
  readonly options: Readonly<Record<string, unknown>>;
  readonly ending: boolean;
}

/** A pool as units see it. A pool of the primary makes itself known to those of its replicas. */
export function connectionSourceOf(
  pool: SourcePool,
  guard: Guard,
  GuardedClient: PgClientConstructor,
  hasRoom: () => boolean,
  take: (borrower: Borrower) => Promise<Lease>,
): ConnectionSource {
  const { target, lane } = guard.lane;
  const isReplica = guard.isReplica(pool.options);
  let probe: PgClient | undefined;
  const source: ConnectionSource = {
    target: target.name,
    lane,
    isReplica,
    get primary() {
      return isReplica ? guard.primary : undefined;
    },
    guard,
    Query: GuardedClient.Query,
    get isEnding() {
      return pool.ending;
    },
    get hasRoom() {
      return hasRoom();
    },
    // A client that is never connected, for what its options and its own pg say of types.
    get parsers() {
      return (probe ??= new GuardedClient(pool.options));
    },
    take,
  };
  if (!isReplica) guard.addPrimary(source);
  return source;
}
