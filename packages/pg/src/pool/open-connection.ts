import { limitConnect, type PgClient } from "../driver/pg-internals.ts";
import { openClient } from "../login/open-client.ts";
import { outsideUnits } from "../units/context.ts";
import type { Keeping, PoolHost, TakenConnection } from "./pool-host.ts";
import type { ConnectionEvents, PooledConnection } from "./pooled-connection.ts";

/** What becomes of a connection. */
interface OpeningSteps extends ConnectionEvents {
  onReady(): void;
  onFailed(error: unknown): void;
}

/** What one is opened with. */
interface Opening {
  readonly host: PoolHost;
  readonly keeping: Keeping;
  readonly steps: OpeningSteps;
  /** The one statement that it is for. */
  readonly taken: TakenConnection | undefined;
}

/**
 * Opens a connection of a pool. What comes of it is outside of units as well: the service's `onConnect` is no
 * part of the unit that happened to ask.
 */
export function openConnection(
  connection: PooledConnection,
  { host, keeping, steps, taken }: Opening,
): void {
  const make = (): PgClient =>
    connection.begin(limitConnect(host.makeClient(), keeping.attemptMs), steps);
  void outsideUnits(() =>
    openClient(make, taken).then(
      () => steps.onReady(),
      (error: unknown) => steps.onFailed(error),
    ),
  );
}
