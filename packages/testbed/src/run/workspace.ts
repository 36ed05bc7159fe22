import { chmod, chown, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TestbedError } from "../errors.ts";
import { isOpenToAll, serverAccount, type Account } from "./account.ts";
import { startJanitor, type Janitor } from "./janitor.ts";

/** The directory of one testbed, whom it belongs to, and who removes it in the end. */
export interface Workspace {
  readonly dir: string;
  readonly account: Account;
  readonly janitor: Janitor;
  /** Writes a file that only the servers may read. */
  write(name: string, text: string): Promise<string>;
  /** Makes a directory for the servers. */
  subdir(name: string): Promise<string>;
  /** Removes everything. */
  close(): Promise<void>;
}

/** Makes a directory that servers can enter, and sets the janitor to it before anything else. */
export async function openWorkspace(): Promise<Workspace> {
  const account = await serverAccount();
  const dir = await mkdtemp(join(await temporaryDirectory(account), "doorpolicy-testbed-"));
  const janitor = startJanitor(dir);
  const own = async (path: string): Promise<void> => {
    if (account.uid !== undefined && account.gid !== undefined) {
      await chown(path, account.uid, account.gid);
    }
  };
  await own(dir);
  return {
    dir,
    account,
    janitor,
    async write(name, text) {
      const path = join(dir, name);
      await writeFile(path, text, { mode: 0o600 });
      await chmod(path, 0o600);
      await own(path);
      return path;
    },
    async subdir(name) {
      const path = join(dir, name);
      await mkdir(path, { mode: 0o700 });
      await own(path);
      return path;
    },
    async close() {
      // Backends of a killed server may still write their last files.
      await rm(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
      await janitor.dismiss();
    },
  };
}

/** The usual one, unless the servers' account cannot get there. */
async function temporaryDirectory(account: Account): Promise<string> {
  for (const dir of [tmpdir(), "/tmp"]) {
    const there = await stat(dir).catch(() => undefined);
    if (there?.isDirectory() !== true) continue;
    if (account.uid === undefined || (await isOpenToAll(join(dir, ".")))) return dir;
  }
  throw new TestbedError(
    "testbed/temporary-directory",
    "The servers run as `nobody`, who may not enter the directory for temporary files.",
    "Set TMPDIR to a directory that every user may enter.",
  );
}
