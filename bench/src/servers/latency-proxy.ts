import { fork } from "node:child_process";
import { once } from "node:events";

/** A way to a server that takes time. */
export interface SlowWay extends AsyncDisposable {
  /** The URL by that way. */
  url(original: string): string;
}

/**
 * Puts a round trip of so many milliseconds between client and server, the one of TCP's own handshake
 * included. In a process of its own: in that of the clients it would take its time from them.
 */
export async function startSlowWay(url: string, roundTripMs: number): Promise<SlowWay> {
  const { hostname, port } = new URL(url);
  const child = fork(new URL("./latency-proxy-process.ts", import.meta.url));
  const exited = once(child, "exit");
  child.send({ hostname, port: Number(port), roundTripMs });
  const listening = once(child, "message");
  const [own]: unknown[] = await Promise.race([
    listening,
    exited.then(() => {
      throw new Error("The proxy with a round trip did not start.");
    }),
  ]);
  return {
    url(original) {
      const through = new URL(original);
      through.hostname = "127.0.0.1";
      through.port = String(own);
      return through.href;
    },
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await exited;
    },
  };
}
