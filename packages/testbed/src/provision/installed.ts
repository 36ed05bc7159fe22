import { readdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { versionIn } from "../config/version.ts";
import { runCommand } from "../run/command.ts";
import { exists } from "./cache.ts";

/** Directories of the search path, and those that administrators' programs live in. */
function searchPath(): string[] {
  const path = (process.env["PATH"] ?? "").split(delimiter).filter((dir) => dir !== "");
  return [...path, "/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"];
}

/** Every place on this machine where a program of this name may be, best first. */
export async function installedPaths(program: string): Promise<string[]> {
  const candidates = [...new Set(searchPath().map((dir) => join(dir, program)))];
  const there = await Promise.all(candidates.map(exists));
  return candidates.filter((_, index) => there[index]);
}

/** Directories that hold an installed PostgreSQL of a major version: Debian's, Homebrew's, the path. */
export async function installedPostgresDirs(major: string): Promise<string[]> {
  const known = [
    `/usr/lib/postgresql/${major}/bin`,
    `/usr/pgsql-${major}/bin`,
    `/opt/homebrew/opt/postgresql@${major}/bin`,
    `/usr/local/opt/postgresql@${major}/bin`,
    `/Applications/Postgres.app/Contents/Versions/${major}/bin`,
    ...searchPath(),
  ];
  const dirs: string[] = [];
  for (const dir of new Set(known)) {
    const names = await readdir(dir).catch((): string[] => []);
    if (names.includes("initdb") && names.includes("postgres")) dirs.push(dir);
  }
  return dirs;
}

/** What a server program says about its version; `undefined` when it does not run. */
export async function versionOf(program: string): Promise<string | undefined> {
  const { code, stdout, stderr } = await runCommand(program, ["--version"], { timeoutMs: 30_000 });
  return code === 0 ? versionIn(stdout + stderr) : undefined;
}
