import {
  mkdir,
  mkdtemp,
  open,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { poll } from "../run/poll.ts";
import { throwIfAborted } from "../run/command.ts";

/** Longer than any fetch or build; after that a second process does the work again. */
const LOCK_TIMEOUT_MS = 300_000;
const STALE_MS = 3_600_000;

/** `.doorpolicy` in the project that `cwd` belongs to: the workspace's root, else its package's, else `cwd`. */
export async function defaultCacheDir(cwd: string = process.cwd()): Promise<string> {
  let nearest: string | undefined;
  for (let dir = resolve(cwd); ; dir = dirname(dir)) {
    const manifest = await readManifest(dir);
    if (manifest?.["workspaces"] !== undefined) return join(dir, ".doorpolicy");
    if (manifest !== undefined) nearest ??= dir;
    if (dir === dirname(dir)) return join(nearest ?? resolve(cwd), ".doorpolicy");
  }
}

/** A `package.json`, or nothing when there is none or it cannot be read. */
export async function readManifest(dir: string): Promise<Record<string, unknown> | undefined> {
  try {
    const parsed: unknown = JSON.parse(await readFile(join(dir, "package.json"), "utf8"));
    return recordOf(parsed);
  } catch {
    return undefined;
  }
}

/** The fields of an object that came from JSON; none of anything else. */
export function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value))
    : {};
}

/** Where an entry is, or will be. */
export function entryPath(cacheDir: string, name: string): string {
  return join(cacheDir, "servers", name);
}

/** The entry of one pooler; `how` tells a build from an unpacked package. */
export function poolerEntryName(kind: string, version: string, how?: string): string {
  return [kind, version, process.platform, process.arch, how].filter((part) => part).join("-");
}

/** Entries of one kind whose version, by their name, is one that `wants` wants; oldest first. */
export async function poolerEntries(
  cacheDir: string,
  kind: string,
  wants: (version: string) => boolean,
): Promise<string[]> {
  const names = await readdir(join(cacheDir, "servers")).catch((): string[] => []);
  return names
    .filter((name) => {
      const [, named, version = ""] = /^([a-z]+)-([\d.]+)-/.exec(name) ?? [];
      return named === kind && wants(version) && !name.endsWith(".lock");
    })
    .toSorted((left, right) => left.localeCompare(right))
    .map((name) => entryPath(cacheDir, name));
}

/** Says in the entry itself where it came from. */
export async function writeOrigin(dir: string, origin: string): Promise<void> {
  await writeFile(join(dir, "origin"), `${origin}\n`);
}

/** What {@link writeOrigin} wrote. */
export async function readOrigin(dir: string): Promise<string> {
  return (await readFile(join(dir, "origin"), "utf8").catch(() => "unknown")).trim();
}

/** Whether a path exists. */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * Makes an entry of the cache unless it is there. `fill` works in a directory beside it, which takes
 * its name in one step when it is whole: a killed process leaves no half entry, and of two that race
 * the second takes the first one's. A lock file only saves them from doing the work twice.
 */
export async function cached(
  { cacheDir, name, signal }: { cacheDir: string; name: string; signal?: AbortSignal | undefined },
  fill: (dir: string) => Promise<void>,
): Promise<string> {
  const entry = entryPath(cacheDir, name);
  if (await exists(entry)) return entry;
  await prepare(cacheDir);
  const lock = `${entry}.lock`;
  const mine = await lockOrEntry(lock, entry, signal);
  try {
    if (await exists(entry)) return entry;
    const draft = await mkdtemp(join(dirname(entry), ".draft-"));
    try {
      await fill(draft);
      await publish(draft, entry);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  } finally {
    if (mine) await rm(lock, { force: true });
  }
  return entry;
}

/** Makes the directory, keeps it out of version control, and sweeps what killed processes left. */
async function prepare(cacheDir: string): Promise<void> {
  const servers = join(cacheDir, "servers");
  await mkdir(servers, { recursive: true, mode: 0o755 });
  await writeFile(join(cacheDir, ".gitignore"), "*\n");
  for (const name of await readdir(servers)) {
    if (!name.startsWith(".draft-")) continue;
    const path = join(servers, name);
    const age = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > STALE_MS) await rm(path, { recursive: true, force: true });
  }
}

async function publish(draft: string, entry: string): Promise<void> {
  try {
    await rename(draft, entry);
  } catch (error) {
    if (!(await exists(entry))) throw error;
  }
}

/** Waits until the lock is ours (`true`), or its holder is done, or it has taken too long (`false`). */
async function lockOrEntry(
  lock: string,
  entry: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const taken = await poll(
    async () => {
      throwIfAborted(signal);
      if (await exists(entry)) return "no";
      if (await take(lock)) return "yes";
      if (await isOrphaned(lock)) await rm(lock, { force: true });
      return undefined;
    },
    { timeoutMs: LOCK_TIMEOUT_MS, intervalMs: 50 },
  );
  return taken === "yes";
}

async function take(lock: string): Promise<boolean> {
  try {
    const file = await open(lock, "wx");
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

async function isOrphaned(lock: string): Promise<boolean> {
  const pid = Number(await readFile(lock, "utf8").catch(() => ""));
  // Its holder has made it and not yet written into it.
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    // EPERM: somebody else's, and alive.
    return errorCode(error) !== "EPERM";
  }
}

function errorCode(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
