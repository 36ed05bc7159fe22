import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

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
function start(story: string): {
  readonly ended: Promise<number | null>;
  /** What it has said so far. */
  output(): string;
  kill(): void;
} {
  const started = spawn(
    process.execPath,
    ["--import", "tsx", "--conditions", "@doorpolicy/source", child, story, world.bed.urls.direct],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let output = "";
  for (const stream of [started.stdout, started.stderr]) {
    stream.on("data", (text: Buffer) => (output += text.toString()));
  }
  return {
    ended: new Promise((resolve) => started.on("close", resolve)),
    output: () => output,
    kill: () => void started.kill("SIGKILL"),
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
});
