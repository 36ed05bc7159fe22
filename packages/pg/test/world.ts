import { createRequire } from "node:module";

import { definePolicy, type LaneChoice, type Policy, type Violation } from "@doorpolicy/core";
import { type GuardedPg, guardPg } from "@doorpolicy/pg";
import { startTestbed, type Testbed } from "@doorpolicy/testbed";
import pg, { type Submittable } from "pg";

/** The whole of pg's types: what a test calls. */
export type Pg = typeof pg;

/** A `pg-cursor`, which comes without types. */
export interface TestCursor extends Submittable {
  read(rows: number): Promise<unknown[]>;
  close(): Promise<void>;
}

const require = createRequire(import.meta.url);

/** A portal that stays open between its reads. */
export function makeCursor(text: string): TestCursor {
  const Cursor: new (text: string) => TestCursor = require("pg-cursor");
  return new Cursor(text);
}

/** Whether everything runs (`npm run test:all`) or the cut of it below three minutes. */
export const IS_WIDE: boolean = process.env["DOORPOLICY_TEST_ALL"] === "1";

/** The versions of pg that a promise is held against: the oldest and the newest in the cut. */
export const PG_VERSIONS: readonly string[] = IS_WIDE
  ? ["pg85", "pg811", "pg816", "pg"]
  : ["pg85", "pg"];

/** An installed pg, by the name of its folder: `pg`, `pg85`, `pg811`, `pg816`. */
export function requirePg(name: string): Pg {
  return require(name);
}

/** Servers, and guarded modules whose violations are kept. */
export interface World extends AsyncDisposable {
  readonly bed: Testbed;
  /** A pg under a policy of this test, and what it reports. */
  guard(
    policy?: Policy,
    module?: Pg | GuardedPg<Pg>,
    choice?: LaneChoice,
  ): { readonly pg: GuardedPg<Pg>; readonly seen: Violation[] };
  /** `application_name` of every client of the pooler that is not the console. */
  clients(): Promise<string[]>;
  /** Backends with an open transaction, as Postgres itself says. */
  openTransactions(): Promise<number>;
  /** How often the pooler dropped a server connection because of how a client went away. */
  droppedServers(): number;
}

/** `guard` is the built package's, or that of the sources where a test asks modules that are not exported. */
export async function startWorld(guard: typeof guardPg = guardPg): Promise<World> {
  const bed = await startTestbed({ allowDownload: true, poolSize: 5 });
  return {
    bed,
    guard(policy = {}, module = pg, choice = {}) {
      const seen: Violation[] = [];
      const own = definePolicy({
        mode: "enforce",
        naming: { app: "billing", user: "deploy", host: "web-1" },
        ...policy,
        onViolation: (violation) => seen.push(violation),
      });
      return { pg: guard(module, own, choice), seen };
    },
    async clients() {
      const rows = await bed.admin("SHOW CLIENTS");
      return rows
        .filter((row) => row["database"] !== "pgbouncer")
        .map((row) => row["application_name"] ?? "");
    },
    async openTransactions() {
      const rows = await bed.sql(
        "select count(*) as open from pg_stat_activity where state like 'idle in transaction%'",
      );
      return Number(rows[0]?.["open"]);
    },
    droppedServers: () =>
      bed.logs.since(undefined, "pooler").split("client disconnect while server was not ready")
        .length - 1,
    [Symbol.asyncDispose]: () => bed.stop(),
  };
}

/** Asks until it is so, for at most so long; then shows how it differs. */
export async function eventually(
  assertion: () => Promise<void> | void,
  boundMs: number = 5_000,
): Promise<void> {
  const until = Date.now() + boundMs;
  for (;;) {
    try {
      await assertion();
      return;
    } catch (error) {
      if (Date.now() > until) throw error;
    }
    await pause(10);
  }
}

/** Time that passes in a story, such as an application that waits for somebody else. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

/** What a promise was rejected with. */
export async function rejection(promise: unknown): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("It was not rejected");
}
