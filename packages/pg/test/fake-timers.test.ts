import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";

import { makeCursor, rejection, startWorld, type World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

describe("under a test's fake timers", () => {
  beforeEach(() => {
    vi.useFakeTimers({
      toFake: ["setTimeout", "setImmediate", "setInterval", "Date", "performance"],
    });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("an idle block is ended in time", async () => {
    const { pg } = world.guard({ transaction: { idleTimeoutMs: 100 } });
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    await client.query("BEGIN");

    await new Promise((resolve) => client.once("end", resolve));

    expect(await rejection(client.query("COMMIT"))).toMatchObject({
      code: "transaction/ended-by-policy",
    });
  });

  test("a connection that comes back busy is freed in time", async () => {
    const { pg, seen } = world.guard({
      connections: { maxPerProcess: 1, reuse: "pool" },
      targets: { main: { pooler: { kind: "pgbouncer", version: "1.24" } } },
    });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const client = await pool.connect();
    const slow = rejection(client.query("select pg_sleep(20)"));

    client.release();
    await pool.query("select 1");

    expect(await slow).toMatchObject({ code: "57014" });
    expect(seen).toMatchObject([{ rule: "connections/released-busy" }]);
    await pool.end();
  });

  test("a cursor that nobody reads is ended in time", async () => {
    const { pg, seen } = world.guard({ transaction: { idleTimeoutMs: 100 } });
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    client.query(makeCursor("select generate_series(1, 100)"));

    await new Promise((resolve) => client.once("end", resolve));

    expect(seen).toMatchObject([{ rule: "transaction/idle" }]);
  });
});

test("no file of the driver but its clock takes a timer or the time by itself", () => {
  const folder = join(import.meta.dirname, "../src");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });

  const own = files
    .filter((file) => file.endsWith(".ts") && file !== "clock.ts")
    .filter((file) =>
      /\b(?:setTimeout|setInterval|setImmediate|Date\.now|performance\.now|nextTick)\b/.test(
        readFileSync(join(folder, file), "utf8").replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, ""),
      ),
    );

  expect(own).toEqual([]);
});
