import { spawn } from "node:child_process";
import { once } from "node:events";
import { throwIfAborted } from "./command.ts";
import type { Account } from "./account.ts";
import type { Janitor } from "./janitor.ts";
import type { LogFile } from "./log.ts";
import { poll } from "./poll.ts";

/** How one server is started, recognised as ready, and stopped. */
export interface ServerCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly account: Account;
  readonly log: LogFile;
  readonly janitor: Janitor;
  /** What its log says once it accepts connections. */
  readonly ready: RegExp;
  /** What ends it at once and leaves clients no say: SIGINT for PostgreSQL, SIGQUIT for PgBouncer. */
  readonly stopSignal: NodeJS.Signals;
  readonly signal?: AbortSignal | undefined;
}

/** A server that runs. */
export interface ServerProcess {
  readonly pid: number;
  /** Resolves when it has ended, for whatever reason. */
  readonly exited: Promise<void>;
  hasExited(): boolean;
  /** Ends it and resolves when it is gone: first its stop signal, SIGKILL after five seconds. */
  stop(): Promise<void>;
}

/** The server ended, or said nothing of use, before it was ready. */
export interface FailedStart {
  readonly failed: string;
}

/** Long enough for crash recovery on a slow machine; a start takes 0.02 to 0.1 s. */
const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 5_000;

/** A pool of thousands of clients needs more descriptors than the usual soft limit of 1024. */
const RAISE_LIMITS = `
limit=$(ulimit -H -n)
if [ "$limit" = unlimited ] || [ "$limit" -gt 65536 ]; then limit=65536; fi
ulimit -S -n "$limit" 2>/dev/null
exec "$@"
`;

/** Starts a server in a session of its own and waits until its log says that it is ready. */
export async function startServer(command: ServerCommand): Promise<ServerProcess | FailedStart> {
  const { account, cwd, janitor, log, stopSignal } = command;
  const from = log.size();
  const child = spawn("/bin/sh", ["-c", RAISE_LIMITS, "sh", command.file, ...command.args], {
    cwd,
    ...account,
    env: serverEnvironment(),
    // Ctrl-C in a terminal is for Node, which stops its servers in order.
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
  });
  const { pid } = child;
  if (pid === undefined) {
    const [error]: unknown[] = await once(child, "error");
    return { failed: String(error) };
  }
  janitor.watch(pid, stopSignal);
  let over = false;
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => {
      over = true;
      janitor.forget(pid);
      resolve();
    });
  });
  const stop = async (): Promise<void> => {
    if (over) return;
    child.kill(stopSignal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
  };
  const outcome = await poll(
    () => {
      if (over || command.signal?.aborted === true) return "gone";
      return command.ready.test(log.read(from)) ? "ready" : undefined;
    },
    { timeoutMs: READY_TIMEOUT_MS, intervalMs: 5 },
  );
  if (outcome !== "ready") {
    await stop();
    throwIfAborted(command.signal);
    const said = log.read(from).trim();
    return { failed: said === "" ? "it ended without a word" : said };
  }
  return { pid, exited, hasExited: () => over, stop };
}

/** Nothing of ours: a `PGPORT` or `PGDATA` of the developer's shell must not reach the servers. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const kept = ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"] as const;
  const entries = kept.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(entries), LC_ALL: "C", TZ: "UTC" };
}
