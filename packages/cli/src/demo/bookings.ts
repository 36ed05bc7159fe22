import type { Policy } from "@doorpolicy/core";

/** What both services of the demo can do; each ORM does it in its own words. */
export interface Bookings {
  /** One row, outside any block. */
  write(label: string): Promise<void>;
  /** All rows or none. */
  block(labels: readonly string[]): Promise<void>;
  /** A row in a block whose callback throws. */
  throwing(label: string): Promise<void>;
  /** A row twice in a block; the second is refused by a unique key, and the error is caught. */
  swallowing(label: string): Promise<void>;
  /** A row in a block that is never ended. Resolves when the row is written; the block stays. */
  leaking(label: string): Promise<void>;
  /** `BEGIN`, sent as any other statement. */
  bareBegin(): Promise<void>;
  close(): Promise<void>;
}

/** How a service of the demo is opened: with the policy, or as everybody does it. */
export interface OpenBookings {
  readonly url: string;
  /** Value of the `service` column of every row. */
  readonly service: string;
  readonly policy: Policy | undefined;
}
