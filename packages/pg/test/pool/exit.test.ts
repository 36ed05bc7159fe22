import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { eventually, IS_WIDE, startWorld, type World } from "../world.ts";

const child = fileURLToPath(new URL("child.ts", import.meta.url));
let world: World;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

interface Exit {
  readonly code: number | null;
  readonly output: string;
  /** From its last word until it was gone. */
  readonly afterMs: number;
}

/** Runs a story in a process of its own, with nothing that would end it. */
function run(story: string): Promise<Exit> {
  return new Promise((resolve) => {
    const args = ["--import", "tsx", child, story, world.bed.urls.pooled];
    const started = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let doneAt = Number.NaN;
    for (const stream of [started.stdout, started.stderr]) {
      stream.on("data", (text: Buffer) => {
        doneAt = performance.now();
        output += text.toString();
      });
    }
    started.on("close", (code) => resolve({ code, output, afterMs: performance.now() - doneAt }));
  });
}

// Each starts a process of its own, which takes longer than its story.
describe("a process that never ends its pool", { timeout: 60_000 }, () => {
  test("exits by itself when its connections have lingered, and says goodbye to the pooler", async () => {
    const since = world.bed.logs.mark();

    const { code, output, afterMs } = await run("lingers");

    expect({ code, output }).toEqual({ code: 0, output: "done\n" });
    expect(afterMs).toBeLessThan(1_000);
    await eventually(async () => expect(await world.clients()).toEqual([]));
    const goodbyes = world.bed.logs.since(since, "pooler").match(/closing because: .*? \(/g);
    expect(goodbyes).toContain("closing because: client close request (");
    expect(goodbyes).not.toContain("closing because: client unexpected eof (");
  });

  test("says goodbye to the pooler also when it is made to exit behind its last answer", async () => {
    const since = world.bed.logs.mark();

    const { code, output } = await run("exits at once");

    expect({ code, output }).toEqual({ code: 0, output: "done\n" });
    await eventually(async () => expect(await world.clients()).toEqual([]));
    const goodbyes = world.bed.logs.since(since, "pooler").match(/closing because: .*? \(/g);
    expect(goodbyes).toContain("closing because: client close request (");
    expect(goodbyes).not.toContain("closing because: client unexpected eof (");
  });

  test.each(IS_WIDE ? ["keeps", "keeps a few"] : ["keeps"])(
    "exits within a second though its connections would be kept for long (%s)",
    async (story) => {
      const { code, output, afterMs } = await run(story);

      expect({ code, output }).toEqual({ code: 0, output: "done\n" });
      expect(afterMs).toBeLessThan(1_000);
      await eventually(async () => expect(await world.clients()).toEqual([]));
    },
  );
});

describe("a process that waits for the closing of a connection", { timeout: 60_000 }, () => {
  test.each([
    ["its pool is ended", "ends"],
    ["another pool's goes to its caller", "gives way"],
  ])("goes on when %s", async (_, story) => {
    const { code, output } = await run(story);

    expect({ code, output }).toEqual({ code: 0, output: "done\n" });
  });
});
