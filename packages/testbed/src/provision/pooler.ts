import { dirname, join } from "node:path";
import { TestbedError } from "../errors.ts";
import type { PoolerKind, PoolerOptions, ProvisionOptions } from "../options.ts";
import { fits, isAtLeast } from "../config/version.ts";
import { defaultCacheDir, poolerEntries, readOrigin } from "./cache.ts";
import { installedPaths, versionOf } from "./installed.ts";
import { installPackage } from "./package-manager.ts";
import { defaultPoolerVersion, POOLER_FLOOR, poolerPins } from "./pins.ts";
import { hasApt } from "./private-apt.ts";
import { fetchPrefix, NotThisWay } from "./private-prefix.ts";
import {
  describeAttempts,
  type Attempt,
  type ResolvedPooler,
  type Unavailable,
} from "./resolution.ts";
import { buildFromSource } from "./source-build.ts";

/** Which pooler, and where it may come from. */
export interface PoolerRequest
  extends ProvisionOptions, Pick<PoolerOptions, "kind" | "version" | "bin"> {}

/**
 * Finds a pooler, starting none: the given executable; `PGBOUNCER_BIN`; PATH and the usual places;
 * the cache; and with `allowDownload` a private prefix from the Debian package, else a build from
 * source; with `allowSystemPackages` the package manager. Only a version that fits what was asked is
 * taken. One that cannot be had comes back as {@link Unavailable}, so that a suite can skip with the
 * reason.
 *
 * With `allowDownload` it does download: afterwards the pooler is here. Throws `testbed/aborted`.
 */
export async function resolvePooler(
  request: PoolerRequest = {},
): Promise<ResolvedPooler | Unavailable> {
  const search = searchFor(request);
  const { asked, attempts, kind } = search;
  request.onProgress?.({ step: "find-pooler", detail: `${kind} ${asked}` });
  if (request.bin !== undefined) return given(request.bin, search, request.version);

  const found =
    (await installed(search, asked)) ?? (await fromCache(search)) ?? (await fetched(search));
  if (found !== undefined) return found;
  if (request.version === undefined) {
    // Nobody asked for a version: one that is here is better than none, and `versions` says which.
    const other = await installed({ ...search, attempts: [] }, undefined);
    if (other !== undefined) return other;
  }
  const refused = request.allowDownload !== true;
  return {
    unavailable: describeAttempts(`${kind} ${asked}`, attempts),
    code: refused
      ? "testbed/download-not-allowed"
      : request.version === undefined
        ? "testbed/pooler-not-found"
        : "testbed/version-unavailable",
    hint: refused
      ? `Set \`allowDownload: true\` (\`--allow-download\`), or install ${kind} and set \`pooler.bin\` to it.`
      : `Install ${kind} ${asked} and set \`pooler.bin\` to the executable.`,
  };
}

interface Search {
  readonly request: PoolerRequest;
  readonly kind: PoolerKind;
  /** The version asked for, or the default. */
  readonly asked: string;
  readonly attempts: Attempt[];
}

function searchFor(request: PoolerRequest): Search {
  const kind = request.kind ?? "pgbouncer";
  if (!(kind in defaultPoolerVersion)) {
    throw new TestbedError(
      "testbed/invalid-option",
      `\`pooler.kind\` is "${kind}"; the testbed knows "pgbouncer" and "odyssey".`,
      "Set one of these, or pass `pooler.url` for a pooler that already runs.",
    );
  }
  const asked = request.version ?? defaultPoolerVersion[kind];
  if (!/^\d+\.\d+(\.\d+)?$/.test(asked)) {
    throw new TestbedError(
      "testbed/invalid-option",
      `\`pooler.version\` is "${asked}"; a version is two or three numbers with points between them.`,
      'Set it to something like "1.24" or "1.24.1".',
    );
  }
  return { request, kind, asked, attempts: [] };
}

async function given(
  bin: string,
  { kind }: Search,
  asked: string | undefined,
): Promise<ResolvedPooler | Unavailable> {
  const version = await versionOf(bin);
  const why =
    version === undefined
      ? "it does not run, or does not say its version"
      : asked !== undefined && !fits(version, asked)
        ? `it is ${version}`
        : belowFloor(kind, version);
  if (version !== undefined && why === undefined) return { kind, bin, version, source: "given" };
  return {
    unavailable: describeAttempts(asked === undefined ? kind : `${kind} ${asked}`, [
      { where: bin, why: why ?? "" },
    ]),
    code: version === undefined ? "testbed/pooler-not-found" : "testbed/version-unavailable",
    hint: "Set `pooler.bin` to an executable of that version, or leave it out.",
  };
}

function belowFloor(kind: PoolerKind, version: string): string | undefined {
  const floor = POOLER_FLOOR[kind];
  return isAtLeast(version, floor)
    ? undefined
    : `${version} is older than ${floor}, the oldest one supported`;
}

/** `PGBOUNCER_BIN`, PATH and the usual places; any supported version when none is asked for. */
async function installed(
  { kind, attempts }: Search,
  asked: string | undefined,
): Promise<ResolvedPooler | undefined> {
  const named = kind === "pgbouncer" ? process.env["PGBOUNCER_BIN"] : undefined;
  const places = [
    ...(named === undefined || named === "" ? [] : [{ bin: named, source: "PGBOUNCER_BIN" }]),
    ...(await installedPaths(kind)).map((bin) => ({ bin, source: "installed" })),
  ];
  for (const { bin, source } of places) {
    const version = await versionOf(bin);
    const where = source === "installed" ? bin : source;
    if (version === undefined) attempts.push({ where, why: "it does not run" });
    else if (asked !== undefined && !fits(version, asked))
      attempts.push({ where, why: `it is ${version}` });
    else {
      const why = belowFloor(kind, version);
      if (why === undefined) return { kind, bin, version, source };
      attempts.push({ where, why });
    }
  }
  if (places.length === 0) attempts.push({ where: "installed", why: "none" });
  return undefined;
}

async function fromCache({
  request,
  kind,
  asked,
  attempts,
}: Search): Promise<ResolvedPooler | undefined> {
  const cacheDir = request.cacheDir ?? (await defaultCacheDir());
  for (const entry of await poolerEntries(cacheDir, kind, (version) => fits(version, asked))) {
    const bin = join(entry, kind);
    const version = await versionOf(bin);
    if (version !== undefined && fits(version, asked)) {
      return { kind, bin, version, source: await readOrigin(entry) };
    }
  }
  attempts.push({ where: "cache", why: "not there" });
  return undefined;
}

type Way = readonly [where: string, get: () => Promise<string>];

async function fetched(search: Search): Promise<ResolvedPooler | undefined> {
  const { request, kind, asked, attempts } = search;
  const { signal } = request;
  const pin = poolerPins.find((each) => each.kind === kind && fits(each.version, asked));
  const cacheDir = request.cacheDir ?? (await defaultCacheDir());
  const common = { cacheDir, kind, pin, asked, signal };
  const ways: Way[] = [];
  if (request.allowDownload !== true) attempts.push({ where: "download", why: "not allowed" });
  else {
    if (await hasApt()) {
      ways.push([
        "private prefix",
        () => {
          request.onProgress?.({
            step: "fetch-pooler",
            detail: `${kind} ${pin?.version ?? asked}`,
          });
          return fetchPrefix(common);
        },
      ]);
    } else attempts.push({ where: "private prefix", why: "this machine has no apt" });
    ways.push([
      "source",
      () => {
        request.onProgress?.({
          step: "build-pooler",
          detail: `${kind} ${pin?.version ?? asked} from source`,
        });
        return buildFromSource(common);
      },
    ]);
  }
  if (request.allowSystemPackages === true) {
    ways.push([
      "package manager",
      () => {
        request.onProgress?.({ step: "fetch-pooler", detail: `${kind} ${asked}, system-wide` });
        return installPackage(common);
      },
    ]);
  }
  for (const [where, get] of ways) {
    try {
      const bin = await get();
      const version = await versionOf(bin);
      if (version !== undefined && fits(version, asked)) {
        return {
          kind,
          bin,
          version,
          source: where === "package manager" ? where : await readOrigin(dirname(bin)),
        };
      }
      attempts.push({ where, why: version === undefined ? "it does not run" : `it is ${version}` });
    } catch (error) {
      if (!(error instanceof NotThisWay)) throw error;
      attempts.push({ where, why: error.message });
    }
  }
  return undefined;
}
