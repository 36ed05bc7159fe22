import { createServer } from "node:net";
import { TestbedError } from "../errors.ts";

/** The only address servers of a testbed listen on. */
export const LOOPBACK = "127.0.0.1";

/**
 * A port that was free a moment ago. Neither server can be told "any port" (PgBouncer takes
 * `listen_port = 0` literally), so another process may take it first; whoever uses this tries again
 * with the next one when the server says that the address is in use.
 */
export function freePort(): Promise<number> {
  return listenOnce(0);
}

/** Checks a port that somebody asked for by number. Throws `testbed/port-in-use`. */
export async function requirePort(port: number, what: string): Promise<number> {
  try {
    return await listenOnce(port);
  } catch (error) {
    throw new TestbedError(
      "testbed/port-in-use",
      `${what} cannot listen on port ${port} of ${LOOPBACK}: ${reasonOf(error)}.`,
      "Stop what listens there, or leave the port out and a free one is chosen.",
      error,
    );
  }
}

/** Whether a server's log says that somebody else has its port. */
export function saysAddressInUse(log: string): boolean {
  return /address already in use/i.test(log);
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE") return "another process listens there";
  if (code === "EACCES") return "this user may not";
  return String(code ?? error);
}

function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => {
      const address = server.address();
      const chosen = address !== null && typeof address === "object" ? address.port : port;
      server.close(() => resolve(chosen));
    });
  });
}
