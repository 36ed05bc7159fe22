import assert from "node:assert/strict";
import { explainError } from "@doorpolicy/core";
import type { Testbed } from "@doorpolicy/testbed";
import { afterAll, beforeAll, describe, test } from "vitest";
import { clients } from "../src/clients/registry.ts";
import { heldBlock } from "../src/scenarios/ask.ts";
import { faults } from "./fault-table.ts";
import { errorOf, explanationOf, openGuarded, startFaultBed, urlWith } from "./fault-world.ts";

describe("a fault has one kind", () => {
  let bed: Testbed | undefined;
  let absent: string | undefined;

  beforeAll(async () => {
    const started = await startFaultBed({ tls: true });
    if ("absent" in started) absent = started.absent;
    else bed = started.bed;
  });
  afterAll(() => bed?.stop());

  for (const { title, kind, url, own, run } of faults) {
    describe(`${title}: ${kind ?? "not ours to explain"}`, () => {
      for (const client of clients) {
        test(client.title, async ({ skip }) => {
          const running = bed ?? skip(absent);
          const plain = urlWith(running.urls.pooled, { search: "" });

          const explanation = await explanationOf(
            client,
            (await url?.(running)) ?? plain,
            (open) => run(open, running),
            own,
          );

          assert.equal(explanation?.kind, kind);
        });
      }
    });
  }

  describe("a connection that the policy does not give: policy.connection/acquire-timeout", () => {
    for (const client of clients) {
      test(client.title, async ({ skip }) => {
        const running = bed ?? skip(absent);
        const url = urlWith(running.urls.pooled, { search: "" });
        const policy = { connections: { maxPerProcess: 1, acquireTimeoutMs: 200 } };
        await using open = await openGuarded(client, url, { policy, own: { poolMax: 1 } });
        const held = await heldBlock(open);

        const said = explainError(await errorOf(() => open.query("select 1 as one")));
        await held.end();
        await open.remove("held");

        assert.equal(said?.kind, "policy.connection/acquire-timeout");
        assert.equal(said.retryable, "yes");
        assert.match(said.hint, /^Release connections sooner/);
        assert.doesNotMatch(said.sentence, /Release connections sooner|invocation/);
      });
    }
  });
});
