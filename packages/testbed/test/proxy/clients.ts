import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import pg from "pg";
import { onTestFinished } from "vitest";
import type { FaultProxy, ProxyMessage } from "@doorpolicy/testbed";
import { poll } from "../../src/run/poll.ts";

/** What pg says when the other side closed. */
export const FIN = "Connection terminated unexpectedly";

/** What pg says when the other side reset. */
export const RST = "read ECONNRESET";

/** A client that outlives its connection: what the loss of it says belongs to the query under way. */
export async function open(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  onTestFinished(async () => {
    // A goodbye would wait for ever in a black hole.
    socketOf(client).destroy();
  });
  await client.connect();
  return client;
}

/** What became of a promise: `"done"`, or the words of its error. */
export async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "done";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Whether a promise has neither resolved nor rejected by now. */
export async function isPending(work: Promise<unknown>): Promise<boolean> {
  const nothing = Symbol("nothing");
  const first = await Promise.race([work.catch(() => {}), Promise.resolve(nothing)]);
  return first === nothing;
}

/** The socket below a client. */
export function socketOf(client: pg.Client): Socket {
  const connection: object = Reflect.get(client, "connection");
  const stream: Socket = Reflect.get(connection, "stream");
  return stream;
}

/** Transcript of one direction in short: the name, and what the message says. */
export function spoken(proxy: FaultProxy, direction: ProxyMessage["direction"]): string[] {
  return proxy.seen
    .filter((message) => message.direction === direction)
    .filter(({ message }) => message !== "ParameterStatus")
    .map(({ message, sql, statement, tag, status, code, times }) =>
      [message, statement, sql ?? tag ?? status ?? code, times > 1 ? `×${times}` : undefined]
        .filter((part) => part !== undefined)
        .join(" "),
    );
}

/** Asks until it is so; `false` when it is not within five seconds. */
export async function eventually(ask: () => boolean | Promise<boolean>): Promise<boolean> {
  const answer = await poll(async () => ((await ask()) ? true : undefined), { timeoutMs: 5_000 });
  return answer === true;
}

/** A raw connection, and everything that came over it so far. */
export async function openRaw(
  port: number,
): Promise<{ socket: Socket; received: () => Buffer; closed: Promise<unknown> }> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => {});
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await once(socket, "connect");
  return { socket, received: () => Buffer.concat(chunks), closed };
}

/** Listens on a port that the kernel chooses. */
export async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP port");
  return address.port;
}

/** Passes bytes on in slices of `size`, each in a packet of its own, in both directions. */
export async function startSlicer(
  target: { readonly host: string; readonly port: number },
  size: number,
): Promise<{ readonly host: string; readonly port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const upstream = connect({ ...target, noDelay: true, allowHalfOpen: true });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on("error", () => {});
      void pumpInSlices(from, to, size).catch(() => {});
    }
  });
  const port = await listening(server);
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { host: "127.0.0.1", port };
}

async function pumpInSlices(from: Socket, to: Socket, size: number): Promise<void> {
  for await (const chunk of from as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length; at += size) {
      to.write(chunk.subarray(at, at + size));
      // The kernel has it, and the next turn of the loop reads it on the other side.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  to.end();
}
