import { definePolicy } from "@doorpolicy/core";
import { guardPg } from "@doorpolicy/pg";
import { startTestbed, type Testbed } from "@doorpolicy/testbed";
import pgModule from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { rejection } from "../world.ts";

/** What is left, what asks for it, and what a session without it answers. */
const LEAKS: readonly (readonly [rule: string, leaves: string, asks: string, clean: unknown])[] = [
  [
    "session-state/no-set",
    "set app.tenant = 'acme'",
    "select coalesce(current_setting('app.tenant', true), '') as value",
    "",
  ],
  [
    "session-state/no-session-lock",
    "select 1 as one from pg_advisory_lock(4711)",
    "select count(*)::int as value from pg_locks where locktype = 'advisory'",
    0,
  ],
  [
    "session-state/no-listen",
    "listen leaked",
    "select count(*)::int as value from pg_listening_channels()",
    0,
  ],
  [
    "session-state/no-temp",
    "create temporary table leaked (a int)",
    "select count(*)::int as value from pg_class where oid = to_regclass('pg_temp.leaked')",
    0,
  ],
  [
    "session-state/no-prepare",
    "prepare leaked as select 1",
    "select count(*)::int as value from pg_prepared_statements where name = 'leaked'",
    0,
  ],
];

for (const [reset, discards] of [
  ["which cleans its server connections", "yes"],
  ["which does not", "no"],
] as const) {
  describe(`two clients on one server connection of an Odyssey ${reset}`, () => {
    let bed: Testbed;
    let absent: string | undefined;

    beforeAll(async () => {
      try {
        bed = await startTestbed({
          allowDownload: true,
          poolSize: 1,
          pooler: { kind: "odyssey", settings: { pool_discard: discards } },
        });
      } catch (error) {
        absent = error instanceof Error ? error.message : String(error);
      }
    });
    afterAll(() => bed?.stop());

    for (const [rule, leaves, asks, clean] of LEAKS) {
      test(`${rule}: a stranger finds nothing of what was refused`, async ({ skip }) => {
        skip(absent !== undefined, absent);
        const policy = definePolicy({
          mode: "enforce",
          targets: {
            main: {
              pooler: {
                kind: "odyssey",
                version: "1.5.2",
                settings: { resetsSessionState: discards === "yes" },
              },
              pooled: bed.urls.pooled,
            },
          },
          onViolation: () => undefined,
        });
        const pool = new (guardPg(pgModule, policy).Pool)();
        const plain = new pgModule.Client({ connectionString: bed.urls.pooled });
        const stranger = new pgModule.Client({ connectionString: bed.urls.pooled });
        // A failed assertion leaves them to the end of the servers.
        for (const client of [plain, stranger]) client.on("error", () => undefined);
        await plain.connect();
        await stranger.connect();

        const error = await rejection(pool.query(leaves));
        const afterGuarded = (await stranger.query<{ value: unknown }>(asks)).rows[0]?.value;
        await plain.query(leaves);
        const afterPlain = (await stranger.query<{ value: unknown }>(asks)).rows[0]?.value;

        expect(error).toMatchObject({ code: rule });
        const isLost = discards === "yes" && rule !== "session-state/no-prepare";
        expect(String(error)).toMatch(isLost ? /taken away/ : /stays on/);
        expect(afterGuarded).toEqual(clean);
        // Without a policy it leaks, or is lost; what SQL has prepared leaks in both.
        expect(afterPlain === clean).toBe(isLost);
        await Promise.all([pool.end(), plain.end(), stranger.end()]);
        // What the plain client has left may not meet what comes next.
        await bed.sql(
          "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'",
        );
      });
    }
  });
}
