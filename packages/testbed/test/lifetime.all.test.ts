import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { resolvePooler, resolvePostgres } from "@doorpolicy/testbed";
import { hold, isGone } from "./fixtures/hold-child.ts";
import { allEnd } from "./fixtures/run.ts";

beforeAll(async () => {
  // The fixtures may not download; whatever is missing is fetched here.
  await resolvePostgres({ allowDownload: true });
  await resolvePooler({ allowDownload: true });
});

describe("a process that started a testbed", { timeout: 60_000 }, () => {
  it("leaves none behind when it ends without stopping it", async () => {
    const { held } = await hold("exit");

    expect(await allEnd(held.pids)).toBe(true);
    expect(await isGone(dirname(held.caFile))).toBe(true);
  });

  // Another user is made with setpriv, which takes root and Linux.
  it.skipIf(process.getuid?.() !== 0 || process.platform !== "linux")(
    "that is an ordinary user's has servers of that user",
    async () => {
      const home = await mkdtemp(join(tmpdir(), "ordinary-"));
      await chmod(home, 0o777);
      const wrapper = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

      const { child, held } = await hold("wait", { wrapper, env: { HOME: home, TMPDIR: home } });

      expect(held.uid).toBe(65_534);
      expect(held.versions.postgres).toMatch(/^17\./);
      child.kill("SIGKILL");
      expect(await allEnd(held.pids)).toBe(true);
      expect(await isGone(dirname(held.caFile))).toBe(true);
      await rm(home, { recursive: true });
    },
  );
});
