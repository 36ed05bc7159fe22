import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { startFaultProxy } from "@doorpolicy/testbed";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { eventually, startWorld, type World } from "../world.ts";

const child = fileURLToPath(new URL("child.ts", import.meta.url));
let world: World;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

/** A story in a process of its own, with nothing that would end it. */
function start(
  story: string,
  url: string = world.bed.urls.direct,
): {
  readonly ended: Promise<number | null>;
  /** What it has said so far. */
  output(): string;
  kill(signal?: NodeJS.Signals): void;
} {
  const started = spawn(process.execPath, ["--import", "tsx", child, story, url], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [started.stdout, started.stderr]) {
    stream.on("data", (text: Buffer) => (output += text.toString()));
  }
  return {
    ended: new Promise((resolve) => started.on("close", resolve)),
    output: () => output,
    kill: (signal = "SIGKILL") => void started.kill(signal),
  };
}

async function locks(): Promise<number> {
  const [row] = await world.bed.sql(
    "select count(*) as held from pg_locks where locktype = 'advisory' and granted",
  );
  return Number(row?.["held"]);
}

// Each starts a process of its own, which takes longer than its story.
describe("a process", { timeout: 60_000 }, () => {
  test("exits by itself after a lock, and when its listener is closed", async () => {
    const [lock, listener] = [start("lock"), start("listen")];

    await eventually(() => expect(listener.output()).toContain("listening"), 30_000);
    await world.bed.sql("select pg_notify('jobs', 'x')", "app");

    expect([await lock.ended, await listener.ended]).toEqual([0, 0]);
    expect(lock.output()).toBe("held\n");
    expect(listener.output()).toBe("listening\nheard x\n");
  });

  test("that is killed frees its lock", async () => {
    const story = start("killed");
    await eventually(() => expect(story.output()).toContain("held"), 30_000);
    expect(await locks()).toBe(1);

    story.kill();

    await eventually(async () => expect(await locks()).toBe(0));
  });

  test("that is drained closes its listener, and takes back a lock at the deadline", async () => {
    const story = start("drain");

    expect(await story.ended).toBe(0);
    expect(story.output().trim().split("\n").toSorted()).toEqual([
      "complete false",
      "held",
      "lock/lost",
    ]);
    expect(await locks()).toBe(0);
  });
  test("that is drained waits past its deadline for no listener whose server is silent", async () => {
    await using wire = await startFaultProxy({ target: world.bed.urls.direct });
    using opening = wire.when({ direction: "client", message: "Startup", nth: 2 }, "blackHole");
    const story = start("silence", wire.url(world.bed.urls.direct));
    await eventually(() => expect(story.output()).toContain("listening"), 30_000);
    await opening.hit;
    for (const connection of wire.connections) connection.blackHole();

    story.kill("SIGUSR2");

    expect(await story.ended).toBe(0);
    expect(story.output()).toBe("listening\nunit/draining\ndrained true\n");
  });
});
