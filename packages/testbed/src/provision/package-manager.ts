import { withoutUrls } from "../errors.ts";
import { fits, versionIn } from "../config/version.ts";
import { runCommand } from "../run/command.ts";
import { installedPaths } from "./installed.ts";
import { NotThisWay, type PrefixRequest } from "./private-prefix.ts";

/** How one package manager is asked what it offers, and told to install it. */
interface PackageManager {
  readonly program: string;
  readonly needsRoot: boolean;
  offer(name: string): readonly string[];
  install(name: string): readonly string[];
  /** The version on offer in what `offer` printed. */
  candidate(output: string): string | undefined;
}

/** `apt-get` was run on Debian 12; the others follow their documentation. */
export const packageManagers: readonly PackageManager[] = [
  {
    program: "apt-get",
    needsRoot: true,
    offer: (name) => ["-s", "install", name],
    install: (name) => ["install", "-y", "--no-install-recommends", name],
    candidate: (output) => versionIn(/^Inst pgbouncer \(([^ )]+)/m.exec(output)?.[1] ?? ""),
  },
  {
    program: "apk",
    needsRoot: true,
    offer: (name) => ["policy", name],
    install: (name) => ["add", name],
    candidate: (output) => versionIn(/^\s+(\d\S*):$/m.exec(output)?.[1] ?? ""),
  },
  {
    program: "dnf",
    needsRoot: true,
    offer: (name) => ["--quiet", "repoquery", "--queryformat", "%{version}\n", name],
    install: (name) => ["install", "-y", name],
    candidate: (output) => versionIn(output.trim().split("\n").at(-1) ?? ""),
  },
  {
    program: "brew",
    needsRoot: false,
    offer: (name) => ["info", name],
    install: (name) => ["install", name],
    candidate: (output) => versionIn(/stable (\S+)/.exec(output)?.[1] ?? ""),
  },
];

/**
 * Installs a pooler system-wide, after asking which version that would be: another one than the one
 * asked for is not installed. On a machine with systemd Debian's package also starts a service.
 *
 * Throws {@link NotThisWay} with the reason.
 */
export async function installPackage({ kind, asked, signal }: PrefixRequest): Promise<string> {
  if (kind !== "pgbouncer") throw new NotThisWay(`package managers are asked for pgbouncer only`);
  for (const manager of packageManagers) {
    const probe = await runCommand(manager.program, ["--version"]);
    if (probe.code !== 0) continue;
    if (manager.needsRoot && process.getuid?.() !== 0)
      throw new NotThisWay(`${manager.program} takes root`);
    const offer = await runCommand(manager.program, manager.offer(kind), { signal });
    const version = manager.candidate(offer.stdout);
    if (version === undefined || !fits(version, asked)) {
      throw new NotThisWay(`${manager.program} offers ${version ?? "none"}, not ${asked}`);
    }
    const done = await runCommand(manager.program, manager.install(kind), {
      signal,
      timeoutMs: 600_000,
    });
    const [bin] = await installedPaths(kind);
    if (done.code === 0 && bin !== undefined) return bin;
    const said = withoutUrls(done.stderr).trim().split("\n").at(-1) ?? "";
    throw new NotThisWay(`${manager.program} did not install it: ${said}`);
  }
  throw new NotThisWay("this machine has none that is known");
}
