import { cp, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { TestbedError } from "../errors.ts";
import { runCommand } from "./command.ts";

/** The ids a server runs with; empty means as this process does. */
export interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * Whom servers run as. PostgreSQL and PgBouncer refuse to run as root; for root it is `nobody`, who
 * is on every system, so that no user has to be created.
 */
export async function serverAccount(): Promise<Account> {
  if (process.getuid?.() !== 0) return {};
  // One file instead of two processes, where the file knows.
  const passwd = await readFile("/etc/passwd", "utf8").catch(() => "");
  const [, user, group] = /^nobody:[^:]*:(\d+):(\d+):/m.exec(passwd) ?? [];
  if (user !== undefined && group !== undefined) return { uid: Number(user), gid: Number(group) };
  const [uid, gid] = await Promise.all([idOf("-u"), idOf("-g")]);
  return { uid, gid };
}

async function idOf(flag: "-u" | "-g"): Promise<number> {
  const { code, stdout } = await runCommand("id", [flag, "nobody"]);
  const id = Number(stdout.trim());
  if (code !== 0 || !Number.isInteger(id)) {
    throw new TestbedError(
      "testbed/account-not-found",
      "This process is root, the servers refuse to run as root, and there is no user `nobody` to run them as.",
      "Run the tests as an ordinary user, or add the user `nobody`.",
    );
  }
  return id;
}

/** Whether any user of this machine may reach and run a file. */
export async function isOpenToAll(file: string): Promise<boolean> {
  if (((await stat(file)).mode & 0o005) !== 0o005) return false;
  for (let dir = dirname(file); ; dir = dirname(dir)) {
    if (((await stat(dir)).mode & 0o001) === 0) return false;
    if (dir === dirname(dir)) return true;
  }
}

/**
 * A path to `file` that `account` can run. When it lies below a directory that `account` may not enter
 * (a project in a 0700 home directory), `tree` around it is copied below `into` (0.1 s for PostgreSQL).
 */
export async function runnableBy(
  account: Account,
  { file, tree, into }: { file: string; tree: string; into: string },
): Promise<string> {
  if (account.uid === undefined || (await isOpenToAll(file))) return file;
  const copy = join(into, `copy-of-${basename(tree)}`);
  await cp(tree, copy, { recursive: true, verbatimSymlinks: true });
  await runCommand("chmod", ["-R", "a+rX", copy]);
  return join(copy, file.slice(tree.length + 1));
}
