import type { PolicyError } from "@doorpolicy/core";

import type { CallSite } from "../call-site.ts";
import type { PgClient } from "../driver/pg-internals.ts";
import type { Guard } from "../guard.ts";
import type { AskedQuery } from "../units/handle-call.ts";
import { statementGuardOf } from "./statement-guard.ts";

/** What a unit knows of a statement that it is about to run. */
interface UnitPlace {
  readonly isInBlock: boolean;
  /** See `StatementSituation`. */
  readonly isWrapped?: boolean;
  readonly site: CallSite | undefined;
  readonly client: PgClient;
}

/**
 * The error for a statement that a unit may not send: what its handles send goes past the connection's own
 * `query()`. Called in the async context of whoever sends it, whose `allowing()` holds for it; a turn that has
 * waited runs in that of whoever came before.
 */
export function problemInUnit(
  guard: Guard,
  { controlText, query }: AskedQuery,
  { isInBlock, isWrapped = false, site, client }: UnitPlace,
): PolicyError | undefined {
  const statements = statementGuardOf(guard);
  if (controlText === undefined || statements === undefined) return undefined;
  return statements.problem(controlText, query, undefined, {
    isInBlock: () => isInBlock,
    isWrapped,
    site: () => site,
    client,
  });
}
