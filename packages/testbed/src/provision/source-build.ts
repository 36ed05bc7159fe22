import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, readdir, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { withoutUrls } from "../errors.ts";
import { runCommand } from "../run/command.ts";
import { readAptSources } from "./apt-sources.ts";
import { cached, exists, poolerEntryName, writeOrigin } from "./cache.ts";
import { hasApt, openPrivateApt } from "./private-apt.ts";
import { NotThisWay, type PrefixRequest } from "./private-prefix.ts";

/**
 * Builds PgBouncer from the upstream archive that Debian and Ubuntu mirrors keep, checked against the
 * SHA-256 pinned here (14 to 21 s). No root; needs a C compiler, make, pkg-config and OpenSSL's headers.
 * libevent's are taken from the machine, or else unpacked privately from its own suite and linked in.
 *
 * Throws {@link NotThisWay} with the reason.
 */
export async function buildFromSource({
  cacheDir,
  kind,
  pin,
  signal,
}: PrefixRequest): Promise<string> {
  if (pin?.source === undefined)
    throw new NotThisWay(`no source archive of this ${kind} is pinned`);
  const { version, source } = pin;
  const missing = await missingTools();
  if (missing.length > 0) throw new NotThisWay(`missing here: ${missing.join(", ")}`);
  const name = poolerEntryName(kind, version, "built");
  const entry = await cached({ cacheDir, name, signal }, async (dir) => {
    const scratch = join(dir, "scratch");
    await mkdir(scratch);
    const archive = join(scratch, `${kind}_${version}.orig.tar.gz`);
    await fetchArchive(archive, { kind, sha256: source.sha256, signal });
    await run("tar", ["-xzf", archive, "-C", scratch], scratch, signal);
    const tree = (await readdir(scratch)).find((each) => each.startsWith(`${kind}-`));
    if (tree === undefined) throw new NotThisWay("the archive holds no source tree");
    const cwd = join(scratch, tree);
    const libevent = await libeventFlags(join(scratch, "libevent"), signal);
    await run("./configure", ["--without-cares", "--without-systemd", ...libevent], cwd, signal);
    await run("make", ["-j", String(availableParallelism()), kind], cwd, signal);
    await copyFile(join(cwd, kind), join(dir, kind));
    await rm(scratch, { recursive: true });
    await runCommand("chmod", ["-R", "a+rX", dir]);
    await writeOrigin(dir, `${kind} ${version}, built from source`);
  });
  return join(entry, kind);
}

async function missingTools(): Promise<string[]> {
  const probes: readonly (readonly [string, string, readonly string[]])[] = [
    ["a C compiler", "cc", ["--version"]],
    ["make", "make", ["--version"]],
    ["pkg-config", "pkg-config", ["--version"]],
    ["OpenSSL headers", "pkg-config", ["--exists", "openssl"]],
  ];
  const codes = await Promise.all(probes.map(([, file, args]) => runCommand(file, args)));
  return probes.flatMap(([what], index) => (codes[index]?.code === 0 ? [] : [what]));
}

/** From any archive this machine's apt uses: the upstream file is the same in Debian and Ubuntu. */
async function fetchArchive(
  archive: string,
  { kind, sha256, signal }: { kind: string; sha256: string; signal?: AbortSignal | undefined },
): Promise<void> {
  const file = archive.slice(archive.lastIndexOf("/") + 1);
  const bases = new Set((await readAptSources()).map(({ uri }) => uri.replace(/\/$/, "")));
  const helper = "/usr/lib/apt/apt-helper";
  if (bases.size === 0 || !(await exists(helper)))
    throw new NotThisWay("this machine has no apt to fetch it with");
  for (const base of bases) {
    for (const component of ["main", "universe"]) {
      const address = `${base}/pool/${component}/${kind[0]}/${kind}/${file}`;
      const { code } = await runCommand(helper, ["download-file", address, archive], { signal });
      if (code !== 0) continue;
      const digest = createHash("sha256")
        .update(await readFile(archive))
        .digest("hex");
      if (digest === sha256) return;
      throw new NotThisWay(`${file} hashes to ${digest}, pinned is ${sha256}`);
    }
  }
  throw new NotThisWay(`no archive of this machine's apt holds ${file}`);
}

/** Nothing when the machine has libevent's headers; else flags for a private, static one. */
async function libeventFlags(dir: string, signal: AbortSignal | undefined): Promise<string[]> {
  const { code } = await runCommand("pkg-config", ["--exists", "libevent"]);
  if (code === 0) return [];
  if (!(await hasApt())) throw new NotThisWay("missing here: libevent headers");
  const apt = await openPrivateApt(join(dir, "apt"), await readAptSources(), signal);
  if ("failed" in apt) throw new NotThisWay("missing here: libevent headers");
  const debs = join(dir, "debs");
  await mkdir(debs);
  const download = await apt.run("apt-get", ["download", "libevent-dev"], debs);
  const [deb] = await readdir(debs);
  if (download.code !== 0 || deb === undefined)
    throw new NotThisWay("missing here: libevent headers");
  await run("dpkg-deb", ["-x", join(debs, deb), dir], dir, signal);
  const lib = join(dir, "usr", "lib");
  const triplet = (await readdir(lib)).find((name) => name.endsWith("-linux-gnu")) ?? "";
  const include = join(dir, "usr", "include");
  return [
    `LIBEVENT_CFLAGS=-I${include} -I${join(include, triplet)}`,
    `LIBEVENT_LIBS=${join(lib, triplet, "libevent.a")}`,
  ];
}

async function run(
  file: string,
  args: string[],
  cwd: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { code, stdout, stderr } = await runCommand(file, args, {
    cwd,
    timeoutMs: 300_000,
    signal,
  });
  if (code === 0) return;
  const said = withoutUrls(stderr.trim() || stdout.trim())
    .split("\n")
    .slice(-2)
    .join(" ");
  throw new NotThisWay(`${file} ended with ${code}: ${said}`);
}
