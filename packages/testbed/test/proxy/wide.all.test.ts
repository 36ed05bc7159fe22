import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startFaultProxy, startTestbed, type Testbed } from "@doorpolicy/testbed";
import { open } from "./clients.ts";
import { ANSWERED, SENT, speakInSlices } from "./session.ts";

let bed: Testbed;

beforeAll(async () => {
  bed = await startTestbed({ allowDownload: true, auth: "scram" });
});
afterAll(() => bed?.stop());

describe("a proxy whose packets are small", { timeout: 60_000 }, () => {
  it.each([1, 2, 3, 4, 5, 6, 8, 9, 13, 64, 1000])(
    "understands the same, %i bytes at a time",
    async (size) => {
      const heard = await speakInSlices(bed.urls.direct, size);

      expect(heard).toEqual({ rows: [1, 2, 3], sent: SENT, answered: ANSWERED });
    },
  );
});

describe("a proxy with much to do", { timeout: 60_000 }, () => {
  it("mixes nothing up between 50 clients that come and go through the pooler, a message in ten late", async () => {
    await using proxy = await startFaultProxy({ target: bed.urls.pooled, transcript: 100 });
    const url = proxy.url(bed.urls.pooled);
    let counted = 0;
    const late = proxy.when(
      { direction: "server", message: "ReadyForQuery", match: () => (counted += 1) % 10 === 0 },
      { kind: "delay", ms: 5 },
    );

    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        const numbers: number[] = [];
        for (let m = 0; m < 10; m += 1) {
          const client = await open(url);
          const { rows } = await client.query("select $1::int as n", [n * 10 + m]);
          numbers.push(rows[0].n);
          await client.end();
        }
        return numbers;
      }),
    );

    expect(answers.flat()).toEqual(Array.from({ length: 500 }, (_, n) => n));
    expect(late.count).toBeGreaterThan(50);
    expect(proxy.seen).toHaveLength(100);
  });

  it("passes a result of 200 MB and keeps none of it", async () => {
    await using proxy = await startFaultProxy({ target: bed.urls.direct });
    const client = await open(proxy.url(bed.urls.direct));
    let bytes = 0;

    // Twenty results of 10 MB, each forgotten by the client when the next one comes.
    for (let n = 0; n < 20; n += 1) {
      const { rows } = await client.query(
        "select repeat('x', 1000000) as x from generate_series(1, 10)",
      );
      bytes += rows.reduce((sum: number, { x }: { x: string }) => sum + x.length, 0);
    }

    expect(bytes).toBe(200_000_000);
    expect(proxy.seen.filter(({ message }) => message === "DataRow")).toHaveLength(20);
  });
});
