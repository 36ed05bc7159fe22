import { existsSync, readFileSync } from "node:fs";
import type { Socket } from "node:net";

import type { Policy } from "@doorpolicy/core";
import type { PoolConfig } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { eventually, PG_VERSIONS, requirePg, startWorld, type World } from "../world.ts";

const SOCKETS = "/proc/net/tcp";
/** The kernel writes its timers in hundredths of a second. */
const TICKS = 100;
/** What `/proc/net/tcp` calls the timer of the next question. */
const KEEP_ALIVE_TIMER = "02";
const NO_TIMER = "00";

let world: World;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

/** What the kernel writes of a socket: its timer, and when that fires. Other sockets may have the same port. */
function timerOf({ localPort, remotePort }: Socket): readonly [timer: string, when: string] {
  const fields = readFileSync(SOCKETS, "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .find(([, near, far]) => isAt(near, localPort) && isAt(far, remotePort));
  const [timer = "", when = ""] = fields?.[5]?.split(":") ?? [];
  return [timer, when];
}

function isAt(address: string | undefined, port: number | undefined): boolean {
  return address?.endsWith(`:${port?.toString(16).toUpperCase().padStart(4, "0")}`) === true;
}

/** In how many seconds the kernel will ask the other end; `undefined` where it will not. */
async function nextQuestion(socket: Socket): Promise<number | undefined> {
  // Until every byte is confirmed, the timer that is shown is the one for sending them again.
  let [timer, when] = timerOf(socket);
  await eventually(() => {
    [timer, when] = timerOf(socket);
    expect([NO_TIMER, KEEP_ALIVE_TIMER]).toContain(timer);
  });
  return timer === KEEP_ALIVE_TIMER ? Number.parseInt(when, 16) / TICKS : undefined;
}

async function asked(
  version: string,
  connections: Policy["connections"] = {},
  config: PoolConfig = {},
): Promise<number | undefined> {
  const { pg } = world.guard({ connections }, requirePg(version));
  const client = new pg.Client({ connectionString: world.bed.urls.pooled, ...config });
  await client.connect();
  await client.query("select 1");
  const connection: unknown = Reflect.get(client, "connection");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- pg's own connection.
  const { stream } = connection as { readonly stream: Socket };
  const seconds = await nextQuestion(stream);
  await client.end();
  return seconds;
}

describe.skipIf(!existsSync(SOCKETS)).each(PG_VERSIONS)("a quiet connection of %s", (version) => {
  test("is asked after by the kernel after ten seconds", async () => {
    const seconds = await asked(version);

    expect(seconds).toBeGreaterThan(8);
    expect(seconds).toBeLessThanOrEqual(10);
  });

  test("is asked after when the policy says", async () => {
    expect(await asked(version, { keepAliveMs: 30_000 })).toBeGreaterThan(25);
  });

  test("is asked after within a second where the policy says less", async () => {
    expect(await asked(version, { keepAliveMs: 500 })).toBeLessThanOrEqual(1);
  });

  test("is not asked after where the policy says so", async () => {
    expect(await asked(version, { keepAliveMs: 0 })).toBeUndefined();
  });

  test("is asked after when the service says, where it does", async () => {
    const own = { keepAlive: true, keepAliveInitialDelayMillis: 60_000 };

    expect(await asked(version, {}, own)).toBeGreaterThan(50);
  });
});
