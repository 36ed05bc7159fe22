import type { TestbedErrorCode } from "../errors.ts";
import { TestbedError } from "../errors.ts";
import type { PoolerKind } from "../options.ts";

/** A PostgreSQL that is on this machine now. */
export interface ResolvedPostgres {
  /** Holds `initdb` and `postgres`. */
  readonly bin: string;
  /** As `postgres --version` says. */
  readonly version: string;
  /** In words: where it came from. */
  readonly source: string;
}

/** A pooler that is on this machine now. */
export interface ResolvedPooler {
  readonly kind: PoolerKind;
  /** The executable. */
  readonly bin: string;
  /** As the executable's `--version` says. */
  readonly version: string;
  /** In words: where it came from. */
  readonly source: string;
}

/** A server that cannot be had, and everything that was tried; fit for the reason of a skipped test. */
export interface Unavailable {
  readonly unavailable: string;
  readonly code: TestbedErrorCode;
  readonly hint: string;
}

/** One place that was looked at in vain. */
export interface Attempt {
  readonly where: string;
  readonly why: string;
}

/** "Postgres 17 …: PATH: not there; cache: …" */
export function describeAttempts(what: string, attempts: readonly Attempt[]): string {
  const tried = attempts.map(({ where, why }) => `${where}: ${why}`).join("; ");
  return `${what} cannot be had. ${tried}.`;
}

/** The same as an error, for {@link startTestbed}. */
export function orThrow<T extends object>(found: T | Unavailable): T {
  if ("unavailable" in found) throw new TestbedError(found.code, found.unavailable, found.hint);
  return found;
}
