import { createHash } from "node:crypto";
import { chmod } from "node:fs/promises";
import { TestbedError } from "../errors.ts";
import { cached } from "../provision/cache.ts";
import { runCommand, throwIfAborted } from "./command.ts";
import { serverEnvironment } from "./server-process.ts";
import type { Workspace } from "./workspace.ts";

/** Name of the cluster's superuser. */
export const SUPERUSER = "postgres";

/** The superuser's password in a cluster that nobody has populated yet. */
export const FRESH_PASSWORD = "fresh";

/** What an empty cluster is made with. */
export interface ClusterRequest {
  /** The program, in a place where the servers' account can run it. */
  readonly initdb: string;
  /** Where PostgreSQL was found, before any copy. */
  readonly bin: string;
  /** Full version of PostgreSQL. */
  readonly version: string;
  /** Directory of the cluster to be. */
  readonly data: string;
  readonly workspace: Workspace;
  readonly cacheDir: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes an empty cluster. `initdb` takes 0.5 s on an idle machine and several on a busy one, so its
 * result is kept in the cache and copied; where the cache cannot be written to, `initdb` runs each time.
 */
export async function makeCluster(request: ClusterRequest): Promise<void> {
  const { data, workspace, signal } = request;
  const { uid, gid } = workspace.account;
  const template = await templateOf(request).catch((error: unknown) => {
    throwIfAborted(signal);
    if (error instanceof TestbedError) throw error;
    return undefined;
  });
  if (template !== undefined) {
    const copied = await copyTree(template, data, signal);
    if (copied && uid !== undefined) await runCommand("chown", ["-R", `${uid}:${gid}`, data]);
    if (copied) return chmod(data, 0o700);
    await runCommand("rm", ["-rf", data]);
  }
  await initialise(request, data);
}

async function templateOf(request: ClusterRequest): Promise<string> {
  const { bin, version, workspace, cacheDir, signal } = request;
  // Two builds of one version may differ in block size; a path tells them apart.
  const build = createHash("sha256").update(bin).digest("hex").slice(0, 8);
  const name = `cluster-${version}-${process.platform}-${process.arch}-${build}`;
  return cached({ cacheDir, name, signal }, async (draft) => {
    const fresh = await workspace.subdir("fresh");
    await initialise(request, fresh);
    if (!(await copyTree(fresh, draft, signal))) throw new Error("the cache took no copy");
  });
}

async function copyTree(
  from: string,
  to: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { code } = await runCommand("cp", ["-R", `${from}/.`, to], { signal });
  return code === 0;
}

async function initialise(
  { initdb, workspace, signal }: ClusterRequest,
  data: string,
): Promise<void> {
  const passwordFile = await workspace.write("superuser", FRESH_PASSWORD);
  const { code, stdout, stderr } = await runCommand(
    initdb,
    [
      `--pgdata=${data}`,
      `--username=${SUPERUSER}`,
      // A SCRAM verifier also serves where `pg_hba.conf` says md5; see the file written at start.
      "--auth=scram-sha-256",
      `--pwfile=${passwordFile}`,
      "--encoding=UTF8",
      "--locale=C",
      "--no-sync",
      "--no-instructions",
    ],
    { ...workspace.account, cwd: workspace.dir, env: serverEnvironment(), signal },
  );
  if (code === 0) return;
  throw new TestbedError(
    "testbed/postgres-start-failed",
    `initdb ended with ${code}: ${(stderr.trim() || stdout.trim()).split("\n").slice(-3).join(" ")}`,
    "Try another PostgreSQL with `postgres.bin` or `postgres.version`.",
  );
}
