import type { PolicyError } from "@doorpolicy/core";

import type { CallSite } from "../call-site.ts";
import type { PgClient } from "../driver/pg-internals.ts";
import type { Guard } from "../guard.ts";
import type { AskedQuery } from "../units/handle-call.ts";
import { type Allowance, runUnder } from "./allowing.ts";
import { statementGuardOf } from "./statement-guard.ts";

/** What a unit knows of a statement that it is about to run. */
interface UnitPlace {
  readonly isInBlock: boolean;
  /** See `StatementSituation`. */
  readonly isWrapped?: boolean;
  readonly site: CallSite | undefined;
  readonly client: PgClient;
  /** What held for whoever asked for it: a turn may run in the context of whoever came before. */
  readonly allowance?: Allowance | undefined;
}

/**
 * The error for a statement that a unit may not send: what its handles send goes past the connection's own
 * `query()`.
 */
export function problemInUnit(
  guard: Guard,
  { controlText, query }: AskedQuery,
  { isInBlock, isWrapped = false, site, client, allowance }: UnitPlace,
): PolicyError | undefined {
  const statements = statementGuardOf(guard);
  if (controlText === undefined || statements === undefined) return undefined;
  const judge = (): PolicyError | undefined =>
    statements.problem(controlText, query, undefined, {
      isInBlock: () => isInBlock,
      isWrapped,
      site: () => site,
      client,
    });
  return allowance === undefined ? judge() : runUnder(allowance, judge);
}
