import { chmod, cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { resolvePooler, resolvePostgres, startTestbed } from "@doorpolicy/testbed";
import { defaultCacheDir } from "../src/provision/cache.ts";
import { poolerPins } from "../src/provision/pins.ts";
import { hasApt } from "../src/provision/private-apt.ts";
import { fetchPrefix } from "../src/provision/private-prefix.ts";
import { buildFromSource } from "../src/provision/source-build.ts";
import { hold, isGone } from "./fixtures/hold-child.ts";
import { allEnd, execute, fixtureCommand, ownerOf } from "./fixtures/run.ts";

/** Fetching and building take their time. */
const SLOW = { timeout: 180_000 };

let project: string;
let cacheDir: string;
beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), "provision-"));
  cacheDir = join(project, ".doorpolicy");
  await chmod(project, 0o755);
});
afterEach(() => rm(project, { recursive: true, force: true }));

const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
const canChangeUser = process.getuid?.() === 0 && process.platform === "linux";

describe("from nothing", () => {
  it("two servers are fetched, started and asked", SLOW, async () => {
    await using bed = await startTestbed({ cacheDir, allowDownload: true });

    const [row] = await bed.sql("select 1 as one");

    expect(row).toEqual({ one: "1" });
    expect(await readdir(join(cacheDir, "servers"))).toHaveLength(3);
    expect(await readFile(join(cacheDir, ".gitignore"), "utf8")).toBe("*\n");
  });

  it("two processes that begin at once end with one whole cache", SLOW, async () => {
    const [file = "", ...args] = fixtureCommand("fetch", cacheDir);

    const [first, second] = await Promise.all([execute(file, args), execute(file, args)]);

    expect(JSON.parse(first.stdout)).toEqual(JSON.parse(second.stdout));
    const names = await readdir(join(cacheDir, "servers"));
    expect(names).toHaveLength(2);
    expect(names.filter((name) => name.startsWith(".") || name.endsWith(".lock"))).toEqual([]);
  });

  it.runIf(canChangeUser)("an ordinary user needs no root for any of it", SLOW, async () => {
    await chmod(project, 0o777);
    const [file = "", ...args] = [...asNobody, ...fixtureCommand("fetch", cacheDir)];

    // A runner started by npm hands its own npm settings down, root's cache among them.
    const kept = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name));
    const env = { ...Object.fromEntries(kept), HOME: project, TMPDIR: project };
    const { stdout } = await execute(file, args, { env });

    const [postgres, pooler] = JSON.parse(stdout);
    expect(postgres).toMatchObject({ version: expect.stringMatching(/^17\./) });
    expect(pooler).toMatchObject({
      version: "1.24.1",
      source: expect.stringContaining("unpacked"),
    });
  });
});

describe("a PgBouncer package", () => {
  const [pin] = poolerPins.filter(({ version }) => version === "1.24.1");
  if (pin === undefined) throw new Error("1.24.1 is not pinned");

  it("that is not the pinned one is not taken", SLOW, async ({ skip }) => {
    skip(!(await hasApt()), "this machine has no apt");
    const sha256 = { amd64: "0".repeat(64), arm64: "0".repeat(64) };
    const other = { ...pin, package: { ...pin.package, sha256 } };

    const failure = fetchPrefix({ cacheDir, kind: "pgbouncer", pin: other, asked: "1.24.1" });

    await expect(failure).rejects.toThrow(/hashes to/);
    expect(await readdir(join(cacheDir, "servers"))).toEqual([]);
  });

  it(
    "whose revision the suite no longer has is not replaced by another",
    SLOW,
    async ({ skip }) => {
      skip(!(await hasApt()), "this machine has no apt");
      const gone = { ...pin, package: { ...pin.package, version: "1.24.1-1+deb13u999" } };

      const failure = fetchPrefix({ cacheDir, kind: "pgbouncer", pin: gone, asked: "1.24.1" });

      await expect(failure).rejects.toThrow(/trixie offers 1\.24\.1.*not 1\.24\.1-1\+deb13u999/);
    },
  );

  it("built from its source runs before PostgreSQL", SLOW, async ({ skip }) => {
    skip(!(await hasApt()), "the archive is fetched with apt's helper");
    const bin = await buildFromSource({ cacheDir, kind: "pgbouncer", pin, asked: "1.24.1" });

    await using bed = await startTestbed({
      allowDownload: true,
      pooler: { bin },
      tls: true,
      auth: "scram",
    });

    expect(bed.versions.pooler).toBe("1.24.1");
    expect(await readFile(join(dirname(bin), "origin"), "utf8")).toContain("built from source");
    expect(await readdir(dirname(bin))).toEqual(["origin", "pgbouncer"]);
  });

  it("the machine's own suite offers is taken without a pin", SLOW, async ({ skip }) => {
    skip(!(await hasApt()), "this machine has no apt");
    const { stdout } = await execute("apt-cache", ["policy", "pgbouncer"]);
    const own = /Candidate: (\d+\.\d+)/.exec(stdout)?.[1];
    skip(own === undefined, "this machine's apt has no lists");

    const bin = await fetchPrefix({ cacheDir, kind: "pgbouncer", asked: own ?? "" });

    const { stdout: says } = await execute(bin, ["--version"]);
    expect(says).toContain(`PgBouncer ${own}`);
  });
});

describe("a project that others may not enter", () => {
  it.runIf(canChangeUser)("still has servers that run as nobody", SLOW, async () => {
    await resolvePostgres({ allowDownload: true });
    await resolvePooler({ allowDownload: true });
    await mkdir(join(cacheDir, "servers"), { recursive: true });
    const shared = join(await defaultCacheDir(), "servers");
    for (const name of await readdir(shared)) {
      if (!/^(postgres-17|pgbouncer-1\.24\.1)/.test(name)) continue;
      await cp(join(shared, name), join(cacheDir, "servers", name), {
        recursive: true,
        verbatimSymlinks: true,
      });
    }
    await chmod(project, 0o700);

    await using bed = await startTestbed({ cacheDir });

    const owners = await Promise.all([bed.postgres?.pid ?? 0, bed.pooler?.pid ?? 0].map(ownerOf));
    expect(owners).toEqual([65_534, 65_534]);
    await expect(bed.admin("SHOW VERSION")).resolves.toHaveLength(1);
  });
});

describe("a killed process", () => {
  it("leaves nothing behind when one of its servers is frozen", SLOW, async () => {
    const { child, held } = await hold("wait");
    process.kill(held.pids[1] ?? 0, "SIGSTOP");

    child.kill("SIGKILL");

    expect(await allEnd(held.pids)).toBe(true);
    expect(await isGone(dirname(held.caFile))).toBe(true);
  });
});

describe("a download that fails", () => {
  it("says so, without the address it was tried at", SLOW, async () => {
    await writeFile(
      join(project, ".npmrc"),
      "registry=http://user:hunter2@127.0.0.1:9/\nfetch-retries=0\n",
    );
    await writeFile(join(project, "package.json"), "{}");

    const found = await resolvePostgres({ version: "18", cacheDir, allowDownload: true });

    expect(found).toMatchObject({
      code: "testbed/postgres-not-found",
      unavailable: expect.stringContaining("npm could not fetch"),
    });
    expect(JSON.stringify(found)).not.toMatch(/hunter2|127\.0\.0\.1/);
  });
});
