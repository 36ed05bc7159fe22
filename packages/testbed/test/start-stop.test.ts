import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import pg from "pg";
import { describe, expect, it, vi } from "vitest";
import { isTestbedError, startTestbed } from "@doorpolicy/testbed";
import { one } from "./fixtures/one.ts";
import { allEnd } from "./fixtures/run.ts";

describe("a testbed without a pooler", { timeout: 60_000 }, () => {
  it("gives the direct URL for every lane, and says that there is no console", async () => {
    await using alone = await startTestbed({ allowDownload: true, pooler: false });

    const { pooled, session, direct } = alone.urls;

    expect([pooled, session]).toEqual([direct, direct]);
    await expect(one(pooled, "select 1")).resolves.toBe(1);
    expect(() => alone.urls.admin).toThrowError(/no pooler/);
    await expect(alone.admin("SHOW POOLS")).rejects.toMatchObject({
      code: "testbed/no-admin-console",
    });
    await expect(alone.restartPooler()).rejects.toMatchObject({ code: "testbed/pooler-not-owned" });
    expect(JSON.stringify(alone.urls)).not.toContain("admin");
  });
});

describe("options that no server could start with", { timeout: 60_000 }, () => {
  it.each([
    [`{ "poolSize": 0 }`, "poolSize"],
    [`{ "poolMode": "sesion" }`, "poolMode"],
    [`{ "auth": "none" }`, "auth"],
    [`{ "database": "a b" }`, "database"],
    [`{ "user": "x; --" }`, "user"],
    [`{ "user": "postgres" }`, "user"],
    [`{ "databases": ["app_session"] }`, "database"],
    [`{ "password": "very\\nsecret" }`, "password"],
    [`{ "postgres": { "version": "14" } }`, "postgres.version"],
    [`{ "pooler": { "version": "latest" } }`, "pooler.version"],
    [`{ "pooler": { "kind": "pgpool" } }`, "pooler.kind"],
    [`{ "pooler": { "port": 70000 } }`, "pooler.port"],
    [`{ "pooler": { "settings": { "a": "1\\nadmin_users = x" } } }`, "pooler.settings.a"],
    [`{ "postgres": { "url": "mysql://u:verysecret@h/d" } }`, "postgres.url"],
    [`{ "pooler": { "url": "verysecret" } }`, "pooler.url"],
  ])("%s is refused by name", async (json, name) => {
    const error: unknown = await startTestbed(JSON.parse(json)).catch((reason: unknown) => reason);

    expect(isTestbedError(error) && error.code).toBe("testbed/invalid-option");
    expect(String(error)).toContain(`\`${name}\``);
    expect(String(error)).not.toMatch(/very\s*secret/);
  });
});

describe("a key that is none", () => {
  it.each([
    [`{ "pooler": { "verison": "1.24" } }`, "`pooler.verison`", "did you mean `pooler.version`?"],
    [
      `{ "postgres": { "setings": {} } }`,
      "`postgres.setings`",
      "did you mean `postgres.settings`?",
    ],
    [`{ "poolsize": 3 }`, "`poolsize`", "did you mean `poolSize`?"],
    [`{ "constructor": "verysecret" }`, "`constructor`", "known here: allowDownload, "],
  ])("%s is refused, with the nearest one that is", async (json, name, says) => {
    const error: unknown = await startTestbed(JSON.parse(json)).catch((reason: unknown) => reason);

    expect(isTestbedError(error) && error.code).toBe("testbed/invalid-option");
    expect(String(error)).toContain(`${name} is not an option of the testbed; ${says}`);
    expect(String(error)).not.toContain("verysecret");
  });
});

describe("stop()", { timeout: 60_000 }, () => {
  it("ends both servers, removes their files, and may be called again", async () => {
    const other = await startTestbed({ allowDownload: true, tls: true });
    const pids = [other.postgres?.pid ?? 0, other.pooler?.pid ?? 0];
    const dir = dirname(other.caFile ?? "");
    expect(existsSync(dir)).toBe(true);

    await Promise.all([other.stop(), other.stop()]);
    await other.stop();

    expect(await allEnd(pids)).toBe(true);
    expect(existsSync(dir)).toBe(false);
    await expect(other.restartPooler()).rejects.toMatchObject({ code: "testbed/stopped" });
  });

  it("cuts clients that are in a transaction, and is not held up by them", async () => {
    const other = await startTestbed({ allowDownload: true });
    const client = new pg.Client({ connectionString: other.urls.pooled });
    const cut = new Promise((resolve) => client.once("error", resolve));
    await client.connect();
    await client.query("begin");
    const from = Date.now();

    await other.stop();

    expect(Date.now() - from).toBeLessThan(3_000);
    await cut;
  });
});

describe("a signal", { timeout: 60_000 }, () => {
  it("that aborts while the servers start leaves nothing behind", async () => {
    const dir = mkdtempSync(join(tmpdir(), "abort-"));
    chmodSync(dir, 0o755);
    vi.stubEnv("TMPDIR", dir);
    const controller = new AbortController();

    const failure = startTestbed({
      allowDownload: true,
      signal: controller.signal,
      onProgress: ({ step }) => {
        if (step === "start-pooler") controller.abort(new Error("enough"));
      },
    });

    await expect(failure).rejects.toMatchObject({ code: "testbed/aborted" });
    expect(readdirSync(dir)).toEqual([]);
    vi.unstubAllEnvs();
    rmSync(dir, { recursive: true });
  });
});
