import assert from "node:assert/strict";
import { explainError } from "@doorpolicy/core";
import type { Testbed } from "@doorpolicy/testbed";
import { afterAll, beforeAll, describe, test } from "vitest";
import type { OpenClient } from "../src/client.ts";
import { clients } from "../src/clients/registry.ts";
import { eventually } from "../src/expect.ts";
import { faults } from "./fault-table.ts";
import {
  errorOf,
  explanationOf,
  openGuarded,
  startFaultBed,
  urlWith,
  usingClient,
} from "./fault-world.ts";

/** Bound of what PgBouncer's janitor, which looks three times a second, does after one second. */
const SLOW_MS = 15_000;

const anyStatement = (client: OpenClient): Promise<unknown> => client.query("select 1 as one");

describe("a fault has the same kind under a policy", () => {
  let bed: Testbed | undefined;
  let absent: string | undefined;

  beforeAll(async () => {
    const started = await startFaultBed({ tls: true });
    if ("absent" in started) absent = started.absent;
    else bed = started.bed;
  });
  afterAll(() => bed?.stop());

  for (const { title, kind, url, own, underPolicy, run } of faults) {
    for (const client of clients) {
      test.skipIf(underPolicy !== undefined)(`${client.title}: ${title}`, async ({ skip }) => {
        const running = bed ?? skip(absent);
        const plain = urlWith(running.urls.pooled, { search: "" });
        const at = (await url?.(running)) ?? plain;

        const error = await errorOf(async () => {
          await using open = await openGuarded(client, at, own && { own });
          await run(open, running);
        });

        assert.equal(explainError(error)?.kind, kind);
      });
    }
  }
});

describe("PgBouncer's own limits and the servers behind it", () => {
  let bed: Testbed | undefined;
  let absent: string | undefined;

  beforeAll(async () => {
    const settings = { query_wait_timeout: 1, server_login_retry: 1 };
    const started = await startFaultBed({ pooler: { version: "1.24", settings } });
    if ("absent" in started) absent = started.absent;
    else bed = started.bed;
  });
  afterAll(() => bed?.stop());

  for (const client of clients) {
    test(`${client.title}: a queue that takes too long`, async ({ skip }) => {
      const running = bed ?? skip(absent);

      // The only server connection is held by somebody else.
      const explanation = await usingClient(running.urls.pooled, async (holder) => {
        await holder.query("begin");
        return explanationOf(client, running.urls.pooled, anyStatement);
      });

      assert.equal(explanation?.kind, "pooler.queue-timeout");
      assert.equal(explanation.retryable, "yes");
    });

    test(`${client.title}: a pooler that is full`, async ({ skip }) => {
      const running = bed ?? skip(absent);

      const explanation = await usingClient(running.urls.pooled, async () => {
        await running.admin("SET max_client_conn = '1'");
        try {
          return await explanationOf(client, running.urls.pooled, anyStatement);
        } finally {
          await running.admin("SET max_client_conn = '100'");
        }
      });

      assert.equal(explanation?.kind, "pooler.client-limit");
    });

    test(`${client.title}: a database that is down behind its pooler`, async ({ skip }) => {
      const running = bed ?? skip(absent);
      await running.stopPostgres();

      try {
        // The first ones wait in the queue, until PgBouncer has tried to connect and failed.
        await eventually(async () => {
          const explanation = await explanationOf(client, running.urls.pooled, anyStatement);

          assert.equal(explanation?.kind, "pooler.server-unreachable");
        }, SLOW_MS);
      } finally {
        await running.startPostgres();
        // server_login_retry: PgBouncer goes on refusing for a second.
        await eventually(
          () => usingClient(running.urls.pooled, (probe) => probe.query("select 1")),
          SLOW_MS,
        );
      }
    }, 60_000);
  }

  test(
    "pg: a transaction that idles too long, as the connection's error event says it",
    async ({ skip }) => {
      const running = bed ?? skip(absent);
      await running.admin("SET idle_transaction_timeout = '1'");

      const { event, next } = await usingClient(running.urls.pooled, async (client) => {
        const said = new Promise((resolve) => client.once("error", resolve));
        await client.query("begin");
        return { event: await said, next: await errorOf(() => client.query("select 1")) };
      });
      await running.admin("SET idle_transaction_timeout = '0'");

      assert.equal(explainError(event)?.kind, "pooler.idle-transaction-timeout");
      // The next statement has lost the reason; nothing is claimed that it does not know.
      assert.equal(explainError(next)?.kind, "driver.not-queryable");
    },
    SLOW_MS,
  );

  test("pg: named statements behind a pooler that does not track them", async ({ skip }) => {
    const running = bed ?? skip(absent);
    await running.admin("SET max_prepared_statements = '0'");
    const named = { name: "one", text: "select 1 as one" };

    const error = await errorOf(() =>
      usingClient(running.urls.pooled, async (first) => {
        await first.query(named);
        await usingClient(running.urls.pooled, (second) => second.query(named));
      }),
    );
    await running.admin("SET max_prepared_statements = '200'");

    assert.equal(explainError(error)?.kind, "statement.named-untracked");
  });

  test("pg: a pooler that goes away, and one that is not there", async ({ skip }) => {
    const running = bed ?? skip(absent);

    const kinds = await usingClient(running.urls.pooled, async (client) => {
      await client.query("select 1");
      const asleep = errorOf(() => client.query("select pg_sleep(30)"));
      await eventually(async () => {
        const rows = await running.sql(
          "select 1 from pg_stat_activity where query = 'select pg_sleep(30)'",
        );
        assert.equal(rows.length, 1);
      });
      await running.stopPooler();
      const gone = await errorOf(() =>
        usingClient(running.urls.pooled, (next) => next.query("select 1")),
      );
      return [await asleep, gone].map((error) => explainError(error)?.kind);
    });
    await running.startPooler();

    assert.deepEqual(kinds, ["network.lost", "network.refused"]);
  });
});
