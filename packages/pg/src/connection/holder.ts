import type { CallSite } from "../call-site.ts";
import type { PgQuery } from "../driver/pg-internals.ts";

/** Whoever has taken a connection out of a pool. */
export interface Holder {
  readonly site: CallSite;
  /** The connection is gone or was ended: the pool's slot is freed, whatever the holder does. */
  take(reason: Error): void;
}

/** What `pg.Client` itself does, below the guard. */
export interface RawClient {
  query(query: string | PgQuery): unknown;
  end(): Promise<void>;
  /** True when the service brought the socket: nobody else can open another to the same place. */
  readonly hasOwnSocket: boolean;
}
