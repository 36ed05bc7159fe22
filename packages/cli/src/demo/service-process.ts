import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { scrubbed } from "../scrub.ts";
import { serviceMessageFrom } from "./messages.ts";
import type { ServiceOptions } from "./service.ts";

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 10_000;

/** A service of the demo in a process of its own. */
export interface RunningService {
  readonly port: number;
  /** Rules of the violations that were reported up to now. */
  readonly violations: readonly string[];
  /** Ends it the polite way, and after 10 s the other one. Resolves when the process is gone. */
  stop(): Promise<void>;
}

/**
 * Starts a service by running this very program again with a hidden command, so that it works from
 * the sources and from the build alike. The URL goes through the environment: arguments are public.
 * The signal kills it; whatever waits for it rejects then.
 */
export async function startService(
  options: ServiceOptions & { readonly signal: AbortSignal },
): Promise<RunningService> {
  const entry = process.argv[1];
  if (entry === undefined) throw new Error("This program does not know its own file.");
  const child = fork(
    realEntry(entry),
    [
      "demo-service",
      options.orm,
      options.service,
      options.poolerVersion,
      options.policy ? "with" : "without",
    ],
    {
      env: environmentFor(options.url),
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      signal: options.signal,
      killSignal: "SIGKILL",
    },
  );
  const violations: string[] = [];
  const complaints = tailOf(child);
  const exited = once(child, "exit");

  const port = await new Promise<number>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error("it did not listen within 20 s")),
      START_TIMEOUT_MS,
    );
    child.on("message", (value) => {
      const message = serviceMessageFrom(value);
      if (message?.kind === "violation") violations.push(message.rule);
      if (message?.kind === "listening") {
        clearTimeout(timer);
        resolve(message.port);
      }
    });
    exited.then(
      () => reject(new Error(`it ended before it listened: ${scrubbed(complaints())}`)),
      reject,
    );
  }).catch((error: unknown) => {
    child.kill("SIGKILL");
    throw new Error(`The ${options.orm} service could not be started.`, { cause: error });
  });

  return {
    port,
    violations,
    async stop() {
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
      if (child.connected) child.send("stop");
      await exited;
      clearTimeout(timer);
    },
  };
}

function realEntry(entry: string): string {
  return entry.startsWith("file:") ? fileURLToPath(entry) : entry;
}

/** The parent's environment without what would name, route or excuse a connection behind the demo's back. */
function environmentFor(url: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(?:PG|DOORPOLICY_)/.test(name) && name !== "NODE_ENV",
  );

  return { ...Object.fromEntries(kept), DATABASE_URL: url };
}

/** The last words of a child on its standard error. */
function tailOf(child: ChildProcess): () => string {
  let tail = "";
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    tail = (tail + chunk).slice(-2_000);
  });

  return () => tail.trim();
}
