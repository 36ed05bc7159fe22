import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { resolvePooler, resolvePostgres } from "@doorpolicy/testbed";
import { hold, isGone } from "./fixtures/hold-child.ts";
import { allEnd, ownerOf } from "./fixtures/run.ts";

beforeAll(async () => {
  // The fixtures may not download; whatever is missing is fetched here.
  await resolvePostgres({ allowDownload: true });
  await resolvePooler({ allowDownload: true });
});

describe("a process that started a testbed", { timeout: 60_000 }, () => {
  it("leaves no server and no file behind when it is killed; root's servers are nobody's", async () => {
    const { child, held } = await hold("wait");
    const owners = await Promise.all(held.pids.map(ownerOf));
    expect(existsSync(held.caFile)).toBe(true);

    child.kill("SIGKILL");

    expect(await allEnd(held.pids)).toBe(true);
    expect(await isGone(dirname(held.caFile))).toBe(true);
    const owner = process.getuid?.() === 0 ? 65_534 : process.getuid?.();
    expect(owners).toEqual([owner, owner]);
  });
});
