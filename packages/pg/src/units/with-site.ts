import { captureCallSite, NO_CALL_SITE } from "../call-site.ts";
import type { Borrower } from "./lease.ts";

/** The frames of `pool.query()`: the pool's `connect()`, pg-pool's `query()`, the pool's. */
const FRAMES_OF_QUERY = 3;
/** Enough to reach the application through an ORM. */
const FRAMES_OF_CALLER = 7;

/**
 * Who sends a single statement, where a report needs to name him: `pool.query()` takes no call site, which
 * costs half as much as the statement. `inside`: the frames of units between that and this.
 */
export function withSite(borrower: Borrower, inside: number): Borrower {
  if (borrower.site !== NO_CALL_SITE) return borrower;
  const own = 1 + inside + FRAMES_OF_QUERY;
  return { ...borrower, site: captureCallSite(own, own + FRAMES_OF_CALLER) };
}
