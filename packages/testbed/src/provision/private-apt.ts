import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand, type CommandResult } from "../run/command.ts";
import { sourcesText, type AptSource } from "./apt-sources.ts";

/** An apt of our own: its lists, its cache and an empty list of installed packages in one directory. */
export interface PrivateApt {
  /** Runs `apt-get`, `apt-cache` … against the private state; nothing of the machine is changed. */
  run(program: string, args: readonly string[], cwd?: string): Promise<CommandResult>;
}

/** Whether this machine has what a private apt takes. */
export async function hasApt(): Promise<boolean> {
  const probes = await Promise.all([
    runCommand("apt-get", ["--version"]),
    runCommand("dpkg-deb", ["--version"]),
  ]);
  return probes.every(({ code }) => code === 0);
}

/**
 * Sets up a private apt for the given sources and reads their signed indices.
 *
 * Proxies and credentials of the machine's apt stay in force; its hooks, preferences and sources do
 * not. Returns what went wrong as text, with addresses taken out by the caller.
 */
export async function openPrivateApt(
  dir: string,
  sources: readonly AptSource[],
  signal?: AbortSignal,
): Promise<PrivateApt | { readonly failed: string }> {
  for (const part of ["state/lists/partial", "cache/archives/partial", "parts"]) {
    await mkdir(join(dir, part), { recursive: true });
  }
  const status = join(dir, "state", "status");
  await writeFile(status, "");
  const list = join(dir, "private.sources");
  await writeFile(list, sourcesText(sources));
  const config = join(dir, "apt.conf");
  const settings: Record<string, string> = {
    "Dir::State": join(dir, "state"),
    "Dir::State::lists": join(dir, "state", "lists"),
    "Dir::State::status": status,
    "Dir::Cache": join(dir, "cache"),
    "Dir::Etc::sourcelist": list,
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::Etc::parts": join(dir, "parts"),
    "Dir::Etc::main": "/dev/null",
    "Dir::Etc::preferences": "/dev/null",
    "Dir::Etc::preferencesparts": "/dev/null",
    "APT::Sandbox::User": "",
    "Debug::NoLocking": "1",
    "Acquire::Languages": "none",
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} "${value}";`);
  await writeFile(config, [...(await transportSettings(signal)), ...lines, ""].join("\n"));

  const run: PrivateApt["run"] = (program, args, cwd = dir) =>
    runCommand(program, args, {
      cwd,
      env: { ...process.env, APT_CONFIG: config, LC_ALL: "C" },
      timeoutMs: 300_000,
      signal,
    });
  const update = await run("apt-get", ["update", "--error-on=any"]);
  return update.code === 0 ? { run } : { failed: update.stderr.trim() || update.stdout.trim() };
}

/** How this machine reaches its mirror: proxies, certificates, retries. */
async function transportSettings(signal: AbortSignal | undefined): Promise<string[]> {
  const { stdout } = await runCommand("apt-config", ["dump"], { signal });
  return stdout.split("\n").filter((line) => /^Acquire::(https?|Retries)\b/.test(line));
}

/** `VERSION_CODENAME` and `PRETTY_NAME` of this machine. */
export async function readOsRelease(): Promise<{ codename?: string; name?: string }> {
  const text = await readFile("/etc/os-release", "utf8").catch(() => "");
  const field = (key: string): string | undefined =>
    new RegExp(`^${key}="?([^"\n]*)"?$`, "m").exec(text)?.[1];
  const codename = field("VERSION_CODENAME");
  const name = field("PRETTY_NAME");
  return { ...(codename !== undefined && { codename }), ...(name !== undefined && { name }) };
}
