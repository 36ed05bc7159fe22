import { TestbedError, withoutUrls, type TestbedErrorCode } from "../errors.ts";
import { freePort, requirePort, saysAddressInUse } from "./port.ts";
import { poll } from "./poll.ts";
import { startServer, type ServerCommand, type ServerProcess } from "./server-process.ts";

/** A server that can be stopped and started again on its port. */
export interface Server {
  readonly port: number;
  /** Of the running process; `undefined` while it is stopped. */
  pid(): number | undefined;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** What a server is, before it has a port. */
export interface ServerSpec {
  /** In messages: "PgBouncer 1.24.1". */
  readonly what: string;
  readonly failure: TestbedErrorCode;
  /** Asked for by number; otherwise a free one is found. */
  readonly port?: number | undefined;
  /** Writes the configuration for a port. */
  configure(port: number): Promise<void>;
  readonly command: ServerCommand;
}

/** How often another port is chosen when somebody took ours between the choice and the start. */
const PORT_CHOICES = 5;
/** A restart waits this long for its old port, which a client may hold as its own end for a moment. */
const SAME_PORT_MS = 5_000;

/** Configures and starts a server, on the port asked for or on a free one. */
export async function openServer(spec: ServerSpec): Promise<Server> {
  let running: ServerProcess | undefined;
  let port = 0;
  for (let choice = 1; running === undefined; choice += 1) {
    port = spec.port === undefined ? await freePort() : await requirePort(spec.port, spec.what);
    await spec.configure(port);
    const started = await startServer(spec.command);
    if (!("failed" in started)) running = started;
    else if (
      spec.port !== undefined ||
      choice === PORT_CHOICES ||
      !saysAddressInUse(started.failed)
    ) {
      throw startFailed(spec, port, started.failed);
    }
  }
  return {
    port,
    pid: () => (running?.hasExited() === false ? running.pid : undefined),
    async stop() {
      await running?.stop();
    },
    async start() {
      if (running?.hasExited() === false) return;
      let last = "";
      running = await poll(
        async () => {
          const started = await startServer(spec.command);
          if (!("failed" in started)) return started;
          last = started.failed;
          if (!saysAddressInUse(last)) throw startFailed(spec, port, last);
          return undefined;
        },
        { timeoutMs: SAME_PORT_MS, intervalMs: 50 },
      );
      if (running === undefined) throw startFailed(spec, port, last);
    },
  };
}

function startFailed({ what, failure }: ServerSpec, port: number, log: string): TestbedError {
  if (saysAddressInUse(log)) {
    return new TestbedError(
      "testbed/port-in-use",
      `${what} cannot listen on port ${port}: another process listens there.`,
      "Stop what listens there, or leave the port out and a free one is chosen.",
    );
  }
  const tail = withoutUrls(log).trim().split("\n").slice(-5).join("\n");
  return new TestbedError(
    failure,
    `${what} did not start. Its log ends with:\n${tail}`,
    "Read the log above; a key in `settings` that this version does not know is the usual cause.",
  );
}
